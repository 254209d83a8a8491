//! Orders into and out of each database, by every route that it has: elements are rows.
//!
//! PostgreSQL and MariaDB are those of `scripts/services`; without their addresses in the
//! environment they are left out, and in CI that is a failure.
use benches::{OrdersTable, orders};
use connect_api::{Error, ErrorKind, Result};
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use dialects::{OpenOptions, Route, WriteOp, WritePlan};
use std::{
    env,
    num::NonZeroU32,
    process,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// Rows of a batch and of a page, as connectors have them by default.
const BATCH: i64 = 5_000;
const PAGE: NonZeroU32 = NonZeroU32::new(5_000).unwrap();
/// Rows of the table that is read.
const READ: i64 = 100_000;
/// An insert begins with an empty table again after so many rows, so that the server's memory
/// holds it.
const ROOM: i64 = 500_000;

fn main() -> Result<()> {
    let failed = |e| Error::new(ErrorKind::Internal, "cannot start").with_source(e);
    let runtime = Runtime::new().map_err(failed)?;
    let files = tempfile::tempdir().map_err(failed)?;
    let mut criterion = Criterion::default()
        .sample_size(20)
        .measurement_time(Duration::from_secs(5))
        .configure_from_args();
    for (name, variable) in [
        ("postgres", "CONNECT_TEST_POSTGRES_URL"),
        ("mariadb", "CONNECT_TEST_MYSQL_URL"),
    ] {
        match env::var(variable) {
            Ok(url) => database(&mut criterion, &runtime, name, &url)?,
            Err(_) if env::var_os("CI").is_none() => println!(
                "{name}: left out, {variable} is not set; run: eval \"$(scripts/services env)\""
            ),
            Err(missing) => {
                let text = format!("{name}: {variable} must be set in CI");
                return Err(Error::new(ErrorKind::Config, text).with_source(missing));
            }
        }
    }
    let file = files.path().join("orders.db");
    let url = format!("sqlite:{}?mode=rwc", file.display());
    database(&mut criterion, &runtime, "sqlite", &url)?;
    criterion.final_summary();
    Ok(())
}

fn database(criterion: &mut Criterion, runtime: &Runtime, name: &str, url: &str) -> Result<()> {
    let dialect = dialects::open(url, &OpenOptions::default())?;
    let table_name = format!("bench_criterion_{}", process::id());
    let mut table = runtime.block_on(OrdersTable::create(dialect, &table_name))?;
    let mut group = criterion.benchmark_group(name);

    runtime.block_on(table.load(1..=READ))?;
    runtime.block_on(table.settle())?;
    group.throughput(Throughput::Elements(READ.unsigned_abs()));
    group.bench_function("read", |b| {
        b.iter(|| runtime.block_on(table.read(PAGE)));
    });

    group.throughput(Throughput::Elements(BATCH.unsigned_abs()));
    for (what, op) in [("insert", WriteOp::Insert), ("upsert", WriteOp::Upsert)] {
        for route in [Route::Load, Route::Stage, Route::Values, Route::Rows] {
            let plan = match table.plan(op, Some(route)) {
                Ok(plan) => plan,
                Err(error) if error.kind() == ErrorKind::Unsupported => continue,
                Err(error) => return Err(error),
            };
            let route = format!("{route:?}").to_lowercase();
            write(
                &mut group,
                runtime,
                &format!("{what}/{route}"),
                &mut table,
                &plan,
            )?;
        }
    }
    group.finish();
    runtime.block_on(table.drop())
}

/// Batches of new rows, one transaction each.
fn write(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    name: &str,
    table: &mut OrdersTable,
    plan: &WritePlan,
) -> Result<()> {
    runtime.block_on(table.clear())?;
    let mut next = 1;
    // A measurement cannot fail: the first error ends all that follow, and is returned after.
    let mut failed = Ok(());
    let mut batch = || {
        if next > ROOM {
            runtime.block_on(table.clear())?;
            next = 1;
        }
        let records = orders::records("orders", next..=next + BATCH - 1, 0)?;
        next += BATCH;
        let started = Instant::now();
        runtime.block_on(table.write(plan, &records))?;
        Ok(started.elapsed())
    };
    group.bench_function(name, |b| {
        b.iter_custom(|iterations| {
            let mut spent = Duration::from_nanos(1);
            for _ in 0..iterations {
                if failed.is_ok() {
                    failed = batch().map(|elapsed| spent += elapsed);
                }
            }
            spent
        });
    });
    failed
}
