//! What can be run, by name.
use crate::{
    part::Part,
    path::{Format, Mode, PathKind},
    servers::Database::{Mariadb, Postgres},
};
use connect_api::{Error, ErrorKind, Result, config::nearest};
use connect_transport::QueueType;

/// Something to run.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) kind: Kind,
}

/// What it is.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// The worker, from one end to the other.
    Path(PathKind),
    /// One part alone.
    Part(Part),
    /// A table that is written to while it is read.
    Follow,
}

const fn path(name: &'static str, about: &'static str, kind: PathKind) -> Case {
    let kind = Kind::Path(kind);
    Case { name, about, kind }
}

const fn part(name: &'static str, about: &'static str, part: Part) -> Case {
    let kind = Kind::Part(part);
    Case { name, about, kind }
}

use Format::{Envelope, Plain};
use Mode::{Insert, Upsert};
use PathKind::{Sink, Source};
use QueueType::{Batch, Simple};

/// All, in the order in which they are run.
pub(crate) const ALL: &[Case] = &[
    path(
        "postgres-rocketmq",
        "PostgreSQL to RocketMQ, JSON",
        Source(Postgres, Plain, Simple),
    ),
    path(
        "postgres-rocketmq-batch",
        "the same, to a topic that keeps batches whole",
        Source(Postgres, Plain, Batch),
    ),
    path(
        "postgres-rocketmq-schema",
        "PostgreSQL to RocketMQ, JSON with its schema in every message",
        Source(Postgres, Envelope, Simple),
    ),
    path(
        "rocketmq-postgres-insert",
        "RocketMQ to an empty table of PostgreSQL, JSON",
        Sink(Postgres, Insert, Plain, Simple),
    ),
    path(
        "rocketmq-postgres-insert-batch",
        "the same, from a topic that keeps batches whole",
        Sink(Postgres, Insert, Plain, Batch),
    ),
    path(
        "rocketmq-postgres-insert-schema",
        "the same, JSON with its schema in every message",
        Sink(Postgres, Insert, Envelope, Simple),
    ),
    path(
        "rocketmq-postgres-upsert",
        "the same by upsert, JSON",
        Sink(Postgres, Upsert, Plain, Simple),
    ),
    path(
        "rocketmq-postgres-upsert-schema",
        "the same by upsert, JSON with its schema in every message",
        Sink(Postgres, Upsert, Envelope, Simple),
    ),
    path(
        "mariadb-rocketmq",
        "MariaDB to RocketMQ, JSON",
        Source(Mariadb, Plain, Simple),
    ),
    path(
        "rocketmq-mariadb-upsert",
        "RocketMQ to an empty table of MariaDB by upsert, JSON",
        Sink(Mariadb, Upsert, Plain, Simple),
    ),
    path(
        "postgres-embedded",
        "PostgreSQL to the embedded transport, JSON",
        PathKind::Embedded,
    ),
    path(
        "sqlite-embedded-sqlite",
        "SQLite to SQLite by upsert over the embedded transport, JSON",
        PathKind::Through,
    ),
    path(
        "start",
        "from the start of the program until one row of SQLite is in the embedded transport",
        PathKind::Start,
    ),
    Case {
        name: "follow",
        about: "PostgreSQL to RocketMQ while 8 writers commit 5,000 rows a second: the lag",
        kind: Kind::Follow,
    },
    part(
        "part-codec",
        "JSON of rows in memory, written and read, one thread",
        Part::Codec,
    ),
    part(
        "part-rocketmq",
        "messages to RocketMQ and back, bodies as they are",
        Part::Rocketmq,
    ),
    part(
        "part-rocketmq-batch",
        "the same, by a topic that keeps batches whole",
        Part::RocketmqBatch,
    ),
    part(
        "part-embedded",
        "messages to the embedded transport and back, bodies as they are",
        Part::Embedded,
    ),
    part(
        "part-postgres",
        "rows in memory to PostgreSQL and back",
        Part::Postgres,
    ),
    part(
        "part-mariadb",
        "rows in memory to MariaDB and back",
        Part::Mariadb,
    ),
    part(
        "part-sqlite",
        "rows in memory to SQLite and back",
        Part::Sqlite,
    ),
];

/// The cases whose names are given, or begin with what is given; all where nothing is.
///
/// # Errors
/// `Config`: nothing begins with a name.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<&'static Case>> {
    for name in names {
        if !ALL.iter().any(|case| case.name.starts_with(&**name)) {
            let hint = nearest(name, ALL.iter().map(|case| case.name))
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            return Err(Error::new(
                ErrorKind::Config,
                format!("no path or part is called `{name}`{hint} --list shows them"),
            ));
        }
    }
    let wanted = |case: &&Case| {
        // A whole name stands for itself alone.
        names.is_empty()
            || names.iter().any(|name| {
                let exact = ALL.iter().any(|other| other.name == name);
                if exact {
                    case.name == name
                } else {
                    case.name.starts_with(&**name)
                }
            })
    };
    Ok(ALL.iter().filter(wanted).collect())
}
