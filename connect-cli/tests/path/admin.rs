//! Administration: the examples of documentation and help, each run as it stands there.
use crate::{setting, unique, with_servers};
use connect_api::Encoded;
use connect_transport::{
    Page, Publisher, PublisherOptions, Transport,
    rocketmq::{RocketMq, RocketMqOptions},
};
use std::{fs, path::Path, process::Command, sync::Arc};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/administration.md");
const PASSWORD: &str = "planted-password";

/// The commands of the page, in order.
fn commands() -> Vec<String> {
    let page = fs::read_to_string(PAGE).unwrap();
    let blocks = page.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
    lines.map(str::to_owned).collect()
}

fn program(args: &[String], dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rocketmq-connect"));
    command
        .args(args)
        .current_dir(dir)
        .env("NAMESRV_ADDR", setting("CONNECT_TEST_ROCKETMQ"))
        .env("ORDERS_PASSWORD", PASSWORD)
        .env_remove("RUST_LOG");
    command
}

/// What a command prints; it must end well.
fn said(args: &[String], dir: &Path) -> String {
    let output = program(args, dir).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {err}");
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(!format!("{out}{err}").contains(PASSWORD), "{args:?}");
    out
}

/// The words of a command, as a shell takes them.
fn split(command: &str) -> Vec<String> {
    let words = command
        .strip_prefix("rocketmq-connect ")
        .unwrap()
        .split(' ');
    words
        .map(|word| word.trim_matches('\'').to_owned())
        .collect()
}

/// A directory with what the examples take as given.
fn scene() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let admin = setting("CONNECT_TEST_ROCKETMQ_ACL_ADMIN");
    let (user, secret) = admin.split_once(':').unwrap();
    let file = |name: &str, text: String| fs::write(dir.path().join(name), text).unwrap();
    file(
        "acl.toml",
        format!(
            "namesrvAddr = {:?}\naclEnable = true\naccessKey = {user:?}\nsecretKey = {secret:?}\n",
            setting("CONNECT_TEST_ROCKETMQ_ACL")
        ),
    );
    let server = setting("CONNECT_TEST_ROCKETMQ");
    file("worker.toml", format!("namesrvAddr = {server:?}\n"));
    file("secret", format!("{PASSWORD}\n"));
    dir
}

/// Sends rows 1 to 9 with their keys.
async fn send(topic: &str) {
    let options = RocketMqOptions::new(&setting("CONNECT_TEST_ROCKETMQ"));
    let transport: Arc<dyn Transport> = RocketMq::connect(options).await.unwrap();
    let mut encoded = Encoded::default();
    for id in 1..10 {
        encoded.keys.push(id.to_string().as_bytes());
        encoded.bodies.push(format!("row {id}").as_bytes());
    }
    let (options, stop) = (PublisherOptions::default(), CancellationToken::new());
    let mut publisher = Publisher::open(&transport, topic, options, stop)
        .await
        .unwrap();
    let ticket = publisher.send(Page::new(&encoded)).await.unwrap();
    publisher.wait(ticket).await.unwrap();
    transport.close(std::time::Duration::from_secs(2)).await;
}

#[test]
fn every_example_of_administration_does_what_the_page_says() {
    let _servers = with_servers();
    let dir = scene();
    let secret = dir.path().join("secret").display().to_string();
    let (topic, user) = (unique("shop"), unique("user"));
    let group = format!("connect-{topic}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // A broker that was just started has no topic to list.
    let first = unique("first");
    let create = format!("rocketmq-connect topics create {first} --queues 1");
    said(&split(&create), dir.path());
    runtime.block_on(send(&first));
    let mut id = String::new();
    let mut ran = 0;
    for command in commands() {
        let ours = command
            .replace("/run/secrets/orders", &secret)
            .replace("shop-orders", &topic)
            .replace("connect-orders-sink", &group)
            .replace("7F00000100025CAE3BC64D2F80B00001", &id)
            .replace("User:orders", &format!("User:{user}"))
            .replace(" orders", &format!(" {user}"));
        let mut args = split(&ours);
        if args[0] == "acl" {
            args.extend(["--worker".into(), "acl.toml".into()]);
        }
        let out = said(&args, dir.path());
        ran += 1;
        let has = |text: &str| assert!(out.contains(text), "{args:?}: no {text:?} in:\n{out}");
        let verb: Vec<_> = args.iter().map(String::as_str).collect();
        match verb[..] {
            ["brokers", ..] => has("rocketmq"),
            ["topics", "list", ..] => has(&first),
            ["topics", "create", ..] => runtime.block_on(send(&topic)),
            ["topics", "show", ..] => has("message.type=NORMAL"),
            ["groups", "create", ..] => has("created"),
            ["groups", "list", ..] => has(&group),
            ["groups", "show", ..] => has("nobody consumes as this group now"),
            ["groups", "reset", _, _, "--to", "latest", ..] => {
                let shown = said(
                    &split(&format!("rocketmq-connect groups show {group}")),
                    dir.path(),
                );
                assert!(shown.contains("lag: 0"), "{shown}");
            }
            ["messages", "find", _, "--key", "7"] => {
                let line = out.lines().nth(1).unwrap_or_else(|| panic!("{out}"));
                let words: Vec<_> = line.split_whitespace().collect();
                assert_eq!(words[4], "7", "{out}");
                id = words[5].to_owned();
            }
            ["messages", "find", .., "--body"] => {
                has("row ");
                has("there may be more");
            }
            ["messages", "find", _, "--id", ..] => {
                let document: serde_json::Value = serde_json::from_str(&out).unwrap();
                assert_eq!(document["messages"][0]["keys"], "7", "{out}");
                assert!(!out.contains("row 7"), "{out}");
            }
            ["acl", "policies", "list", ..] => has("Pub,Sub"),
            ["acl", "users", "list", ..] => has("superuser"),
            _ => {}
        }
    }
    assert!(ran > 30, "{ran}");
}

#[test]
fn the_page_has_every_example_of_the_help() {
    let known = commands();
    let dir = tempfile::tempdir().unwrap();
    let mut found = 0;
    for of in ["brokers", "topics", "groups", "messages", "acl"] {
        let help = Command::new(env!("CARGO_BIN_EXE_rocketmq-connect"))
            .args([of, "--help"])
            .current_dir(dir.path())
            .output()
            .unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        for line in help.lines().map(str::trim) {
            if line.starts_with("rocketmq-connect ") {
                assert!(known.iter().any(|command| command == line), "{line}");
                found += 1;
            }
        }
    }
    assert!(found > 12, "{found}");
}

#[test]
fn failed_admin_commands_say_what_to_do() {
    let _servers = with_servers();
    let dir = scene();
    fs::write(
        dir.path().join("embedded.toml"),
        "transport = \"embedded\"\n",
    )
    .unwrap();
    let missing = unique("missing");
    for (args, code, words) in [
        (
            vec!["topics", "show", &missing],
            2,
            "no name server knows it",
        ),
        (vec!["groups", "show", &missing], 2, "no broker knows it"),
        (
            vec!["messages", "find", &missing, "--from", "1h"],
            2,
            "no name server knows it",
        ),
        (vec!["messages", "find", &missing], 2, "--key"),
        (
            vec!["messages", "find", &missing, "--from", "yesterday"],
            2,
            "with its zone",
        ),
        (
            vec!["groups", "reset", "a", "b", "--to", "0"],
            2,
            "use earliest, latest, offset:N",
        ),
        (vec!["acl", "users", "list"], 2, "authenticationEnabled"),
        (vec!["acl", "users", "delete", "x"], 2, "add --yes"),
        (
            vec!["acl", "users", "create", "x", "--password", "open"],
            2,
            "give ${env:NAME}",
        ),
        (
            vec!["topics", "delete", "TBW102", "--yes"],
            2,
            "RocketMQ's own",
        ),
        (
            vec!["topics", "list", "--worker", "embedded.toml"],
            2,
            "has no brokers",
        ),
        (
            vec!["topics", "list", "--user", "x"],
            2,
            "ROCKETMQ_SECRET_KEY",
        ),
        (
            vec!["groups", "list", "--namesrv", "127.0.0.1:9"],
            3,
            "127.0.0.1:9",
        ),
    ] {
        let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
        let output = program(&args, dir.path()).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {err}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
}
