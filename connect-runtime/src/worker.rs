//! The worker: connectors planned into tasks, tasks run side by side.
use crate::{
    connector_config::{CommonConfig, ConnectorConfig, SinkCommon, SourceCommon},
    kafka_keys, original_keys,
    positions::PositionStore,
    registry::Registry,
    retry::RetryPolicy,
    sink_run::SinkRun,
    source::SourceRun,
    status::{StatusBoard, TaskId, TaskState},
    store_dir::lock,
    task::TaskRun,
    worker_config::WorkerConfig,
    worker_id::worker_id,
};
use connect_api::{
    Converter, Direction, DynConnector, Error, ErrorKind, Result,
    config::{Config as _, Definition, Faults, Settings, nearest},
};
use connect_converters::KeyConverter;
use connect_transport::Transport;
use std::{fs::File, path::Path, sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Runs connectors in this process.
///
/// Tasks are independent: a failed one is reported with its cause, and the others continue.
pub struct Worker {
    config: WorkerConfig,
    registry: Registry,
    transport: Arc<dyn Transport>,
    positions: Arc<PositionStore>,
    owner: Arc<str>,
    board: Arc<StatusBoard>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
    /// Held as long as the worker lives: one worker a directory.
    _lock: File,
}

/// A connector whose settings are without fault.
pub(crate) struct Prepared {
    pub(crate) config: ConnectorConfig,
    pub(crate) connector: Arc<dyn DynConnector>,
    pub(crate) common: Common,
    pub(crate) converter: Arc<dyn Converter>,
    pub(crate) keys: KeyConverter,
    /// The connector's own.
    pub(crate) settings: Settings,
    /// Settings without effect, each with the reason.
    pub(crate) notes: Vec<String>,
}

pub(crate) enum Common {
    Source(SourceCommon),
    Sink(Box<SinkCommon>),
}

/// Reads all of a connector's settings, without I/O.
///
/// # Errors
/// All faults at once.
pub(crate) fn prepare(
    registry: &Registry,
    worker: &WorkerConfig,
    config: &ConnectorConfig,
) -> Result<Prepared, Faults> {
    let mut faults = Faults::default();
    let connector = match registry.get(&config.common.class) {
        Ok(connector) => connector.clone(),
        Err(error) => {
            faults.general(error.to_string());
            return Err(faults);
        }
    };
    let (mut config, mut notes) = without_original_keys(connector.as_ref(), config, &mut faults);
    let name = config.common.key_converter.as_deref();
    let keys = KeyConverter::named(name.unwrap_or(&worker.key_converter), &config.key_converter)
        .map_err(|e| faults.general(format!("key.converter: {e}")));
    let name = config.common.value_converter.as_deref();
    let name = name.unwrap_or(&worker.value_converter);
    share_with_converter(
        name,
        connector.definition(),
        &config.rest,
        &mut config.converter,
    );
    let converter = connect_converters::converter_with_keys(
        name,
        &config.converter,
        &keys.clone().unwrap_or_default(),
    )
    .map_err(|e| faults.general(format!("value.converter: {e}")));
    let (common, settings) = match connector.direction() {
        Direction::Source => {
            let (common, settings) =
                config.split(SourceCommon::definition(), connector.definition());
            (
                SourceCommon::from_settings(&common).map(Common::Source),
                settings,
            )
        }
        Direction::Sink => {
            let (common, settings) = config.split(SinkCommon::definition(), connector.definition());
            let common = SinkCommon::from_settings(&common);
            (common.map(|c| Common::Sink(Box::new(c))), settings)
        }
    };
    let common = common.map_err(|found| faults.extend(found));
    let mut settings = settings;
    // A key that the connector declares too goes to both: a sink's check looks at its topics.
    for (key, value) in config.rest.iter() {
        if connector.definition().key(key).is_some() {
            settings.set(key, value);
        }
    }
    let settings = refuse_unknown(connector.as_ref(), settings, &mut faults);
    faults.extend(connector.validate(&settings));
    notes.extend(connector.notes(&settings));
    if let Ok(Common::Sink(sink)) = &common {
        notes.extend(sink.idle());
    }
    match (converter, keys, common) {
        (Ok(converter), Ok(keys), Ok(common)) if faults.is_empty() => Ok(Prepared {
            config,
            connector,
            common,
            converter,
            keys,
            settings,
            notes,
        }),
        _ => Err(faults),
    }
}

/// Gives the converter `name` what the connector's own settings say of values too, where its own
/// leave it out.
fn share_with_converter(name: &str, own: &Definition, rest: &Settings, converter: &mut Settings) {
    /// Of values in general: some cannot be read from the database, others not be written.
    const SHARED: &str = "values.unrepresentable";
    let takes = connect_converters::definition(name).is_ok_and(|known| known.key(SHARED).is_some());
    if let Some(value) = rest.get(SHARED)
        && takes
        && own.key(SHARED).is_some()
        && converter.get(SHARED).is_none()
    {
        converter.set(SHARED, value);
    }
}

/// The settings without the keys of the Java original that mean nothing here, and notes of them.
fn without_original_keys(
    connector: &dyn DynConnector,
    config: &ConnectorConfig,
    faults: &mut Faults,
) -> (ConnectorConfig, Vec<String>) {
    let mut config = config.clone();
    let own = connector.definition();
    let mut notes = match connector.direction() {
        Direction::Source => {
            original_keys::of_source(&mut config.rest, &[own, SourceCommon::definition()])
        }
        Direction::Sink => {
            let known = [own, SinkCommon::definition()];
            let mut notes = original_keys::of_sink(&mut config.rest, &known);
            let class = &config.common.class;
            notes.extend(original_keys::table_of_class(class, &config.rest, own));
            notes
        }
    };
    // Rows sent unchanged although the file configures transforms would be other data.
    let named = config.rest.remove("transforms").unwrap_or_default();
    if !named.trim().is_empty() {
        faults.at(
            "transforms",
            "this version has no transforms, and rows would be sent unchanged: do their work in the \
             source's `query` or in the target, and leave `transforms` out",
        );
    }
    let of_transforms = config.rest.split_off("transforms.");
    if named.trim().is_empty() && of_transforms.iter().next().is_some() {
        notes.push("`transforms.*` has no effect here: `transforms` names none".to_owned());
    }
    (config, notes)
}

/// Removes undeclared keys, each a fault; suggestions come from the keys of the
/// connector and of the runtime alike.
fn refuse_unknown(
    connector: &dyn DynConnector,
    mut settings: Settings,
    faults: &mut Faults,
) -> Settings {
    let own = connector.definition();
    let common = match connector.direction() {
        Direction::Source => SourceCommon::definition(),
        Direction::Sink => SinkCommon::definition(),
    };
    let unknown: Vec<_> = settings.keys().filter(|k| own.key(k).is_none()).collect();
    let unknown: Vec<_> = unknown.into_iter().map(str::to_owned).collect();
    for key in unknown {
        let declared = [own, common, CommonConfig::definition()];
        let names = declared.iter().flat_map(|d| d.keys.iter().map(|k| k.name));
        let hint = match kafka_keys::instead(connector.direction(), &key) {
            Some(instead) => Some(format!(" here: {instead}")),
            None => nearest(&key, names).map(|name| format!("; did you mean `{name}`?")),
        };
        settings.remove(&key);
        faults.at(key, format!("unknown key{}", hint.unwrap_or_default()));
    }
    settings
}

impl Worker {
    /// A worker without connectors. Its directory is created if it does not exist.
    ///
    /// # Errors
    /// `Config`: the directory cannot be created or locked, or another worker uses it.
    /// `Internal`: stored positions cannot be read.
    pub fn open(
        config: WorkerConfig,
        registry: Registry,
        transport: Arc<dyn Transport>,
    ) -> Result<Self> {
        let dir = Path::new(&config.store_dir);
        let lock = lock(dir)?;
        Ok(Self {
            positions: PositionStore::open(dir)?,
            owner: worker_id(dir)?,
            config,
            registry,
            transport,
            board: Arc::default(),
            tasks: JoinSet::new(),
            stop: CancellationToken::new(),
            _lock: lock,
        })
    }

    /// The states of all tasks.
    pub fn status(&self) -> &Arc<StatusBoard> {
        &self.board
    }

    /// Plans a connector into tasks and starts them. Planning may connect; transient errors are
    /// retried until the worker is stopped, or for the configured time.
    ///
    /// A fault of planning is shown as that of the connector's task 0.
    ///
    /// # Errors
    /// `Config`: all faults of the settings at once, or a name that is taken.
    pub fn start(&mut self, config: ConnectorConfig) -> Result<()> {
        let name = config.name.clone();
        let prepared = prepare(&self.registry, &self.config, &config)
            .map_err(|faults| Error::from(faults).context(format_args!("connector {name}")))?;
        if self.board.tasks().iter().any(|t| t.id.connector == name) {
            return Err(Error::new(
                ErrorKind::Config,
                format!("there are two connectors named {name}"),
            ));
        }
        for note in &prepared.notes {
            tracing::warn!("connector {name}: {note}");
        }
        let id = TaskId {
            connector: name,
            task: 0,
        };
        let shared = Shared {
            transport: self.transport.clone(),
            positions: self.positions.clone(),
            owner: self.owner.clone(),
            board: self.board.clone(),
            commit_interval: self.config.commit_interval.0,
            // Some time is left to store positions and to close.
            drain: self.config.stop_timeout.0 * 3 / 4,
        };
        let first = shared.make_run(&prepared, id, prepared.settings.clone(), self.stop.clone());
        self.tasks.spawn(run_connector(prepared, first, shared));
        Ok(())
    }

    /// Waits until every task has ended: failed, finished or stopped.
    pub async fn wait(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Asks all tasks to stop, waits for them as long as `maxStopTimeoutMills` says, stores
    /// positions and closes the transport. What was read but is not acknowledged then is moved
    /// again after the next start.
    ///
    /// # Errors
    /// `Timeout`: tasks did not end in time and were ended. `Internal`: positions could not be
    /// stored.
    pub async fn stop(mut self) -> Result<()> {
        let deadline = self.config.stop_timeout.0;
        self.stop.cancel();
        let ended = tokio::time::timeout(deadline, self.wait()).await;
        if ended.is_err() {
            self.tasks.shutdown().await;
        }
        let stored = self.positions.flush().await;
        self.transport.close(deadline).await;
        stored?;
        ended.map_err(|elapsed| {
            Error::new(
                ErrorKind::Timeout,
                format!("tasks did not end within {} ms", deadline.as_millis()),
            )
            .with_source(elapsed)
        })
    }
}

/// What tasks of all connectors share.
struct Shared {
    transport: Arc<dyn Transport>,
    positions: Arc<PositionStore>,
    owner: Arc<str>,
    board: Arc<StatusBoard>,
    commit_interval: Duration,
    drain: Duration,
}

impl Shared {
    fn make_run(
        &self,
        prepared: &Prepared,
        id: TaskId,
        settings: Settings,
        stop: CancellationToken,
    ) -> TaskRun {
        let common = &prepared.config.common;
        let policy = RetryPolicy::new(common.retry_timeout, common.retry_delay_max.0);
        let direction = prepared.connector.direction();
        let (counters, parts) = self.board.enter(id.clone(), direction);
        TaskRun {
            counters,
            parts,
            id,
            connector: prepared.connector.clone(),
            settings,
            references: prepared.config.references.clone(),
            credentials: Arc::default(),
            converter: prepared.converter.clone(),
            keys: prepared.keys.clone(),
            transport: self.transport.clone(),
            positions: self.positions.clone(),
            owner: self.owner.clone(),
            policy: match &prepared.common {
                Common::Source(_) => policy,
                Common::Sink(sink) => {
                    policy.with_retries(sink.max_retries, sink.retry_backoff.map(|pause| pause.0))
                }
            },
            commit_interval: self.commit_interval,
            drain: self.drain,
            board: self.board.clone(),
            stop,
        }
    }
}

/// Plans, then runs the tasks until all have ended.
async fn run_connector(prepared: Prepared, first: TaskRun, shared: Shared) {
    let stop = first.stop.clone();
    let planned = match plan(&prepared, &first).await {
        Ok(Some(planned)) => planned,
        Ok(None) => return first.set_state(TaskState::Stopped, None),
        Err(error) => return fail(&first, &error),
    };
    let count = u32::try_from(planned.len()).unwrap_or(u32::MAX);
    let mut tasks = JoinSet::new();
    for (task, settings) in (0..count).zip(planned) {
        let id = TaskId {
            connector: first.id.connector.clone(),
            task,
        };
        let run = shared.make_run(&prepared, id.clone(), settings, stop.clone());
        let (board, own_id) = (shared.board.clone(), id);
        match &prepared.common {
            Common::Source(config) => {
                let source = SourceRun {
                    run,
                    config: config.clone(),
                };
                let ended = async move { source.run().await };
                tasks.spawn(supervise(board, own_id, ended));
            }
            Common::Sink(config) => {
                let group = config.group.clone();
                let sink = SinkRun {
                    group: group.unwrap_or_else(|| format!("connect-{}", run.id.connector)),
                    run,
                    config: SinkCommon::clone(config),
                    tasks: count,
                };
                let ended = async move { sink.run().await.map(|()| TaskState::Stopped) };
                tasks.spawn(supervise(board, own_id, ended));
            }
        }
    }
    while tasks.join_next().await.is_some() {}
}

async fn plan(prepared: &Prepared, first: &TaskRun) -> Result<Option<Vec<Settings>>> {
    let max = prepared.config.common.max_tasks;
    if prepared.connector.direction() == Direction::Sink {
        // A sink's work is split by queues.
        return Ok(Some(vec![prepared.settings.clone(); max.get() as usize]));
    }
    let mut retry = None;
    loop {
        let settings = first.settings_now();
        let planning = prepared.connector.plan(&settings, max);
        let planned = tokio::select! {
            () = first.stop.cancelled() => return Ok(None),
            planned = planning => planned,
        };
        match planned {
            Ok(planned) => {
                let as_read = |task| first.references.as_read(task, &settings);
                return Ok(Some(planned.into_iter().map(as_read).collect()));
            }
            Err(error) => {
                if !first.retry_after(&mut retry, &error).await? {
                    return Ok(None);
                }
            }
        }
    }
}

/// Runs a task in a task of its own, so that a panic in it ends it alone.
async fn supervise(
    board: Arc<StatusBoard>,
    id: TaskId,
    run: impl Future<Output = Result<TaskState>> + Send + 'static,
) {
    let mut alone = JoinSet::new();
    alone.spawn(run);
    let error = match alone.join_next().await {
        Some(Ok(Ok(state))) => {
            tracing::info!(connector = %id.connector, task = id.task, ?state, "task ended");
            return board.set(&id, state, None);
        }
        Some(Ok(Err(error))) => error,
        Some(Err(panic)) => {
            Error::new(ErrorKind::Internal, "the task panicked; please report this")
                .with_source(panic)
        }
        None => Error::new(ErrorKind::Internal, "the task was not started"),
    };
    report_failure(&id, &error);
    board.set(&id, TaskState::Failed, Some(&error));
}

fn fail(run: &TaskRun, error: &Error) {
    report_failure(&run.id, error);
    run.set_state(TaskState::Failed, Some(error));
}

fn report_failure(id: &TaskId, error: &Error) {
    tracing::error!(
        connector = %id.connector, task = id.task, state = "FAILED", kind = error.kind().name(),
        error = error.report(), "task failed"
    );
}
