//! Decoders of a sink by topic and source table: which tables of a topic a sink accepts.
use crate::{consumer::Consumer, sink_run::SinkRun};
use connect_api::{ErrorKind, Origin, Origins, Partition, Position, Result, SinkTask, Value};
use std::sync::Arc;

/// Keys of the stored position: the topic, and the source table whose rows were accepted first.
const TOPIC: &str = "sink.topic";
const TABLE: &str = "source.table";
const SCHEMA: &str = "source.schema";

impl SinkRun {
    /// Creates the missing decoders for the targets that the sink gives.
    ///
    /// # Errors
    /// Those of the sink and the converter; a source table that the sink rejects is no error.
    pub(crate) async fn assign_decoders(
        &self,
        sink: &mut dyn SinkTask,
        consumer: &mut Consumer,
    ) -> Result<()> {
        for (topic, origin) in consumer.without_decoder() {
            let found = match &origin {
                Some(origin) => sink.target_of(&topic, origin).await,
                None => sink.target(&topic).await,
            };
            match (found, &origin) {
                (Ok(target), _) => {
                    let origins = target.origins;
                    let written = target.skipped.is_none();
                    let converter = self.run.converter.as_ref();
                    consumer.set_decoder(&topic, origin.as_ref(), converter, target)?;
                    if let (Origins::Compared, Some(origin), true) = (origins, &origin, written) {
                        self.store_source_table(&topic, origin).await?;
                    }
                }
                (Err(e), Some(origin)) if e.kind() == ErrorKind::Data => {
                    tracing::warn!(
                        connector = %self.run.id.connector, task = self.run.id.task,
                        %topic, %origin, error = e.report(), "rows of a source table are rejected"
                    );
                    consumer.refuse(&topic, Some(origin), &e);
                }
                (Err(e), _) => return Err(e),
            }
        }
        Ok(())
    }

    /// Restores the source tables whose rows the sink accepted before the restart, so that the choice
    /// does not depend on which rows come first now.
    ///
    /// # Errors
    /// Those of the position store and of the sink.
    pub(crate) async fn restore_source_tables(&self, sink: &mut dyn SinkTask) -> Result<()> {
        let partitions: Vec<_> = self.config.topics.0.iter().map(|t| partition(t)).collect();
        let stored = self.run.context().positions.read(&partitions).await?;
        for (topic, offset) in self.config.topics.0.iter().zip(stored) {
            let Some(offset) = offset else { continue };
            let text = |name: &str| match offset.get(name) {
                Some(Value::Text(text)) => Some(Box::from(&**text)),
                _ => None,
            };
            if let Some(table) = text(TABLE) {
                let schema = text(SCHEMA);
                match sink.target_of(topic, &Origin { schema, table }).await {
                    Err(e) if e.kind() != ErrorKind::Data => return Err(e),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    async fn store_source_table(&self, topic: &str, origin: &Origin) -> Result<()> {
        let partition = partition(topic);
        let known = [partition.clone()];
        let stored = self.run.context().positions.read(&known).await?;
        if stored.iter().any(Option::is_some) {
            return Ok(());
        }
        let mut offset = Partition::new();
        offset.insert(TABLE.into(), Value::Text((&*origin.table).into()));
        if let Some(schema) = &origin.schema {
            offset.insert(SCHEMA.into(), Value::Text((&**schema).into()));
        }
        let position = Position {
            partition: Arc::new(partition),
            offset,
        };
        self.run.positions.set(&self.run.id.connector, &position)?;
        self.run.positions.flush().await
    }
}

fn partition(topic: &str) -> Partition {
    Partition::from([(TOPIC.into(), Value::Text(topic.into()))])
}
