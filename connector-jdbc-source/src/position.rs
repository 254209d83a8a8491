//! Stored positions: the key values of the last row that was read, by name.
use crate::{
    read_plan::{ReadPlan, StartPosition},
    snapshot::range::{Key, Range},
};
use connect_api::{ColumnBuilder, Error, ErrorKind, Offset, Partition, Result, Value};

/// The source partition that the position of the table or query is stored under. A query is stored
/// under its id; that of the setting `query` is `query`, as in the Java connector.
pub(crate) fn partition(plan: &ReadPlan) -> Partition {
    let mut partition: Partition = match &plan.query {
        Some(query) => [("query".into(), query.id.as_str().into())].into(),
        None => [("table".into(), plan.table.name.to_string().into())].into(),
    };
    if let Some(suffix) = &plan.config.offset_suffix.0 {
        partition.insert("suffix".into(), suffix.as_str().into());
    }
    partition
}

/// The offset after the rows whose key is, or starts with, these values; an empty offset is the
/// beginning.
pub(crate) fn offset(plan: &ReadPlan, key: &[Value]) -> Offset {
    let names = plan.offset_names.iter().cloned();
    names.zip(key.iter().cloned()).collect()
}

/// Names in stored positions of what is known of a snapshot begin with this.
const SNAPSHOT: &str = "snapshot.";
const SNAPSHOT_ROWS: &str = "snapshot.rows";
const SNAPSHOT_SIGNAL: &str = "snapshot.signal";
const SNAPSHOT_FINISHED: &str = "snapshot.finished";
const SNAPSHOT_TABLE: &str = "snapshot.table";

/// What a stored position says of a snapshot, beside the key.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct SnapshotOffset {
    /// Rows of a snapshot that is not complete.
    pub(crate) rows: Option<u64>,
    /// What is left of its ranges; the key is then where reading goes on behind them.
    pub(crate) ranges: Vec<Range>,
    /// The snapshot is complete, and nothing follows.
    pub(crate) finished: bool,
    /// The number of the last signal that was followed.
    pub(crate) signal: Option<i64>,
    /// The identity of the table, where it has one.
    pub(crate) table: Option<String>,
}

impl SnapshotOffset {
    /// Adds it to the offset of a key.
    pub(crate) fn put_into(&self, mut offset: Offset, plan: &ReadPlan) -> Offset {
        if let Some(rows) = self.rows {
            offset.insert(SNAPSHOT_ROWS.into(), Value::UInt(rows));
        }
        if let Some(signal) = self.signal {
            offset.insert(SNAPSHOT_SIGNAL.into(), Value::Int(signal));
        }
        if let Some(table) = &self.table {
            offset.insert(SNAPSHOT_TABLE.into(), table.as_str().into());
        }
        if self.finished {
            offset.insert(SNAPSHOT_FINISHED.into(), true.into());
        }
        for (number, range) in self.ranges.iter().enumerate() {
            for (bound, key) in [("after", &range.after), ("until", &range.until)] {
                let names = plan.offset_names.iter();
                for (name, value) in names.zip(key.iter().flatten()) {
                    let name = format!("{SNAPSHOT}{number}.{bound}.{name}");
                    offset.insert(name.into(), value.clone());
                }
            }
        }
        offset
    }

    /// Takes it out of a stored offset.
    ///
    /// # Errors `Config`: its ranges were stored by another mode or for other columns.
    pub(crate) fn take_from(stored: &mut Offset, plan: &ReadPlan) -> Result<Self> {
        let mut marks = Offset::new();
        stored.retain(|name, value| {
            let is_mark = name.starts_with(SNAPSHOT);
            if is_mark {
                marks.insert(name.clone(), std::mem::replace(value, Value::Null));
            }
            !is_mark
        });
        let rows = match marks.remove(SNAPSHOT_ROWS) {
            Some(Value::UInt(rows)) => Some(rows),
            Some(Value::Int(rows)) => u64::try_from(rows).ok(),
            _ => None,
        };
        let signal = match marks.remove(SNAPSHOT_SIGNAL) {
            Some(Value::Int(signal)) => Some(signal),
            Some(Value::UInt(signal)) => i64::try_from(signal).ok(),
            _ => None,
        };
        let table = match marks.remove(SNAPSHOT_TABLE) {
            Some(Value::Text(table)) => Some(table.into()),
            _ => None,
        };
        let finished = marks.remove(SNAPSHOT_FINISHED) == Some(Value::Bool(true));
        let mut ranges = Vec::new();
        while !marks.is_empty() {
            let number = ranges.len();
            let mut key = |bound: &str| {
                let names = plan.offset_names.iter().enumerate();
                let values = names.map_while(|(part, name)| {
                    let name = format!("{SNAPSHOT}{number}.{bound}.{name}");
                    let value = marks.get(name.as_str());
                    let value = value.filter(|value| holds(plan, part, value)).cloned()?;
                    marks.remove(name.as_str());
                    Some(value)
                });
                let key: Key = values.collect();
                (!key.is_empty()).then_some(key)
            };
            let range = Range {
                after: key("after"),
                until: key("until"),
            };
            if range.until.is_none() {
                return Err(mismatch(plan, &mut marks.keys()));
            }
            ranges.push(range);
        }
        Ok(Self {
            rows,
            ranges,
            finished,
            signal,
            table,
        })
    }
}

/// The error for a position that was stored by another mode or for other columns.
fn mismatch(plan: &ReadPlan, stored: &mut dyn Iterator<Item = &Box<str>>) -> Error {
    let list = |names: &mut dyn Iterator<Item = &Box<str>>| {
        let quoted: Vec<_> = names.map(|name| format!("`{name}`")).collect();
        match quoted.as_slice() {
            [] => "nothing".to_owned(),
            names => names.join(", "),
        }
    };
    Error::new(
        ErrorKind::Config,
        format!(
            "table {}: the stored position does not match the mode or its columns: it has \
             {}, the mode needs {}; set offset.suffix or snapshot.mode=when_needed to read from \
             the beginning, or restore the previous mode and columns",
            plan.name(),
            list(stored),
            list(&mut plan.offset_names.iter()),
        ),
    )
}

/// The key values of a stored offset; `None` for the beginning.
///
/// # Errors `Config`: it was stored by another mode or for other columns.
pub(crate) fn resume(plan: &ReadPlan, stored: Option<Offset>) -> Result<Option<Vec<Value>>> {
    let Some(stored) = stored.filter(|offset| !offset.is_empty()) else {
        return Ok(match &plan.start {
            StartPosition::After(key) => Some(key.clone()),
            StartPosition::First | StartPosition::Now => None,
        });
    };
    if let Some(key) = of_longer_key(plan, &stored) {
        return Ok(Some(key));
    }
    // It may have only the first parts of the key, such as an initial position.
    let names = plan.offset_names.get(..stored.len());
    let fits = names.is_some_and(|names| {
        names.iter().enumerate().all(|(part, name)| {
            let value = stored.get(name);
            value.is_some_and(|value| holds(plan, part, value))
        })
    });
    if !fits {
        return Err(mismatch(plan, &mut stored.keys()));
    }
    let names = plan.offset_names.iter();
    Ok(Some(
        names.filter_map(|name| stored.get(name).cloned()).collect(),
    ))
}

/// A position of an older version with additional key parts. Its last common part is truncated to a
/// microsecond, so rows of that microsecond are read again.
fn of_longer_key(plan: &ReadPlan, stored: &Offset) -> Option<Vec<Value>> {
    let (own, others) = (&plan.offset_names, &plan.legacy_offset_names);
    if others.is_empty() || stored.len() != own.len() + others.len() {
        return None;
    }
    if !others.iter().all(|name| stored.contains_key(name)) {
        return None;
    }
    let mut key: Vec<Value> = own
        .iter()
        .enumerate()
        .map(|(part, name)| {
            let value = stored.get(name);
            value.filter(|value| holds(plan, part, value)).cloned()
        })
        .collect::<Option<_>>()?;
    match key.last_mut()? {
        Value::Timestamp(micros) | Value::OffsetTimestamp(micros, _) => {
            *micros = micros.saturating_sub(1);
        }
        _ => return None,
    }
    Some(key)
}

/// The value fits the type of the key part.
pub(crate) fn holds(plan: &ReadPlan, part: usize, value: &Value) -> bool {
    let kind = plan.key_kind(part);
    *value != Value::Null
        && ColumnBuilder::new(kind, 1)
            .is_ok_and(|mut column| column.append_value(kind, value.clone()).is_some())
}
