//! What a sink task runs with.
use crate::{connector_config::SinkCommon, task::TaskRun};

/// What a sink task runs with, beside what every task has.
#[derive(Clone)]
pub(crate) struct SinkRun {
    pub(crate) run: TaskRun,
    pub(crate) config: SinkCommon,
    pub(crate) group: String,
    /// Of the queues of a topic, this task reads those whose index leaves `task` modulo this.
    pub(crate) tasks: u32,
}
