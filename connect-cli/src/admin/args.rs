//! The command line of administration.
use super::{time::Moment, words};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use connect_transport::rocketmq::admin::{MessageType, Permission, UserKind};
use std::{num::NonZeroU32, path::PathBuf};

/// Which cluster, as whom.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// Worker file that says where the cluster is, whom to sign as, and how connections are
    /// encrypted
    #[arg(
        short,
        long,
        value_name = "FILE",
        global = true,
        help_heading = "Cluster"
    )]
    pub(crate) worker: Option<PathBuf>,
    /// Name servers, host:port, several separated by `;`; else NAMESRV_ADDR of the environment
    #[arg(
        short,
        long,
        value_name = "ADDRESS",
        global = true,
        help_heading = "Cluster"
    )]
    pub(crate) namesrv: Option<String>,
    /// User to sign as, by the secret in ROCKETMQ_SECRET_KEY of the environment
    #[arg(
        short,
        long,
        value_name = "NAME",
        global = true,
        help_heading = "Cluster"
    )]
    pub(crate) user: Option<String>,
    /// The cluster, where the name servers know several; else all
    #[arg(long, value_name = "NAME", global = true, help_heading = "Cluster")]
    pub(crate) cluster: Option<String>,
    /// Print one JSON document in place of tables
    #[arg(long, global = true, help_heading = "Cluster")]
    pub(crate) json: bool,
}

/// Goes on without a question.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Sure {
    /// Do it without a question; needed where there is no terminal to ask at
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
    /// All topics, with their brokers and queues
    List {
        /// Those of groups (messages to be tried again or given up) and RocketMQ's own, too
        #[arg(long)]
        all: bool,
    },
    /// One topic: settings, offsets of its queues, the groups that read it
    Show {
        /// The topic
        topic: String,
    },
    /// Make a topic
    Create {
        /// The topic
        topic: String,
        /// Queues, at all brokers together
        #[arg(long, value_name = "N", default_value = "8")]
        queues: NonZeroU32,
        /// rw, r, w or none
        #[arg(long, value_name = "PERMISSION", default_value = "rw")]
        permission: Permission,
        /// What kind of messages it takes
        #[arg(long = "type", value_enum, value_name = "TYPE", default_value_t = Type::Normal)]
        message_type: Type,
    },
    /// Change a topic's queues or permission; the rest stays as it is
    #[command(group = ArgGroup::new("change").required(true).multiple(true).args(["queues", "read_queues", "write_queues", "permission"]))]
    Change {
        /// The topic
        topic: String,
        /// Queues, at all brokers together. Keys go to other queues by it: stop the sources, and let
        /// the sinks read all there is, before
        #[arg(long, value_name = "N", conflicts_with_all = ["read_queues", "write_queues"])]
        queues: Option<NonZeroU32>,
        /// Queues that are read
        #[arg(long, value_name = "N")]
        read_queues: Option<NonZeroU32>,
        /// Queues that are written to
        #[arg(long, value_name = "N")]
        write_queues: Option<NonZeroU32>,
        /// rw, r, w or none
        #[arg(long, value_name = "PERMISSION")]
        permission: Option<Permission>,
        #[command(flatten)]
        sure: Sure,
    },
    /// Delete a topic and its messages
    Delete {
        /// The topic
        topic: String,
        #[command(flatten)]
        sure: Sure,
    },
}

/// What kind of messages a topic takes.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Type {
    /// Any
    Normal,
    /// In order by their group
    Fifo,
    /// To be delivered later
    Delay,
    /// Of transactions
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
    /// All consumer groups
    List {
        /// Members and lag of each, too: some requests a queue
        #[arg(long)]
        lag: bool,
        /// RocketMQ's own, too
        #[arg(long)]
        all: bool,
    },
    /// One group: its members, and how far it is in each queue
    Show {
        /// The group; that of a sink is its `task.group.id`, else connect- and the sink's name
        group: String,
    },
    /// Make a group
    Create {
        /// The group
        group: String,
        /// How often brokers give a message to RocketMQ's own consumers again; not for sinks, which
        /// have `errors.retry.timeout`
        #[arg(long, value_name = "N")]
        retries: Option<u32>,
    },
    /// Delete a group and its offsets
    Delete {
        /// The group
        group: String,
        #[command(flatten)]
        sure: Sure,
    },
    /// Set a group's offsets in a topic, also while a sink runs
    Reset {
        /// The group
        group: String,
        /// The topic
        topic: String,
        /// earliest, latest, a time (2026-11-28T05:00:00Z, or 2h: two hours ago), or an offset as
        /// offset:N
        #[arg(long, value_name = "WHERE")]
        to: Target,
        /// Only queues with this number; may be given several times
        #[arg(long = "queue", value_name = "N")]
        queues: Vec<u32>,
        #[command(flatten)]
        sure: Sure,
    },
}

/// Where a group is to read on.
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
    /// The topic
    pub(crate) topic: String,
    /// With this key: that of a row is what its source wrote, `{"id":7}` say, or `7`
    #[arg(long, conflicts_with = "id")]
    pub(crate) key: Option<String>,
    /// With this id, of the producer or of the broker
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub(crate) id: Option<String>,
    /// Stored then or later: 2026-11-28T05:00:00Z, or 2h: two hours ago
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<Moment>,
    /// Stored then or before
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<Moment>,
    /// Only queues with this number; may be given several times
    #[arg(long = "queue", value_name = "N", conflicts_with_all = ["key", "id"])]
    pub(crate) queues: Vec<u32>,
    /// Show so many at most: the oldest ones, with --key the newest
    #[arg(long, value_name = "N", default_value = "20")]
    pub(crate) limit: NonZeroU32,
    /// Show the bodies and all properties: they hold what is in the rows
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
    /// All users; passwords are not shown
    List,
    /// Make a user
    Create {
        /// The user, which is the access key
        name: String,
        /// Its password, which is the secret key, as ${env:NAME} or ${file:/path}
        #[arg(long, value_name = "REFERENCE")]
        password: String,
        /// What it may do by itself
        #[arg(long = "type", value_enum, value_name = "TYPE", default_value_t = Kind::Normal)]
        kind: Kind,
    },
    /// Change a user; what is not named stays as it is
    #[command(group = ArgGroup::new("change").required(true).multiple(true).args(["password", "kind", "enable", "disable"]))]
    Change {
        /// The user
        name: String,
        /// Its new password, as ${env:NAME} or ${file:/path}
        #[arg(long, value_name = "REFERENCE")]
        password: Option<String>,
        /// What it may do by itself
        #[arg(long = "type", value_enum, value_name = "TYPE")]
        kind: Option<Kind>,
        /// It may do something again
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// It may do nothing
        #[arg(long)]
        disable: bool,
    },
    /// Delete a user; its policies stay
    Delete {
        /// The user
        name: String,
        #[command(flatten)]
        sure: Sure,
    },
}

/// What a user may do by itself.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    /// What policies say
    Normal,
    /// Everything
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
    /// Policies of all subjects, or of those whose names hold a text
    List {
        /// Part of the subject's name
        #[arg(long, value_name = "TEXT", default_value = "")]
        subject: String,
        /// Part of the resource's name
        #[arg(long, value_name = "TEXT", default_value = "")]
        resource: String,
    },
    /// Permit, or forbid, a subject something; in place of its policy on the same resource
    Grant {
        /// Who, as User:name
        subject: String,
        /// On what: Topic:name, Group:name, Cluster:name; a `*` at the end of the name stands for
        /// any characters
        resource: String,
        /// Pub, Sub, Create, Update, Delete, Get, List or All; several separated by commas
        #[arg(long, value_name = "ACTION", value_delimiter = ',', required = true)]
        actions: Vec<Action>,
        /// From this address or network only; may be given several times
        #[arg(long = "from-address", value_name = "ADDRESS")]
        addresses: Vec<String>,
        /// Forbid, rather than permit
        #[arg(long)]
        deny: bool,
    },
    /// Delete the policies of a subject: that on a resource, or all
    Revoke {
        /// Who, as User:name
        subject: String,
        /// On what; all where it is left out
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
