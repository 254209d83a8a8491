//! Stored positions: the key values of the last row that was read, by name.
use crate::read_plan::{ReadPlan, StartPosition};
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
        let list = |names: &mut dyn Iterator<Item = &Box<str>>| {
            let quoted: Vec<_> = names.map(|name| format!("`{name}`")).collect();
            match quoted.as_slice() {
                [] => "nothing".to_owned(),
                names => names.join(", "),
            }
        };
        return Err(Error::new(
            ErrorKind::Config,
            format!(
                "table {}: the stored position does not match the mode or its columns: it has \
                 {}, the mode needs {}; set offset.suffix to read from the beginning, or restore \
                 the previous mode and columns",
                plan.name(),
                list(&mut stored.keys()),
                list(&mut plan.offset_names.iter()),
            ),
        ));
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
fn holds(plan: &ReadPlan, part: usize, value: &Value) -> bool {
    let kind = plan.key_kind(part);
    *value != Value::Null
        && ColumnBuilder::new(kind, 1)
            .is_ok_and(|mut column| column.append_value(kind, value.clone()).is_some())
}
