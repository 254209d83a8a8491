//! Rows of a source that cannot be carried: found, and written as letters with their key and the
//! reason (G3). A letter holds values of the key, the log does not (G8).
use crate::{
    dead_letter::{self, PREFIX},
    status::TaskId,
    task::TaskRun,
};
use connect_api::{
    Converter, Encoded, Error, ErrorKind, Headers, Records, Rejected, Result, Schema,
    arrow::array::RecordBatch, config::Settings,
};
use connect_transport::Page;
use std::sync::Arc;

/// Longest text of a key that goes into a property; the body has it in any case.
const LONGEST_KEY: usize = 4_096;

/// Writes keys and bodies of the records after what `encoded` holds.
///
/// # Errors
/// As [`Converter::encode`].
pub(crate) fn encode(run: &TaskRun, records: &Records, encoded: &mut Encoded) -> Result<()> {
    let context = |e: Error| e.context(format_args!("rows of {}", records.schema().name()));
    run.converter
        .encode(records, &mut encoded.bodies)
        .map_err(context)?;
    run.keys.encode(records, &mut encoded.keys).map_err(context)
}

/// The rows that cannot be encoded, in order, each with its reason; `first` is what all of them
/// were refused by.
///
/// # Errors
/// Other than `Data`.
pub(crate) fn find(run: &TaskRun, records: &Records, first: Error) -> Result<Vec<Rejected>> {
    let mut rejected = Vec::new();
    let mut scratch = Encoded::default();
    // Halves that are known to hold such a row, the first on top.
    let mut halves = vec![(0..records.len(), first)];
    while let Some((rows, error)) = halves.pop() {
        if rows.len() <= 1 {
            rejected.extend(rows.map(|row| Rejected {
                row,
                error: Error::new(ErrorKind::Data, error.report()),
            }));
            continue;
        }
        let middle = rows.start + rows.len() / 2;
        for half in [middle..rows.end, rows.start..middle] {
            scratch.clear();
            match encode(run, &records.slice(half.clone()), &mut scratch) {
                Ok(()) => {}
                Err(e) if e.kind() == ErrorKind::Data => halves.push((half, e)),
                Err(e) => return Err(e),
            }
        }
    }
    Ok(rejected)
}

/// All rows, for one reason.
pub(crate) fn all(records: &Records, error: &Error) -> Vec<Rejected> {
    let reason = error.report();
    let rejected = |row| Rejected {
        row,
        error: Error::new(ErrorKind::Data, reason.clone()),
    };
    (0..records.len()).map(rejected).collect()
}

/// The rows that are not rejected.
pub(crate) fn others(rows: usize, rejected: &[Rejected]) -> Vec<u32> {
    let mut rejected = rejected.iter().map(|one| one.row).peekable();
    let kept = (0..rows).filter(|row| rejected.next_if_eq(row).is_none());
    kept.filter_map(|row| u32::try_from(row).ok()).collect()
}

/// Adds to the fault of a row how it is found, and how to go on without it.
pub(crate) fn advise(error: Error, records: &Records) -> Error {
    if error.kind() != ErrorKind::Data {
        return error;
    }
    let schema = records.schema();
    let names: Vec<_> = schema
        .key()
        .iter()
        .map(|i| format!("`{}`", schema.field(*i).name()))
        .collect();
    if names.is_empty() {
        return error.context(format!(
            "a row of {}, among the first after the stored position, cannot be carried, nor set \
             aside, as the rows have no key",
            schema.name()
        ));
    }
    error.context(format!(
        "a row of {} (its key is {}), among the first after the stored position, cannot be carried; \
         errors.tolerance=all with errors.deadletterqueue.topic.name sets such rows aside with \
         their keys",
        schema.name(),
        names.join(", ")
    ))
}

/// Letters of the rows that one page was refused for.
pub(crate) struct Letters {
    json: Arc<dyn Converter>,
    connector: String,
    task: String,
    encoded: Encoded,
    headers: Vec<Option<Headers>>,
}

impl Letters {
    pub(crate) fn new(id: &TaskId) -> Result<Self> {
        let settings = [("schemas.enable", "false"), ("decimal.format", "NUMERIC")];
        Ok(Self {
            json: connect_converters::converter("json", &Settings::from_iter(settings))?,
            connector: id.connector.to_string(),
            task: id.task.to_string(),
            encoded: Encoded::default(),
            headers: Vec::new(),
        })
    }

    /// Writes the letters of these rows, in place of those before.
    ///
    /// # Errors
    /// `Data`: the rows have no key that they could be found by, or it has no text; as the row's
    /// own error.
    pub(crate) fn write(&mut self, records: &Records, rejected: &[Rejected]) -> Result<()> {
        self.encoded.clear();
        self.headers.clear();
        let lost = |error: &Error| {
            let message = format!(
                "{}: a row can neither be carried nor set aside, as it has no key that it could be \
                 found by",
                records.schema().name()
            );
            Error::new(ErrorKind::Data, message).with_source(error.report())
        };
        if let (true, Some(first)) = (records.schema().key().is_empty(), rejected.first()) {
            return Err(lost(&first.error));
        }
        let keys = key_columns(records)?;
        for Rejected { row, error } in rejected {
            let key = keys.slice(*row..row + 1);
            self.json
                .encode(&key, &mut self.encoded.bodies)
                .and_then(|()| connect_converters::encode_keys(&key, &mut self.encoded.keys))
                .map_err(|_no_text| lost(error))?;
            if self.encoded.keys.get(self.encoded.keys.len() - 1).len() > LONGEST_KEY {
                self.encoded.keys.truncate(self.encoded.keys.len() - 1);
                self.encoded.keys.end();
            }
            self.headers.push(Some(self.context(records, error)));
        }
        Ok(())
    }

    /// The letters, to be sent.
    pub(crate) fn page(&self) -> Page<'_> {
        Page::new(&self.encoded).with_headers(&self.headers)
    }

    fn context(&self, records: &Records, error: &Error) -> Headers {
        let reason = dead_letter::reason(error).replace(|c: char| c.is_control(), " ");
        let context = [
            ("topic", records.topic().to_string()),
            ("source.table", records.schema().name().to_owned()),
            ("connector.name", self.connector.clone()),
            ("task.id", self.task.clone()),
            ("class.name", error.kind().name().to_owned()),
            ("exception.message", reason),
        ];
        let named =
            |(name, value): (&str, String)| (format!("{PREFIX}{name}").into(), value.into());
        context.into_iter().map(named).collect()
    }
}

/// The key columns alone.
fn key_columns(records: &Records) -> Result<Records> {
    let schema = records.schema();
    let key = schema.key();
    let names: Vec<&str> = key
        .iter()
        .map(|i| schema.field(*i).name().as_str())
        .collect();
    let fields = key.iter().map(|i| schema.field(*i).as_ref().clone());
    let of_key = Schema::new(schema.name(), fields, &names)?;
    let columns = key.iter().map(|i| records.batch().column(*i).clone());
    let batch = RecordBatch::try_new(of_key.columns().clone(), columns.collect())?;
    Records::new(records.topic().clone(), of_key, batch)
}
