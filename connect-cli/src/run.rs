//! `rocketmq-connect run`: the worker.
use crate::{
    args::{Output, RunArgs},
    compose,
    exit::Exit,
    output,
};
use connect_api::{Error, ErrorKind, Result};
use connect_runtime::{ConnectorConfig, TaskState, TaskStatus, Worker, WorkerFile};
use serde::Serialize;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// What is printed at the end.
#[derive(Serialize)]
struct Summary {
    tasks: Vec<TaskStatus>,
    stopped_in_time: bool,
}

/// Reads the worker's file and those of its connectors.
///
/// # Errors
/// `Config`: all faults of the files at once.
pub(crate) fn read(args: &RunArgs) -> Result<(WorkerFile, Vec<ConnectorConfig>)> {
    let mut faults = Vec::new();
    let worker = WorkerFile::read(&args.worker)
        .map_err(|e| faults.push(e.report()))
        .ok();
    let named: &[PathBuf] = worker.as_ref().map_or(&[], |w| &w.connectors);
    let mut connectors = Vec::new();
    for path in args.connectors.iter().chain(named) {
        match ConnectorConfig::read(path) {
            Ok(config) => connectors.push(config),
            Err(error) => faults.push(error.report()),
        }
    }
    match worker {
        Some(worker) if faults.is_empty() && !connectors.is_empty() => Ok((worker, connectors)),
        Some(_) if faults.is_empty() => Err(Error::new(
            ErrorKind::Config,
            "there is no connector to run: name a connector file on the command line, or in `connectors` of the worker file",
        )),
        _ => Err(Error::new(ErrorKind::Config, faults.join("\n"))),
    }
}

/// Runs until a signal, or until all tasks have ended.
pub(crate) async fn run(args: RunArgs) -> Result<Exit> {
    let (file, connectors) = read(&args)?;
    for note in &file.notes {
        tracing::warn!("{}: {note}", args.worker.display());
    }
    let transport = compose::transport(&file.config).await?;
    let mut worker = Worker::open(file.config, compose::registry(), transport)?;
    let mut faults = Vec::new();
    for config in connectors {
        for note in &config.notes {
            tracing::warn!("connector {}: {note}", config.name);
        }
        if let Err(error) = worker.start(config) {
            faults.push(error.report());
        }
    }
    if !faults.is_empty() {
        // Nothing runs before all of it can.
        worker.stop().await?;
        return Err(Error::new(ErrorKind::Config, faults.join("\n")));
    }
    let board = worker.status().clone();
    tracing::info!("running; stop with SIGTERM or Ctrl-C");
    let (mut term, mut interrupt) = (
        listen(SignalKind::terminate())?,
        listen(SignalKind::interrupt())?,
    );
    tokio::select! {
        () = worker.wait() => tracing::info!("all tasks have ended"),
        _ = term.recv() => tracing::info!("SIGTERM: stopping"),
        _ = interrupt.recv() => tracing::info!("Ctrl-C: stopping"),
    }
    let stopped = tokio::select! {
        stopped = worker.stop() => stopped,
        _ = interrupt.recv() => Err(Error::new(ErrorKind::Timeout, "stopped at once by a second Ctrl-C")),
    };
    let summary = Summary {
        tasks: board.tasks(),
        stopped_in_time: stopped.is_ok(),
    };
    match args.output {
        Output::Json => output::print_json(&summary)?,
        Output::Text => {
            for task in &summary.tasks {
                output::print(&line(task))?;
            }
        }
    }
    stopped?;
    let failed = summary.tasks.iter().any(|t| t.state == TaskState::Failed);
    Ok(if failed { Exit::Failed } else { Exit::Success })
}

fn listen(kind: SignalKind) -> Result<tokio::signal::unix::Signal> {
    signal(kind).map_err(|e| Error::new(ErrorKind::Internal, "cannot take signals").with_source(e))
}

fn line(task: &TaskStatus) -> String {
    let state = format!("{:?}", task.state).to_uppercase();
    let mut line = format!(
        "{}  {state}  {} records in {} batches",
        task.id, task.records, task.batches
    );
    for (count, what) in [
        (task.dead_letters, "dead letters"),
        (task.retries, "retries"),
    ] {
        if count > 0 {
            line.push_str(&format!(", {count} {what}"));
        }
    }
    if let Some(cause) = &task.cause {
        line.push_str(&format!("\n    {}: {}", cause.kind.name(), cause.message));
    }
    line
}
