//! Settings declared once: from the declaration come deserialisation, validation with all faults
//! at once, "did you mean", defaults, and the reference documentation.
//!
//! ```
//! use connect_api::config::{Config as _, List, Millis, Secret, Settings};
//!
//! connect_api::settings! {
//!     /// Settings of the demo.
//!     pub struct Demo {
//!         /// Tables to read, separated by commas.
//!         "tables": tables: List, required, High;
//!         /// Pause between two looks at a table.
//!         "poll.interval.ms": poll_interval: Millis, default "5000", Medium;
//!         /// Password of the user.
//!         "connection.password": password: Secret, optional, High;
//!     }
//! }
//!
//! let settings = Settings::from_iter([("tables", "a,b"), ("pol.interval.ms", "1")]);
//! let faults = Demo::from_settings(&settings).unwrap_err();
//! assert_eq!(
//!     faults.to_string(),
//!     "`pol.interval.ms`: unknown key; did you mean `poll.interval.ms`?"
//! );
//! ```
mod definition;
mod fault;
mod reader;
mod setting;
mod settings;

pub use definition::{Definition, Importance, Key, Need, nearest};
pub use fault::{Fault, Faults};
pub use reader::Reader;
#[doc(hidden)]
pub use setting::not_a_choice;
pub use setting::{List, Millis, Secret, Setting};
pub use settings::Settings;

/// Settings of a component; implemented by [`settings!`](crate::settings).
pub trait Config: Sized + Send + Sync + 'static {
    /// The declared keys.
    fn definition() -> &'static Definition;

    /// Reads and checks the settings, without I/O.
    ///
    /// # Errors
    /// All faults at once: unknown keys, missing ones, values that cannot be read, and what the
    /// component says of values that do not go together.
    fn from_settings(settings: &Settings) -> Result<Self, Faults>;

    /// The settings as text again: `from_settings` of it gives an equal config.
    fn to_settings(&self) -> Settings;
}

/// Declares a struct of settings. See [`config`](crate::config) for an example.
///
/// Each line is `"key": field: Type, need, Importance;` with its documentation above it. The
/// need is `required`, `default "text"`, or `optional` (the field is then an `Option`). After the
/// struct, `check path` may name a `fn(&Struct, &mut Faults)` for what concerns several keys.
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $about:literal])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $key:literal : $field:ident : $type:ty, $need:ident $($default:literal)?, $importance:ident;
            )*
        }
        $(check $check:path)?
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone)]
        $vis struct $name {
            $($(#[doc = $doc])+ pub $field: $crate::settings!(@type $need $type),)*
        }

        impl $crate::config::Config for $name {
            fn definition() -> &'static $crate::config::Definition {
                static DEFINITION: ::std::sync::LazyLock<$crate::config::Definition> =
                    ::std::sync::LazyLock::new(|| $crate::config::Definition {
                        about: concat!($($about, "\n"),*).trim(),
                        keys: vec![$($crate::config::Key {
                            name: $key,
                            need: $crate::settings!(@need $need $($default)?),
                            value: <$type as $crate::config::Setting>::TYPE,
                            choices: <$type as $crate::config::Setting>::CHOICES,
                            secret: <$type as $crate::config::Setting>::SECRET,
                            importance: $crate::config::Importance::$importance,
                            doc: concat!($($doc, "\n"),+).trim(),
                        }),*],
                    });
                &DEFINITION
            }

            fn from_settings(
                settings: &$crate::config::Settings,
            ) -> Result<Self, $crate::config::Faults> {
                let mut reader =
                    $crate::config::Reader::new(<Self as $crate::config::Config>::definition(), settings);
                $(let $field = $crate::settings!(@read reader $need $type, $key $(, $default)?);)*
                let mut faults = reader.finish();
                match ($($field,)*) {
                    ($(Some($field),)*) => {
                        let config = Self { $($field),* };
                        $(if faults.is_empty() { $check(&config, &mut faults); })?
                        if faults.is_empty() { Ok(config) } else { Err(faults) }
                    }
                    _ => Err(faults),
                }
            }

            fn to_settings(&self) -> $crate::config::Settings {
                let mut settings = $crate::config::Settings::default();
                $($crate::settings!(@write settings $need self.$field, $key);)*
                settings
            }
        }
    };
    (@type optional $type:ty) => { Option<$type> };
    (@type $need:ident $type:ty) => { $type };
    (@need required) => { $crate::config::Need::Required };
    (@need optional) => { $crate::config::Need::Optional };
    (@need default $default:literal) => { $crate::config::Need::Default($default) };
    (@read $reader:ident required $type:ty, $key:literal) => { $reader.required::<$type>($key) };
    (@read $reader:ident optional $type:ty, $key:literal) => { $reader.optional::<$type>($key) };
    (@read $reader:ident default $type:ty, $key:literal, $default:literal) => {
        $reader.with_default::<$type>($key, $default)
    };
    (@write $settings:ident optional $self:ident.$field:ident, $key:literal) => {
        if let Some(value) = &$self.$field {
            $settings.set($key, $crate::config::Setting::show(value));
        }
    };
    (@write $settings:ident $need:ident $self:ident.$field:ident, $key:literal) => {
        $settings.set($key, $crate::config::Setting::show(&$self.$field));
    };
}

/// Declares an enum that is a [`Setting`](crate::config::Setting): each variant with its name in
/// configs. Names are matched without regard to case.
///
/// ```
/// connect_api::choice! {
///     /// How rows are written.
///     pub enum InsertMode {
///         /// Plain inserts.
///         Insert = "insert",
///         /// Insert, or update where the key is there.
///         Upsert = "upsert",
///     }
/// }
/// ```
#[macro_export]
macro_rules! choice {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $vis enum $name { $($(#[$doc])* $variant),+ }

        impl $crate::config::Setting for $name {
            const TYPE: &'static str = "choice";
            const CHOICES: &'static [&'static str] = &[$($text),+];

            fn parse(text: &str) -> Result<Self, String> {
                $(if text.eq_ignore_ascii_case($text) { return Ok(Self::$variant); })+
                Err($crate::config::not_a_choice::<Self>(text))
            }

            fn show(&self) -> String {
                match self { $(Self::$variant => $text.to_owned()),+ }
            }
        }
    };
}
