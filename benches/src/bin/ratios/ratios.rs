//! Contenders in turn, again and again, and how they compare.
use crate::{
    args::Options,
    busy::Others,
    report::{Table, bold_below, thousands},
};
use benches::{Arena, Brand, Contender, Database, Task, Way, Workload};
use connect_api::{ErrorKind, Result};
use dialects::Route;
use std::time::Duration;

/// Rows of a transaction, as connectors have them by default.
const BATCH: i64 = 5_000;
/// Rows written one at a time to a server.
const FEW_ROWS: i64 = 5_000;
/// The share of the limit to reach, and the multiple of one row at a time.
const SHARE: f64 = 0.75;
const MULTIPLE: f64 = 8.0;
/// How much faster PostgreSQL's staged upsert is to be than its arrays, with large batches.
const STAGED: f64 = 1.4;
/// Upserts are compared with these many rows in a batch.
const LARGE: i64 = 100_000;
const SMALL: i64 = 500;
/// What is planned must be about as fast as the faster way.
const ABOUT: f64 = 0.9;
/// How much faster ODBC's arrays are to be than single rows, where a driver has them.
const ARRAYS: f64 = 3.0;

/// A contender and what its runs took.
struct Measured {
    contender: Contender,
    took: Vec<Duration>,
}

impl Measured {
    fn rates(&self) -> impl Iterator<Item = f64> {
        let rows = self.contender.rows as f64;
        self.took.iter().map(move |took| rows / took.as_secs_f64())
    }

    /// Rows a second, of the median run.
    fn rate(&self) -> f64 {
        median(self.rates())
    }

    /// How much faster than another, of two runs that followed each other: what else the machine
    /// did was about the same for both.
    fn over(&self, other: &Self) -> f64 {
        median(self.rates().zip(other.rates()).map(|(a, b)| a / b))
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Runs all in turn, `repeat` times, after one run of each that does not count but is checked.
async fn compete(
    arena: &mut Arena,
    contenders: Vec<Contender>,
    repeat: u32,
    others: &mut Others,
) -> Result<Vec<Measured>> {
    let with_no_runs = |contender| Measured {
        contender,
        took: Vec::new(),
    };
    let mut all: Vec<_> = contenders.into_iter().map(with_no_runs).collect();
    for Measured { contender, .. } in &mut all {
        arena.reset(contender.task).await?;
        contender.run().await?;
        arena.check(contender).await?;
    }
    for first in 0..repeat as usize {
        others.look()?;
        // Another begins each time: what a run leaves to its successor falls on all alike.
        for i in 0..all.len() {
            let next = (first + i) % all.len();
            let Measured { contender, took } = &mut all[next];
            arena.reset(contender.task).await?;
            took.push(contender.run().await?);
        }
    }
    Ok(all)
}

fn tasks(options: &Options, workload: Workload) -> Vec<Task> {
    let wanted = |task: &Task| options.takes(*task, workload);
    Task::ALL.into_iter().filter(wanted).collect()
}

/// Measures a database and prints its tables.
///
/// # Errors
/// As the database says.
pub(crate) async fn print(database: &Database, options: &Options) -> Result<()> {
    let brand = database.brand();
    let mut others = Others::default();
    println!("### {}\n", brand.title());
    match brand {
        Brand::Odbc(_) => routes(database, options, &mut others).await?,
        _ => limits(database, options, &mut others).await?,
    }
    if brand == Brand::Postgres && options.only.is_none() {
        upserts(database, options, &mut others).await?;
    }
    println!("{}\n", others.line());
    Ok(())
}

/// ODBC: arrays and statements of many rows against single rows.
async fn routes(database: &Database, options: &Options, others: &mut Others) -> Result<()> {
    let brand = database.brand();
    let mut table = Table::new(&[
        "task",
        "as planned, rows/s",
        "arrays, rows/s",
        "many rows a statement, rows/s",
        "single rows, rows/s",
        "arrays / single",
        "planned / single",
    ]);
    for workload in Workload::ALL {
        let rows = options.rows / 5;
        let tasks = tasks(options, workload);
        if tasks.is_empty() {
            continue;
        }
        let mut arena = Arena::open(database, workload, rows).await?;
        for task in tasks {
            eprintln!("{} {} {}", brand.name(), task.name(), workload.name());
            let mut contenders = vec![arena.contender(task, Way::Ours, rows, BATCH).await?];
            if task != Task::Read {
                for (route, rows) in [
                    (Route::Rows, FEW_ROWS),
                    (Route::Values, rows),
                    (Route::Load, rows),
                ] {
                    match arena.contender(task, Way::Route(route), rows, BATCH).await {
                        Ok(contender) => contenders.push(contender),
                        Err(e) if e.kind() == ErrorKind::Unsupported => {}
                        Err(e) => return Err(e),
                    }
                }
            }
            let all = compete(&mut arena, contenders, options.repeat.get(), others).await?;
            let of = |route| all.iter().find(|m| m.contender.way == Way::Route(route));
            let rate = |m: Option<&Measured>| m.map(|m| thousands(m.rate())).unwrap_or_default();
            let single = of(Route::Rows);
            let over = |m: Option<&Measured>, least| {
                let ratio = m.zip(single).map(|(m, single)| m.over(single));
                ratio
                    .map(|ratio| bold_below(ratio, least, "×"))
                    .unwrap_or_default()
            };
            table.row([
                format!("{} {}", task.name(), workload.name()),
                rate(all.first()),
                rate(of(Route::Load)),
                rate(of(Route::Values)),
                rate(single),
                over(of(Route::Load), ARRAYS),
                over(all.first(), ARRAYS),
            ]);
        }
        arena.close().await?;
    }
    table.end();
    Ok(())
}

/// Reading and writing against the raw driver, and one row at a time.
async fn limits(database: &Database, options: &Options, others: &mut Others) -> Result<()> {
    let brand = database.brand();
    let mut table = Table::new(&[
        "task",
        "ours, rows/s",
        "limit, rows/s",
        "ours / limit",
        "one row at a time, rows/s",
        "ours / one row",
    ]);
    for workload in Workload::ALL {
        let rows = match workload {
            Workload::Orders => options.rows,
            Workload::Wide | Workload::Text => options.rows / 5,
        };
        let tasks = tasks(options, workload);
        if tasks.is_empty() {
            continue;
        }
        let mut arena = Arena::open(database, workload, rows).await?;
        for task in tasks {
            eprintln!("{} {} {}", brand.name(), task.name(), workload.name());
            let mut contenders = vec![
                arena.contender(task, Way::Ours, rows, BATCH).await?,
                arena.contender(task, Way::Limit, rows, BATCH).await?,
            ];
            if task != Task::Read {
                let few = if brand == Brand::Sqlite {
                    rows
                } else {
                    FEW_ROWS
                };
                contenders.push(arena.contender(task, Way::OneRow, few, BATCH).await?);
            }
            let repeat = options.repeat.get();
            let all = compete(&mut arena, contenders, repeat, others).await?;
            let (ours, limit) = (&all[0], &all[1]);
            // One row at a time costs little where there is no server.
            let least = if brand == Brand::Sqlite {
                0.0
            } else {
                MULTIPLE
            };
            let (one, multiple) = match all.get(2) {
                Some(one) => (
                    thousands(one.rate()),
                    bold_below(ours.over(one), least, "×"),
                ),
                None => (String::new(), String::new()),
            };
            table.row([
                format!("{} {}", task.name(), workload.name()),
                thousands(ours.rate()),
                thousands(limit.rate()),
                bold_below(ours.over(limit), SHARE, ""),
                one,
                multiple,
            ]);
        }
        arena.close().await?;
    }
    table.end();
    Ok(())
}

/// PostgreSQL: staged upserts and those by arrays, with large batches and small ones.
async fn upserts(database: &Database, options: &Options, others: &mut Others) -> Result<()> {
    let mut table = Table::new(&[
        "upsert of existing orders",
        "stage, rows/s",
        "UNNEST, rows/s",
        "stage / UNNEST",
        "as planned, rows/s",
        "planned / faster",
    ]);
    let mut arena = Arena::open(database, Workload::Orders, LARGE).await?;
    for (batch, rows, least) in [(LARGE, LARGE, STAGED), (SMALL, LARGE / 5, 0.0)] {
        eprintln!("postgres upsert by {batch}");
        let mut contenders = Vec::new();
        for way in [
            Way::Route(Route::Stage),
            Way::Route(Route::Values),
            Way::Ours,
        ] {
            contenders.push(arena.contender(Task::Upsert, way, rows, batch).await?);
        }
        let repeat = options.repeat.get();
        let all = compete(&mut arena, contenders, repeat, others).await?;
        let [stage, unnest, planned] = [&all[0], &all[1], &all[2]];
        let faster = if stage.rate() > unnest.rate() {
            stage
        } else {
            unnest
        };
        table.row([
            format!("{batch} rows a batch"),
            thousands(stage.rate()),
            thousands(unnest.rate()),
            bold_below(stage.over(unnest), least, "×"),
            thousands(planned.rate()),
            bold_below(planned.over(faster), ABOUT, ""),
        ]);
    }
    arena.close().await?;
    table.end();
    Ok(())
}
