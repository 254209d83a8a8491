//! Looks for all faults of a worker's connectors before the first row moves (G9).
use crate::{
    ConnectorConfig, Registry, WorkerConfig,
    connector_config::SourceCommon,
    message_limit::MessageLimit,
    row_limit, store_dir,
    worker::{Common, prepare},
};
use connect_api::{Error, ErrorKind, Result, SchemaRef, config::Faults};
use connect_transport::Transport;
use serde::Serialize;
use std::{path::Path, sync::Arc};

/// Looks at the settings of all connectors, without I/O, and at whether the worker's directory is
/// free.
///
/// # Errors
/// `Config`: all faults at once.
pub fn validate(
    registry: &Registry,
    worker: &WorkerConfig,
    connectors: &[ConnectorConfig],
) -> Result<()> {
    let mut found = Vec::new();
    for (index, config) in connectors.iter().enumerate() {
        let name = &config.name;
        if let Err(faults) = prepare(registry, worker, config) {
            let error = Error::from(faults).context(format_args!("connector {name}"));
            found.push(error.report());
        }
        if connectors[..index].iter().any(|c| c.name == *name) {
            found.push(format!("there are two connectors named {name}"));
        }
    }
    // Not held from here on: the worker locks it once it has a transport.
    if let Err(error) = store_dir::lock(Path::new(&worker.store_dir)) {
        found.push(error.report());
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, found.join("\n")))
}

/// What was found at one connector.
#[derive(Debug, Serialize)]
pub struct ConnectorReport {
    /// Name of the connector.
    pub connector: Arc<str>,
    /// Faults; none where it can run.
    pub faults: Faults,
    /// What is no fault but worth knowing: keys without effect, topics that are not there yet.
    pub notes: Vec<String>,
}

/// The statements that create what a connector needs in its database, with remarks.
///
/// # Errors
/// `Config`: all faults of its settings; errors of the database.
pub async fn ddl(
    registry: &Registry,
    worker: &WorkerConfig,
    config: &ConnectorConfig,
) -> Result<Vec<String>> {
    let context = |e: Error| e.context(format_args!("connector {}", config.name));
    let prepared = prepare(registry, worker, config).map_err(|e| context(Error::from(e)))?;
    let ddl = prepared.connector.ddl(&prepared.settings).await;
    ddl.map_err(context)
}

/// Reads all of a connector's settings, without I/O; gives notes of those without effect.
///
/// # Errors
/// All faults at once.
pub fn validate_one(
    registry: &Registry,
    worker: &WorkerConfig,
    config: &ConnectorConfig,
) -> Result<Vec<String>, Faults> {
    prepare(registry, worker, config).map(|prepared| prepared.notes)
}

/// Checks settings, databases, tables, columns, privileges and, where there is a transport,
/// topics of all connectors; changes nothing.
pub async fn check(
    registry: &Registry,
    worker: &WorkerConfig,
    transport: Option<&dyn Transport>,
    connectors: &[ConnectorConfig],
) -> Vec<ConnectorReport> {
    let mut reports = Vec::new();
    for (index, config) in connectors.iter().enumerate() {
        let mut notes = Vec::new();
        let mut faults = match prepare(registry, worker, config) {
            Err(faults) => faults,
            Ok(prepared) => {
                notes.extend_from_slice(&prepared.notes);
                let survey = prepared.connector.survey(&prepared.settings).await;
                let mut faults = survey.faults;
                notes.extend(faults.take_notes());
                if let (Common::Sink(sink), Some(transport)) = (&prepared.common, transport) {
                    for topic in &sink.topics.0 {
                        match transport.queues(topic).await {
                            Ok(queues) if queues.is_empty() => notes.push(format!(
                                "topic {topic} does not exist yet; the sink will wait for it"
                            )),
                            Ok(_) => {}
                            Err(error) => faults.at("connect.topicnames", error.report()),
                        }
                    }
                }
                if let (Common::Source(source), Some(transport)) = (&prepared.common, transport) {
                    if let Err(error) = transport.check_queue_type(source.queue_type).await {
                        faults.at("topic.queue.type", error.report());
                    }
                    for topic in survey.topics {
                        notes.extend(other_queue_type(source, &topic, transport).await);
                        match transport.topic_name(&topic) {
                            Ok(name) if name != topic => notes.push(format!(
                                "topic {topic} is written {name} at the server; sinks may name \
                                 either in connect.topicnames"
                            )),
                            Ok(_) => {}
                            Err(error) => faults.at("topic.prefix", error.report()),
                        }
                    }
                }
                for schema in &survey.schemas {
                    notes.extend(prepared.converter.notes(schema));
                }
                if let (Common::Source(source), Some(transport)) = (&prepared.common, transport) {
                    notes.extend(long_rows(&survey.schemas, source, transport).await);
                }
                faults
            }
        };
        if connectors[..index].iter().any(|c| c.name == config.name) {
            faults.at(
                "name",
                format!("there are two connectors named {}", config.name),
            );
        }
        reports.push(ConnectorReport {
            connector: config.name.clone(),
            faults,
            notes,
        });
    }
    reports
}

/// Rows and keys that can be too long for a message.
async fn long_rows(
    schemas: &[SchemaRef],
    source: &SourceCommon,
    transport: &dyn Transport,
) -> Vec<String> {
    // What a server does not answer is among the faults already.
    let limit = MessageLimit::ask(transport, source.max_message_bytes).await;
    let Ok(limit) = limit else {
        return Vec::new();
    };
    let schemas = schemas.iter();
    schemas
        .flat_map(|schema| row_limit::notes(schema, limit))
        .collect()
}

/// A topic that exists keeps its type, whatever the setting.
async fn other_queue_type(
    source: &SourceCommon,
    topic: &str,
    transport: &dyn Transport,
) -> Option<String> {
    // What a server does not answer is among the faults already.
    let existing = transport.queue_type(topic).await.ok()??;
    (existing != source.queue_type).then(|| {
        format!(
            "topic {topic} exists with topic.queue.type={existing} and is written to by that type; \
             {} has an effect on topics that are created",
            source.queue_type
        )
    })
}
