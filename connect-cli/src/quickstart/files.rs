//! The files of the quickstart: a configuration to start from.
use connect_api::{Error, ErrorKind, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where things are.
pub(super) struct Files {
    pub(super) dir: PathBuf,
    pub(super) source: PathBuf,
    pub(super) target: PathBuf,
    pub(super) worker: PathBuf,
}

impl Files {
    /// Creates the directory and writes the configuration; databases and messages of an earlier run
    /// stay.
    ///
    /// # Errors
    /// `Config`: the directory cannot be created or written to.
    pub(super) fn write(dir: &Path) -> Result<Self> {
        let fault = |e: std::io::Error| {
            let message = format!("directory {} cannot be written to", dir.display());
            Error::new(ErrorKind::Config, message).with_source(e)
        };
        fs::create_dir_all(dir).map_err(fault)?;
        let dir = fs::canonicalize(dir).map_err(fault)?;
        let files = Self {
            source: dir.join("source.db"),
            target: dir.join("target.db"),
            worker: dir.join("worker.toml"),
            dir,
        };
        for (name, text) in files.texts() {
            fs::write(files.dir.join(name), text).map_err(fault)?;
        }
        Ok(files)
    }

    fn texts(&self) -> [(&'static str, String); 3] {
        let quoted = |path: &Path| format!("{:?}", path.display().to_string());
        let url = |path: &Path| format!("{:?}", format!("sqlite:{}?mode=rwc", path.display()));
        let worker = format!(
            "# Messages are kept in a file of this machine. For Apache RocketMQ, leave out\n\
             # `transport` and give the name server:  namesrvAddr = \"127.0.0.1:9876\"\n\
             workerId = \"quickstart\"\n\
             transport = \"embedded\"\n\
             storePathRootDir = {}\n\
             connectors = [\"orders-source.toml\", \"orders-sink.toml\"]\n",
            quoted(&self.dir.join("store"))
        );
        let source = format!(
            "# New and changed rows of the table `orders`, to the topic `shop-orders`.\n\
             \"connector.class\" = \"jdbc-source\"\n\
             \"connection.url\" = {}\n\
             mode = \"timestamp+incrementing\"\n\
             # SQLite has no type for times: they are text that is read as such.\n\
             \"sqlite.dates\" = \"iso\"\n\
             \"table.whitelist\" = \"orders\"\n\
             \"timestamp.column.name\" = \"updated_at\"\n\
             \"incrementing.column.name\" = \"id\"\n\
             # A row with this mark is sent as a delete.\n\
             \"delete.column.name\" = \"deleted\"\n\
             \"topic.prefix\" = \"shop-\"\n\
             \"poll.interval.ms\" = 50\n\
             \"value.converter\" = \"json\"\n",
            url(&self.source)
        );
        let sink = format!(
            "# The topic `shop-orders`, to the table `orders` of another database.\n\
             \"connector.class\" = \"jdbc-sink\"\n\
             \"connection.url\" = {}\n\
             \"connect.topicnames\" = \"shop-orders\"\n\
             \"table.name.format\" = \"orders\"\n\
             \"insert.mode\" = \"upsert\"\n\
             \"pk.mode\" = \"record_key\"\n\
             \"pk.fields\" = \"id\"\n\
             \"delete.enabled\" = true\n\
             \"auto.create\" = true\n\
             \"value.converter\" = \"json\"\n",
            url(&self.target)
        );
        [
            ("worker.toml", worker),
            ("orders-source.toml", source),
            ("orders-sink.toml", sink),
        ]
    }
}
