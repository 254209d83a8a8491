//! Gathers JSON messages of one topic into records.
use super::body::{self, Envelope, Located};
use super::cursor::Cursor;
use super::plan::Shape;
use super::row_reader::{Memory, Outcome};
use super::{plan::Reading, plans::Plans};
use connect_api::{
    Decoder, Error, ErrorKind, MessageRef, Op, Pushed, Records, RecordsBuilder, Result, SchemaRef,
    Target,
};
use std::sync::Arc;

const BODY: &str = "body";
/// Columns start with room for one pull.
const FIRST_ROWS: usize = 32;

/// Gathers JSON messages of one topic into records.
pub(crate) struct JsonDecoder {
    topic: Arc<str>,
    plans: Plans,
    /// The plan of the message before.
    current: Option<usize>,
    builder: Option<RecordsBuilder>,
    /// Rows to make room for: as many as were taken last.
    capacity: usize,
    memory: Memory,
}

impl JsonDecoder {
    pub(crate) fn new(topic: Arc<str>, target: Target, reading: Reading) -> Self {
        Self {
            plans: Plans::new(topic.clone(), target, reading),
            topic,
            current: None,
            builder: None,
            capacity: FIRST_ROWS,
            memory: Memory::default(),
        }
    }

    fn row(&mut self, message: MessageRef<'_>) -> Result<Pushed> {
        // The way of nearly every envelope: the bytes before the payload are those of the last.
        if let Some(current) = self.current
            && let Shape::Envelope(Some(opening)) = &self.plans.at(current).shape
            && let Some(payload) = message.body.strip_prefix(opening.as_bytes())
            && payload.first() != Some(&b'n')
        {
            let place = opening.len();
            let cursor = Cursor::new(text(payload, place)?, place);
            return self.read_by(current, cursor, true, message);
        }
        let body = text(message.body, 0)?;
        let scratch = &mut self.memory.scratch.text;
        let Located {
            schema,
            payload,
            null,
        } = if self.plans.only_plain() {
            Located::plain(body)
        } else {
            body::locate(body, scratch).map_err(|fault| fault.into_error(BODY))?
        };
        if null {
            return self.tombstone(message, schema);
        }
        if let Some(envelope) = schema {
            let plan = self.plans.of_envelope(&envelope)?;
            return self.read_by(plan, payload, false, message);
        }
        if let Some(current) = self.current
            && matches!(self.plans.at(current).shape, Shape::Plain(_))
            && let Some(pushed) = self.read(current, payload.clone(), false, message)?
        {
            return Ok(pushed);
        }
        // First: what is not JSON is a fault of the message, whatever is known of the target.
        let names = body::names(payload.clone(), &mut self.memory.scratch.text)
            .map_err(|fault| fault.into_error(BODY))?;
        let plan = self.plans.of_names(&names)?;
        self.read_by(plan, payload, false, message)
    }

    /// Reads a row by its plan.
    fn read_by(
        &mut self,
        plan: usize,
        payload: Cursor<'_>,
        inside: bool,
        message: MessageRef<'_>,
    ) -> Result<Pushed> {
        self.read(plan, payload, inside, message)?
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a row does not match its plan"))
    }

    /// Reads a row by a plan; `None` where the row is of another plan, and nothing was appended.
    /// `inside`: the end of an envelope follows the payload.
    fn read(
        &mut self,
        plan: usize,
        mut cursor: Cursor<'_>,
        inside: bool,
        message: MessageRef<'_>,
    ) -> Result<Option<Pushed>> {
        if !self.prepare(plan)? {
            return Ok(Some(Pushed::TakeFirst));
        }
        let Some(builder) = &mut self.builder else {
            return Err(no_columns());
        };
        let (plan, memory) = (self.plans.at_mut(plan), &mut self.memory);
        let read = plan
            .rows
            .read(&mut cursor, builder.columns(), memory)
            .and_then(|outcome| {
                let same = match (&outcome, &plan.shape) {
                    (Outcome::Whole, _) | (Outcome::Partial, Shape::Envelope(_)) => true,
                    (Outcome::Partial, Shape::Plain(_)) | (Outcome::OtherFields, _) => false,
                };
                if same {
                    if inside {
                        cursor.need(b'}', "the end of the envelope")?;
                    }
                    cursor.end()?;
                }
                Ok(same)
            })
            .map_err(|fault| fault.into_error(BODY))
            .and_then(|same| {
                if let (true, Some(key)) = (same, &mut plan.outside) {
                    key.read(message.key, builder.columns())?;
                }
                Ok(same)
            });
        match read {
            Ok(true) => self.keep(Op::Read, message.time).map(Some),
            Ok(false) => {
                self.discard();
                Ok(None)
            }
            Err(error) => {
                self.discard();
                Err(error)
            }
        }
    }

    /// A message without a row: that of its key is gone. The types of the key are those of the
    /// schema that it has, or else of the message before, or of the target.
    fn tombstone(
        &mut self,
        message: MessageRef<'_>,
        envelope: Option<Envelope<'_>>,
    ) -> Result<Pushed> {
        let own = envelope.and_then(|envelope| self.plans.of_envelope(&envelope).ok());
        // Where there is one, the plans before it may be forgotten.
        let plan = self.plans.of_tombstone(own.or(self.current))?;
        if !self.prepare(plan)? {
            return Ok(Pushed::TakeFirst);
        }
        let Some(builder) = &mut self.builder else {
            return Err(no_columns());
        };
        let key = &mut self.plans.at_mut(plan).key;
        if let Err(error) = key.read(message.key, builder.columns()) {
            self.discard();
            return Err(error.context("tombstone"));
        }
        self.keep(Op::Delete, message.time)
    }

    /// Makes `plan` the one that is read by; false where rows of another schema must go first.
    #[inline]
    fn prepare(&mut self, plan: usize) -> Result<bool> {
        self.current = Some(plan);
        let schema = &self.plans.at(plan).schema;
        match &self.builder {
            Some(builder)
                if Arc::ptr_eq(builder.schema(), schema) || builder.schema() == schema => {}
            Some(builder) if !builder.is_empty() => return Ok(false),
            _ => self.builder = Some(RecordsBuilder::new(schema.clone(), self.capacity)?),
        }
        Ok(true)
    }

    #[inline]
    fn keep(&mut self, op: Op, time: Option<i64>) -> Result<Pushed> {
        let builder = self.builder.as_mut().ok_or_else(no_columns)?;
        match builder.keep(op, time, None) {
            Ok(()) => Ok(Pushed::Row),
            Err(error) => {
                self.forget_discarded();
                Err(error)
            }
        }
    }

    fn discard(&mut self) {
        if let Some(builder) = &mut self.builder {
            builder.discard();
        }
        self.forget_discarded();
    }

    /// Discarded rows take memory until the rows are taken: where there are no others, now.
    fn forget_discarded(&mut self) {
        if self.builder.as_ref().is_some_and(RecordsBuilder::is_empty) {
            self.builder = None;
        }
    }
}

#[cold]
fn no_columns() -> Error {
    Error::new(ErrorKind::Internal, "there are no columns to read into")
}

impl Decoder for JsonDecoder {
    fn push(&mut self, message: MessageRef<'_>) -> Result<Pushed> {
        if message.body.is_empty() {
            self.tombstone(message, None)
        } else {
            self.row(message)
        }
        .map_err(|e| e.context(format_args!("topic `{}`", self.topic)))
    }

    fn rows(&self) -> usize {
        self.builder.as_ref().map_or(0, RecordsBuilder::len)
    }

    fn take(&mut self) -> Result<Option<Records>> {
        let Some(mut builder) = self.builder.take().filter(|b| !b.is_empty()) else {
            return Ok(None);
        };
        self.capacity = builder.len().max(FIRST_ROWS);
        builder.finish(self.topic.clone()).map(Some)
    }

    fn schema(&self) -> Option<&SchemaRef> {
        self.builder.as_ref().map(RecordsBuilder::schema)
    }
}

/// The bytes as text, which begin at byte `base` of the body.
fn text(bytes: &[u8], base: usize) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|e| {
        let place = base + e.valid_up_to();
        Error::new(
            ErrorKind::Data,
            format!("body is not JSON: expected UTF-8 at byte {place}"),
        )
        .with_source(e)
    })
}
