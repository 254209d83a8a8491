//! Keyset pagination: pages of a table, and the records made of them.
use crate::{read_plan::ReadPlan, watermark::Watermark};
use connect_api::{
    Kind, Op, Ops, Records, Result, Row, Value,
    arrow::{
        array::{
            Array, ArrayRef, ArrowPrimitiveType, RecordBatch, TimestampMicrosecondArray,
            cast::AsArray as _, types::*,
        },
        buffer::{NullBuffer, ScalarBuffer},
    },
};
use dialect_core::{KeyPart, Page};
use std::num::{NonZeroU32, NonZeroUsize};

/// Rows of the first page of a table, whose row size is not known yet.
const FIRST_ROWS: u32 = 500;
/// A page has at most this many times the rows of the previous one.
const GROWTH: u32 = 8;
/// The event time of a row without one.
const NO_TIME: i64 = i64::MIN;

impl ReadPlan {
    /// The rows after the key `after`.
    pub(crate) fn next_page<'a>(
        &'a self,
        after: Option<&'a [Value]>,
        limit: Option<NonZeroU32>,
    ) -> Page<'a> {
        Page {
            query: self.query.as_ref().map(|query| query.sql.as_str()),
            key: &self.key,
            after,
            before_now: self.before_now,
            east: None,
            filter: self.config.filter.0.as_deref(),
            limit,
            ..Page::of(&self.table, &self.columns)
        }
    }

    /// Converts rows as they were read to records as they are sent, with event times, ops and masks.
    ///
    /// # Errors `Data`: a local time that does not exist in the time zone; its column is named.
    pub(crate) fn outgoing(&self, records: Records) -> Result<Records> {
        let records = match &self.local_times {
            Some(local_times) => local_times.apply(&records)?,
            None => records,
        };
        let records = match self.event_times(&records) {
            Some(times) => records.with_times(times)?,
            None => records,
        };
        let records = match self.delete_column {
            Some(column) => {
                let ops = ops(&records, column);
                records.with_ops(ops)?
            }
            None => records,
        };
        let records = match &self.projection {
            Some(projection) => projection.apply(&records)?,
            None => records,
        };
        Ok(self.labelled(records))
    }

    /// Records with what their messages say of where they come from.
    pub(crate) fn labelled(&self, records: Records) -> Records {
        let records = match &self.origin {
            Some(origin) => records.with_origin(origin.clone()),
            None => records,
        };
        match &self.properties {
            Some(properties) => records.with_properties(properties.clone()),
            None => records,
        }
    }

    /// The same page, limited to the rows before the watermark.
    pub(crate) fn with_watermark<'a>(
        &'a self,
        page: Page<'a>,
        watermark: Option<&Watermark>,
        before: &'a [Value],
    ) -> Page<'a> {
        Page {
            east: watermark.map(|watermark| watermark.east),
            until: (!before.is_empty()).then_some(before),
            ..page
        }
    }

    /// The key values of the last row.
    pub(crate) fn last_key(&self, records: &Records) -> Option<Vec<Value>> {
        let row = records.row(records.len().checked_sub(1)?);
        let parts = self.key.iter();
        parts.map(|part| Self::key_value(&row, part)).collect()
    }

    /// The value of a key part in a row: the first column that is not NULL.
    pub(crate) fn key_value(row: &Row<'_>, part: &KeyPart) -> Option<Value> {
        let mut cells = part.columns.iter().map(|i| row.get(*i).to_value());
        cells.find(|value| *value != Value::Null)
    }

    /// The key values of a row that has these columns of the table only; `None` if one is NULL.
    pub(crate) fn page_key(&self, columns: &[usize], row: &Row<'_>) -> Option<Vec<Value>> {
        let value = |column: &usize| {
            let index = columns.iter().position(|i| i == column)?;
            Some(row.get(index).to_value()).filter(|value| *value != Value::Null)
        };
        let parts = self.key.iter();
        parts
            .map(|part| part.columns.iter().find_map(value))
            .collect()
    }

    fn event_times(&self, records: &Records) -> Option<ScalarBuffer<i64>> {
        let times = self
            .event_time_columns
            .iter()
            .map(|i| records.batch().column(*i));
        let columns: Vec<_> = times.map(|column| timestamps(column)).collect();
        let millis = |micros: i64| micros.div_euclid(1_000);
        match columns.as_slice() {
            [] => None,
            [(column, None)] => Some(column.values().iter().map(|v| millis(*v)).collect()),
            columns => Some(
                (0..records.len())
                    .map(|row| {
                        let valid = |nulls: &Option<&NullBuffer>| {
                            nulls.is_none_or(|nulls| nulls.is_valid(row))
                        };
                        let filled = columns.iter().find(|(_, nulls)| valid(nulls));
                        filled.map_or(NO_TIME, |(column, _)| millis(column.value(row)))
                    })
                    .collect(),
            ),
        }
    }
}

/// The timestamps of a column, and its null buffer if some are NULL.
fn timestamps(column: &ArrayRef) -> (&TimestampMicrosecondArray, Option<&NullBuffer>) {
    let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
    let times = match column.as_struct_opt() {
        // With an offset, which is not part of the instant.
        Some(parts) => parts.column(0),
        None => column,
    };
    (times.as_primitive(), nulls)
}

/// Rows that `column` marks as deleted become deletes, others reads.
fn ops(records: &Records, column: usize) -> Ops {
    let array = records.batch().column(column);
    let op = |deleted: bool| if deleted { Op::Delete } else { Op::Read };
    fn not_zero<T: ArrowPrimitiveType>(array: &dyn Array) -> Vec<bool>
    where
        T::Native: PartialEq + Default,
    {
        let column = array.as_primitive::<T>();
        let cells = column.iter();
        cells
            .map(|cell| cell.is_some_and(|v| v != T::Native::default()))
            .collect()
    }
    let deleted: Vec<bool> = match &records.schema().kinds()[column] {
        Kind::Bool => array.as_boolean().iter().map(|v| v == Some(true)).collect(),
        Kind::Int8 => not_zero::<Int8Type>(array),
        Kind::Int16 => not_zero::<Int16Type>(array),
        Kind::Int32 => not_zero::<Int32Type>(array),
        Kind::Int64 => not_zero::<Int64Type>(array),
        Kind::UInt8 => not_zero::<UInt8Type>(array),
        Kind::UInt16 => not_zero::<UInt16Type>(array),
        Kind::UInt32 => not_zero::<UInt32Type>(array),
        Kind::UInt64 => not_zero::<UInt64Type>(array),
        Kind::Decimal { .. } => not_zero::<Decimal128Type>(array),
        _ => (0..array.len()).map(|row| array.is_valid(row)).collect(),
    };
    Ops::from_rows(deleted.into_iter().map(op).collect())
}

/// The number of rows per page, adapted to the maximum bytes per page.
#[derive(Debug, Clone)]
pub(crate) struct PageSize {
    rows: u32,
    max_rows: u32,
    max_bytes: usize,
}

impl PageSize {
    pub(crate) fn new(max_rows: NonZeroU32, max_bytes: NonZeroUsize) -> Self {
        Self {
            rows: max_rows.get().min(FIRST_ROWS),
            max_rows: max_rows.get(),
            max_bytes: max_bytes.get(),
        }
    }

    pub(crate) fn rows(&self) -> NonZeroU32 {
        NonZeroU32::new(self.rows).unwrap_or(NonZeroU32::MIN)
    }

    /// Adapts the number of rows to the row size of a page.
    pub(crate) fn adapt(&mut self, batch: &RecordBatch) {
        let bytes = bytes_of(batch);
        if bytes == 0 || batch.num_rows() == 0 {
            return;
        }
        let fit = self.max_bytes.saturating_mul(batch.num_rows()) / bytes;
        let fit = u32::try_from(fit).unwrap_or(u32::MAX);
        let most = self.max_rows.min(self.rows.saturating_mul(GROWTH));
        self.rows = fit.clamp(1, most);
    }
}

/// Bytes of the values in a batch.
fn bytes_of(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter();
    columns
        .map(|column| column.to_data().get_slice_memory_size().unwrap_or(0))
        .sum()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::SourceConfig;
    use connect_api::config::{Config as _, Faults, Settings};
    use dialects::{Column, OpenOptions, Param, Statement, Table, TableName, TableType};
    use std::sync::Arc;

    fn column(name: &str, kind: Kind, nullable: bool) -> Column {
        Column {
            name: name.to_owned(),
            kind: Some(kind),
            // In SQLite: text of one form, which is its own order.
            vendor_type: "TIMESTAMP_TEXT".to_owned(),
            length: None,
            nullable,
            has_default: false,
            auto_increment: name == "id",
            generated: false,
            ..Column::default()
        }
    }

    pub(crate) fn read_plan(pairs: &[(&str, &str)]) -> ReadPlan {
        build(pairs).unwrap()
    }

    pub(crate) fn faults(pairs: &[(&str, &str)]) -> String {
        build(pairs).unwrap_err().to_string()
    }

    fn build(pairs: &[(&str, &str)]) -> Result<ReadPlan, Faults> {
        let table = Table {
            name: TableName::parse("shop.orders").unwrap(),
            table_type: TableType::Table,
            columns: vec![
                column("id", Kind::Int64, false),
                column("code", Kind::Text, false),
                column("a", Kind::Timestamp { utc: false }, true),
                column("b", Kind::Timestamp { utc: false }, false),
            ],
            primary_key: vec!["code".to_owned(), "id".to_owned()],
            unique_keys: vec![vec!["id".to_owned()]],
            ..Table::default()
        };
        let mut settings = Settings::from_iter([
            ("connection.url", "sqlite::memory:"),
            ("table.whitelist", "orders"),
            ("topic.prefix", ""),
        ]);
        pairs.iter().for_each(|(k, v)| settings.set(*k, *v));
        let config = Arc::new(SourceConfig::from_settings(&settings).unwrap());
        let dialect = dialects::open("sqlite::memory:", &OpenOptions::default()).unwrap();
        ReadPlan::build(table, &config, dialect.syntax())
    }

    fn statement(plan: &ReadPlan, after: Option<&[Value]>) -> Statement {
        let dialect = dialects::open("sqlite::memory:", &OpenOptions::default()).unwrap();
        let page = plan.next_page(after, NonZeroU32::new(10));
        let mut statement = dialect.syntax().select(&page).unwrap();
        let columns = "SELECT `id`, `code`, `a`, `b` FROM `shop`.`orders`";
        statement.sql = statement.sql.strip_prefix(columns).unwrap().to_owned();
        statement
    }

    fn param(value: Value, kind: Kind) -> Param {
        Param { value, kind }
    }

    #[test]
    fn incrementing_pages_begin_after_the_last_number() {
        let plan = read_plan(&[("mode", "incrementing")]);
        let first = statement(&plan, None);
        assert_eq!(first.sql, " ORDER BY `id` LIMIT 10");
        let next = statement(&plan, Some(&[Value::Int(-7)]));
        assert_eq!(next.sql, " WHERE `id` > ? ORDER BY `id` LIMIT 10");
        assert_eq!(next.params, [param(Value::Int(-7), Kind::Int64)]);
    }

    #[test]
    fn incrementing_pages_begin_at_the_initial_number() {
        let initial = ("incrementing.initial", "41");
        let plan = read_plan(&[("mode", "incrementing"), initial]);
        let first = crate::position::resume(&plan, None).unwrap();
        assert_eq!(first, Some(vec![Value::Int(41)]));
        let times = ("timestamp.column.name", "b");
        let plan = read_plan(&[("mode", "timestamp+incrementing"), times, initial]);
        assert_eq!(crate::position::resume(&plan, None).unwrap(), None);
        assert!(plan.config.ineffective()[0].contains("incrementing.initial"));
    }

    #[test]
    fn timestamp_pages_are_ordered_by_time_then_primary_key() {
        let time = Kind::Timestamp { utc: false };
        let pairs = [
            ("mode", "timestamp"),
            ("timestamp.column.name", "b"),
            ("timestamp.delay.interval.ms", "1500"),
            ("timestamp.initial", "-5"),
        ];
        let plan = read_plan(&pairs);
        let now = "`b` < strftime('%Y-%m-%d %H:%M:%f', 'now', '-1.500 seconds') || '000'";
        let first = crate::position::resume(&plan, None).unwrap().unwrap();
        let first = statement(&plan, Some(&first));
        assert_eq!(
            first.sql,
            format!(" WHERE `b` > ? AND {now} ORDER BY `b`, `code`, `id` LIMIT 10")
        );
        assert_eq!(
            first.params,
            [param(Value::Timestamp(-5_001), time.clone())]
        );
        let key = [Value::Timestamp(9), "x".into(), Value::Int(1)];
        let next = statement(&plan, Some(&key));
        assert_eq!(
            next.sql,
            format!(
                " WHERE (`b`, `code`, `id`) > (?, ?, ?) AND {now} ORDER BY `b`, `code`, `id` LIMIT 10"
            )
        );
        assert_eq!(next.params[0], param(Value::Timestamp(9), time));
    }

    #[test]
    fn several_timestamps_are_coalesced_and_a_unique_number_ends_the_key() {
        let pairs = [
            ("mode", "timestamp+incrementing"),
            ("timestamp.column.name", "a,b"),
        ];
        let next = statement(
            &read_plan(&pairs),
            Some(&[Value::Timestamp(9), Value::Int(1)]),
        );
        assert_eq!(
            next.sql,
            " WHERE (COALESCE(`a`, `b`), `id`) > (?, ?) AND COALESCE(`a`, `b`) < \
             strftime('%Y-%m-%d %H:%M:%f', 'now', '-0.000 seconds') || '000' \
             ORDER BY COALESCE(`a`, `b`), `id` LIMIT 10"
        );
    }

    #[test]
    fn bulk_pages_follow_the_primary_key() {
        let next = statement(
            &read_plan(&[("mode", "bulk")]),
            Some(&["x".into(), Value::Int(1)]),
        );
        assert_eq!(
            next.sql,
            " WHERE (`code`, `id`) > (?, ?) ORDER BY `code`, `id` LIMIT 10"
        );
    }

    #[test]
    fn page_size_follows_row_size() {
        let rows = NonZeroU32::new(100_000).unwrap();
        let mut size = PageSize::new(rows, NonZeroUsize::new(8_000_000).unwrap());
        assert_eq!(size.rows().get(), 500);
        let batch = |rows: usize, bytes: usize| {
            let text: connect_api::arrow::array::StringArray =
                std::iter::repeat_n(Some("x".repeat(bytes)), rows).collect();
            RecordBatch::try_from_iter([("c", Arc::new(text) as Arc<dyn Array>)]).unwrap()
        };
        size.adapt(&batch(500, 10));
        assert_eq!(size.rows().get(), 4_000, "eight times the rows before");
        size.adapt(&batch(4_000, 996));
        assert_eq!(size.rows().get(), 7_999, "as many as fit the bytes");
        size.adapt(&batch(1, 100_000_000));
        assert_eq!(size.rows().get(), 1, "one at least");
    }
}
