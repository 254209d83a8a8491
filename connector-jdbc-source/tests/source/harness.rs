//! A store of positions, and a source task driven as the runtime drives it.
use async_trait::async_trait;
use connect_api::{
    DynConnector, Error, Offset, Op, Part, PartBoard, Partition, Polled, Position, PositionReader,
    Records, Result, SourceTask, TaskContext, TaskKind, Value, config::Settings,
};
use connector_jdbc_source::JdbcSource;
use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};
pub(crate) use test_support::{Database, unique};
use tokio_util::sync::CancellationToken;

/// The longest time that a test waits for an event.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A source on the database of a test.
pub(crate) trait Source {
    /// Settings with the keys that every test needs, and `more`.
    fn settings(&self, more: &[(&str, &str)]) -> Settings;
}

impl Source for Database {
    fn settings(&self, more: &[(&str, &str)]) -> Settings {
        let mut settings = self.connection_settings();
        settings.set("topic.prefix", "");
        settings.set("poll.interval.ms", "0");
        more.iter()
            .for_each(|(key, value)| settings.set(*key, *value));
        settings
    }
}

/// Positions that were stored, and the files of tasks.
pub(crate) struct Store(Mutex<Vec<(Partition, Offset)>>, PathBuf);

impl Default for Store {
    fn default() -> Self {
        let directory = std::env::temp_dir().join(unique("state"));
        Self(Mutex::default(), directory)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // It is there if a task has written files.
        drop(std::fs::remove_dir_all(&self.1));
    }
}

impl Store {
    /// Where tasks keep files.
    pub(crate) fn directory(&self) -> &Path {
        &self.1
    }

    pub(crate) fn keep(&self, records: &Records) {
        let Some(position) = records.position() else {
            return;
        };
        let mut stored = self.0.lock().unwrap();
        stored.retain(|(partition, _)| *partition != *position.partition);
        stored.push((
            Partition::clone(&position.partition),
            position.offset.clone(),
        ));
    }

    /// All of them, without the identities of tables, which differ from run to run.
    pub(crate) fn all(&self) -> Vec<(Partition, Offset)> {
        let mut all = self.0.lock().unwrap().clone();
        for (_, offset) in &mut all {
            offset.remove("snapshot.table");
        }
        all
    }
}

struct Reader(Arc<Store>);

#[async_trait]
impl PositionReader for Reader {
    async fn read(&self, partitions: &[Partition]) -> Result<Vec<Option<Offset>>> {
        let stored = self.0.0.lock().unwrap();
        let find = |wanted: &Partition| {
            let found = stored.iter().find(|(partition, _)| partition == wanted);
            found.map(|(_, offset)| offset.clone())
        };
        Ok(partitions.iter().map(find).collect())
    }
}

pub(crate) fn connector() -> Arc<dyn DynConnector> {
    Arc::new(JdbcSource::new(Arc::new(dialects::open)))
}

pub(crate) fn context(store: &Arc<Store>) -> TaskContext {
    TaskContext {
        connector: "test".into(),
        task: 0,
        positions: Arc::new(Reader(store.clone())),
        stop: CancellationToken::new(),
        parts: PartBoard::default(),
        state: Some(store.directory().into()),
    }
}

/// A started task.
pub(crate) struct Run {
    task: Box<dyn SourceTask>,
    pub(crate) store: Arc<Store>,
    parts: PartBoard,
}

impl Run {
    /// Plans one task and starts it at the stored positions.
    pub(crate) async fn try_start(settings: &Settings, store: &Arc<Store>) -> Result<Self> {
        let connector = connector();
        let planned = connector.plan(settings, NonZeroU32::MIN).await?;
        assert_eq!(planned.len(), 1);
        Self::try_start_planned(&planned[0], store).await
    }

    /// Starts a planned task at the stored positions, as the runtime does after an error.
    pub(crate) async fn try_start_planned(settings: &Settings, store: &Arc<Store>) -> Result<Self> {
        let TaskKind::Source(mut task) = connector().task(settings)? else {
            panic!("not a source");
        };
        let context = context(store);
        let parts = context.parts.clone();
        task.start(context).await?;
        Ok(Self {
            task,
            store: store.clone(),
            parts,
        })
    }

    pub(crate) async fn start(settings: &Settings, store: &Arc<Store>) -> Self {
        Self::try_start(settings, store)
            .await
            .unwrap_or_else(|e| panic!("{}", e.report()))
    }

    pub(crate) async fn start_planned(settings: &Settings, store: &Arc<Store>) -> Self {
        Self::try_start_planned(settings, store)
            .await
            .unwrap_or_else(|e| panic!("{}", e.report()))
    }

    /// How the tables are doing, by name.
    pub(crate) fn parts(&self) -> Vec<(Box<str>, Part)> {
        self.parts.all().into_iter().collect()
    }

    pub(crate) async fn poll(&mut self) -> Result<Polled> {
        tokio::time::timeout(DEADLINE, self.task.poll())
            .await
            .expect("a poll ends in time")
    }

    /// The same, where it must not fail.
    pub(crate) async fn polled(&mut self) -> Polled {
        let polled = self.poll().await;
        polled.unwrap_or_else(|e| panic!("{}", e.report()))
    }

    /// The next page, whose position is stored; `None` if there are no new rows.
    pub(crate) async fn page(&mut self) -> Option<Records> {
        loop {
            match self.polled().await {
                Polled::Records(records) => {
                    self.store.keep(&records);
                    if !records.is_empty() {
                        return Some(records);
                    }
                }
                Polled::Refused { keys, error } => panic!("{keys:?}: {}", error.report()),
                Polled::Idle(_) => return None,
                Polled::Finished => panic!("a table is never finished"),
            }
        }
    }

    /// All pages until there are no new rows.
    pub(crate) async fn drain(&mut self) -> Vec<Records> {
        let mut pages = Vec::new();
        while let Some(page) = self.page().await {
            pages.push(page);
        }
        pages
    }

    /// All pages until there are no new rows, and the `id` and error of unreadable rows.
    pub(crate) async fn drain_readable(&mut self) -> (Vec<Records>, Vec<(i64, String)>) {
        let (mut pages, mut refused) = (Vec::new(), Vec::new());
        loop {
            match self.polled().await {
                Polled::Records(records) => {
                    self.store.keep(&records);
                    pages.push(records);
                }
                Polled::Refused { keys, error } => {
                    self.store.keep(&keys);
                    let ids = numbers(std::slice::from_ref(&keys), "id");
                    refused.extend(ids.into_iter().map(|id| (id, error.report())));
                }
                Polled::Idle(_) => return (pages, refused),
                Polled::Finished => panic!("a table is never finished"),
            }
        }
    }

    /// What was returned is in the broker, and its positions are stored.
    pub(crate) async fn commit(&mut self) {
        for (partition, offset) in self.store.all() {
            let partition = Arc::new(partition);
            let position = Position { partition, offset };
            self.task.commit(&position).await.unwrap();
        }
    }

    /// Drains if `ends`.
    pub(crate) async fn drain_if(&mut self, ends: bool) {
        if ends {
            self.drain().await;
        }
    }

    pub(crate) async fn stop(mut self) {
        self.task.stop().await.unwrap();
    }
}

/// The values of an integer column, over all pages.
pub(crate) fn numbers(pages: &[Records], column: &str) -> Vec<i64> {
    let rows = pages.iter().flat_map(|page| page.rows());
    rows.map(|row| match row.by_name(column).unwrap().to_value() {
        Value::Int(v) => v,
        other => panic!("{column}: {other:?}"),
    })
    .collect()
}

pub(crate) fn ops(pages: &[Records]) -> Vec<Op> {
    let rows = pages.iter().flat_map(|page| page.rows());
    rows.map(|row| row.op()).collect()
}

/// The error of a task that cannot start.
pub(crate) async fn refusal(settings: &Settings) -> String {
    let error: Error = match Run::try_start(settings, &Arc::default()).await {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    };
    error.report()
}
