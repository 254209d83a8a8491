//! `rocketmq-connect quickstart`: a table that changes, replicated to a second database.
mod compare;
mod files;
mod shop;

use crate::{
    args::{Output, QuickstartArgs},
    compose,
    exit::Exit,
    output,
};
use compare::Side;
use connect_api::{Error, ErrorKind, Result};
use connect_runtime::{ConnectorConfig, StatusBoard, TaskState, Worker, WorkerFile};
use files::Files;
use serde::Serialize;
use shop::{Shop, Traffic};
use std::{
    io::IsTerminal as _,
    path::PathBuf,
    time::{Duration, Instant},
};

/// Pause between two lines of progress.
const TICK: Duration = Duration::from_millis(500);
/// Longest wait for the last rows after the table has come to rest.
const CATCH_UP: Duration = Duration::from_secs(120);

/// What is printed at the end.
#[derive(Serialize)]
struct Summary {
    source_rows: u64,
    target_rows: u64,
    source_checksum: String,
    target_checksum: String,
    equal: bool,
    /// Rows of the first load by the seconds it took until they were in the target; none where
    /// an earlier run had loaded them.
    rows_per_s: Option<u64>,
    rows_moved: u64,
    inserted: u64,
    updated: u64,
    deleted: u64,
    source_database: PathBuf,
    target_database: PathBuf,
    directory: PathBuf,
}

/// Runs the whole of it.
pub(crate) async fn quickstart(args: QuickstartArgs) -> Result<Exit> {
    let files = Files::write(&args.dir)?;
    let mut shop = Shop::open(&files.source).await?;
    shop.fill(args.rows).await?;
    let worker_file = WorkerFile::read(&files.worker)?;
    let transport = compose::transport(&worker_file.config).await?;
    let mut worker = Worker::open(worker_file.config, compose::registry(), transport)?;
    let board = worker.status().clone();
    let began = Instant::now();
    for path in &worker_file.connectors {
        worker.start(ConnectorConfig::read(path)?)?;
    }
    let mut view = View::new(&args, began);
    let mut target = Side::open(&files.target).await?;
    let first_load = view
        .first_load(&mut target, &board, u64::from(args.rows))
        .await?;
    let traffic = change(&mut shop, &mut view, &mut target, &board, args.seconds).await?;
    let mut source = Side::open(&files.source).await?;
    let (before, after) = catch_up(&mut source, &mut target, &board).await?;
    let stopped = worker.stop().await;
    // What was deleted stands in the source as a mark until here: the target has seen it.
    let (source_count, target_count) = if before == after {
        shop.purge().await?;
        (source.content().await?, target.content().await?)
    } else {
        (before, after)
    };
    stopped?;
    let summary = Summary {
        source_rows: source_count.rows,
        target_rows: target_count.rows,
        source_checksum: source_count.checksum(),
        target_checksum: target_count.checksum(),
        equal: source_count == target_count,
        rows_per_s: first_load,
        rows_moved: moved(&board),
        inserted: traffic.inserted,
        updated: traffic.updated,
        deleted: traffic.deleted,
        source_database: files.source.clone(),
        target_database: files.target.clone(),
        directory: files.dir.clone(),
    };
    match args.output {
        Output::Json => output::print_json(&summary)?,
        Output::Text => output::print(&text(&summary, &files))?,
    }
    Ok(if summary.equal {
        Exit::Success
    } else {
        Exit::Different
    })
}

/// Goes on changing the table, and shows how the target follows.
async fn change(
    shop: &mut Shop,
    view: &mut View,
    target: &mut Side,
    board: &StatusBoard,
    seconds: u64,
) -> Result<Traffic> {
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        let tick = Instant::now() + TICK;
        while Instant::now() < tick.min(until) {
            shop.trade().await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        fail_with_tasks(board)?;
        view.show(target, board, &shop.traffic).await?;
    }
    view.end();
    Ok(shop.traffic)
}

/// Waits until the target equals what is left of the source; gives both as last seen.
async fn catch_up(
    source: &mut Side,
    target: &mut Side,
    board: &StatusBoard,
) -> Result<(compare::Content, compare::Content)> {
    let until = Instant::now() + CATCH_UP;
    loop {
        let contents = (source.content().await?, target.content().await?);
        if contents.0 == contents.1 || Instant::now() > until {
            return Ok(contents);
        }
        fail_with_tasks(board)?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn fail_with_tasks(board: &StatusBoard) -> Result<()> {
    match board
        .tasks()
        .into_iter()
        .find(|t| t.state == TaskState::Failed)
    {
        Some(task) => {
            let (kind, cause) = task
                .cause
                .map_or((ErrorKind::Internal, String::new()), |c| {
                    (c.kind, c.message)
                });
            Err(Error::new(
                kind,
                format!("task {} failed: {cause}", task.id),
            ))
        }
        None => Ok(()),
    }
}

/// Rows that the sink has written.
fn moved(board: &StatusBoard) -> u64 {
    let sinks = board.tasks().into_iter();
    sinks
        .filter(|t| t.direction == connect_api::Direction::Sink)
        .map(|t| t.records)
        .sum()
}

/// Progress, on standard error.
struct View {
    quiet: bool,
    terminal: bool,
    began: Instant,
}

impl View {
    fn new(args: &QuickstartArgs, began: Instant) -> Self {
        Self {
            quiet: args.output == Output::Json,
            terminal: std::io::stderr().is_terminal(),
            began,
        }
    }

    /// Waits until the rows that were there are in the target; rows a second.
    async fn first_load(
        &mut self,
        target: &mut Side,
        board: &StatusBoard,
        rows: u64,
    ) -> Result<Option<u64>> {
        if target.count().await? >= rows {
            return Ok(None);
        }
        let mut shown = Instant::now();
        while moved(board) < rows && target.count().await? < rows {
            if shown.elapsed() > TICK {
                self.show(target, board, &Traffic::default()).await?;
                shown = Instant::now();
            }
            fail_with_tasks(board)?;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let micros = self.began.elapsed().as_micros().max(1);
        let rate = u128::from(rows) * 1_000_000 / micros;
        self.show(target, board, &Traffic::default()).await?;
        Ok(u64::try_from(rate).ok())
    }

    async fn show(
        &mut self,
        target: &mut Side,
        board: &StatusBoard,
        traffic: &Traffic,
    ) -> Result<()> {
        if self.quiet {
            return Ok(());
        }
        let line = format!(
            "{:6.1} s   source: +{} ~{} -{}   moved: {} rows   target: {} rows",
            self.began.elapsed().as_secs_f64(),
            traffic.inserted,
            traffic.updated,
            traffic.deleted,
            moved(board),
            target.count().await?,
        );
        if self.terminal {
            eprint!("\r\x1b[2K{line}");
        } else {
            eprintln!("{line}");
        }
        Ok(())
    }

    fn end(&self) {
        if self.terminal && !self.quiet {
            eprintln!();
        }
    }
}

fn text(summary: &Summary, files: &Files) -> String {
    let verdict = if summary.equal {
        "equal: every row and every column"
    } else {
        "DIFFERENT: please report this"
    };
    let dir = files.dir.display();
    let first_load = summary.rows_per_s.map_or_else(String::new, |rate| {
        format!("first load {rate} rows/s; then ")
    });
    format!(
        "\nsource  {}  orders  {} rows  checksum {}\n\
         target  {}  orders  {} rows  checksum {}\n\
         {verdict}\n\n\
         {first_load}{} inserts, {} updates and {} deletes followed\n\n\
         The same again, as a worker of your own:  rocketmq-connect run {dir}/worker.toml\n\
         The configuration is in {dir}: worker.toml, orders-source.toml, orders-sink.toml",
        summary.source_database.display(),
        summary.source_rows,
        summary.source_checksum,
        summary.target_database.display(),
        summary.target_rows,
        summary.target_checksum,
        summary.inserted,
        summary.updated,
        summary.deleted,
    )
}
