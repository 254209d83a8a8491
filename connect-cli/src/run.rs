//! `rocketmq-connect run`: the worker.
use crate::{
    args::{Output, RunArgs, RunCommand},
    compose,
    exit::Exit,
    notify::Notify,
    output,
};
use connect_api::{Disposition, Error, ErrorKind, Result};
use connect_runtime::{ConnectorConfig, TaskState, TaskStatus, Worker, WorkerConfig, WorkerFile};
use connect_transport::Transport;
use serde::Serialize;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// First pause before brokers are looked for again; pauses double.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause before brokers are looked for again: what has come up is used soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What is printed at the end.
#[derive(Serialize)]
struct Summary {
    tasks: Vec<TaskStatus>,
    stopped_in_time: bool,
    /// Where it was stopped before there was a broker: what it waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_for: Option<String>,
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

/// SIGTERM and Ctrl-C.
struct Signals {
    term: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self> {
        Ok(Self {
            term: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Comes when the program is to stop.
    async fn stop(&mut self) {
        tokio::select! {
            _ = self.term.recv() => tracing::info!("SIGTERM: stopping"),
            _ = self.interrupt.recv() => tracing::info!("Ctrl-C: stopping"),
        }
    }
}

/// Opens the transport; waits while no name server or broker can be reached. What it waited for,
/// where it was asked to stop meanwhile.
///
/// # Errors
/// As [`compose::transport`], at once for what does not pass: wrong credentials or settings.
async fn transport(
    config: &WorkerConfig,
    fail_fast: bool,
    notify: &Notify,
    signals: &mut Signals,
) -> Result<Result<Arc<dyn Transport>, String>> {
    let mut pause = FIRST_PAUSE;
    loop {
        let error = tokio::select! {
            opened = compose::transport(config) => match opened {
                Ok(transport) => return Ok(Ok(transport)),
                Err(error) => error,
            },
            () = signals.stop() => return Ok(Err("an answer of a name server".to_owned())),
        };
        if fail_fast || error.kind().disposition() != Disposition::Retry {
            return Err(error);
        }
        let waits_for = error.report();
        tracing::warn!(
            delay_ms = pause.as_millis(),
            error = waits_for,
            "not ready: waiting for a broker, retrying"
        );
        notify.waiting(&waits_for);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = signals.stop() => return Ok(Err(waits_for)),
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// Runs until a signal, or until all tasks have finished.
pub(crate) async fn run(command: RunCommand) -> Result<Exit> {
    let RunCommand {
        files: args,
        fail_fast,
    } = command;
    let (file, connectors) = read(&args)?;
    for note in &file.notes {
        tracing::warn!("{}: {note}", args.worker.display());
    }
    let registry = compose::registry();
    // Before there is a wait: no server makes these good.
    connect_runtime::validate(&registry, &file.config, &connectors)?;
    let notify = Notify::from_environment();
    let mut signals = Signals::listen()?;
    let opened = transport(&file.config, fail_fast, &notify, &mut signals).await?;
    let transport = match opened {
        Ok(transport) => transport,
        Err(waited_for) => {
            notify.stopping();
            let summary = Summary {
                tasks: Vec::new(),
                stopped_in_time: true,
                waited_for: Some(waited_for),
            };
            print(&args, &summary)?;
            return Ok(Exit::Success);
        }
    };
    let mut worker = Worker::open(file.config, registry, transport)?;
    let mut faults = Vec::new();
    for config in connectors {
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
    notify.ready();
    tokio::select! {
        () = worker.wait() => tracing::info!("all tasks have finished"),
        () = signals.stop() => {}
    }
    notify.stopping();
    let stopped = tokio::select! {
        stopped = worker.stop() => stopped,
        _ = signals.interrupt.recv() => Err(Error::new(ErrorKind::Timeout, "aborted by a second Ctrl-C")),
    };
    let summary = Summary {
        tasks: board.tasks(),
        stopped_in_time: stopped.is_ok(),
        waited_for: None,
    };
    print(&args, &summary)?;
    stopped?;
    let failed = summary.tasks.iter().any(|t| t.state == TaskState::Failed);
    Ok(if failed { Exit::Failed } else { Exit::Success })
}

fn print(args: &RunArgs, summary: &Summary) -> Result<()> {
    match args.output {
        Output::Json => output::print_json(summary)?,
        Output::Text => {
            if let Some(waited_for) = &summary.waited_for {
                output::print(&format!("stopped while waiting for {waited_for}"))?;
            }
            for task in &summary.tasks {
                output::print(&line(task))?;
            }
        }
    }
    Ok(())
}

fn listen(kind: SignalKind) -> Result<Signal> {
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
        (task.skipped, "skipped"),
        (task.retries, "retries"),
    ] {
        if count > 0 {
            line.push_str(&format!(", {count} {what}"));
        }
    }
    if let Some(cause) = &task.cause {
        line.push_str(&format!("\n    {}: {}", cause.kind.name(), cause.message));
    }
    for (name, part) in &task.parts {
        if let Some(error) = &part.error {
            line.push_str(&format!("\n    {name}: {error}"));
        }
    }
    line
}
