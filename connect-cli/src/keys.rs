//! `rocketmq-connect keys`: the reference of configuration keys.
use crate::{
    args::{Component, KeysArgs},
    exit::Exit,
    output,
};
use connect_api::{
    Connector, Result,
    config::{Config, Definition},
};
use connect_runtime::{CommonConfig, SinkCommon, SourceCommon, WorkerConfig};

fn definitions() -> [(Component, &'static Definition); 7] {
    fn of<C: Connector>(_: &C) -> &'static Definition {
        C::Config::definition()
    }
    [
        (Component::Worker, WorkerConfig::definition()),
        (Component::Connector, CommonConfig::definition()),
        (Component::Source, SourceCommon::definition()),
        (Component::Sink, SinkCommon::definition()),
        (Component::JdbcSource, of(&crate::compose::source())),
        (Component::JdbcSink, of(&crate::compose::sink())),
        (
            Component::Json,
            connect_converters::JsonSettings::definition(),
        ),
    ]
}

const ORIGINAL: &str = "## Keys of the Java original without effect";

/// Prints the keys of one component, or of all.
pub(crate) fn keys(args: &KeysArgs) -> Result<Exit> {
    if args.of.is_none() {
        output::print(&format!(
            "{ORIGINAL}\n\n{}",
            connect_runtime::original_keys()
        ))?;
    }
    for (component, definition) in definitions() {
        if args.of.is_none_or(|of| of == component) {
            output::print(&format!(
                "## {}\n\n{}",
                definition.about,
                definition.to_markdown()
            ))?;
        }
    }
    Ok(Exit::Success)
}
