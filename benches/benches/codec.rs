//! Rows to JSON bodies and keys, and back, on one thread: elements are rows.
use benches::Workload;
use connect_api::{
    Blobs, Converter, MessageRef, Pushed, Records, Result, Target, config::Settings,
};
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use std::{hint::black_box, sync::Arc};

/// Rows of a page, as a source has them by default.
const ROWS: i64 = 5_000;

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("codec");
    group.throughput(Throughput::Elements(ROWS.unsigned_abs()));
    let records = Workload::Orders.records("orders", 1..=ROWS, 0)?;
    for (form, schemas) in [("plain", "false"), ("envelope", "true")] {
        let settings = Settings::from_iter([("schemas.enable", schemas)]);
        let json = connect_converters::converter("json", &settings)?;
        bodies(&mut group, form, &json, &records)?;
    }
    keys(&mut group, &records)?;
    group.finish();
    criterion.final_summary();
    Ok(())
}

fn bodies(
    group: &mut BenchmarkGroup<'_, WallTime>,
    form: &str,
    json: &Arc<dyn Converter>,
    records: &Records,
) -> Result<()> {
    let mut bodies = Blobs::default();
    json.encode(records, &mut bodies)?;
    group.bench_function(format!("encode/{form}"), |b| {
        b.iter(|| {
            bodies.clear();
            json.encode(black_box(records), &mut bodies)
        });
    });
    let target = Target {
        schema: Some(records.schema().clone()),
        key: Vec::new(),
        ..Target::default()
    };
    decode(
        group,
        &format!("decode/{form}"),
        json,
        target,
        &bodies,
        None,
    )
}

/// Keys alone: written, and read from tombstones.
fn keys(group: &mut BenchmarkGroup<'_, WallTime>, records: &Records) -> Result<()> {
    let mut keys = Blobs::default();
    connect_converters::encode_keys(records, &mut keys)?;
    group.bench_function("encode/keys", |b| {
        b.iter(|| {
            keys.clear();
            connect_converters::encode_keys(black_box(records), &mut keys)
        });
    });
    let settings = Settings::from_iter([("schemas.enable", "false")]);
    let json = connect_converters::converter("json", &settings)?;
    let target = Target {
        schema: Some(records.schema().clone()),
        key: vec!["id".to_owned()],
        ..Target::default()
    };
    let mut empty = Blobs::default();
    for _ in 0..records.len() {
        empty.end();
    }
    decode(
        group,
        "decode/tombstones",
        &json,
        target,
        &empty,
        Some(&keys),
    )
}

fn decode(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    json: &Arc<dyn Converter>,
    target: Target,
    bodies: &Blobs,
    keys: Option<&Blobs>,
) -> Result<()> {
    let mut decoder = json.decoder("orders".into(), target)?;
    let mut page = || {
        for i in 0..bodies.len() {
            let pushed = decoder.push(MessageRef {
                key: keys.map_or(&[], |keys| keys.get(i)),
                body: bodies.get(i),
                time: Some(0),
            });
            assert_eq!(pushed.ok(), Some(Pushed::Row), "{name}: message {i}");
        }
        decoder.take()
    };
    assert_eq!(page()?.map(|rows| rows.len()), Some(bodies.len()));
    group.bench_function(name, |b| b.iter(&mut page));
    Ok(())
}
