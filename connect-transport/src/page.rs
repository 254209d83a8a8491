//! A page of messages to publish.
use crate::{CommonProperties, Outgoing};
use connect_api::{Encoded, Error, ErrorKind, Headers, Ops, Records, Result};

/// Messages of one topic in the order of their rows: keys and bodies, and what stands beside them.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    encoded: &'a Encoded,
    common: &'a [(&'a str, &'a str)],
    ops: Option<&'a Ops>,
    times: Option<&'a [i64]>,
    headers: Option<&'a [Option<Headers>]>,
}

impl<'a> Page<'a> {
    /// Keys and bodies alone. `encoded.keys` may be empty where no message has a key.
    pub fn new(encoded: &'a Encoded) -> Self {
        Self {
            encoded,
            common: &[],
            ops: None,
            times: None,
            headers: None,
        }
    }

    /// The messages that a converter created from `records`, with their ops, event times and headers.
    pub fn of(records: &'a Records, encoded: &'a Encoded) -> Self {
        Self {
            ops: Some(records.ops()),
            times: records.times(),
            headers: records.all_headers(),
            ..Self::new(encoded)
        }
    }

    /// Properties that every message has.
    #[must_use]
    pub fn with_common(self, common: &'a [(&'a str, &'a str)]) -> Self {
        Self { common, ..self }
    }

    /// What each row does at the sink.
    #[must_use]
    pub fn with_ops(self, ops: &'a Ops) -> Self {
        let ops = Some(ops);
        Self { ops, ..self }
    }

    /// Event times by row, milliseconds since 1970-01-01; `i64::MIN` stands for none.
    #[must_use]
    pub fn with_times(self, times: &'a [i64]) -> Self {
        let times = Some(times);
        Self { times, ..self }
    }

    /// Properties by row.
    #[must_use]
    pub fn with_headers(self, headers: &'a [Option<Headers>]) -> Self {
        let headers = Some(headers);
        Self { headers, ..self }
    }

    /// Number of messages.
    pub fn len(&self) -> usize {
        self.encoded.bodies.len()
    }

    /// No messages.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What all messages share, rendered.
    ///
    /// # Errors
    /// `Data`: a separator is in a property. `Internal`: columns differ in length.
    pub(crate) fn render_common(&self) -> Result<CommonProperties> {
        let rows = self.len();
        let (keys, lookup_keys, each_op) = (
            self.encoded.keys.len(),
            self.encoded.lookup_keys.len(),
            match self.ops {
                Some(Ops::Each(each)) => each.len(),
                _ => rows,
            },
        );
        let columns = [
            (keys != rows && keys != 0, "keys"),
            (lookup_keys != rows && lookup_keys != 0, "lookup keys"),
            (each_op != rows, "ops"),
            (self.times.is_some_and(|t| t.len() != rows), "times"),
            (self.headers.is_some_and(|h| h.len() != rows), "headers"),
        ];
        if let Some((_, what)) = columns.iter().find(|(wrong, _)| *wrong) {
            return Err(Error::new(
                ErrorKind::Internal,
                format!("page of {rows} bodies: {what} differ in number"),
            ));
        }
        let mut common = CommonProperties::default();
        for (name, value) in self.common {
            common.push(name, value)?;
        }
        if let Some(Ops::All(op)) = self.ops {
            common.push_op(*op);
        }
        Ok(common)
    }

    fn own_key(&self, row: usize) -> &'a [u8] {
        let keys = &self.encoded.keys;
        if keys.is_empty() { &[] } else { keys.get(row) }
    }

    fn lookup_key(&self, row: usize) -> &'a [u8] {
        let keys = &self.encoded.lookup_keys;
        if keys.is_empty() { &[] } else { keys.get(row) }
    }

    /// The key that chooses the queue of message `row` (G2); empty where it has none.
    pub(crate) fn queue_key(&self, row: usize) -> &'a [u8] {
        match self.own_key(row) {
            [] => self.lookup_key(row),
            key => key,
        }
    }

    /// Message `row`, once the columns were found to be of one length.
    pub(crate) fn message(&self, row: usize) -> Outgoing<'a> {
        Outgoing {
            key: match self.lookup_key(row) {
                [] => self.own_key(row),
                key => key,
            },
            body: self.encoded.bodies.get(row),
            time: self.times.map(|t| t[row]).filter(|t| *t != i64::MIN),
            op: match self.ops {
                Some(Ops::Each(each)) => Some(each[row]),
                Some(Ops::All(_)) | None => None,
            },
            headers: self
                .headers
                .and_then(|h| h[row].as_deref())
                .unwrap_or_default(),
        }
    }
}
