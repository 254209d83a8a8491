//! The command line.
#[cfg(feature = "admin")]
use crate::admin::args as admin;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const ABOUT: &str = "\
Moves rows between databases and Apache RocketMQ.

A worker file says where the messages are, and a file for each connector says what moves:

    # worker.toml
    namesrvAddr = \"127.0.0.1:9876\"
    storePathRootDir = \"/var/lib/rocketmq-connect\"

    # orders-source.toml: a table to the topic `shop-orders`
    \"connector.class\" = \"jdbc-source\"
    \"connection.url\" = \"postgres://shop:${env:SHOP_PASSWORD}@db:5432/shop\"
    mode = \"timestamp+incrementing\"
    \"table.whitelist\" = \"public.orders\"
    \"timestamp.column.name\" = \"updated_at\"
    \"incrementing.column.name\" = \"id\"
    \"timestamp.delay.interval.ms\" = 5000
    \"topic.prefix\" = \"shop-\"

    # orders-sink.toml: the topic to a table
    \"connector.class\" = \"jdbc-sink\"
    \"connection.url\" = \"mysql://copy@replica:3306/shop\"
    \"connection.password\" = \"${file:/run/secrets/copy:password}\"
    \"connect.topicnames\" = \"shop-orders\"
    \"table.name.format\" = \"orders\"
    \"insert.mode\" = \"upsert\"
    \"pk.mode\" = \"record_key\"
    \"pk.fields\" = \"id\"
    \"auto.create\" = true

    rocketmq-connect check worker.toml orders-source.toml orders-sink.toml
    rocketmq-connect run   worker.toml orders-source.toml orders-sink.toml

Files of the Java original are taken as they are: worker properties, and connectors as JSON, by
whatever name. Where the Java original is on the other side of a topic, give its connectors
`value.converter.interop` = java.";

const AFTER: &str = "\
Exit codes:
  0  done, or stopped as asked, and no task had failed
  1  a task failed, or the program itself
  2  the command line or a configuration is at fault
  3  a server refuses the credentials, or (run --fail-fast, quickstart) cannot be reached
  4  tasks did not end in time when the worker was stopped
  5  quickstart: the two sides differ";

/// Arguments of the program.
#[derive(Debug, Parser)]
#[command(name = "rocketmq-connect", version, about = "Moves rows between databases and Apache RocketMQ", long_about = ABOUT, after_help = AFTER)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// More in the log (standard error): -v debug, -vv everything. RUST_LOG goes before it.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show it at work: a table that changes, carried into a second database, in one command
    Quickstart(QuickstartArgs),
    /// Run connectors until SIGTERM or Ctrl-C, or until all tasks have ended
    Run(RunCommand),
    /// List all faults of configuration, tables, columns and privileges; moves nothing
    Check(RunArgs),
    /// Print the reference of configuration keys, as Markdown
    Keys(KeysArgs),
    /// Brokers of the RocketMQ cluster: versions, rates, disks
    #[cfg(feature = "admin")]
    Brokers(admin::Brokers),
    /// Topics of the RocketMQ cluster: list, show, create, change, delete
    #[cfg(feature = "admin")]
    Topics(admin::Topics),
    /// Consumer groups: list, show members and lag, create, delete, reset offsets
    #[cfg(feature = "admin")]
    Groups(admin::Groups),
    /// Messages by key, by id, by time
    #[cfg(feature = "admin")]
    Messages(admin::Messages),
    /// Users and policies of RocketMQ's access control
    #[cfg(feature = "admin")]
    Acl(admin::Acl),
}

/// How results are printed; logs go to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Text,
    /// One JSON document at the end
    Json,
}

/// Arguments of `quickstart`.
#[derive(Debug, ClapArgs)]
pub(crate) struct QuickstartArgs {
    /// Directory for the databases, the messages and the configuration; made if it is not there
    #[arg(long, default_value = "quickstart-data", value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Rows of the table `orders` at the beginning
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) rows: u32,
    /// How long to go on inserting, updating and deleting rows
    #[arg(long = "for", default_value_t = 10, value_name = "SECONDS")]
    pub(crate) seconds: u64,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Arguments of `run`.
#[derive(Debug, ClapArgs)]
pub(crate) struct RunCommand {
    #[command(flatten)]
    pub(crate) files: RunArgs,
    /// End with exit code 3 where no name server or broker can be reached at the start, rather
    /// than wait for one
    #[arg(long)]
    pub(crate) fail_fast: bool,
}

/// Arguments of `run` and `check`.
#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    /// Worker file: .toml, or .properties, .conf of the Java original
    #[arg(value_name = "WORKER")]
    pub(crate) worker: PathBuf,
    /// Connector files: .toml, or .json, .properties, .conf, .template; beside those that the worker file names
    #[arg(value_name = "CONNECTOR")]
    pub(crate) connectors: Vec<PathBuf>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Arguments of `keys`.
#[derive(Debug, ClapArgs)]
pub(crate) struct KeysArgs {
    /// Of which component; all where it is left out
    #[arg(value_enum)]
    pub(crate) of: Option<Component>,
}

/// Components with configuration keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Component {
    /// The worker file
    Worker,
    /// Every connector
    Connector,
    /// Every source
    Source,
    /// Every sink
    Sink,
    /// jdbc-source
    JdbcSource,
    /// jdbc-sink
    JdbcSink,
    /// value.converter.* of the JSON converter
    Json,
}
