//! The contract of all transports, on topics of both types.
use super::{connect, unique};
use async_trait::async_trait;
use connect_api::Result;
use connect_transport::{
    Joining, Lane, Member, Queue, QueueType, Reader, Transport, keeps_the_transport_contract,
};
use std::{num::NonZeroU32, ops::Range, sync::Arc, time::Duration};
use tokio::sync::RwLockReadGuard;

async fn open() -> Result<(Arc<dyn Transport>, RwLockReadGuard<'static, ()>)> {
    let (transport, share) = connect().await?;
    Ok((transport, share))
}

fn name() -> String {
    unique("contract")
}

keeps_the_transport_contract!(open, name);

/// Topics that keep batches whole.
mod of_batch_topics {
    use super::*;

    /// Creates no other topics.
    #[derive(Debug)]
    struct BatchTopics(Arc<dyn Transport>);

    #[async_trait]
    impl Transport for BatchTopics {
        async fn queues(&self, topic: &str) -> Result<Vec<Queue>> {
            self.0.queues(topic).await
        }

        async fn create_topic(&self, topic: &str, queues: NonZeroU32, _: QueueType) -> Result<()> {
            self.0.create_topic(topic, queues, QueueType::Batch).await?;
            assert_eq!(self.0.queue_type(topic).await?, Some(QueueType::Batch));
            Ok(())
        }

        async fn create_group(&self, group: &str) -> Result<()> {
            self.0.create_group(group).await
        }

        async fn join(&self, joining: Joining) -> Result<Box<dyn Member>> {
            self.0.join(joining).await
        }

        async fn lane(&self, queue: &Queue) -> Result<Box<dyn Lane>> {
            self.0.lane(queue).await
        }

        async fn reader(&self, group: &str, queue: &Queue, offset: i64) -> Result<Box<dyn Reader>> {
            self.0.reader(group, queue, offset).await
        }

        async fn committed(&self, group: &str, queues: &[Queue]) -> Result<Vec<Option<i64>>> {
            self.0.committed(group, queues).await
        }

        async fn commit(&self, group: &str, offsets: &[(Queue, i64)]) -> Result<()> {
            self.0.commit(group, offsets).await
        }

        async fn bounds(&self, queue: &Queue) -> Result<Range<i64>> {
            self.0.bounds(queue).await
        }

        async fn close(&self, deadline: Duration) {
            self.0.close(deadline).await;
        }
    }

    async fn open() -> Result<(Arc<dyn Transport>, RwLockReadGuard<'static, ()>)> {
        let (transport, share) = connect().await?;
        Ok((Arc::new(BatchTopics(transport)), share))
    }

    fn name() -> String {
        unique("batches")
    }

    keeps_the_transport_contract!(open, name);
}
