//! Connectors: typed for who writes them, erased for who runs them.
use crate::{
    config::{Config, Definition, Faults, Settings},
    error::Result,
    schema::SchemaRef,
    task::{SinkTask, SourceTask},
};
use async_trait::async_trait;
use std::num::NonZeroU32;

/// A task of either direction.
#[expect(missing_docs, reason = "named by what they hold")]
pub enum TaskKind {
    Source(Box<dyn SourceTask>),
    Sink(Box<dyn SinkTask>),
}

/// Which way a connector moves records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From a system to topics.
    Source,
    /// From topics to a system.
    Sink,
}

/// What a source says of the systems that its settings name.
#[derive(Debug, Default)]
pub struct Survey {
    /// As [`Connector::check`] gives them.
    pub faults: Faults,
    /// As [`Connector::topics`] gives them.
    pub topics: Vec<String>,
    /// As [`Connector::schemas`] gives them; none where they cannot be looked at, which is among the
    /// faults.
    pub schemas: Vec<SchemaRef>,
}

/// Implemented by connectors; `Config` declares all of their settings.
pub trait Connector: Send + Sync + 'static {
    /// Settings.
    type Config: Config;
    /// Name in configs, e.g. `jdbc-source`.
    const NAME: &'static str;
    /// Other names in configs, e.g. the Java class.
    const ALIASES: &'static [&'static str] = &[];
    /// Which way it moves records.
    const DIRECTION: Direction;

    /// Splits the work into at most `max` task settings; may connect. One task by default.
    ///
    /// # Errors
    /// By kind; the connector fails, or is retried.
    fn plan(
        &self,
        config: Self::Config,
        max: NonZeroU32,
    ) -> impl Future<Output = Result<Vec<Self::Config>>> + Send {
        let _ = max;
        async { Ok(vec![config]) }
    }

    /// Looks at the systems the settings name, and reports all faults at once: privileges,
    /// tables, columns, types (G9). Nothing is changed. No faults by default.
    fn check(&self, config: Self::Config) -> impl Future<Output = Faults> + Send {
        let _ = config;
        async { Faults::default() }
    }

    /// The topics that a source writes, as far as they are known before it runs; may connect. None
    /// by default.
    fn topics(&self, config: Self::Config) -> impl Future<Output = Vec<String>> + Send {
        let _ = config;
        async { Vec::new() }
    }

    /// The statements that create what the connector needs in the systems the settings name, and that
    /// is to be created by somebody who may, with remarks; may connect. None by default.
    ///
    /// # Errors
    /// By kind.
    fn ddl(&self, config: Self::Config) -> impl Future<Output = Result<Vec<String>>> + Send {
        let _ = config;
        async { Ok(Vec::new()) }
    }

    /// What is no fault of the settings but worth knowing, such as a setting without effect beside
    /// the others; without I/O. Nothing by default.
    fn notes(&self, config: &Self::Config) -> Vec<String> {
        let _ = config;
        Vec::new()
    }

    /// The schemas of the rows that a source would give; may connect. None by default.
    ///
    /// # Errors
    /// By kind.
    fn schemas(&self, config: Self::Config) -> impl Future<Output = Result<Vec<SchemaRef>>> + Send {
        let _ = config;
        async { Ok(Vec::new()) }
    }

    /// [`check`](Self::check), [`topics`](Self::topics) and [`schemas`](Self::schemas) by one look at the
    /// systems. `None`, the default: each of them is called.
    fn survey(&self, config: Self::Config) -> impl Future<Output = Option<Survey>> + Send {
        let _ = config;
        async { None }
    }

    /// Creates a task, without I/O.
    ///
    /// # Errors
    /// `Config`, `Unsupported`.
    fn task(&self, config: Self::Config) -> Result<TaskKind>;
}

/// The object-safe twin, by blanket impl; what registries hold.
#[async_trait]
#[expect(missing_docs, reason = "as in Connector")]
pub trait DynConnector: Send + Sync {
    fn name(&self) -> &'static str;
    fn aliases(&self) -> &'static [&'static str];
    fn direction(&self) -> Direction;
    fn definition(&self) -> &'static Definition;
    /// All faults of the settings, without I/O.
    fn validate(&self, settings: &Settings) -> Faults;
    /// What is no fault of the settings but worth knowing; nothing where they have faults.
    fn notes(&self, settings: &Settings) -> Vec<String>;
    async fn check(&self, settings: &Settings) -> Faults;
    /// What `check`, `topics` and `schemas` give.
    async fn survey(&self, settings: &Settings) -> Survey;
    async fn topics(&self, settings: &Settings) -> Vec<String>;
    async fn schemas(&self, settings: &Settings) -> Result<Vec<SchemaRef>>;
    async fn ddl(&self, settings: &Settings) -> Result<Vec<String>>;
    async fn plan(&self, settings: &Settings, max: NonZeroU32) -> Result<Vec<Settings>>;
    fn task(&self, settings: &Settings) -> Result<TaskKind>;
}

#[async_trait]
impl<C: Connector> DynConnector for C {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn aliases(&self) -> &'static [&'static str] {
        C::ALIASES
    }

    fn direction(&self) -> Direction {
        C::DIRECTION
    }

    fn definition(&self) -> &'static Definition {
        C::Config::definition()
    }

    fn validate(&self, settings: &Settings) -> Faults {
        C::Config::from_settings(settings).err().unwrap_or_default()
    }

    fn notes(&self, settings: &Settings) -> Vec<String> {
        let config = C::Config::from_settings(settings);
        config.map_or_else(|_| Vec::new(), |config| Connector::notes(self, &config))
    }

    async fn schemas(&self, settings: &Settings) -> Result<Vec<SchemaRef>> {
        Connector::schemas(self, C::Config::from_settings(settings)?).await
    }

    async fn check(&self, settings: &Settings) -> Faults {
        match C::Config::from_settings(settings) {
            Ok(config) => Connector::check(self, config).await,
            Err(faults) => faults,
        }
    }

    async fn survey(&self, settings: &Settings) -> Survey {
        let surveyed = match C::Config::from_settings(settings) {
            Ok(config) => Connector::survey(self, config).await,
            Err(faults) => Some(Survey {
                faults,
                ..Survey::default()
            }),
        };
        match surveyed {
            Some(survey) => survey,
            None => Survey {
                faults: DynConnector::check(self, settings).await,
                topics: DynConnector::topics(self, settings).await,
                // What cannot be looked at is among the faults already.
                schemas: DynConnector::schemas(self, settings)
                    .await
                    .unwrap_or_default(),
            },
        }
    }

    async fn topics(&self, settings: &Settings) -> Vec<String> {
        match C::Config::from_settings(settings) {
            Ok(config) => Connector::topics(self, config).await,
            Err(_) => Vec::new(),
        }
    }

    async fn ddl(&self, settings: &Settings) -> Result<Vec<String>> {
        Connector::ddl(self, C::Config::from_settings(settings)?).await
    }

    async fn plan(&self, settings: &Settings, max: NonZeroU32) -> Result<Vec<Settings>> {
        let config = C::Config::from_settings(settings)?;
        let tasks = Connector::plan(self, config, max).await?;
        Ok(tasks.iter().map(Config::to_settings).collect())
    }

    fn task(&self, settings: &Settings) -> Result<TaskKind> {
        Connector::task(self, C::Config::from_settings(settings)?)
    }
}
