//! Values that stand elsewhere: `${env:NAME}`, `${file:/path}`, `${file:/path:key}`.
//!
//! A reference may stand anywhere in a text, and several may. What it names is put in as it is
//! and not looked through again. `${…}` of another kind stays as it is, and so does a reference
//! after a further dollar sign: `$${env:NAME}` gives `${env:NAME}`.
use crate::properties;
use std::{borrow::Cow, env, error::Error, fmt, fs::File, io, io::Read};

/// Largest file that a reference may name, in bytes: these are secrets and settings.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

const ENV: &str = "${env:";
const FILE: &str = "${file:";

/// Puts the values in place of the references in `text`.
///
/// `${env:NAME}` is an environment variable. `${file:path}` is a file's text without the line
/// end at its end. `${file:path:key}` is the value of `key` in a properties file (the form of
/// Java's `Properties`, UTF-8); the key is what stands after the last colon.
///
/// # Errors
/// The variable, file or key is not there or not UTF-8, or the reference has no end. The error
/// names the reference and never what it stands for.
pub fn resolve(text: &str) -> Result<Cow<'_, str>, ReferenceError> {
    if next_reference(text).is_none() {
        return Ok(Cow::Borrowed(text));
    }
    let mut resolved = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((start, kind)) = next_reference(rest) {
        let (before, after) = (&rest[..start], &rest[start + kind.len()..]);
        if let Some(before) = before.strip_suffix('$') {
            resolved.push_str(before);
            resolved.push_str(kind);
            rest = after;
            continue;
        }
        let (name, tail) = after
            .split_once('}')
            .ok_or(ReferenceError::Unclosed { kind })?;
        resolved.push_str(before);
        resolved.push_str(&match kind {
            ENV => from_environment(name)?,
            _ => from_file(name)?,
        });
        rest = tail;
    }
    resolved.push_str(rest);
    Ok(Cow::Owned(resolved))
}

/// Whether `text` holds a reference that [`resolve`] would replace.
pub fn contains(text: &str) -> bool {
    let mut rest = text;
    while let Some((start, kind)) = next_reference(rest) {
        if !rest[..start].ends_with('$') {
            return true;
        }
        rest = &rest[start + kind.len()..];
    }
    false
}

fn next_reference(text: &str) -> Option<(usize, &'static str)> {
    [ENV, FILE]
        .into_iter()
        .filter_map(|kind| Some((text.find(kind)?, kind)))
        .min()
}

fn from_environment(name: &str) -> Result<String, ReferenceError> {
    // `env::var` panics on these.
    let value = if name.is_empty() || name.contains(['=', '\0']) {
        Err(env::VarError::NotPresent)
    } else {
        env::var(name)
    };
    value.map_err(|error| match error {
        env::VarError::NotPresent => ReferenceError::NoVariable { name: name.into() },
        // The source would show the value.
        env::VarError::NotUnicode(_) => ReferenceError::NotText {
            reference: format!("{ENV}{name}}}").into(),
        },
    })
}

fn from_file(reference: &str) -> Result<String, ReferenceError> {
    match reference.rsplit_once(':') {
        None => {
            let mut text = read(reference, reference)?;
            let end = text.strip_suffix('\n').unwrap_or(&text);
            let end = end.strip_suffix('\r').unwrap_or(end).len();
            text.truncate(end);
            Ok(text)
        }
        Some((path, key)) => {
            properties::find(&read(path, reference)?, key).ok_or_else(|| ReferenceError::NoKey {
                path: path.into(),
                key: key.into(),
            })
        }
    }
}

fn read(path: &str, reference: &str) -> Result<String, ReferenceError> {
    let reference = || format!("{FILE}{reference}}}").into();
    let unreadable = |source| ReferenceError::Unreadable {
        reference: reference(),
        source,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ReferenceError::TooLarge {
            reference: reference(),
        });
    }
    // No source here: it would hold the file's contents.
    String::from_utf8(bytes)
        .ok()
        .ok_or_else(|| ReferenceError::NotText {
            reference: reference(),
        })
}

/// Why a reference has no value; names the reference, never contents.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReferenceError {
    /// `${env:` or `${file:` without a `}` after it.
    Unclosed {
        /// How the reference begins.
        kind: &'static str,
    },
    /// The environment has no such variable.
    NoVariable {
        /// The variable.
        name: Box<str>,
    },
    /// The properties file has no such key.
    NoKey {
        /// The file.
        path: Box<str>,
        /// The key.
        key: Box<str>,
    },
    /// The value is not UTF-8.
    NotText {
        /// The reference.
        reference: Box<str>,
    },
    /// The file has more than [`MAX_FILE_BYTES`].
    TooLarge {
        /// The reference.
        reference: Box<str>,
    },
    /// The file cannot be read.
    Unreadable {
        /// The reference.
        reference: Box<str>,
        /// What the operating system said.
        source: io::Error,
    },
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed { kind } => write!(f, "a reference begins with {kind} and has no }}"),
            Self::NoVariable { name } => {
                write!(f, "{ENV}{name}}}: no such variable in the environment")
            }
            Self::NoKey { path, key } => {
                write!(f, "{FILE}{path}:{key}}}: no such key in the file")
            }
            Self::NotText { reference } => write!(f, "{reference}: the value is not UTF-8"),
            Self::TooLarge { reference } => {
                write!(f, "{reference}: the file has more than 1 MiB")
            }
            Self::Unreadable { reference, source } => write!(f, "{reference}: {source}"),
        }
    }
}

impl Error for ReferenceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::Unclosed { .. }
            | Self::NoVariable { .. }
            | Self::NoKey { .. }
            | Self::NotText { .. }
            | Self::TooLarge { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::PathBuf};

    /// A file of the test's own, gone when the test ends.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str, contents: impl AsRef<[u8]>) -> Self {
            let path = env::temp_dir().join(format!("acl-{}-{name}", std::process::id()));
            fs::write(&path, contents).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            drop(fs::remove_file(&self.0));
        }
    }

    #[test]
    fn texts_without_references_are_not_copied() {
        for text in [
            "",
            "plain",
            "${topic}-${table}",
            "$",
            "${",
            "jdbc:mysql://h/db",
        ] {
            assert!(matches!(resolve(text), Ok(Cow::Borrowed(t)) if t == text));
            assert!(!contains(text));
        }
    }

    #[test]
    fn variables_are_put_in_place_anywhere_in_a_text() {
        let text = "<${env:CARGO_PKG_NAME}|${env:CARGO_PKG_NAME}>${x}";
        assert!(contains(text));
        assert_eq!(resolve(text).unwrap(), "<acl|acl>${x}");
    }

    #[test]
    fn a_further_dollar_sign_keeps_a_reference_as_it_is() {
        assert_eq!(
            resolve("$${env:A} ${env:CARGO_PKG_NAME} $${file:b}").unwrap(),
            "${env:A} acl ${file:b}"
        );
        assert!(!contains("$${env:A} $${file:b}"));
        assert!(contains("$${env:A} ${file:b}"));
    }

    #[test]
    fn a_file_is_taken_without_its_last_line_end() {
        let file = Scratch::new("whole", "s3cret:${env:HOME}\n\r\n");
        let text = format!("a${{file:{}}}b", file.0.display());
        assert_eq!(resolve(&text).unwrap(), "as3cret:${env:HOME}\nb");
    }

    #[test]
    fn a_key_of_a_properties_file_is_found() {
        let file = Scratch::new("properties", "user=me\npassword = pw-of me\n");
        let text = format!("${{file:{}:password}}", file.0.display());
        assert_eq!(resolve(&text).unwrap(), "pw-of me");
    }

    #[test]
    fn errors_name_the_reference_and_never_the_contents() {
        let file = Scratch::new("errors", "password=planted\n");
        let binary = Scratch::new("binary", b"planted\xff");
        let large = Scratch::new("large", vec![b'x'; 1 + (1 << 20)]);
        let path = |file: &Scratch| file.0.display().to_string();
        for (text, expected) in [
            (
                "planted${env:A".into(),
                "a reference begins with ${env: and has no }".into(),
            ),
            (
                "${env:NOT_SET_ANYWHERE}".into(),
                "${env:NOT_SET_ANYWHERE}: no such variable in the environment".into(),
            ),
            (
                "${env:}".into(),
                "${env:}: no such variable in the environment".into(),
            ),
            (
                format!("${{file:{}:user}}", path(&file)),
                format!("${{file:{}:user}}: no such key in the file", path(&file)),
            ),
            (
                format!("${{file:{}}}", path(&binary)),
                format!("${{file:{}}}: the value is not UTF-8", path(&binary)),
            ),
            (
                format!("${{file:{}}}", path(&large)),
                format!("${{file:{}}}: the file has more than 1 MiB", path(&large)),
            ),
            (
                "${file:/not/there}".into(),
                "${file:/not/there}: No such file or directory (os error 2)".to_owned(),
            ),
        ] {
            let text: String = text;
            let error = resolve(&text).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert!(!format!("{error:?}").contains("planted"));
        }
    }
}
