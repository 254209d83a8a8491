//! Keys as JSON objects, with or without their schema, as the Java runtimes have them.
use super::{KeyForms, null_in_key};
use crate::json::{JsonConverter, JsonSettings};
use connect_api::{
    Blobs, Converter as _, Error, ErrorKind, Records, Result, Schema, SchemaRef,
    arrow::array::Array as _,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Schemas to keep the key's own schema of.
const KNOWN: usize = 1_000;

/// Writes the key columns of rows as JSON objects.
#[derive(Debug)]
pub(crate) struct StructuredKeys {
    json: JsonConverter,
    forms: KeyForms,
    /// The schemas of keys, by the address of that of the rows; it is held, so that its address
    /// stays its own.
    known: Mutex<HashMap<usize, (SchemaRef, SchemaRef)>>,
}

impl StructuredKeys {
    pub(crate) fn new(settings: JsonSettings) -> Self {
        Self {
            forms: KeyForms::of(settings.forms()),
            json: JsonConverter::under(settings, "key.converter"),
            known: Mutex::default(),
        }
    }

    pub(crate) fn forms(&self) -> KeyForms {
        self.forms
    }

    /// As [`KeyConverter::encode`](super::KeyConverter::encode).
    pub(crate) fn encode(&self, records: &Records, keys: &mut Blobs) -> Result<()> {
        let schema = records.schema();
        if schema.key().is_empty() {
            (0..records.len()).for_each(|_| keys.end());
            return Ok(());
        }
        for i in schema.key() {
            let column = records.batch().column(*i);
            if let Some(row) = (0..column.len()).find(|row| column.is_null(*row)) {
                return Err(null_in_key(schema.field(*i).name(), row));
            }
        }
        let batch = records.batch().project(schema.key()).map_err(|e| {
            Error::new(ErrorKind::Internal, "the key columns cannot be taken").with_source(e)
        })?;
        let of_key = Records::new(records.topic().clone(), self.of_key(schema)?, batch)?;
        self.json
            .encode(&of_key, keys)
            .map_err(|e| e.context("message key"))
    }

    fn of_key(&self, schema: &SchemaRef) -> Result<SchemaRef> {
        // The map is whole between any two calls, so a panic elsewhere does not spoil it.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let address = Arc::as_ptr(schema).addr();
        if let Some((_, of_key)) = known.get(&address) {
            return Ok(of_key.clone());
        }
        let fields = schema.key().iter().map(|i| schema.field(*i).clone());
        let fields: Vec<_> = fields.collect();
        let names: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let of_key = Schema::new(schema.name(), fields, &names)?;
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(address, (schema.clone(), of_key.clone()));
        Ok(of_key)
    }
}
