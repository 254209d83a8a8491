//! The program as a child process.
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A directory with a worker's files, and the worker that runs on them.
pub(crate) struct Program {
    pub(crate) dir: TempDir,
    connectors: Vec<String>,
    /// More variables of the environment.
    pub(crate) env: Vec<(&'static str, String)>,
    child: Option<Child>,
}

impl Program {
    /// Writes a worker file of these lines.
    pub(crate) fn new(worker: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store").display().to_string();
        let mut text = toml(worker);
        text.push_str(&toml(&[("storePathRootDir", &store)]));
        fs::write(dir.path().join("worker.toml"), text).unwrap();
        Self {
            dir,
            connectors: Vec::new(),
            env: Vec::new(),
            child: None,
        }
    }

    /// Writes a connector file; the connector is named by it.
    pub(crate) fn connector(&mut self, name: &str, settings: &[(&str, &str)]) {
        let file = format!("{name}.toml");
        fs::write(self.dir.path().join(&file), toml(settings)).unwrap();
        self.connectors.push(file);
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rocketmq-connect"));
        command
            .current_dir(self.dir.path())
            .args([verb, "worker.toml", "--output", "json"])
            .args(&self.connectors)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env_remove("RUST_LOG");
        command
    }

    /// Where the log goes; it is appended to by each start.
    pub(crate) fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    pub(crate) fn log_text(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Starts `run`.
    pub(crate) fn start(&mut self) {
        let open = |path: &Path| {
            let mut options = fs::File::options();
            options.create(true).append(true).open(path).unwrap()
        };
        let child = self
            .command("run")
            .stdin(Stdio::null())
            .stdout(open(&self.dir.path().join("out")))
            .stderr(open(&self.log()))
            .spawn();
        self.child = Some(child.unwrap());
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Sends SIGTERM and waits; gives the exit code and the JSON document.
    pub(crate) fn stop(&mut self) -> (i32, serde_json::Value) {
        let child = self.child.as_mut().unwrap();
        let term = Command::new("kill").arg(child.id().to_string()).status();
        assert!(term.unwrap().success());
        self.wait()
    }

    /// Waits until `run` ends by itself.
    pub(crate) fn wait(&mut self) -> (i32, serde_json::Value) {
        let mut child = self.child.take().unwrap();
        let until = Instant::now() + Duration::from_secs(90);
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > until {
                child.kill().unwrap();
                panic!("the program does not end; its log:\n{}", self.log_text());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let out = fs::read_to_string(self.dir.path().join("out")).unwrap();
        let document = serde_json::from_str(&out).unwrap_or(serde_json::Value::Null);
        (status.code().unwrap_or(-1), document)
    }

    /// Waits until `done`; fails with the log after `limit`, and at once when the program ends.
    pub(crate) fn wait_until(&mut self, limit: Duration, mut done: impl FnMut() -> bool) {
        let until = Instant::now() + limit;
        while !done() {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait().unwrap()
            {
                panic!("the program ended: {status}; its log:\n{}", self.log_text());
            }
            assert!(
                Instant::now() < until,
                "not in time; the log:\n{}",
                self.log_text()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until the log says that a task of the connector has failed.
    pub(crate) fn wait_until_failed(&mut self, connector: &str, limit: Duration, log: &Path) {
        let said = |text: &str| {
            text.lines()
                .any(|line| line.contains("task failed") && line.contains(connector))
        };
        let until = Instant::now() + limit;
        while !said(&fs::read_to_string(log).unwrap_or_default()) {
            assert!(
                Instant::now() < until,
                "no failure; the log:\n{}",
                self.log_text()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the log holds `text` so many times.
    pub(crate) fn wait_for_log(&self, log: &Path, text: &str, times: usize, limit: Duration) {
        let until = Instant::now() + limit;
        while fs::read_to_string(log)
            .unwrap_or_default()
            .matches(text)
            .count()
            < times
        {
            assert!(
                Instant::now() < until,
                "not in time; the log:\n{}",
                self.log_text()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops what still runs; gives the exit code and the JSON document.
    pub(crate) fn end(&mut self) -> (i32, serde_json::Value) {
        let child = self.child.as_mut().unwrap();
        if child.try_wait().unwrap().is_some() {
            return self.wait();
        }
        self.stop()
    }

    /// Leaves out the connectors written so far, their output and the log.
    pub(crate) fn forget_connectors(&mut self) {
        self.connectors.clear();
        for file in ["out", "log"] {
            fs::remove_file(self.dir.path().join(file)).unwrap();
        }
    }

    /// What `ddl` prints.
    pub(crate) fn ddl(&self) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rocketmq-connect"));
        command
            .current_dir(self.dir.path())
            .args(["ddl", "worker.toml"])
            .args(&self.connectors);
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs `check` to its end.
    pub(crate) fn check(&self) -> Output {
        self.command("check").output().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended already.
            let _ended = child.kill();
            let _status = child.wait();
        }
    }
}

fn toml(settings: &[(&str, &str)]) -> String {
    let lines = settings
        .iter()
        .map(|(key, value)| format!("{key:?} = {value:?}\n"));
    lines.collect()
}

/// The only task of a connector in the document that `run` prints.
pub(crate) fn task<'a>(document: &'a serde_json::Value, connector: &str) -> &'a serde_json::Value {
    let tasks = document["tasks"].as_array().unwrap();
    let task = tasks.iter().find(|t| t["connector"] == connector);
    task.unwrap_or_else(|| panic!("no task of {connector} in {document}"))
}
