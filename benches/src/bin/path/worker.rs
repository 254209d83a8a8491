//! The worker as users run it: a program of its own, with configuration files.
use crate::args::Args;
use benches::usage::Usage;
use connect_api::{Error, ErrorKind, Result};
use serde_json::{Map, Value};
use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long the worker may take to end.
const STOP: Duration = Duration::from_secs(60);
/// So much of the end of its log is shown where it failed.
const LOG_LINES: usize = 20;

/// A connector's settings.
pub(crate) type Connector = Vec<(String, String)>;

/// The program and what it is run under.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    path: PathBuf,
    under: Vec<String>,
}

/// A running worker. Killed when it is dropped.
pub(crate) struct Worker {
    child: Child,
    pub(crate) started: Instant,
    files: TempDir,
}

fn fault(what: impl std::fmt::Display, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, what.to_string()).with_source(error)
}

impl Program {
    /// The program that `args` name.
    ///
    /// # Errors
    /// `Config`: it is not there.
    pub(crate) fn new(args: &Args) -> Result<Self> {
        let path = match &args.worker {
            Some(path) => path.clone(),
            None => std::env::current_exe()
                .map_err(|e| fault("where is this program?", e))?
                .with_file_name("rocketmq-connect"),
        };
        if !path.is_file() {
            let text = format!(
                "{}: no such program; build it: cargo build --release -p connect-cli",
                path.display()
            );
            return Err(Error::new(ErrorKind::Config, text));
        }
        let under = args.under.iter().flat_map(|text| text.split_whitespace());
        let under = under.map(str::to_owned).collect();
        Ok(Self { path, under })
    }

    /// Runs `worker` settings and `connectors`, with files in a directory of their own.
    ///
    /// # Errors
    /// `Internal`: the files cannot be written, or the program not started.
    pub(crate) fn run(
        &self,
        worker: &[(&str, &str)],
        connectors: &[(&str, Connector)],
    ) -> Result<Worker> {
        let files = TempDir::with_prefix("bench-worker-")
            .map_err(|e| fault("cannot make a directory", e))?;
        let write = |name: &str, text: String| {
            let path = files.path().join(name);
            fs::write(&path, text).map_err(|e| fault(format_args!("write {name}"), e))?;
            Ok::<_, Error>(path)
        };
        let store = files.path().join("store").display().to_string();
        let mut text = format!("storePathRootDir = {}\n", Value::from(store));
        for (key, value) in worker {
            // A JSON string is a TOML string.
            text.push_str(&format!("{key} = {}\n", Value::from(*value)));
        }
        let mut paths = vec![write("worker.toml", text)?];
        for (name, settings) in connectors {
            let settings = settings.iter();
            let object: Map<_, _> = settings
                .map(|(k, v)| (k.clone(), Value::from(v.as_str())))
                .collect();
            paths.push(write(
                &format!("{name}.json"),
                Value::from(object).to_string(),
            )?);
        }
        let log = File::create(files.path().join("log")).map_err(|e| fault("make a log", e))?;
        let mut command = match self.under.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(&self.path);
                command
            }
            None => Command::new(&self.path),
        };
        command.arg("run").args(&paths);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let started = Instant::now();
        let child = command
            .spawn()
            .map_err(|e| fault(format_args!("start {}", self.path.display()), e))?;
        Ok(Worker {
            child,
            started,
            files,
        })
    }
}

impl Worker {
    /// Where it keeps positions and embedded messages.
    pub(crate) fn store(&self) -> PathBuf {
        self.files.path().join("store")
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// `Internal`: it has ended.
    pub(crate) fn usage(&self) -> Result<Usage> {
        Usage::of(self.child.id())
    }

    /// An error about it, with the end of its log.
    pub(crate) fn fault(&self, what: &str) -> Error {
        let log = fs::read_to_string(self.files.path().join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        Error::new(
            ErrorKind::Internal,
            format!("{what}; its log ends with:\n{end}"),
        )
    }

    /// Looks whether it still runs.
    ///
    /// # Errors
    /// `Internal`: it does not.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => Err(self.fault(&format!("the worker ended with {status}"))),
        }
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .map_err(|e| fault("wait for the worker", e))
    }

    /// Asks it to end, and waits until it has; its directory stays as long as what is returned.
    ///
    /// # Errors
    /// `Internal`: it does not end, or says that something failed.
    pub(crate) fn stop(mut self) -> Result<TempDir> {
        let term = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        term.map_err(|e| fault("signal the worker", e))?;
        let deadline = Instant::now() + STOP;
        let status = loop {
            if let Some(status) = self.ended()? {
                break status;
            }
            if Instant::now() >= deadline {
                return Err(self.fault("the worker did not end when asked to"));
            }
            thread::sleep(Duration::from_millis(5));
        };
        if !status.success() {
            return Err(self.fault(&format!("the worker ended with {status}")));
        }
        let empty = TempDir::new().map_err(|e| fault("cannot make a directory", e))?;
        Ok(std::mem::replace(&mut self.files, empty))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Nothing happens where it has ended.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
