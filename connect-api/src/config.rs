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
pub use reader::read;
#[doc(hidden)]
pub use setting::not_a_choice;
pub use setting::{List, Millis, Prefixed, Secret, Setting};
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

/// Keys that several components have: a struct of settings that others include; implemented by
/// [`settings!`](crate::settings).
pub trait Group: Sized {
    /// The declared keys.
    fn keys() -> Vec<Key>;

    /// Reads the values; `None` after a fault.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;

    /// Adds what is wrong with values that do not go together to the faults.
    fn check(&self, faults: &mut Faults);

    /// Adds the values as text.
    fn write(&self, settings: &mut Settings);
}

/// Declares a struct of settings. See [`config`](crate::config) for an example.
///
/// Each line is `"key": field: Type, need, Importance;` with its documentation above it. The
/// need is `required`, `default "text"`, or `optional` (the field is then an `Option`), or `prefix`
/// for a key that ends with `*` and a type that is [`Prefixed`](crate::config::Prefixed). Before the
/// first line, `include field: Type;` takes in the keys of another struct of settings; after the
/// last, `then include field: Type;`. After the struct, `check path` may name a
/// `fn(&Struct, &mut Faults)` for what concerns several keys.
///
/// ```
/// use connect_api::config::{Config as _, Settings};
///
/// connect_api::settings! {
///     /// Where a server is.
///     pub struct Server {
///         /// Its port.
///         "port": port: u16, default "80", High;
///     }
/// }
/// connect_api::settings! {
///     /// Settings of the client.
///     pub struct Client {
///         include server: Server;
///         /// How often it asks.
///         "tries": tries: u32, default "3", Low;
///     }
/// }
///
/// let client = Client::from_settings(&Settings::from_iter([("port", "81")])).unwrap();
/// assert_eq!((client.server.port, client.tries), (81, 3));
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $about:literal])*
        $vis:vis struct $name:ident {
            $(include $first:ident : $first_type:ty;)*
            $(
                $(#[doc = $doc:literal])+
                $key:literal : $field:ident : $type:ty, $need:ident $($default:literal)?, $importance:ident;
            )*
            $(then include $last:ident : $last_type:ty;)*
        }
        $(check $check:path)?
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone)]
        $vis struct $name {
            $(#[doc = concat!("See [`", stringify!($first_type), "`].")] pub $first: $first_type,)*
            $($(#[doc = $doc])+ pub $field: $crate::settings!(@type $need $type),)*
            $(#[doc = concat!("See [`", stringify!($last_type), "`].")] pub $last: $last_type,)*
        }

        impl $crate::config::Group for $name {
            fn keys() -> Vec<$crate::config::Key> {
                <[Vec<$crate::config::Key>]>::concat(&[
                    $(<$first_type as $crate::config::Group>::keys(),)*
                    vec![$($crate::config::Key {
                        name: $key,
                        need: $crate::settings!(@need $need $($default)?),
                        value: $crate::settings!(@value $need $type),
                        choices: $crate::settings!(@choices $need $type),
                        secret: $crate::settings!(@secret $need $type),
                        importance: $crate::config::Importance::$importance,
                        doc: concat!($($doc, "\n"),+).trim(),
                    }),*],
                    $(<$last_type as $crate::config::Group>::keys(),)*
                ])
            }

            fn read(reader: &mut $crate::config::Reader<'_>) -> Option<Self> {
                let _ = &reader;
                $(let $first = <$first_type as $crate::config::Group>::read(reader);)*
                $(let $field = $crate::settings!(@read reader $need $type, $key $(, $default)?);)*
                $(let $last = <$last_type as $crate::config::Group>::read(reader);)*
                Some(Self { $($first: $first?,)* $($field: $field?,)* $($last: $last?,)* })
            }

            fn check(&self, faults: &mut $crate::config::Faults) {
                let _ = &faults;
                $($crate::config::Group::check(&self.$first, faults);)*
                $($check(self, faults);)?
                $($crate::config::Group::check(&self.$last, faults);)*
            }

            fn write(&self, settings: &mut $crate::config::Settings) {
                let _ = &settings;
                $($crate::config::Group::write(&self.$first, settings);)*
                $($crate::settings!(@write settings $need self.$field, $key);)*
                $($crate::config::Group::write(&self.$last, settings);)*
            }
        }

        impl $crate::config::Config for $name {
            fn definition() -> &'static $crate::config::Definition {
                static DEFINITION: ::std::sync::LazyLock<$crate::config::Definition> =
                    ::std::sync::LazyLock::new(|| $crate::config::Definition {
                        about: concat!($($about, "\n"),*).trim(),
                        keys: <$name as $crate::config::Group>::keys(),
                    });
                &DEFINITION
            }

            fn from_settings(
                settings: &$crate::config::Settings,
            ) -> Result<Self, $crate::config::Faults> {
                $crate::config::read(settings)
            }

            fn to_settings(&self) -> $crate::config::Settings {
                let mut settings = $crate::config::Settings::default();
                $crate::config::Group::write(self, &mut settings);
                settings
            }
        }
    };
    (@type optional $type:ty) => { Option<$type> };
    (@type $need:ident $type:ty) => { $type };
    (@value prefix $type:ty) => { <$type as $crate::config::Prefixed>::TYPE };
    (@value $need:ident $type:ty) => { <$type as $crate::config::Setting>::TYPE };
    (@choices prefix $type:ty) => { &[] };
    (@choices $need:ident $type:ty) => { <$type as $crate::config::Setting>::CHOICES };
    (@secret prefix $type:ty) => { false };
    (@secret $need:ident $type:ty) => { <$type as $crate::config::Setting>::SECRET };
    (@need prefix) => { $crate::config::Need::Prefix };
    (@need required) => { $crate::config::Need::Required };
    (@need optional) => { $crate::config::Need::Optional };
    (@need default $default:literal) => { $crate::config::Need::Default($default) };
    (@read $reader:ident required $type:ty, $key:literal) => { $reader.required::<$type>($key) };
    (@read $reader:ident optional $type:ty, $key:literal) => { $reader.optional::<$type>($key) };
    (@read $reader:ident default $type:ty, $key:literal, $default:literal) => {
        $reader.with_default::<$type>($key, $default)
    };
    (@read $reader:ident prefix $type:ty, $key:literal) => { $reader.prefixed::<$type>($key) };
    (@write $settings:ident prefix $self:ident.$field:ident, $key:literal) => {
        for (rest, value) in $crate::config::Prefixed::show(&$self.$field).iter() {
            $settings.set(format!("{}{rest}", $key.trim_end_matches('*')), value);
        }
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
