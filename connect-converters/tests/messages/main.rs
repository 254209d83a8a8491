//! Messages as they stand on the wire, out and back.
#![expect(
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]
mod envelope;
mod hostile;
mod java;
mod keys;
mod plain;
mod round_trip;
mod samples;
mod single;

use connect_api::{
    Blobs, ConnectRecord, Converter, Decoder, Kind, MessageRef, Records, Schema, SchemaRef, Target,
    Value, config::Settings,
};
use std::sync::Arc;

const TOPIC: &str = "orders";

/// The JSON converter with `settings`.
fn json(settings: &[(&str, &str)]) -> Arc<dyn Converter> {
    let settings = Settings::from_iter(settings.iter().copied());
    connect_converters::converter("json", &settings).unwrap()
}

fn schema(columns: impl IntoIterator<Item = (&'static str, Kind)>, key: &[&str]) -> SchemaRef {
    let fields = columns
        .into_iter()
        .map(|(name, kind)| kind.field(name, !key.contains(&name)));
    Schema::new("orders", fields.collect::<Vec<_>>(), key).unwrap()
}

fn records(schema: &SchemaRef, rows: impl IntoIterator<Item = Vec<Value>>) -> Records {
    let rows: Vec<_> = rows
        .into_iter()
        .map(|values| ConnectRecord {
            values,
            ..Default::default()
        })
        .collect();
    Records::from_rows(TOPIC.into(), schema.clone(), rows).unwrap()
}

/// The bodies of `records`, as text.
fn bodies(converter: &dyn Converter, records: &Records) -> Vec<String> {
    let mut bodies = Blobs::default();
    converter.encode(records, &mut bodies).unwrap();
    (0..bodies.len())
        .map(|i| String::from_utf8(bodies.get(i).to_vec()).unwrap())
        .collect()
}

fn target(schema: &SchemaRef) -> Target {
    Target {
        schema: Some(schema.clone()),
        key: Vec::new(),
        ..Target::default()
    }
}

fn decoder(converter: &dyn Converter, target: Target) -> Box<dyn Decoder> {
    converter.decoder(TOPIC.into(), target).unwrap()
}

fn body(body: &str) -> MessageRef<'_> {
    MessageRef {
        body: body.as_bytes(),
        ..Default::default()
    }
}

fn values(records: &Records) -> Vec<Vec<Value>> {
    records.rows().map(|row| row.to_record().values).collect()
}

/// The error that `body` gives, as people see it.
fn refusal(decoder: &mut dyn Decoder, message: MessageRef<'_>) -> String {
    let rows = decoder.rows();
    let error = decoder.push(message).unwrap_err();
    assert_eq!(decoder.rows(), rows);
    error.to_string()
}
