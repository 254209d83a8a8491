//! Administration of a RocketMQ cluster: `brokers`, `topics`, `groups`, `messages`, `acl`.
mod access;
pub(crate) mod args;
mod confirm;
mod groups;
mod messages;
mod table;
mod time;
mod topics;
mod words;

use crate::{compose, exit::Exit, output};
use args::At;
use connect_api::{Error, ErrorKind, Result};
use connect_runtime::{TransportChoice, WorkerConfig, WorkerFile};
use connect_transport::rocketmq::admin::Admin;
use serde::Serialize;
use std::{env, time::Duration};
use table::Table;

const NAMESRV_ADDR: &str = "NAMESRV_ADDR";
const SECRET_KEY: &str = "ROCKETMQ_SECRET_KEY";

/// What to administer.
pub(crate) enum Command {
    Brokers(args::Brokers),
    Topics(args::Topics),
    Groups(args::Groups),
    Messages(args::Messages),
    Acl(args::Acl),
}

/// Administers a cluster.
pub(crate) async fn administer(command: Command) -> Result<Exit> {
    let at = match &command {
        Command::Brokers(args) => &args.at,
        Command::Topics(args) => &args.at,
        Command::Groups(args) => &args.at,
        Command::Messages(args) => &args.at,
        Command::Acl(args) => &args.at,
    };
    let admin = connect(at).await?;
    let json = at.json;
    let done = match command {
        Command::Brokers(_) => brokers(&admin, json).await,
        Command::Topics(args) => topics::run(&admin, args.action, json).await,
        Command::Groups(args) => groups::run(&admin, args.action, json).await,
        Command::Messages(args) => messages::run(&admin, args.action, json).await,
        Command::Acl(args) => access::run(&admin, args.action, json).await,
    };
    admin.close(Duration::from_secs(2)).await;
    done.map(|()| Exit::Success)
}

async fn connect(at: &At) -> Result<Admin> {
    let mut options = compose::rocketmq_options(&config(at)?)?;
    options.cluster.clone_from(&at.cluster);
    // Not the worker: it may run meanwhile.
    options.instance_name = format!("admin-{}", std::process::id());
    Admin::connect(options).await
}

/// The worker file's settings, with what the command line says in their place.
fn config(at: &At) -> Result<WorkerConfig> {
    let fault = |text: String| Err(Error::new(ErrorKind::Config, text));
    let addresses = match (&at.namesrv, &at.worker) {
        (Some(addresses), _) => addresses.clone(),
        (None, Some(_)) => String::new(),
        (None, None) => match env::var(NAMESRV_ADDR) {
            Ok(addresses) if !addresses.is_empty() => addresses,
            _ => {
                return fault(format!(
                    "which cluster? Give --worker FILE, or host:port of a name server by --namesrv \
                     or in {NAMESRV_ADDR} of the environment"
                ));
            }
        },
    };
    let mut config = match &at.worker {
        Some(path) => WorkerFile::read(path)?.config,
        None => WorkerConfig::new([("namesrvAddr", addresses.as_str())])?,
    };
    if config.transport == TransportChoice::Embedded {
        return fault(
            "the worker's transport is `embedded`: it has no brokers to administer".to_owned(),
        );
    }
    if !addresses.is_empty() {
        let given = WorkerConfig::new([("namesrvAddr", addresses)])?;
        config.name_servers = given.name_servers;
    }
    if let Some(user) = &at.user {
        let Ok(secret) = env::var(SECRET_KEY) else {
            return fault(format!(
                "user {user:?}: its secret is to be in {SECRET_KEY} of the environment, or take a \
                 worker file with accessKey and secretKey"
            ));
        };
        let signed = WorkerConfig::new([
            ("namesrvAddr", config.name_servers.0.join(";").as_str()),
            ("aclEnable", "true"),
            ("accessKey", user),
            ("secretKey", &secret),
        ])?;
        config.acl_enable = true;
        config.access_key = signed.access_key;
        config.secret_key = signed.secret_key;
        config.security_token = None;
    }
    Ok(config)
}

/// Says what was done.
fn done(json: bool, what: &str) -> Result<()> {
    #[derive(Serialize)]
    struct Done<'a> {
        done: &'a str,
    }
    if json {
        output::print_json(&Done { done: what })
    } else {
        output::print(what)
    }
}

/// A list of names in a cell.
fn joined(names: &[String]) -> String {
    names.join(",")
}

/// A number in a cell, empty where there is none.
fn number(number: Option<impl ToString>) -> String {
    number.map(|n| n.to_string()).unwrap_or_default()
}

async fn brokers(admin: &Admin, json: bool) -> Result<()> {
    let brokers = admin.brokers().await?;
    if json {
        return output::print_json(&brokers);
    }
    let mut table = Table::new(&[
        "CLUSTER", "BROKER", "ID", "ADDRESS", "VERSION", "STARTED", "IN/S", "OUT/S", "DISK",
    ]);
    for broker in &brokers {
        let state = broker.state.as_ref();
        let rate = |rate: Option<f64>| number(rate.map(|rate| format!("{rate:.1}")));
        let disk = state.and_then(|state| state.disk_used);
        table.row([
            broker.cluster.clone(),
            broker.name.clone(),
            broker.id.to_string(),
            broker.address.clone(),
            state.map_or("(no answer)".to_owned(), |state| state.version.clone()),
            time::shown(state.and_then(|state| state.started)),
            rate(state.and_then(|state| state.stored_per_second)),
            rate(state.and_then(|state| state.read_per_second)),
            number(disk.map(|disk| format!("{:.0} %", disk * 100.0))),
        ]);
    }
    table.print()?;
    for fault in brokers.iter().filter_map(|broker| broker.fault.as_ref()) {
        output::print(&format!("fault: {fault}"))?;
    }
    Ok(())
}
