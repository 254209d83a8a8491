//! What messages, help and documentation advise exists, and works.
use connect_api::config::{Config as _, Settings};
use connect_runtime::{ConnectorConfig, Registry, WorkerConfig, file};
use connector_jdbc_sink::JdbcSink;
use connector_jdbc_source::JdbcSource;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn said(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_rocketmq-connect"))
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// All files below `dir` with this ending.
fn files(dir: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && !matches!(&*name, "target" | "benches" | "tests" | "fuzz")
            {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

/// The keys that there are: those of the converter with its prefixes alone, unless a connector has
/// them too.
fn keys() -> BTreeSet<String> {
    let of_converter: Vec<_> = connect_converters::JsonSettings::definition()
        .keys
        .iter()
        .collect();
    let printed = said(&["keys"]);
    let names = printed.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("| `")?.split_once('`')?;
        Some(name.to_owned())
    });
    let mut names: Vec<String> = names.collect();
    for key in &of_converter {
        // The converter's own stand last.
        let last = names.iter().rposition(|name| name == key.name);
        names.remove(last.unwrap());
    }
    let mut keys = BTreeSet::from_iter(names);
    // Accepted aliases, which the reference names beside the keys.
    let aliases = [
        "tasks.max",
        "errors.tolerance.misfits.max",
        "timestamp.initial.ms",
    ];
    keys.extend(aliases.map(String::from));
    // Refused keys, which the documentation names with what to use instead.
    let refused = connect_runtime::refused_keys();
    let refused = refused.lines().filter_map(|line| line.split('`').nth(1));
    keys.extend(refused.map(str::to_owned));
    for key in of_converter {
        keys.insert(format!("value.converter.{}", key.name));
        keys.insert(format!("key.converter.{}", key.name));
    }
    assert!(keys.len() > 100, "{keys:?}");
    keys
}

/// Words with dots that are no keys: names of files, of parts of databases, and parameters of
/// schemas in messages.
fn is_other(word: &str) -> bool {
    let endings = [
        ".rs", ".json", ".redb", ".lock", ".ini", ".md", ".toml", ".conf", ".db", ".so",
    ];
    let begins = [
        "connect.decimal",
        "connect.enum",
        "connect.extension",
        "connect.length",
        "connect.local",
        "connect.name",
        "connect.not_null",
        "connect.unsigned",
        "connect.vendor",
        "connect.bits",
        "connect.timestamp",
        "a.b",
        "message.type",
        "queue.type",
        "my.table",
        "worker.id",
        "geoarrow.",
        "information_schema.",
        "pg_catalog.",
        "public.",
        "dbo.",
        "shop.",
        "schema.table",
        "database.table",
        "table.column",
        "io.",
        "org.",
        "sys.",
        "schema.name",
        "schema.version",
        "source.",
    ];
    endings.iter().any(|e| word.ends_with(e)) || begins.iter().any(|b| word.starts_with(b))
}

fn is_word(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    let part = |part: &&str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    parts.len() > 1 && parts.iter().all(part) && text.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Words that look like keys: in backticks, or before `=` and a value.
fn words(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        for quoted in line.split('`').skip(1).step_by(2) {
            let word = quoted.split(['=', ' ']).next().unwrap_or_default();
            if is_word(word) {
                found.insert(word.to_owned());
            }
        }
        for (at, _) in line.match_indices('=') {
            let starts = |c: char| !(c.is_ascii_alphanumeric() || ".`/${}_".contains(c));
            let before = line[..at].rsplit(starts).next().unwrap_or_default();
            let value = line[at + 1..].starts_with(|c: char| c.is_ascii_alphanumeric());
            if value && is_word(before) {
                found.insert(before.to_owned());
            }
        }
    }
    found.retain(|word| !is_other(word));
    found
}

#[test]
fn every_key_that_a_message_or_a_document_names_exists() {
    let keys = keys();
    let mut unknown = Vec::new();
    let mut sources = Vec::new();
    files(&root(), ".rs", &mut sources);
    assert!(sources.len() > 200);
    for path in &sources {
        let text = fs::read_to_string(path).unwrap();
        // Comments are read by who writes code; tests name what is not there on purpose.
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let is_test = path.file_name().is_some_and(|name| name == "tests.rs");
        for word in words(&lines.collect::<Vec<_>>().join("\n")) {
            if !is_test && !keys.contains(&word) {
                unknown.push(format!("{}: {word}", path.display()));
            }
        }
    }
    let mut pages = vec![root().join("README.md")];
    files(&root().join("docs"), ".md", &mut pages);
    for path in &pages {
        let of_json = path.ends_with("json.md") || path.ends_with("configuration.md");
        for word in words(&fs::read_to_string(path).unwrap()) {
            // Pages with a table of the converter's settings name them by its keys.
            let in_table = of_json && keys.contains(&format!("value.converter.{word}"));
            if !keys.contains(&word) && !in_table {
                unknown.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

/// Examples of connectors and workers in a text: fenced blocks of TOML, and indented ones of the
/// help.
fn examples(text: &str) -> Vec<String> {
    let mut examples = Vec::new();
    for block in text.split("```toml\n").skip(1) {
        // Files of Cargo, for a program or a dialect of one's own.
        if block.starts_with("dialects = ") || block.contains("[features]") {
            continue;
        }
        examples.push(block.split("```").next().unwrap().to_owned());
    }
    let mut indented = String::new();
    for line in text.lines() {
        match line.strip_prefix("    ") {
            Some(line) if line.contains('=') || line.starts_with('#') => {
                indented.push_str(line);
                indented.push('\n');
            }
            _ => {
                if indented.contains(" = ") {
                    examples.push(std::mem::take(&mut indented));
                }
                indented.clear();
            }
        }
    }
    examples
}

fn registry() -> Registry {
    Registry::default()
        .with(JdbcSource::new(Arc::new(dialects::open)))
        .with(JdbcSink::new(Arc::new(dialects::open)))
}

#[test]
fn every_example_of_readme_documents_and_help_is_accepted() {
    let worker = WorkerConfig::new([("transport", "embedded")]).unwrap();
    let mut texts = vec![("--help".to_owned(), said(&["--help"]))];
    let mut pages = vec![root().join("README.md")];
    files(&root().join("docs"), ".md", &mut pages);
    for path in pages {
        texts.push((
            path.display().to_string(),
            fs::read_to_string(path).unwrap(),
        ));
    }
    let (mut workers, mut connectors) = (0, 0);
    for (of, text) in texts {
        for example in examples(&text) {
            let parsed = file::parse(&example, file::Format::Toml);
            let settings = parsed.unwrap_or_else(|e| panic!("{of}: {}\n{example}", e.report()));
            if settings.get("connector.class").is_none() {
                let taken = WorkerConfig::from_settings(&settings);
                // A part of a file need not say where the broker is.
                let faults = taken.err().unwrap_or_default();
                for fault in faults.iter() {
                    let missing = fault.key.as_deref() == Some("namesrvAddr");
                    assert!(missing, "{of}: {fault}\n{example}");
                }
                workers += 1;
                continue;
            }
            let config = ConnectorConfig::new("example", settings).unwrap();
            let taken = connect_runtime::validate_one(&registry(), &worker, &config);
            let notes = taken.unwrap_or_else(|faults| panic!("{of}: {faults}\n{example}"));
            assert!(notes.is_empty(), "{of}: {notes:?}\n{example}");
            connectors += 1;
        }
    }
    assert!(workers >= 2 && connectors >= 4, "{workers} {connectors}");
}

/// Keys of the JDBC sources of Confluent and Aiven, with a value, and what becomes of them.
const KAFKA: [(&str, &str, Becomes); 44] = [
    ("connection.url", "sqlite:x", Becomes::Effective),
    ("connection.user", "ada", Becomes::Effective),
    ("connection.password", "planted", Becomes::Effective),
    ("connection.attempts", "3", Becomes::Effective),
    ("connection.backoff.ms", "10000", Becomes::Effective),
    ("jdbc.credentials.provider.class", "a.B", Becomes::Refused),
    ("dialect.name", "SqliteDatabaseDialect", Becomes::Effective),
    ("catalog.pattern", "shop", Becomes::Effective),
    ("schema.pattern", "shop", Becomes::Effective),
    ("db.timezone", "UTC", Becomes::Effective),
    (
        "date.calendar.system",
        "PROLEPTIC_GREGORIAN",
        Becomes::Noted,
    ),
    ("date.calendar.system", "LEGACY", Becomes::Refused),
    ("mode", "incrementing", Becomes::Effective),
    ("incrementing.column.name", "id", Becomes::Effective),
    ("incrementing.column.mapping", "t:id", Becomes::Refused),
    ("incrementing.initial", "-1", Becomes::Effective),
    ("timestamp.column.name", "at", Becomes::Effective),
    ("timestamp.columns.mapping", "t:[a|b]", Becomes::Refused),
    ("timestamp.delay.interval.ms", "0", Becomes::Effective),
    ("timestamp.granularity", "connect_logical", Becomes::Noted),
    ("timestamp.granularity", "nanos_long", Becomes::Refused),
    ("validate.non.null", "true", Becomes::Effective),
    ("query.masked", "SELECT 1", Becomes::Refused),
    ("query.suffix", "-- end", Becomes::Effective),
    ("query.retry.attempts", "-1", Becomes::Refused),
    ("quote.sql.identifiers", "ALWAYS", Becomes::Noted),
    ("sql.quote.identifiers", "true", Becomes::Noted),
    ("transaction.isolation.mode", "DEFAULT", Becomes::Noted),
    (
        "transaction.isolation.mode",
        "SERIALIZABLE",
        Becomes::Refused,
    ),
    ("numeric.precision.mapping", "false", Becomes::Noted),
    ("numeric.mapping", "best_fit", Becomes::Noted),
    ("table.blacklist", "b", Becomes::Effective),
    ("table.types", "TABLE,VIEW", Becomes::Effective),
    ("table.names.qualify", "true", Becomes::Refused),
    (
        "table.monitoring.startup.polling.limit.ms",
        "1",
        Becomes::Refused,
    ),
    ("poll.interval.ms", "5000", Becomes::Effective),
    ("batch.max.rows", "100", Becomes::Effective),
    ("max.buffer.size", "0", Becomes::Refused),
    ("poll.linger.ms", "5000", Becomes::Refused),
    ("topic.prefix", "p-", Becomes::Effective),
    ("topic.creation.default.partitions", "1", Becomes::Refused),
    ("tasks.max", "2", Becomes::Effective),
    ("tables", "a", Becomes::Noted),
    ("tables.fetched", "false", Becomes::Noted),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Becomes {
    Effective,
    /// It has no effect, and a note says why.
    Noted,
    /// The error says what to use instead.
    Refused,
}

#[test]
fn every_key_of_kafkas_jdbc_sources_works_or_says_why_not() {
    let worker = WorkerConfig::new([("transport", "embedded")]).unwrap();
    for (key, value, becomes) in KAFKA {
        let mut settings = Settings::from_iter([
            (
                "connector.class",
                "io.confluent.connect.jdbc.JdbcSourceConnector",
            ),
            ("connection.url", "sqlite:x"),
            ("mode", "incrementing"),
            ("table.whitelist", "a,b"),
            ("topic.prefix", "p-"),
        ]);
        settings.set(key, value);
        let config = ConnectorConfig::new("example", settings).unwrap();
        let found = match connect_runtime::validate_one(&registry(), &worker, &config) {
            Ok(notes) if notes.is_empty() => Becomes::Effective,
            Ok(notes) if notes.iter().any(|note| note.contains(key)) => {
                // The mode of the example is another.
                match notes.iter().any(|note| note.contains("in mode")) {
                    true => Becomes::Effective,
                    false => Becomes::Noted,
                }
            }
            Ok(notes) => panic!("{key}: {notes:?}"),
            Err(faults) => {
                let faults = faults.to_string();
                assert!(faults.contains("unknown key here: "), "{key}: {faults}");
                assert!(!faults.contains("planted"), "{faults}");
                Becomes::Refused
            }
        };
        assert_eq!(found, becomes, "{key}={value}");
    }
}

/// A sink that creates its table needs to know the key: the database has none yet.
#[test]
fn examples_that_make_a_table_with_a_key_name_its_columns() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut found = 0;
    for text in [said(&["--help"]), readme] {
        for example in examples(&text) {
            let settings: Settings = file::parse(&example, file::Format::Toml).unwrap();
            let keyed = settings.get("pk.mode").is_some_and(|mode| mode != "none");
            if settings.get("auto.create") == Some("true") && keyed {
                assert!(settings.get("pk.fields").is_some(), "{example}");
                found += 1;
            }
        }
    }
    assert_eq!(found, 2);
}
