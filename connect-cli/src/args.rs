//! The command line.
#[cfg(feature = "admin")]
use crate::admin::args as admin;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const ABOUT: &str = "\
Moves rows between databases and Apache RocketMQ.

A worker file configures the transport, and a file per connector configures what is copied:

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

Files of the Java original are accepted unchanged: worker properties, and connectors as JSON, with
any file name. If the Java original is on the other side of a topic, set
`value.converter.interop` = java.";

const AFTER: &str = "\
Exit codes:
  0  finished, or stopped by a signal, and no task failed
  1  a task or the program failed
  2  the command line or the configuration is invalid
  3  a server rejects the credentials, or (run --fail-fast, quickstart) is unreachable
  4  tasks did not stop within the timeout
  5  quickstart: source and target differ";

/// Arguments of the program.
#[derive(Debug, Parser)]
#[command(name = "rocketmq-connect", version, about = "Moves rows between databases and Apache RocketMQ", long_about = ABOUT, after_help = AFTER)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Log level (standard error): -v debug, -vv trace. RUST_LOG takes precedence.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Demonstration: copies a changing table to a second database
    Quickstart(QuickstartArgs),
    /// Run connectors until SIGTERM or Ctrl-C, or until all tasks have finished
    Run(RunCommand),
    /// Validate configuration, tables, columns and privileges without copying rows
    Check(RunArgs),
    /// Print the statements that create what connectors need in their databases; runs none of them
    Ddl(DdlArgs),
    /// Print the reference of configuration keys, as Markdown
    Keys(KeysArgs),
    /// Show the brokers of the RocketMQ cluster: versions, rates, disks
    #[cfg(feature = "admin")]
    Brokers(admin::Brokers),
    /// Manage topics: list, show, create, change, delete
    #[cfg(feature = "admin")]
    Topics(admin::Topics),
    /// Manage consumer groups: list, show members and lag, create, delete, reset offsets
    #[cfg(feature = "admin")]
    Groups(admin::Groups),
    /// Find messages by key, id or time
    #[cfg(feature = "admin")]
    Messages(admin::Messages),
    /// Manage users and policies of RocketMQ's access control
    #[cfg(feature = "admin")]
    Acl(admin::Acl),
}

/// Output format of results; logs go to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Human-readable text
    Text,
    /// One JSON document at the end
    Json,
}

/// Arguments of `quickstart`.
#[derive(Debug, ClapArgs)]
pub(crate) struct QuickstartArgs {
    /// Directory for the databases, the messages and the configuration; created if it does not exist
    #[arg(long, default_value = "quickstart-data", value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Initial rows of the table `orders`
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) rows: u32,
    /// How long to insert, update and delete rows
    #[arg(long = "for", default_value_t = 10, value_name = "SECONDS")]
    pub(crate) seconds: u64,
    /// Output format
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Arguments of `run`.
#[derive(Debug, ClapArgs)]
pub(crate) struct RunCommand {
    #[command(flatten)]
    pub(crate) files: RunArgs,
    /// Exit with code 3 if no name server or broker is reachable at startup, instead of waiting
    #[arg(long)]
    pub(crate) fail_fast: bool,
}

/// Arguments of `run` and `check`.
#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    /// Worker file: .toml, or .properties or .conf of the Java original
    #[arg(value_name = "WORKER")]
    pub(crate) worker: PathBuf,
    /// Connector files: .toml, .json, .properties, .conf or .template; in addition to those of the worker file
    #[arg(value_name = "CONNECTOR")]
    pub(crate) connectors: Vec<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Arguments of `ddl`.
#[derive(Debug, ClapArgs)]
pub(crate) struct DdlArgs {
    /// Worker file: .toml, or .properties or .conf of the Java original
    #[arg(value_name = "WORKER")]
    pub(crate) worker: PathBuf,
    /// Connector files: .toml, .json, .properties, .conf or .template; in addition to those of the worker file
    #[arg(value_name = "CONNECTOR")]
    pub(crate) connectors: Vec<PathBuf>,
}

/// Arguments of `keys`.
#[derive(Debug, ClapArgs)]
pub(crate) struct KeysArgs {
    /// Component (default: all)
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
