//! Types that a setting can have.
use super::{Faults, Settings, definition::nearest};
use std::{fmt, num::NonZero, str::FromStr, time::Duration};

/// A type that is read from the text of a setting.
pub trait Setting: Sized {
    /// The type, for people.
    const TYPE: &'static str;
    /// The values it can have; empty where there is no such list.
    const CHOICES: &'static [&'static str] = &[];
    /// The value is never shown.
    const SECRET: bool = false;

    /// Reads the value.
    ///
    /// # Errors
    /// What is wrong, for people, without the name of the key.
    fn parse(text: &str) -> Result<Self, String>;

    /// The text that `parse` reads the value from.
    fn show(&self) -> String;
}

/// A type that is read from all settings that begin with a prefix.
pub trait Prefixed: Sized {
    /// The type, for people.
    const TYPE: &'static str;

    /// Reads the values; keys come without the prefix.
    ///
    /// # Errors
    /// All faults, at keys without the prefix.
    fn parse(settings: &Settings) -> Result<Self, Faults>;

    /// The settings that `parse` reads the value from.
    fn show(&self) -> Settings;
}

/// The message for `text` that is not among the choices of `T`.
#[doc(hidden)]
pub fn not_a_choice<T: Setting>(text: &str) -> String {
    let hint = nearest(text, T::CHOICES.iter().copied())
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default();
    format!("`{text}` is none of {}{hint}", T::CHOICES.join(", "))
}

fn number<T: FromStr>(text: &str, what: &str) -> Result<T, String> {
    text.parse().or(Err(format!("`{text}` is not {what}")))
}

macro_rules! numbers {
    ($($type:ty, $name:literal, $what:literal;)*) => { $(
        impl Setting for $type {
            const TYPE: &'static str = $name;

            fn parse(text: &str) -> Result<Self, String> {
                number(text, $what)
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )* };
}
numbers! {
    u16, "integer", "a number from 0 to 65535";
    u32, "integer", "a number from 0 to 4294967295";
    u64, "integer", "a number from 0";
    i64, "integer", "a whole number";
    NonZero<u32>, "integer, at least 1", "a number from 1 to 4294967295";
    NonZero<u64>, "integer, at least 1", "a number from 1";
    NonZero<usize>, "integer, at least 1", "a number from 1";
}

impl Setting for bool {
    const TYPE: &'static str = "boolean";
    const CHOICES: &'static [&'static str] = &["true", "false"];

    fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(not_a_choice::<Self>(text)),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for String {
    const TYPE: &'static str = "text";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("is empty".to_owned());
        }
        Ok(text.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }
}

/// A time, given in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Millis(pub Duration);

impl Setting for Millis {
    const TYPE: &'static str = "milliseconds";

    fn parse(text: &str) -> Result<Self, String> {
        number(text, "a number of milliseconds").map(|ms| Self(Duration::from_millis(ms)))
    }

    fn show(&self) -> String {
        self.0.as_millis().to_string()
    }
}

/// Texts separated by commas (or by semicolons, as some keys of the Java original are); blanks
/// around them do not count, nor do empty ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List(pub Vec<String>);

impl Setting for List {
    const TYPE: &'static str = "list";

    fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split([',', ';']).map(str::trim);
        Ok(Self(
            parts
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect(),
        ))
    }

    fn show(&self) -> String {
        self.0.join(",")
    }
}

/// A text that cannot be printed (G8): no `Display`, and its `Debug` is `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Keeps `text` from being printed.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that must have it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Setting for Secret {
    const TYPE: &'static str = "secret";
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::new(text))
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}
