//! Rows into and out of each database: by every route that it has, by the raw driver doing the
//! same bytes (`limit`), and one row at a time (`one-row`). Elements are rows.
//!
//! Ids are `database/task/workload/way`, and a filter is a part of one:
//! `cargo bench -p benches --bench dialects -- postgres/insert/orders`.
//!
//! PostgreSQL and MariaDB are those of `scripts/services`; without their addresses in the
//! environment they are left out, and in CI that is a failure.
use benches::{Arena, Brand, Contender, Database, Task, Way, Workload};
use connect_api::{Error, ErrorKind, Result};
use criterion::{Criterion, SamplingMode, Throughput};
use dialects::Route;
use std::{env, time::Duration};
use tokio::runtime::Runtime;

/// Rows of a run, and of its tables.
const ROWS: i64 = 20_000;
/// The same where each row is a round trip.
const FEW_ROWS: i64 = 2_000;
/// Rows of a transaction, as connectors have them by default.
const BATCH: i64 = 5_000;

fn main() -> Result<()> {
    let failed = |e| Error::new(ErrorKind::Internal, "cannot start").with_source(e);
    let runtime = Runtime::new().map_err(failed)?;
    let files = tempfile::tempdir().map_err(failed)?;
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for brand in Brand::ALL {
        match Database::open(*brand, files.path()) {
            Ok(database) => measure(&mut criterion, &runtime, &database)?,
            Err(missing) if env::var_os("CI").is_none() => {
                println!("{}: left out: {missing}", brand.name());
            }
            Err(missing) => return Err(missing.context("in CI nothing is left out")),
        }
    }
    criterion.final_summary();
    Ok(())
}

fn measure(criterion: &mut Criterion, runtime: &Runtime, database: &Database) -> Result<()> {
    let brand = database.brand();
    for workload in Workload::ALL {
        let mut bench = Bench {
            runtime,
            database,
            workload,
            arena: None,
            failed: Ok(()),
        };
        for task in Task::ALL {
            let name = format!("{}/{}/{}", brand.name(), task.name(), workload.name());
            let mut group = criterion.benchmark_group(name);
            group.sampling_mode(SamplingMode::Flat);
            for way in Arena::ways(brand, task) {
                let rows = match way {
                    Way::OneRow | Way::Route(Route::Rows) => FEW_ROWS,
                    _ => ROWS,
                };
                group.throughput(Throughput::Elements(rows.unsigned_abs()));
                let mut contender = None;
                group.bench_function(way.to_string(), |b| {
                    b.iter_custom(|iterations| {
                        bench.run(&mut contender, task, way, rows, iterations)
                    });
                });
            }
            group.finish();
        }
        bench.close()?;
    }
    Ok(())
}

/// A workload in a database, of which nothing is made before it is first measured: filters may
/// leave all of it out.
struct Bench<'a> {
    runtime: &'a Runtime,
    database: &'a Database,
    workload: Workload,
    arena: Option<Arena>,
    /// A measurement cannot fail: the first error ends all that follow, and is returned at last.
    failed: Result<()>,
}

impl Bench<'_> {
    fn run(
        &mut self,
        contender: &mut Option<Contender>,
        task: Task,
        way: Way,
        rows: i64,
        iterations: u64,
    ) -> Duration {
        let mut spent = Duration::from_nanos(1);
        for _ in 0..iterations {
            if self.failed.is_ok() {
                match self.once(contender, task, way, rows) {
                    Ok(elapsed) => spent += elapsed,
                    Err(error) => self.failed = Err(error),
                }
            }
        }
        spent
    }

    fn once(
        &mut self,
        contender: &mut Option<Contender>,
        task: Task,
        way: Way,
        rows: i64,
    ) -> Result<Duration> {
        self.runtime.block_on(async {
            let arena = match &mut self.arena {
                Some(arena) => arena,
                none => none.insert(Arena::open(self.database, self.workload, ROWS).await?),
            };
            let contender = match contender {
                Some(contender) => contender,
                none => none.insert(arena.contender(task, way, rows, BATCH).await?),
            };
            arena.reset(task).await?;
            contender.run().await
        })
    }

    fn close(self) -> Result<()> {
        self.failed?;
        match self.arena {
            Some(arena) => self.runtime.block_on(arena.close()),
            None => Ok(()),
        }
    }
}
