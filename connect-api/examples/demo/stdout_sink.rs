//! A sink that prints rows as JSON.
use connect_api::*;

connect_api::settings! {
    /// Settings of the stdout sink.
    pub(crate) struct Config {
        /// Printed before each line.
        "prefix": prefix: String, default "> ", Low;
    }
}

pub(crate) struct Stdout;
impl Connector for Stdout {
    type Config = Config;
    const NAME: &'static str = "stdout";
    const DIRECTION: Direction = Direction::Sink;

    fn task(&self, config: Config) -> Result<TaskKind> {
        Ok(TaskKind::Sink(Box::new(Task { config })))
    }
}
struct Task {
    config: Config,
}

#[async_trait]
impl SinkTask for Task {
    async fn start(&mut self, _: TaskContext) -> Result<()> {
        Ok(())
    }

    async fn put(&mut self, records: &Records) -> Result<PutOutcome> {
        for row in records.rows() {
            let text = serde_json::to_string(&row)
                .map_err(|e| Error::new(ErrorKind::Data, "cannot print").with_source(e))?;
            println!(
                "{}{} {:?} {text}",
                self.config.prefix,
                records.topic(),
                row.op()
            );
        }
        Ok(PutOutcome {
            written: records.len(),
            ..Default::default()
        })
    }
}
