//! Dead letters of a source: rows that cannot be converted are found, and written with their key and
//! the reason (G3). A dead letter contains values of the key, the log does not (G8).
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

/// Maximum length of a key as the message key; the body contains it in any case.
const MAX_KEY: usize = 4_096;

/// Appends keys and bodies of the records to `encoded`.
///
/// # Errors
/// As [`Converter::encode`].
pub(crate) fn encode(run: &TaskRun, records: &Records, encoded: &mut Encoded) -> Result<()> {
    let context = |e: Error| e.context(format_args!("rows of {}", records.schema().name()));
    run.converter
        .encode(records, &mut encoded.bodies)
        .map_err(context)?;
    run.keys
        .encode(records, &mut encoded.keys)
        .map_err(context)?;
    match records.properties().and_then(|of| of.key.as_deref()) {
        Some(template) => {
            connect_converters::encode_template(records, template, &mut encoded.lookup_keys)
                .map_err(context)
        }
        None => Ok(()),
    }
}

/// Finds the rows that cannot be encoded by bisection; each with its reason, in order. `first` is the
/// error of all rows together.
///
/// # Errors
/// Other than `Data`.
pub(crate) fn find_rejected(
    run: &TaskRun,
    records: &Records,
    first: Error,
) -> Result<Vec<Rejected>> {
    let mut rejected = Vec::new();
    let mut scratch = Encoded::default();
    // Ranges with at least one such row, the first on top.
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

/// Rejects all rows for one reason.
pub(crate) fn reject_all(records: &Records, error: &Error) -> Vec<Rejected> {
    let reason = error.report();
    let rejected = |row| Rejected {
        row,
        error: Error::new(ErrorKind::Data, reason.clone()),
    };
    (0..records.len()).map(rejected).collect()
}

/// The rows that are not rejected.
pub(crate) fn accepted_rows(rows: usize, rejected: &[Rejected]) -> Vec<u32> {
    let mut rejected = rejected.iter().map(|one| one.row).peekable();
    let kept = (0..rows).filter(|row| rejected.next_if_eq(row).is_none());
    kept.filter_map(|row| u32::try_from(row).ok()).collect()
}

/// Adds to the error of a row how to find the row, and how to continue without it.
pub(crate) fn with_advice(error: Error, records: &Records) -> Error {
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
            "a row of {}, among the first after the stored position, cannot be converted; it cannot \
             go to the dead letter queue either, because the rows have no key",
            schema.name()
        ));
    }
    error.context(format!(
        "a row of {} (its key is {}), among the first after the stored position, cannot be \
         converted; errors.tolerance=all with errors.deadletterqueue.topic.name sends the keys of \
         such rows to the dead letter queue",
        schema.name(),
        names.join(", ")
    ))
}

/// Dead letters for the rejected rows of a page.
pub(crate) struct SourceDeadLetters {
    json: Arc<dyn Converter>,
    connector: String,
    task: String,
    encoded: Encoded,
    headers: Vec<Option<Headers>>,
}

impl SourceDeadLetters {
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

    /// Encodes the dead letters of these rows, replacing the previous ones.
    ///
    /// # Errors
    /// `Data`: the rows have no key, or it cannot be encoded; with the row's own error as cause.
    pub(crate) fn write(&mut self, records: &Records, rejected: &[Rejected]) -> Result<()> {
        self.encoded.clear();
        self.headers.clear();
        let no_key = |error: &Error| {
            let message = format!(
                "{}: a row can neither be converted nor sent to the dead letter queue, because it has \
                 no key",
                records.schema().name()
            );
            Error::new(ErrorKind::Data, message).with_source(error.report())
        };
        if let (true, Some(first)) = (records.schema().key().is_empty(), rejected.first()) {
            return Err(no_key(&first.error));
        }
        let keys = key_columns(records)?;
        for Rejected { row, error } in rejected {
            let key = keys.slice(*row..row + 1);
            self.json
                .encode(&key, &mut self.encoded.bodies)
                .and_then(|()| connect_converters::encode_keys(&key, &mut self.encoded.keys))
                .map_err(|_unencodable| no_key(error))?;
            if self.encoded.keys.get(self.encoded.keys.len() - 1).len() > MAX_KEY {
                self.encoded.keys.truncate(self.encoded.keys.len() - 1);
                self.encoded.keys.end();
            }
            self.headers.push(Some(self.context(records, error)));
        }
        Ok(())
    }

    /// The encoded dead letters.
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
