//! Rows of several tables in one topic: which of them a sink takes.
use crate::{intake::Intake, sink_run::SinkRun};
use connect_api::{ErrorKind, Origin, Origins, Partition, Position, Result, SinkTask, Value};
use std::sync::Arc;

/// Parts of a stored position: the topic, and the origin whose rows were taken first.
const TOPIC: &str = "sink.topic";
const TABLE: &str = "source.table";
const SCHEMA: &str = "source.schema";

impl SinkRun {
    /// Makes the decoders that are still to be made, as the sink says what it knows.
    ///
    /// # Errors
    /// What the sink or the converter says; an origin that the sink refuses is none.
    pub(crate) async fn decide(&self, sink: &mut dyn SinkTask, intake: &mut Intake) -> Result<()> {
        for (topic, origin) in intake.undecided() {
            let found = match &origin {
                Some(origin) => sink.target_of(&topic, origin).await,
                None => sink.target(&topic).await,
            };
            match (found, &origin) {
                (Ok(target), _) => {
                    let origins = target.origins;
                    let written = target.skipped.is_none();
                    let converter = self.run.converter.as_ref();
                    intake.decide(&topic, origin.as_ref(), converter, target)?;
                    if let (Origins::Compared, Some(origin), true) = (origins, &origin, written) {
                        self.remember(&topic, origin).await?;
                    }
                }
                (Err(e), Some(origin)) if e.kind() == ErrorKind::Data => {
                    tracing::warn!(
                        connector = %self.run.id.connector, task = self.run.id.task,
                        %topic, %origin, error = e.report(), "rows of a source table are refused"
                    );
                    intake.refuse(&topic, Some(origin), &e);
                }
                (Err(e), _) => return Err(e),
            }
        }
        Ok(())
    }

    /// Tells the sink first of the origins whose rows it took before the task ended, so that it is
    /// not left to chance whose rows come first now.
    ///
    /// # Errors
    /// What keeps from reading them, and what the sink says.
    pub(crate) async fn recall(&self, sink: &mut dyn SinkTask) -> Result<()> {
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

    async fn remember(&self, topic: &str, origin: &Origin) -> Result<()> {
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
