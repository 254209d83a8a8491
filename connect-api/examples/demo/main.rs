//! Runs the file source into the stdout sink.
mod file_source;
mod stdout_sink;
use connect_api::{config::Settings, *};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (source, sink): (Arc<dyn DynConnector>, Arc<dyn DynConnector>) = (
        Arc::new(file_source::FileLines),
        Arc::new(stdout_sink::Stdout),
    );
    let (TaskKind::Source(mut source), TaskKind::Sink(mut sink)) = (
        source.task(&Settings::from_iter([
            ("path", "Cargo.toml"),
            ("topic", "lines"),
        ]))?,
        sink.task(&Settings::default())?,
    ) else {
        return Ok(());
    };
    let cx = TaskContext::standalone("demo");
    source.start(cx.clone()).await?;
    sink.start(cx).await?;
    while let Polled::Records(records) = source.poll().await? {
        sink.put(&records).await?;
        if let Some(position) = records.position() {
            source.commit(position).await?;
        }
    }
    Ok(())
}
