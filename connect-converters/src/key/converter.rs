//! How message keys are written and read: `key.converter` and its settings.
use super::{KeyForms, Texts, encode_texts, structured::StructuredKeys};
use crate::registry;
use connect_api::{Blobs, Records, Result, config::Settings};
use std::sync::Arc;

/// Writes message keys, and says in which form they are read.
///
/// ```
/// use connect_api::{ConnectRecord, Encoded, Kind, Records, Schema, config::Settings};
/// use connect_converters::KeyConverter;
///
/// # fn main() -> connect_api::Result<()> {
/// let schema = Schema::new("orders", [Kind::Int64.field("id", false)], &["id"])?;
/// let rows = [ConnectRecord { values: vec![7.into()], ..Default::default() }];
/// let records = Records::from_rows("orders".into(), schema, rows)?;
/// let settings = Settings::from_iter([("schemas.enable", "false")]);
/// let mut messages = Encoded::default();
/// KeyConverter::named("text", &Settings::default())?.encode(&records, &mut messages.keys)?;
/// KeyConverter::named("json", &settings)?.encode(&records, &mut messages.keys)?;
/// assert_eq!(messages.keys.get(0), b"7");
/// assert_eq!(messages.keys.get(1), br#"{"id":7}"#);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct KeyConverter {
    form: Form,
    forms: KeyForms,
}

#[derive(Debug, Clone)]
enum Form {
    Text(Texts),
    Structured(Arc<StructuredKeys>),
}

impl Default for KeyConverter {
    fn default() -> Self {
        Self {
            form: Form::Text(Texts::Quoted),
            forms: KeyForms::default(),
        }
    }
}

impl KeyConverter {
    /// The converter `name`: `text` (what [`encode_keys`](crate::encode_keys) writes), `json`,
    /// `string`, or the class of a Java runtime that is one of these. `settings` are its own,
    /// without the prefix `key.converter.`.
    ///
    /// # Errors
    /// `Config`: there is no such converter of keys, or all that is wrong with the settings.
    pub fn named(name: &str, settings: &Settings) -> Result<Self> {
        registry::key_converter(name, settings)
    }

    pub(crate) fn text(texts: Texts) -> Self {
        Self {
            form: Form::Text(texts),
            forms: KeyForms {
                only_plain: texts == Texts::Plain,
                ..KeyForms::default()
            },
        }
    }

    pub(crate) fn structured(keys: StructuredKeys) -> Self {
        Self {
            forms: keys.forms(),
            form: Form::Structured(Arc::new(keys)),
        }
    }

    /// How keys are read.
    pub(crate) fn forms(&self) -> KeyForms {
        self.forms
    }

    /// Writes the keys of all rows, in order, after what `keys` holds; empty ones where the schema
    /// has no key. After an error `keys` holds what it held before.
    ///
    /// # Errors
    /// `Data`: a null in a key column, or a value that the form cannot represent; the message names
    /// column and row. `Unsupported`: a key column of a kind that it does not support.
    pub fn encode(&self, records: &Records, keys: &mut Blobs) -> Result<()> {
        match &self.form {
            Form::Text(texts) => encode_texts(records, *texts, keys),
            Form::Structured(structured) => structured.encode(records, keys),
        }
    }
}
