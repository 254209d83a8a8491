//! Settings as text, before they are read.
use std::{collections::BTreeMap, fmt};

/// Keys with their values as text, as OpenMessaging's `KeyValue` holds them.
///
/// `Debug` shows the keys only: which values are secret is known to the declaration alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Sets the value of `key`.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.insert(key.into(), value.into());
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        self.0.remove(key)
    }

    /// The keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Keys and values, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// Takes out the keys that begin with `prefix`; they come without it.
    #[must_use]
    pub fn split_off(&mut self, prefix: &str) -> Self {
        let mut taken = Self::default();
        self.0.retain(|key, value| match key.strip_prefix(prefix) {
            Some(rest) => {
                taken.set(rest, std::mem::take(value));
                false
            }
            None => true,
        });
        taken
    }

    /// Takes out the keys that `definition` declares.
    #[must_use]
    pub fn split_declared(&mut self, definition: &super::Definition) -> Self {
        let mut taken = Self::default();
        for key in &definition.keys {
            if let Some(value) = self.remove(key.name) {
                taken.set(key.name, value);
            }
        }
        taken
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Settings {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
        )
    }
}
