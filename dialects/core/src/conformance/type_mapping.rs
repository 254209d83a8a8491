//! How the declared types of one database map to those of another.
use crate::conformance::{
    Fixture, Sample,
    compare::same,
    declared_types::sampled,
    harness::{Harness, Rows, records},
};
use crate::{
    bisect::write_or_reject,
    civil,
    plan::{WriteOp, WriteRequest},
};
use connect_api::{Kind, Result, Value, decimal_text};
use std::num::NonZeroUsize;

/// What became of a declared type's values in another database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All of them mean the same there.
    Equal,
    /// So many of them do; the others were rejected by errors that name the column, of which the
    /// first is given.
    Part {
        /// Values that arrived.
        equal: usize,
        /// Values that were rejected.
        refused: usize,
        /// The first error.
        error: String,
    },
    /// No column can be created for them, by an error that names the column.
    Refused(String),
}

/// A declared type, the column that another database created for it, and what became of its values.
#[derive(Debug, Clone)]
pub struct TypeMapping {
    /// The type in the first database's DDL.
    pub declared: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// The type of the column that the other database created.
    pub becomes: String,
    /// What became of the values.
    pub arrived: Outcome,
}

/// Writes the samples of one database through Arrow to columns that the other creates for them, and
/// compares what they mean there.
///
/// # Panics
/// A value that means another thing there, one that is left out without an error, an error that
/// does not name the column.
pub async fn map_types(from: &Fixture, to: &Fixture) -> Vec<TypeMapping> {
    let mut source = Harness::new(from).await;
    let mut sink = Harness::new(to).await;
    let mut all = Vec::new();
    let mut faults = Vec::new();
    for (i, sample) in from.samples.iter().enumerate() {
        match mapping(&mut source, &mut sink, sample, i).await {
            Ok(mapping) => all.push(mapping),
            Err(fault) => faults.push(format!("{}: {fault}", sample.declared)),
        }
    }
    assert!(
        faults.is_empty(),
        "from {} to {}:\n{}",
        from.dialect.name(),
        to.dialect.name(),
        faults.join("\n")
    );
    source.done().await;
    sink.done().await;
    all
}

async fn mapping(
    source: &mut Harness<'_>,
    sink: &mut Harness<'_>,
    sample: &Sample,
    number: usize,
) -> Result<TypeMapping, String> {
    let said = |e: connect_api::Error| e.report();
    let (table, rows) = sampled(source, sample, 1_000 + number)
        .await
        .map_err(said)?;
    let schema = table.schema(&[0, 1], &["id"]).map_err(said)?;
    let read = source.read(&table, &["id"]).await;
    if read.len() != rows.len() {
        return Err(format!("{} rows are read of {}", read.len(), rows.len()));
    }
    let mapping = |becomes: &str, arrived| TypeMapping {
        declared: sample.declared,
        kind: sample.kind.clone(),
        becomes: becomes.to_owned(),
        arrived,
    };
    let dialect = sink.fixture.dialect.clone();
    let name = sink.name(&format!("mapping{number}"));
    let created = dialect.syntax().create_table(&name, &schema);
    let ddl = match created {
        Ok(ddl) => ddl,
        Err(e) => return named(e.report()).map(|e| mapping("", Outcome::Refused(e))),
    };
    sink.connection.execute(&ddl).await.map_err(said)?;
    sink.keep(name.clone());
    let target = sink.describe_table(&name).await;
    let becomes = target.columns[1].vendor_type.clone();
    let plan = dialect.plan_write(&WriteRequest {
        table: &target,
        schema: &schema,
        op: WriteOp::Insert,
        key: &[],
        columns: None,
        route: None,
    });
    let plan = match plan {
        Ok(plan) => plan,
        Err(e) => return named(e.report()).map(|e| mapping(&becomes, Outcome::Refused(e))),
    };
    let records = records(&schema, &read);
    let size = NonZeroUsize::MAX;
    let connection = sink.connection.as_mut();
    let rejected = write_or_reject(connection, &plan, &records, 0..read.len(), size).await;
    let rejected = rejected.map_err(said)?;
    let Some(kind) = target.columns[1].kind.clone() else {
        return Err(format!("becomes {becomes}, which is not supported"));
    };
    let kept: Rows = (0..read.len())
        .filter(|row| !rejected.iter().any(|r| r.row == *row))
        .map(|row| read[row].clone())
        .collect();
    let arrived = sink.read(&target, &["id"]).await;
    if arrived.len() != kept.len() {
        return Err(format!(
            "{} of {} rows arrive in {becomes}",
            arrived.len(),
            kept.len()
        ));
    }
    for (sent, came) in kept.iter().zip(&arrived) {
        if !means_same(&sample.kind, &sent[1], &kind, &came[1]) {
            return Err(format!("{:?} becomes {:?} in {becomes}", sent[1], came[1]));
        }
    }
    let refused = rejected.len();
    let arrived = match rejected.into_iter().next() {
        None => Outcome::Equal,
        Some(first) => Outcome::Part {
            equal: kept.len(),
            refused,
            error: named(first.error.report())?,
        },
    };
    Ok(mapping(&becomes, arrived))
}

/// The error, if it names the column.
fn named(error: String) -> Result<String, String> {
    if error.contains("`v`") || error.contains("\"v\"") {
        Ok(error)
    } else {
        Err(format!("an error does not name the column: {error}"))
    }
}

/// Whether two values of these kinds mean the same.
fn means_same(from: &Kind, sent: &Value, to: &Kind, came: &Value) -> bool {
    if same(sent, came) {
        return true;
    }
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    match (sent, came) {
        (Value::Text(a), Value::Text(b)) => json(a).is_some_and(|a| json(b) == Some(a)),
        (Value::Bytes(a), Value::Text(b)) if *from == Kind::Uuid => {
            hex(a) == b.replace('-', "").to_ascii_lowercase()
        }
        (Value::List(_) | Value::Struct(_) | Value::Map(_), Value::Text(b)) => {
            json(b) == Some(parts_json(from, sent))
        }
        (Value::Interval(months, days, nanos), Value::Text(b)) => {
            connect_api::interval::parse(b) == Some((*months, *days, *nanos))
        }
        (Value::Text(a), Value::Float(b)) => a.parse() == Ok(*b),
        _ => match (micros(from, sent), micros_as(from, to, came)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        },
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Dates, times and spans in nanoseconds, so that those of all units compare.
fn micros(kind: &Kind, value: &Value) -> Option<i128> {
    let day = i128::from(civil::DAY_MICROS) * 1_000;
    match (kind, value) {
        (_, Value::Date(days)) => Some(i128::from(*days) * day),
        (Kind::TimeNanos, Value::Time(nanos)) => Some(i128::from(*nanos)),
        (_, Value::Time(micros) | Value::Timestamp(micros)) => Some(i128::from(*micros) * 1_000),
        (_, Value::OffsetTimestamp(micros, _)) => Some(i128::from(*micros) * 1_000),
        _ => None,
    }
}

/// The same of what came, which may be text or a number of microseconds.
fn micros_as(from: &Kind, to: &Kind, came: &Value) -> Option<i128> {
    let thousand = |micros: i64| i128::from(micros) * 1_000;
    match came {
        Value::Text(text) => {
            let text = text.as_bytes();
            match from {
                Kind::Date => Some(
                    i128::from(civil::parse_date(text).ok()?)
                        * i128::from(civil::DAY_MICROS)
                        * 1_000,
                ),
                Kind::Time => civil::parse_time(text).ok().map(thousand),
                Kind::TimeNanos => nanos_of_day(text),
                Kind::Timestamp { utc: false } => civil::parse_timestamp(text).ok().map(thousand),
                Kind::Timestamp { utc: true } | Kind::OffsetTimestamp => {
                    civil::parse_instant(text).ok().map(thousand)
                }
                Kind::Duration => iso_span(std::str::from_utf8(text).ok()?),
                _ => None,
            }
        }
        Value::Int(micros) => Some(thousand(*micros)),
        other => micros(to, other),
    }
}

/// `HH:MM:SS.fffffffff`.
fn nanos_of_day(text: &[u8]) -> Option<i128> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds = civil::parse_time(whole.as_bytes()).ok()?;
    let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
    Some(i128::from(seconds) * 1_000 + nanos)
}

/// `PT838H59M59.5S`, each number with its own sign; days are of 24 hours.
fn iso_span(text: &str) -> Option<i128> {
    let mut total = 0.0_f64;
    let mut number = String::new();
    for c in text.strip_prefix('P')?.chars() {
        let seconds = match c {
            'T' => continue,
            'D' => 86_400.0,
            'H' => 3_600.0,
            'M' => 60.0,
            'S' => 1.0,
            c => {
                number.push(c);
                continue;
            }
        };
        total += std::mem::take(&mut number).parse::<f64>().ok()? * seconds;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a span of some centuries in microseconds"
    )]
    let micros = (total * 1e6).round() as i128;
    Some(micros * 1_000)
}

/// A value of several parts as JSON says it.
fn parts_json(kind: &Kind, value: &Value) -> serde_json::Value {
    match (kind, value) {
        (_, Value::Null) => serde_json::Value::Null,
        (_, Value::Bool(v)) => (*v).into(),
        (_, Value::Int(v)) => (*v).into(),
        (_, Value::UInt(v)) => (*v).into(),
        (_, Value::Float(v)) if v.is_finite() => (*v).into(),
        (_, Value::Decimal(v, scale)) => decimal_text(*v, *scale).parse::<f64>().ok().into(),
        (_, Value::Text(v)) => v.to_string().into(),
        (Kind::List(element), Value::List(values)) => {
            values.iter().map(|v| parts_json(element, v)).collect()
        }
        (Kind::Struct(fields), Value::Struct(values)) => fields
            .iter()
            .zip(values)
            .map(|((name, kind), v)| (name.to_string(), parts_json(kind, v)))
            .collect(),
        (Kind::Map(of), Value::Map(entries)) => entries
            .iter()
            .map(|(name, v)| (name.to_string(), parts_json(of, v)))
            .collect(),
        (kind, other) => crate::json_text::json_scalar(kind, other).into(),
    }
}
