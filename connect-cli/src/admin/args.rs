//! The command line of administration.
use super::{time::Moment, words};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use connect_transport::{
    QueueType,
    rocketmq::admin::{MessageType, Permission, UserKind},
};
use std::{num::NonZeroU32, path::PathBuf};

/// Connection to the cluster.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// Worker file with the name servers, credentials and TLS settings
    #[arg(
        short,
        long,
        value_name = "FILE",
        global = true,
        help_heading = "Cluster"
    )]
    pub(crate) worker: Option<PathBuf>,
    /// Name servers, host:port, separated by `;` (default: environment variable NAMESRV_ADDR)
    #[arg(
        short,
        long,
        value_name = "ADDRESS",
        global = true,
        help_heading = "Cluster"
    )]
    pub(crate) namesrv: Option<String>,
    /// Access key (user name); the secret key is read from the environment variable ROCKETMQ_SECRET_KEY
    #[arg(
        short,
        long,
        value_name = "NAME",
        global = true,
        help_heading = "Cluster"
    )]
    pub(crate) user: Option<String>,
    /// Cluster name, if the name servers know several (default: all)
    #[arg(long, value_name = "NAME", global = true, help_heading = "Cluster")]
    pub(crate) cluster: Option<String>,
    /// Print one JSON document instead of tables
    #[arg(long, global = true, help_heading = "Cluster")]
    pub(crate) json: bool,
}

/// Skips the confirmation.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Sure {
    /// Do not ask for confirmation; required without a terminal
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Arguments of `brokers`.
#[derive(Debug, Args)]
#[command(after_help = words::BROKERS)]
pub(crate) struct Brokers {
    #[command(flatten)]
    pub(crate) at: At,
}

/// Arguments of `topics`.
#[derive(Debug, Args)]
#[command(after_help = words::TOPICS)]
pub(crate) struct Topics {
    #[command(flatten)]
    pub(crate) at: At,
    #[command(subcommand)]
    pub(crate) action: TopicAction,
}

/// What to do with topics.
#[derive(Debug, Subcommand)]
pub(crate) enum TopicAction {
    /// List topics with their brokers and queues
    List {
        /// Include retry and dead letter topics of groups, and RocketMQ's system topics
        #[arg(long)]
        all: bool,
    },
    /// Show a topic: settings, queue offsets, consumer groups
    Show {
        /// Topic name
        topic: String,
    },
    /// Create a topic
    Create {
        /// Topic name
        topic: String,
        /// Number of queues, over all brokers
        #[arg(long, value_name = "N", default_value = "8")]
        queues: NonZeroU32,
        /// Permission: rw, r, w or none
        #[arg(long, value_name = "PERMISSION", default_value = "rw")]
        permission: Permission,
        /// Message type
        #[arg(long = "type", value_enum, value_name = "TYPE", default_value_t = Type::Normal)]
        message_type: Type,
        /// How it stores batches: simple stores every message by itself, batch a batch as one entry
        #[arg(long, value_enum, value_name = "TYPE", default_value_t = Queues::Simple)]
        queue_type: Queues,
    },
    /// Change the queues or the permission of a topic
    #[command(group = ArgGroup::new("change").required(true).multiple(true).args(["queues", "read_queues", "write_queues", "permission"]))]
    Change {
        /// Topic name
        topic: String,
        /// Number of queues, over all brokers. This assigns keys to other queues: first stop the sources
        /// and let the sinks catch up
        #[arg(long, value_name = "N", conflicts_with_all = ["read_queues", "write_queues"])]
        queues: Option<NonZeroU32>,
        /// Number of read queues
        #[arg(long, value_name = "N")]
        read_queues: Option<NonZeroU32>,
        /// Number of write queues
        #[arg(long, value_name = "N")]
        write_queues: Option<NonZeroU32>,
        /// Permission: rw, r, w or none
        #[arg(long, value_name = "PERMISSION")]
        permission: Option<Permission>,
        #[command(flatten)]
        sure: Sure,
    },
    /// Delete a topic and its messages
    Delete {
        /// Topic name
        topic: String,
        #[command(flatten)]
        sure: Sure,
    },
}

/// How a topic stores batches.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Queues {
    /// Every message by itself
    Simple,
    /// A batch as one entry (RIP-26): less CPU time of the broker, for RocketMQ 5 clients only
    Batch,
}

impl From<Queues> for QueueType {
    fn from(queues: Queues) -> Self {
        match queues {
            Queues::Simple => Self::Simple,
            Queues::Batch => Self::Batch,
        }
    }
}

/// Message type of a topic.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Type {
    /// Any type
    Normal,
    /// FIFO messages, in order by message group
    Fifo,
    /// Delay messages
    Delay,
    /// Transaction messages
    Transaction,
}

impl From<Type> for MessageType {
    fn from(kind: Type) -> Self {
        match kind {
            Type::Normal => Self::Normal,
            Type::Fifo => Self::Fifo,
            Type::Delay => Self::Delay,
            Type::Transaction => Self::Transaction,
        }
    }
}

/// Arguments of `groups`.
#[derive(Debug, Args)]
#[command(after_help = words::GROUPS)]
pub(crate) struct Groups {
    #[command(flatten)]
    pub(crate) at: At,
    #[command(subcommand)]
    pub(crate) action: GroupAction,
}

/// What to do with consumer groups.
#[derive(Debug, Subcommand)]
pub(crate) enum GroupAction {
    /// List consumer groups
    List {
        /// Include members and lag; takes several requests per queue
        #[arg(long)]
        lag: bool,
        /// Include RocketMQ's system groups
        #[arg(long)]
        all: bool,
    },
    /// Show a group: members, and offsets and lag of each queue
    Show {
        /// Group name; that of a sink is its `task.group.id`, or connect- and the name of the sink
        group: String,
    },
    /// Create a group
    Create {
        /// Group name
        group: String,
        /// Maximum redeliveries to RocketMQ's own consumers; no effect on sinks, which use
        /// `errors.retry.timeout`
        #[arg(long, value_name = "N")]
        retries: Option<u32>,
    },
    /// Delete a group and its offsets
    Delete {
        /// Group name
        group: String,
        #[command(flatten)]
        sure: Sure,
    },
    /// Reset the offsets of a group in a topic, also while a sink runs
    Reset {
        /// Group name
        group: String,
        /// Topic name
        topic: String,
        /// earliest, latest, a time (2026-11-28T05:00:00Z, or 2h for two hours ago), or offset:N
        #[arg(long, value_name = "WHERE")]
        to: Target,
        /// Only queues with this id; can be repeated
        #[arg(long = "queue", value_name = "N")]
        queues: Vec<u32>,
        #[command(flatten)]
        sure: Sure,
    },
}

/// Target of an offset reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Earliest,
    Latest,
    Time(Moment),
    Offset(i64),
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "earliest" => Ok(Self::Earliest),
            None if text == "latest" => Ok(Self::Latest),
            Some(("offset", offset)) => match offset.parse() {
                Ok(offset) if offset >= 0 => Ok(Self::Offset(offset)),
                _ => Err("an offset is a whole number, as offset:120".to_owned()),
            },
            _ => text
                .parse()
                .map(Self::Time)
                .map_err(|e| format!("use earliest, latest, offset:N, or a time: {e}")),
        }
    }
}

/// Arguments of `messages`.
#[derive(Debug, Args)]
#[command(after_help = words::MESSAGES)]
pub(crate) struct Messages {
    #[command(flatten)]
    pub(crate) at: At,
    #[command(subcommand)]
    pub(crate) action: MessageAction,
}

/// What to do with messages.
#[derive(Debug, Subcommand)]
pub(crate) enum MessageAction {
    /// Find messages of a topic by key, by id, or by the time they were stored; commits nothing
    Find(Find),
}

/// Which messages.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("by").required(true).multiple(true).args(["key", "id", "from", "to"]))]
pub(crate) struct Find {
    /// Topic name
    pub(crate) topic: String,
    /// Message key, as written by the source: `{"id":7}` or `7`, for example
    #[arg(long, conflicts_with = "id")]
    pub(crate) key: Option<String>,
    /// Message id, of the producer or of the broker
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub(crate) id: Option<String>,
    /// Start of the store time: 2026-11-28T05:00:00Z, or 2h for two hours ago
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<Moment>,
    /// End of the store time
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<Moment>,
    /// Only queues with this id; can be repeated
    #[arg(long = "queue", value_name = "N", conflicts_with_all = ["key", "id"])]
    pub(crate) queues: Vec<u32>,
    /// Maximum number of messages: the oldest, or with --key the newest
    #[arg(long, value_name = "N", default_value = "20")]
    pub(crate) limit: NonZeroU32,
    /// Show bodies and all properties; they contain values of rows
    #[arg(long)]
    pub(crate) body: bool,
}

/// Arguments of `acl`.
#[derive(Debug, Args)]
#[command(after_help = words::ACL)]
pub(crate) struct Acl {
    #[command(flatten)]
    pub(crate) at: At,
    #[command(subcommand)]
    pub(crate) action: AclAction,
}

/// What to do with access control.
#[derive(Debug, Subcommand)]
pub(crate) enum AclAction {
    /// Users: list, create, change, delete
    #[command(subcommand)]
    Users(UserAction),
    /// Policies: list, grant, revoke
    #[command(subcommand)]
    Policies(PolicyAction),
}

/// What to do with users.
#[derive(Debug, Subcommand)]
pub(crate) enum UserAction {
    /// List users, without passwords
    List,
    /// Create a user
    Create {
        /// User name (the access key)
        name: String,
        /// Password (the secret key), as ${env:NAME} or ${file:/path}
        #[arg(long, value_name = "REFERENCE")]
        password: String,
        /// User type
        #[arg(long = "type", value_enum, value_name = "TYPE", default_value_t = Kind::Normal)]
        kind: Kind,
    },
    /// Change a user; omitted settings are kept
    #[command(group = ArgGroup::new("change").required(true).multiple(true).args(["password", "kind", "enable", "disable"]))]
    Change {
        /// User name
        name: String,
        /// New password, as ${env:NAME} or ${file:/path}
        #[arg(long, value_name = "REFERENCE")]
        password: Option<String>,
        /// User type
        #[arg(long = "type", value_enum, value_name = "TYPE")]
        kind: Option<Kind>,
        /// Enable the user
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Disable the user
        #[arg(long)]
        disable: bool,
    },
    /// Delete a user; its policies are kept
    Delete {
        /// User name
        name: String,
        #[command(flatten)]
        sure: Sure,
    },
}

/// Type of a user.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    /// Normal user: permissions by policy
    Normal,
    /// Super user: all permissions
    Super,
}

impl From<Kind> for UserKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Normal => Self::Normal,
            Kind::Super => Self::Super,
        }
    }
}

/// What to do with policies.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyAction {
    /// List policies, of all subjects or by name
    List {
        /// Substring of the subject's name
        #[arg(long, value_name = "TEXT", default_value = "")]
        subject: String,
        /// Substring of the resource's name
        #[arg(long, value_name = "TEXT", default_value = "")]
        resource: String,
    },
    /// Allow or deny actions of a subject; replaces its policy on the same resource
    Grant {
        /// Subject, as User:name
        subject: String,
        /// Resource: Topic:name, Group:name or Cluster:name; a `*` at the end of the name matches any suffix
        resource: String,
        /// Actions, separated by commas: Pub, Sub, Create, Update, Delete, Get, List or All
        #[arg(long, value_name = "ACTION", value_delimiter = ',', required = true)]
        actions: Vec<Action>,
        /// Only from this address or network; can be repeated
        #[arg(long = "from-address", value_name = "ADDRESS")]
        addresses: Vec<String>,
        /// Deny instead of allow
        #[arg(long)]
        deny: bool,
    },
    /// Delete a policy of a subject, or all of them
    Revoke {
        /// Subject, as User:name
        subject: String,
        /// Resource (default: all)
        resource: Option<String>,
        #[command(flatten)]
        sure: Sure,
    },
}

/// What a policy is about.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(crate) enum Action {
    All,
    Pub,
    Sub,
    Create,
    Update,
    Delete,
    Get,
    List,
}
