//! Reads declared keys, and gathers what is wrong.
use super::{Config, Definition, Faults, Group, Setting, Settings, definition::nearest};

/// Reads declared keys from settings; made by [`settings!`](crate::settings).
#[derive(Debug)]
pub struct Reader<'a> {
    definition: &'static Definition,
    settings: &'a Settings,
    faults: Faults,
}

impl<'a> Reader<'a> {
    /// A reader of `settings` as `definition` declares them.
    pub fn new(definition: &'static Definition, settings: &'a Settings) -> Self {
        Self {
            definition,
            settings,
            faults: Faults::default(),
        }
    }

    /// The value of a key that must be given; `None` after a fault.
    pub fn required<T: Setting>(&mut self, key: &str) -> Option<T> {
        match self.settings.get(key) {
            Some(text) => self.parse(key, text),
            None => {
                self.faults.at(key, "is required");
                None
            }
        }
    }

    /// The value of a key that may be left out; the outer `None` after a fault.
    pub fn optional<T: Setting>(&mut self, key: &str) -> Option<Option<T>> {
        match self.settings.get(key) {
            Some(text) => self.parse(key, text).map(Some),
            None => Some(None),
        }
    }

    /// The value of a key, or its default; `None` after a fault.
    pub fn with_default<T: Setting>(&mut self, key: &str, default: &str) -> Option<T> {
        let text = self.settings.get(key).unwrap_or(default);
        self.parse(key, text)
    }

    fn parse<T: Setting>(&mut self, key: &str, text: &str) -> Option<T> {
        match T::parse(text.trim()) {
            Ok(value) => Some(value),
            Err(why) => {
                self.faults.at(key, why);
                None
            }
        }
    }

    /// All faults, those of unknown keys included.
    pub fn finish(mut self) -> Faults {
        for key in self.settings.keys() {
            if self.definition.key(key).is_none() {
                let names = self.definition.keys.iter().map(|k| k.name);
                self.faults.at(key, unknown(nearest(key, names)));
            }
        }
        self.faults
    }
}

/// What [`Config::from_settings`] does.
#[doc(hidden)]
pub fn read<T: Config + Group>(settings: &Settings) -> Result<T, Faults> {
    let mut reader = Reader::new(T::definition(), settings);
    let config = T::read(&mut reader);
    let mut faults = reader.finish();
    match config {
        Some(config) => {
            if faults.is_empty() {
                config.check(&mut faults);
            }
            if faults.is_empty() {
                Ok(config)
            } else {
                Err(faults)
            }
        }
        None => Err(faults),
    }
}

fn unknown(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || "unknown key".to_owned(),
        |name| format!("unknown key; did you mean `{name}`?"),
    )
}
