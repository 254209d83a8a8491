//! A source of the lines of a file.
use connect_api::*;
use std::{num::NonZeroUsize, sync::Arc, time::Duration};
use tokio::{
    fs::File,
    io::{AsyncBufReadExt, AsyncSeekExt, BufReader},
};

connect_api::settings! {
    /// Settings of the file source.
    pub(crate) struct Config {
        /// The file to read.
        "path": path: String, required, High;
        /// Where the lines go.
        "topic": topic: String, required, High;
        /// Lines read at once.
        "batch": batch: NonZeroUsize, default "100", Low;
    }
}
pub(crate) struct FileLines;
impl Connector for FileLines {
    type Config = Config;
    const NAME: &'static str = "file-lines";
    const DIRECTION: Direction = Direction::Source;

    fn task(&self, config: Config) -> Result<TaskKind> {
        let schema = Schema::new(
            "line",
            [
                Kind::Int64.field("offset", false),
                Kind::Text.field("line", false),
            ],
            &["offset"],
        )?;
        let partition = Arc::new([("path".into(), config.path.as_str().into())].into());
        Ok(TaskKind::Source(Box::new(Task {
            config,
            schema,
            partition,
            offset: 0,
            file: None,
        })))
    }
}
struct Task {
    config: Config,
    schema: SchemaRef,
    partition: Arc<Partition>,
    offset: i64,
    file: Option<BufReader<File>>,
}
fn io(e: std::io::Error) -> Error {
    Error::new(ErrorKind::Connect, "cannot read the file").with_source(e)
}
#[async_trait]
impl SourceTask for Task {
    async fn start(&mut self, cx: TaskContext) -> Result<()> {
        let stored = cx.stored(&self.partition).await?;
        if let Some(Value::Int(offset)) = stored.and_then(|mut o| o.remove("offset")) {
            self.offset = offset;
        }
        let mut file = BufReader::new(File::open(&self.config.path).await.map_err(io)?);
        file.seek(std::io::SeekFrom::Start(self.offset.cast_unsigned()))
            .await
            .map_err(io)?;
        self.file = Some(file);
        Ok(())
    }
    async fn poll(&mut self) -> Result<Polled> {
        let Some(file) = &mut self.file else {
            return Ok(Polled::Finished);
        };
        let mut rows = Vec::new();
        while rows.len() < self.config.batch.get() {
            let mut line = String::new();
            let bytes = file.read_line(&mut line).await.map_err(io)?;
            if bytes == 0 {
                break;
            }
            rows.push(ConnectRecord {
                values: vec![self.offset.into(), line.trim_end().into()],
                op: Op::Create,
                ..Default::default()
            });
            self.offset += i64::try_from(bytes).unwrap_or(i64::MAX);
        }
        if rows.is_empty() {
            return Ok(Polled::Idle(Duration::from_secs(1)));
        }
        let position = Position {
            partition: self.partition.clone(),
            offset: [("offset".into(), self.offset.into())].into(),
        };
        Ok(Polled::Records(
            Records::from_rows(self.config.topic.as_str().into(), self.schema.clone(), rows)?
                .with_position(position),
        ))
    }
}
