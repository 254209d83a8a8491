//! Gathers JSON messages of one topic into records.
use super::cell_reader::Forms;
use super::connect_schema;
use super::cursor::Cursor;
use super::fault::Fault;
use super::plan::{PlainField, Plan, Shape};
use super::row_reader::{Memory, Outcome};
use connect_api::{
    Decoder, Error, ErrorKind, Kind, MessageRef, Op, Pushed, Records, RecordsBuilder, Result,
    SchemaRef, Target,
};
use std::{collections::HashMap, sync::Arc};

const BODY: &str = "body";
/// Columns start with room for one pull.
const FIRST_ROWS: usize = 32;

/// What the settings say about reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// Bodies without a schema may have fields of their own named `schema` and `payload`.
    pub(crate) plain: bool,
    /// How values of plain bodies are written.
    pub(crate) forms: Forms,
    pub(crate) ignore_unknown: bool,
    /// Plans to keep.
    pub(crate) plans: usize,
}

/// Gathers JSON messages of one topic into records.
pub(crate) struct JsonDecoder {
    topic: Arc<str>,
    target: Target,
    reading: Reading,
    plans: Vec<Plan>,
    /// Plans of envelopes, by the text of the schema.
    by_schema: HashMap<Box<str>, usize>,
    /// The plan of the message before.
    current: Option<usize>,
    /// The plan that `builder` was last found to be of the same schema as.
    building: Option<usize>,
    builder: Option<RecordsBuilder>,
    capacity: usize,
    memory: Memory,
}

/// What stands around the payload.
struct Envelope<'a> {
    /// All that comes before the payload, where that is the last member.
    opening: Option<&'a str>,
    schema: &'a str,
}

/// A body with its parts found.
struct Located<'a> {
    /// `None` where the body is plain.
    schema: Option<Envelope<'a>>,
    payload: Cursor<'a>,
}

impl JsonDecoder {
    pub(crate) fn new(topic: Arc<str>, target: Target, reading: Reading) -> Self {
        Self {
            topic,
            target,
            reading,
            plans: Vec::new(),
            by_schema: HashMap::new(),
            current: None,
            building: None,
            builder: None,
            capacity: FIRST_ROWS,
            memory: Memory::default(),
        }
    }

    fn row(&mut self, message: MessageRef<'_>) -> Result<Pushed> {
        // The way of nearly every envelope: the bytes before the payload are those of the last.
        if let Some(current) = self.current
            && let Shape::Envelope(Some(opening)) = &self.plans[current].shape
            && let Some(payload) = message.body.strip_prefix(opening.as_bytes())
        {
            let place = opening.len();
            let cursor = Cursor::new(text(payload, place)?, place);
            return self.read_by(current, cursor, true, message);
        }
        let Located { schema, payload } = self
            .locate(text(message.body, 0)?)
            .map_err(|fault| fault.into_error(BODY))?;
        let plan = match schema {
            Some(envelope) => self.envelope_plan(&envelope)?,
            None => {
                if let Some(current) = self.current
                    && matches!(self.plans[current].shape, Shape::Plain(_))
                    && let Some(pushed) = self.read(current, payload.clone(), false, message)?
                {
                    return Ok(pushed);
                }
                self.plain_plan(payload.clone())?
            }
        };
        self.read_by(plan, payload, false, message)
    }

    /// Reads a row by the plan made for it.
    fn read_by(
        &mut self,
        plan: usize,
        payload: Cursor<'_>,
        inside: bool,
        message: MessageRef<'_>,
    ) -> Result<Pushed> {
        self.read(plan, payload, inside, message)?
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a row is not of the plan made for it"))
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
        let Self {
            plans,
            builder: Some(builder),
            memory,
            ..
        } = self
        else {
            return Err(Error::new(ErrorKind::Internal, "no columns to read to"));
        };
        let plan = &mut plans[plan];
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
            Ok(true) => match builder.keep(Op::Read, message.time, None) {
                Ok(()) => Ok(Some(Pushed::Row)),
                Err(error) => {
                    self.forget_discarded();
                    Err(error)
                }
            },
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

    /// A message without a body: the row of its key is gone.
    fn tombstone(&mut self, message: MessageRef<'_>) -> Result<Pushed> {
        let plan = match (self.current, &self.target.schema) {
            (Some(current), _) => current,
            (None, Some(schema)) => {
                let schema = schema.clone();
                let all = (0..schema.kinds().len())
                    .filter(|i| !matches!(schema.kinds()[*i], Kind::Other(_)))
                    .map(|i| PlainField {
                        name: schema.field(i).name(),
                        column: Some(i),
                    })
                    .collect::<Vec<_>>();
                self.find_plain(&all, &schema)?
            }
            (None, None) => {
                return Err(Error::new(
                    ErrorKind::Data,
                    "an empty body (a tombstone) came before any row, and there is no target \
                     table that tells the types of the key columns",
                ));
            }
        };
        if self.plans[plan].schema.key().is_empty() {
            return Err(Error::new(
                ErrorKind::Data,
                "an empty body (a tombstone), but the target has no key columns: take the key \
                 from the message key (`pk.mode=record_key`)",
            ));
        }
        if !self.prepare(plan)? {
            return Ok(Pushed::TakeFirst);
        }
        let (Some(builder), plan) = (&mut self.builder, &mut self.plans[plan]) else {
            return Err(Error::new(ErrorKind::Internal, "no columns to read to"));
        };
        let read = plan
            .key
            .read(message.key, builder.columns())
            .map_err(|e| e.context("tombstone"));
        match read {
            Ok(()) => builder
                .keep(Op::Delete, message.time, None)
                .map(|()| Pushed::Row),
            Err(error) => {
                self.discard();
                Err(error)
            }
        }
    }

    /// Makes `plan` the one that is read by; false where rows of another schema must go first.
    fn prepare(&mut self, plan: usize) -> Result<bool> {
        self.current = Some(plan);
        if self.building == Some(plan) && self.builder.is_some() {
            return Ok(true);
        }
        let schema = &self.plans[plan].schema;
        match &self.builder {
            Some(builder)
                if Arc::ptr_eq(builder.schema(), schema) || builder.schema() == schema => {}
            Some(builder) if !builder.is_empty() => return Ok(false),
            _ => self.builder = Some(RecordsBuilder::new(schema.clone(), self.capacity)?),
        }
        self.building = Some(plan);
        Ok(true)
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

    /// Finds the schema and the payload.
    fn locate<'a>(&mut self, body: &'a str) -> Result<Located<'a>, Fault> {
        let mut cursor = Cursor::new(body, 0);
        cursor.skip_blanks();
        let plain = Located {
            schema: None,
            payload: cursor.clone(),
        };
        let own_fields = self.reading.plain
            && self.target.schema.as_ref().is_some_and(|schema| {
                schema.index_of("schema").is_some() || schema.index_of("payload").is_some()
            });
        if own_fields || !cursor.eat(b'{') {
            return Ok(plain);
        }
        let scratch = &mut self.memory.scratch.text;
        let (mut schema, mut payload) = (None, None);
        loop {
            cursor.skip_blanks();
            // Most plain bodies are told by their first name.
            let is_schema = cursor.eat_all(b"\"schema\"");
            if !is_schema && !cursor.eat_all(b"\"payload\"") {
                return Ok(plain);
            }
            cursor.need(b':', "`:`")?;
            cursor.skip_blanks();
            let place = cursor.place();
            let text = cursor.value(scratch)?;
            let member = if is_schema { &mut schema } else { &mut payload };
            if member.replace((place, text)).is_some() {
                return Err(Fault::value("the envelope has a member twice"));
            }
            cursor.skip_blanks();
            if !cursor.eat(b',') {
                break;
            }
        }
        cursor.need(b'}', "`,` or `}`")?;
        cursor.end()?;
        let (Some((at, schema)), Some((place, payload))) = (schema, payload) else {
            return Ok(plain);
        };
        if !schema.starts_with(['{', 'n']) {
            return Ok(plain);
        }
        if payload == "null" {
            return Err(Fault::value(
                "the payload is null: a deleted row is told by an empty body",
            ));
        }
        Ok(Located {
            schema: (schema != "null").then(|| Envelope {
                opening: body.get(..place).filter(|_| at < place),
                schema,
            }),
            payload: Cursor::new(payload, place),
        })
    }

    /// The plan for envelopes with a schema.
    fn envelope_plan(&mut self, envelope: &Envelope<'_>) -> Result<usize> {
        if let Some(plan) = self.by_schema.get(envelope.schema) {
            return Ok(*plan);
        }
        let mut plan = Plan::envelope(
            envelope.opening,
            connect_schema::read(envelope.schema)?,
            &self.topic,
            &self.target,
            self.reading.ignore_unknown,
        )?;
        // Texts that mean the same schema share it, so that their rows share a batch.
        if let Some(same) = self.plans.iter().find(|p| p.schema == plan.schema) {
            plan.schema = same.schema.clone();
        }
        let index = self.add(plan);
        self.by_schema.insert(envelope.schema.into(), index);
        Ok(index)
    }

    /// The plan for a plain body.
    fn plain_plan(&mut self, payload: Cursor<'_>) -> Result<usize> {
        // First: what is not JSON is a fault of the message, whatever is known of the target.
        let names = self
            .names(payload)
            .map_err(|fault| fault.into_error(BODY))?;
        let Some(schema) = self.target.schema.clone() else {
            return Err(Error::new(
                ErrorKind::Schema,
                "the body carries no schema and the target table does not exist: set \
                 `value.converter.schemas.enable=true` at the source, or create the table",
            ));
        };
        let fields = names.iter().map(|name| PlainField {
            name,
            column: schema.index_of(name),
        });
        let fields: Vec<_> = fields
            .filter(|field| field.column.is_some() || self.reading.ignore_unknown)
            .collect();
        if fields.iter().all(|field| field.column.is_none()) {
            return Err(Error::new(
                ErrorKind::Data,
                format!("the body has no field of `{}`", schema.name()),
            ));
        }
        self.find_plain(&fields, &schema)
    }

    /// The plan for plain bodies with `fields`.
    fn find_plain(&mut self, fields: &[PlainField<'_>], schema: &SchemaRef) -> Result<usize> {
        let mut columns: Vec<usize> = fields.iter().filter_map(|f| f.column).collect();
        columns.sort_unstable();
        let known = self.plans.iter().position(|plan| match &plan.shape {
            Shape::Plain(of) => **of == *columns,
            Shape::Envelope(_) => false,
        });
        if let Some(plan) = known {
            return Ok(plan);
        }
        let plan = Plan::plain(
            fields,
            schema,
            &self.target,
            self.reading.forms,
            self.reading.ignore_unknown,
        )?;
        Ok(self.add(plan))
    }

    /// The names of the fields of an object, each once.
    fn names(&mut self, mut cursor: Cursor<'_>) -> Result<Vec<String>, Fault> {
        let scratch = &mut self.memory.scratch.text;
        if !cursor.eat(b'{') {
            return Err(cursor.mismatch("an object"));
        }
        let mut names: Vec<String> = Vec::new();
        cursor.skip_blanks();
        while cursor.peek() != Some(b'}') {
            cursor.skip_blanks();
            let name = cursor.string(scratch)?;
            if !names.iter().any(|n| n == name) {
                names.push(name.to_owned());
            }
            cursor.need(b':', "`:`")?;
            cursor.skip_blanks();
            cursor.value(scratch)?;
            cursor.skip_blanks();
            if !cursor.eat(b',') {
                break;
            }
        }
        cursor.need(b'}', "`,` or `}`")?;
        cursor.end()?;
        Ok(names)
    }

    /// Keeps `plan`; all others are forgotten where there are too many.
    fn add(&mut self, plan: Plan) -> usize {
        if self.plans.len() >= self.reading.plans {
            self.plans.clear();
            self.by_schema.clear();
            self.building = None;
        }
        self.plans.push(plan);
        // Places in `plans` changed or not: the caller goes on with this one.
        self.current = Some(self.plans.len() - 1);
        self.plans.len() - 1
    }
}

impl Decoder for JsonDecoder {
    fn push(&mut self, message: MessageRef<'_>) -> Result<Pushed> {
        if message.body.is_empty() {
            self.tombstone(message)
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
