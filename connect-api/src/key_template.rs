//! Message keys that are made of columns and text.

/// The text of message keys: parts that stand one after another.
///
/// Such a key is for whoever looks messages up. The key columns of the schema still name the row: they
/// choose its queue, and messages of deleted rows have them as their key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTemplate(Box<[KeyTemplatePart]>);

/// A part of a [`KeyTemplate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyTemplatePart {
    /// The same in all keys.
    Text(Box<str>),
    /// The value of the column with this index.
    Column(usize),
}

impl KeyTemplate {
    /// A template of these parts.
    pub fn new(parts: impl IntoIterator<Item = KeyTemplatePart>) -> Self {
        Self(parts.into_iter().collect())
    }

    /// Its parts, in order.
    pub fn parts(&self) -> &[KeyTemplatePart] {
        &self.0
    }
}
