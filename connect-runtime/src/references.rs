//! Values of settings that stand elsewhere, such as a password in a file that is replaced from time to
//! time.
use connect_api::config::Settings;
use std::fmt;

/// The settings of a connector file whose values are references: `${file:…}`, `${env:…}`.
#[derive(Clone, Default)]
pub(crate) struct References(Vec<Reference>);

#[derive(Clone)]
struct Reference {
    key: String,
    /// As it stands in the file.
    raw: String,
    /// What it stood for when the file was read.
    value: String,
}

// Not derived: the values are secrets.
impl fmt::Debug for References {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.0.iter().map(|reference| &reference.key);
        f.debug_set().entries(keys).finish()
    }
}

impl References {
    /// Those among `raw`, which was resolved to `resolved`.
    pub(crate) fn among(raw: &Settings, resolved: &Settings) -> Self {
        let references = raw.iter().filter(|(_, raw)| acl::reference::contains(raw));
        let references = references.map(|(key, raw)| Reference {
            key: key.to_owned(),
            raw: raw.to_owned(),
            value: resolved.get(key).unwrap_or_default().to_owned(),
        });
        Self(references.collect())
    }

    /// There are none whose values can change while the program runs.
    pub(crate) fn are_fixed(&self) -> bool {
        !self
            .0
            .iter()
            .any(|reference| reference.raw.contains("${file:"))
    }

    /// The settings of a task that was planned from `renewed` ones, with the values of the file as it was
    /// read.
    pub(crate) fn as_read(&self, mut planned: Settings, renewed: &Settings) -> Settings {
        for Reference { key, value, .. } in &self.0 {
            if planned.get(key).is_some() && planned.get(key) == renewed.get(key) {
                planned.set(key, value);
            }
        }
        planned
    }

    /// The settings of a task with what the references stand for now. A file that cannot be read, because
    /// it is being replaced for example, leaves the value as it is.
    pub(crate) fn renew(&self, settings: &Settings) -> Settings {
        let mut renewed = settings.clone();
        for Reference { key, raw, value } in &self.0 {
            // A key that the plan of the tasks has changed is no longer the file's.
            if settings.get(key) != Some(value) {
                continue;
            }
            match acl::reference::resolve(raw) {
                Ok(value) => renewed.set(key, value),
                Err(error) => {
                    tracing::warn!(key, %error, "the value cannot be read again; the former one is used");
                }
            }
        }
        renewed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_value_in_a_file_is_read_again_and_kept_while_the_file_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("password");
        fs::write(&file, "first\n").unwrap();
        let raw = Settings::from_iter([
            (
                "connection.password",
                format!("${{file:{}}}", file.display()),
            ),
            ("connection.user", "ada".to_owned()),
        ]);
        let read = crate::file::resolve(&raw).unwrap();
        let references = References::among(&raw, &read);
        assert!(!references.are_fixed());
        let password = || {
            let renewed = references.renew(&read);
            assert_eq!(renewed.get("connection.user"), Some("ada"));
            renewed.get("connection.password").unwrap().to_owned()
        };
        assert_eq!(password(), "first");
        fs::write(&file, "second\n").unwrap();
        assert_eq!(password(), "second");
        let renewed = references.renew(&read);
        assert_eq!(references.as_read(renewed.clone(), &renewed), read);
        fs::remove_file(&file).unwrap();
        assert_eq!(password(), "first");
    }

    #[test]
    fn settings_without_files_do_not_change() {
        let raw = Settings::from_iter([("a", "${env:CARGO_PKG_NAME}"), ("b", "$${file:x}")]);
        let read = crate::file::resolve(&raw).unwrap();
        let references = References::among(&raw, &read);
        assert!(references.are_fixed());
        assert_eq!(references.renew(&read), read);
    }
}
