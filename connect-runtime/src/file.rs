//! Configuration files: TOML, JSON, and the properties of the Java original, each as flat settings.
use connect_api::{Error, ErrorKind, Result, config::Settings};
use std::{fs, path::Path};

/// A form that a configuration file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// TOML: tables become dotted keys.
    Toml,
    /// JSON: one object; objects inside become dotted keys.
    Json,
    /// Java properties: `key=value` lines.
    Properties,
}

impl Format {
    /// The format of a file, by the extension of its `path`: `.toml` is TOML and `.json` is JSON.
    /// `.properties`, `.conf` and `.template`, which the Java original uses for both of its formats,
    /// are JSON if `text` begins with a brace, and properties otherwise.
    ///
    /// # Errors
    /// `Config`: another extension.
    pub fn of(path: &Path, text: &str) -> Result<Self> {
        match path.extension().and_then(|e| e.to_str()) {
            Some("toml") => Ok(Self::Toml),
            Some("json") => Ok(Self::Json),
            Some("properties" | "conf" | "template") => {
                let text = text.trim_start_matches('\u{feff}').trim_start();
                Ok(if text.starts_with('{') {
                    Self::Json
                } else {
                    Self::Properties
                })
            }
            _ => Err(Error::new(
                ErrorKind::Config,
                format!(
                    "{}: the name of a configuration file ends in .toml, .json, .properties, .conf or .template",
                    path.display()
                ),
            )),
        }
    }
}

/// Reads the settings of a file; `${env:…}` and `${file:…}` in values are filled in.
///
/// # Errors
/// `Config`: the file cannot be read, is not of its format, or refers to what is not there; the
/// message names the file and the key, not the value.
pub fn read(path: &Path) -> Result<Settings> {
    read_with_raw(path).map(|(_, resolved)| resolved)
}

/// The same, after the settings as they stand in the file.
pub(crate) fn read_with_raw(path: &Path) -> Result<(Settings, Settings)> {
    let text = fs::read_to_string(path).map_err(|e| {
        Error::new(ErrorKind::Config, format!("cannot read {}", path.display())).with_source(e)
    })?;
    let format = Format::of(path, &text)?;
    let raw = parse(&text, format).map_err(|e| e.context(path.display()))?;
    let resolved = resolve(&raw).map_err(|e| e.context(path.display()))?;
    Ok((raw, resolved))
}

/// Reads settings from text, as they stand.
///
/// # Errors
/// `Config`: the text is not of the format.
pub fn parse(text: &str, format: Format) -> Result<Settings> {
    let mut settings = Settings::default();
    // Editors of Windows begin files with it.
    let text = text.trim_start_matches('\u{feff}');
    match format {
        Format::Toml => {
            // The parser's message repeats the line, which may hold a secret: say only where.
            let table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
                let at = e.span().map_or(0, |span| span.start);
                let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
                invalid(format!("is not TOML: line {line}: {}", e.message()))
            })?;
            let value = serde_json::to_value(table).map_err(|e| {
                invalid("holds a value that has no place in settings".to_owned()).with_source(e)
            })?;
            flatten("", &value, &mut settings)?;
        }
        Format::Json => {
            let value: serde_json::Value =
                serde_json::from_str(text).map_err(|e| invalid(format!("is not JSON: {e}")))?;
            if !value.is_object() {
                return Err(invalid(
                    "is not a JSON object of keys and values".to_owned(),
                ));
            }
            flatten("", &value, &mut settings)?;
        }
        Format::Properties => properties(text, &mut settings)?,
    }
    Ok(settings)
}

/// Fills in `${env:NAME}` and `${file:path}` in the values.
///
/// # Errors
/// `Config`: a reference that leads nowhere; the message names the key.
pub fn resolve(raw: &Settings) -> Result<Settings> {
    raw.iter()
        .map(|(key, value)| match acl::reference::resolve(value) {
            Ok(text) => Ok((key.to_owned(), text.into_owned())),
            Err(e) => Err(Error::new(ErrorKind::Config, format!("`{key}`: {e}"))),
        })
        .collect()
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Config, message)
}

fn flatten(prefix: &str, value: &serde_json::Value, settings: &mut Settings) -> Result<()> {
    use serde_json::Value;
    let text = match value {
        Value::Object(object) => {
            for (key, value) in object {
                let key = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                flatten(&key, value, settings)?;
            }
            return Ok(());
        }
        // Absent, as in Java.
        Value::Null => return Ok(()),
        Value::Array(items) => {
            let texts: Vec<_> = items.iter().map(scalar).collect();
            let Some(texts) = texts.into_iter().collect::<Option<Vec<_>>>() else {
                return Err(invalid(format!("`{prefix}`: a list of lists or objects")));
            };
            texts.join(",")
        }
        value => scalar(value).unwrap_or_default(),
    };
    if settings.get(prefix).is_some() {
        return Err(invalid(format!("`{prefix}`: is given twice")));
    }
    settings.set(prefix, text);
    Ok(())
}

fn scalar(value: &serde_json::Value) -> Option<String> {
    use serde_json::Value;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Java's properties as configuration files use them: comments with `#` and `!`, `=` or `:`
/// between key and value, a backslash before the line's end to continue it.
fn properties(text: &str, settings: &mut Settings) -> Result<()> {
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let mut entry = line.trim_start().to_owned();
        if entry.is_empty() || entry.starts_with(['#', '!']) {
            continue;
        }
        while entry.ends_with('\\') {
            entry.pop();
            match lines.next() {
                Some((_, more)) => entry.push_str(more.trim_start()),
                None => break,
            }
        }
        let Some((key, value)) = entry.split_once(['=', ':']) else {
            return Err(invalid(format!(
                "line {}: expected `key=value`",
                number + 1
            )));
        };
        let key = key.trim();
        if settings.get(key).is_some() {
            return Err(invalid(format!("`{key}`: is given twice")));
        }
        settings.set(key, value.trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(settings: &Settings) -> Vec<(&str, &str)> {
        settings.iter().collect()
    }

    #[test]
    fn the_three_formats_say_the_same() {
        let toml = parse(
            "workerId = \"a\"\n[connection]\nattempts = 3\n[x]\ny = [\"p\", \"q\"]\nz = true",
            Format::Toml,
        );
        let json = parse(
            r#"{"workerId":"a","connection.attempts":3,"x":{"y":["p","q"],"z":true},"n":null}"#,
            Format::Json,
        );
        let java = parse(
            "# comment\nworkerId = a\nconnection.attempts=3\nx.y: p,\\\n  q\n! more\nx.z=true\n",
            Format::Properties,
        );
        let expected = [
            ("connection.attempts", "3"),
            ("workerId", "a"),
            ("x.y", "p,q"),
            ("x.z", "true"),
        ];
        assert_eq!(pairs(&toml.unwrap()), expected);
        assert_eq!(pairs(&json.unwrap()), expected);
        assert_eq!(pairs(&java.unwrap()), expected);
    }

    #[test]
    fn formats_of_the_originals_files_are_detected_by_their_content() {
        let of = |name: &str, text: &str| Format::of(Path::new(name), text).unwrap();
        for name in ["sink.conf", "sink.template", "sink.properties"] {
            assert_eq!(of(name, "\u{feff}\n {\"a\":1}"), Format::Json, "{name}");
            assert_eq!(of(name, "# {\na=1"), Format::Properties, "{name}");
        }
        assert_eq!(of("sink.toml", "{"), Format::Toml);
        let refused = Format::of(Path::new("sink.yaml"), "").unwrap_err();
        assert!(refused.to_string().contains(".template"), "{refused}");
        let marked = parse("\u{feff}{\"a\":1}", Format::Json).unwrap();
        assert_eq!(pairs(&marked), [("a", "1")]);
    }

    #[test]
    fn a_file_that_cannot_be_read_says_where_and_shows_no_value() {
        let e = parse("a = 1\nsecretKey = planted", Format::Toml).unwrap_err();
        assert!(e.to_string().starts_with("is not TOML: line 2"), "{e}");
        assert!(!e.report().contains("planted"), "{}", e.report());
        let e = parse("[1]", Format::Json).unwrap_err();
        assert_eq!(e.to_string(), "is not a JSON object of keys and values");
        let e = parse("a=1\nnonsense", Format::Properties).unwrap_err();
        assert_eq!(e.to_string(), "line 2: expected `key=value`");
        let e = parse("a=1\na=2", Format::Properties).unwrap_err();
        assert_eq!(e.to_string(), "`a`: is given twice");
    }

    #[test]
    fn a_reference_that_leads_nowhere_names_the_key() {
        let raw = Settings::from_iter([("secretKey", "${env:CONNECT_TEST_NO_SUCH_NAME}")]);
        let e = resolve(&raw).unwrap_err();
        assert!(e.to_string().starts_with("`secretKey`: "), "{e}");
    }
}
