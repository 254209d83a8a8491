//! The plans of one topic: created once for each schema text and each set of fields.
use super::body::Envelope;
use super::plan::{PlainField, Plan, Reading, Shape};
use super::schema_reader;
use connect_api::{Error, ErrorKind, Kind, Result, SchemaRef, Target};
use std::{collections::HashMap, sync::Arc};

/// The plans of one topic.
#[derive(Debug)]
pub(crate) struct Plans {
    topic: Arc<str>,
    target: Target,
    reading: Reading,
    all: Vec<Plan>,
    /// Plans of envelopes, by the text of the schema.
    by_schema: HashMap<Box<str>, usize>,
}

impl Plans {
    pub(crate) fn new(topic: Arc<str>, target: Target, reading: Reading) -> Self {
        Self {
            topic,
            target,
            reading,
            all: Vec::new(),
            by_schema: HashMap::new(),
        }
    }

    /// The plan at a place that this gave last: places hold until another plan is asked for.
    #[inline]
    pub(crate) fn at(&self, place: usize) -> &Plan {
        &self.all[place]
    }

    /// The same, to read by.
    #[inline]
    pub(crate) fn at_mut(&mut self, place: usize) -> &mut Plan {
        &mut self.all[place]
    }

    /// Every body is plain, since the target has columns named as the parts of an envelope.
    pub(crate) fn only_plain(&self) -> bool {
        let named = |schema: &SchemaRef| {
            schema.index_of("schema").is_some() || schema.index_of("payload").is_some()
        };
        self.reading.own_fields && self.target.schema.as_ref().is_some_and(named)
    }

    /// The plan for bodies with a schema.
    ///
    /// # Errors
    /// `Data`, `Unsupported`: no row can have this schema.
    pub(crate) fn of_envelope(&mut self, envelope: &Envelope<'_>) -> Result<usize> {
        if let Some(plan) = self.by_schema.get(envelope.schema) {
            return Ok(*plan);
        }
        let mut plan = Plan::envelope(
            envelope.opening,
            schema_reader::read(envelope.schema)?,
            &self.topic,
            &self.target,
            self.reading,
        )?;
        // Texts that mean the same schema share it, so that their rows share a batch.
        if let Some(same) = self.all.iter().find(|p| p.schema == plan.schema) {
            plan.schema = same.schema.clone();
        }
        let place = self.add(plan);
        self.by_schema.insert(envelope.schema.into(), place);
        Ok(place)
    }

    /// The plan for plain bodies with fields of these names.
    ///
    /// # Errors
    /// `Schema`: there is no target to take their types from. `Data`: none of them is a column.
    pub(crate) fn of_names(&mut self, names: &[String]) -> Result<usize> {
        let Some(schema) = self.target.schema.clone() else {
            return Err(Error::new(
                ErrorKind::Schema,
                "the body has no schema and the target table does not exist: set \
                 `value.converter.schemas.enable=true` at the source, or create the table",
            ));
        };
        let fields = names.iter().map(|name| PlainField {
            name,
            column: schema.index_of(name),
        });
        // Fields that are no columns: a fault that the reader finds, or left out.
        let fields: Vec<_> = fields
            .filter(|field| field.column.is_some() || self.reading.ignore_unknown)
            .collect();
        if names.is_empty() || (self.reading.ignore_unknown && !has_column(&fields)) {
            return Err(Error::new(
                ErrorKind::Data,
                format!("the body has no field of `{}`", schema.name()),
            ));
        }
        self.of_fields(&fields, &schema)
    }

    /// A plan for messages without a body: `current`, or that of the whole target, whichever has
    /// key columns.
    ///
    /// # Errors
    /// `Data`: neither has.
    pub(crate) fn of_tombstone(&mut self, current: Option<usize>) -> Result<usize> {
        if let Some(current) = current
            && !self.at(current).schema.key().is_empty()
        {
            return Ok(current);
        }
        let Some(schema) = self.target.schema.clone() else {
            return Err(Error::new(
                ErrorKind::Data,
                "a delete (an empty or null body) came before any row, and there is no target \
                 table to take the types of the key columns from",
            ));
        };
        let kinds = schema.kinds().iter().enumerate();
        let fields: Vec<_> = kinds
            .filter(|(_, kind)| !matches!(kind, Kind::Other(_)))
            .map(|(i, _)| PlainField {
                name: schema.field(i).name(),
                column: Some(i),
            })
            .collect();
        let plan = self.of_fields(&fields, &schema)?;
        if self.at(plan).schema.key().is_empty() {
            return Err(Error::new(
                ErrorKind::Data,
                "a delete (an empty or null body), but the target has no key columns: take the \
                 key from the message key (`pk.mode=record_key`)",
            ));
        }
        Ok(plan)
    }

    /// The plan for plain bodies with `fields`.
    fn of_fields(&mut self, fields: &[PlainField<'_>], schema: &SchemaRef) -> Result<usize> {
        let mut columns: Vec<usize> = fields.iter().filter_map(|f| f.column).collect();
        columns.sort_unstable();
        let known = self.all.iter().position(|plan| match &plan.shape {
            Shape::Plain(of) => **of == *columns,
            Shape::Envelope(_) => false,
        });
        if let Some(place) = known {
            return Ok(place);
        }
        let plan = Plan::plain(fields, schema, &self.target, self.reading)?;
        Ok(self.add(plan))
    }

    /// Keeps `plan`; all others are forgotten where there are too many.
    fn add(&mut self, plan: Plan) -> usize {
        if self.all.len() >= self.reading.plans {
            self.all.clear();
            self.by_schema.clear();
        }
        self.all.push(plan);
        self.all.len() - 1
    }
}

fn has_column(fields: &[PlainField<'_>]) -> bool {
    fields.iter().any(|field| field.column.is_some())
}
