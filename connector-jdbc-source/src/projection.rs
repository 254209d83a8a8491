//! Rows as they are sent: without excluded columns, with other names, and with masked values.
use crate::{column_list::ColumnPattern, column_rules, config::SourceConfig};
use connect_api::{
    ColumnBuilder, Error, ErrorKind, Kind, LENGTH, NOT_NULL, Records, Result, Schema, SchemaRef,
    Value,
    arrow::{
        array::{
            Array, ArrayRef, BinaryArray, RecordBatch, StringArray, cast::AsArray as _,
            new_null_array,
        },
        schema::Field,
    },
    config::Faults,
};
use dialect_core::Table;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::{collections::BTreeMap, sync::Arc};

/// Characters of a hash: 32 bytes in hexadecimal digits.
const HASH_LENGTH: &str = "64";

/// What is sent instead of the values of a column.
#[derive(Clone)]
enum Mask {
    /// The HMAC-SHA256 of the value.
    Hash(Box<Hmac<Sha256>>),
    Constant(Kind, Value),
    /// The first characters, or bytes.
    Truncate(usize),
    Null,
}

/// A column that is sent.
#[derive(Clone)]
struct SentColumn {
    /// By index in the table.
    index: usize,
    mask: Option<Mask>,
}

/// How rows of a table are sent.
#[derive(Clone)]
pub(crate) struct Projection {
    columns: Vec<SentColumn>,
    pub(crate) schema: SchemaRef,
}

impl std::fmt::Debug for Projection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Projection")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl Projection {
    /// The projection of rows of `columns` of `table`; `None` if they are sent as they are read. Faults
    /// are added.
    pub(crate) fn of(
        table: &Table,
        columns: &[usize],
        key: &[usize],
        config: &SourceConfig,
        faults: &mut Faults,
    ) -> Option<Self> {
        let sent = column_rules::sent(table, config);
        let masks = masks(table, key, config, faults);
        let mut renamed = BTreeMap::new();
        for (pattern, name) in config.renamed.entries() {
            renamed.extend(
                pattern
                    .columns(table)
                    .into_iter()
                    .map(|i| (i, name.as_str())),
            );
        }
        for index in key.iter().filter(|index| !sent.contains(index)) {
            let name = &table.columns[*index].name;
            let list = match config.columns.is_empty() {
                true => "column.exclude.list",
                false => "column.include.list",
            };
            let message = format!(
                "table {}: column `{name}` is part of the message key and must be sent; set \
                 `message.key.columns` to other columns",
                table.name
            );
            faults.at(list, message);
        }
        if sent.is_empty() {
            let message = format!("table {}: no column is left to send", table.name);
            faults.at("column.include.list", message);
        }
        if sent.len() == table.columns.len() && masks.is_empty() && renamed.is_empty() {
            return None;
        }
        let name = |index: usize| {
            let name = renamed.get(&index).copied();
            name.unwrap_or(&table.columns[index].name)
        };
        let mut fields = Vec::with_capacity(sent.len());
        let mut masked = Vec::with_capacity(sent.len());
        // G6: a column of a type that is not supported is an error of the schema as it is read.
        for (place, index) in columns.iter().enumerate().filter(|(_, i)| sent.contains(i)) {
            let mask = masks.get(index).cloned();
            let in_key = key.contains(index);
            let field = field(table, *index, in_key, mask.as_ref())?;
            fields.push(field.with_name(name(*index)));
            masked.push(SentColumn { index: place, mask });
        }
        let key: Vec<&str> = key.iter().map(|index| name(*index)).collect();
        match Schema::new(&table.name.name, fields, &key) {
            Ok(schema) => Some(Self {
                columns: masked,
                schema,
            }),
            Err(e) => {
                if faults.is_empty() {
                    faults.at("column.rename", format!("table {}: {e}", table.name));
                }
                None
            }
        }
    }

    /// Where a column of the table, by its index, is among those that are sent.
    pub(crate) fn place_of(&self, index: usize) -> Option<usize> {
        self.columns.iter().position(|column| column.index == index)
    }

    /// Its values are replaced by NULL.
    pub(crate) fn is_nulled(&self, index: usize) -> bool {
        let mut columns = self.columns.iter();
        columns.any(|column| column.index == index && matches!(column.mask, Some(Mask::Null)))
    }

    /// The rows as they are sent.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn apply(&self, records: &Records) -> Result<Records> {
        let mut columns = Vec::with_capacity(self.columns.len());
        for SentColumn { index, mask } in &self.columns {
            let column = records.batch().column(*index);
            columns.push(match mask {
                None => column.clone(),
                Some(mask) => mask.apply(column, &records.schema().kinds()[*index])?,
            });
        }
        let batch = RecordBatch::try_new(self.schema.columns().clone(), columns)?;
        records.with_columns(self.schema.clone(), batch)
    }
}

/// The field of a column that is sent; `None` for a type that is not supported.
fn field(table: &Table, index: usize, in_key: bool, mask: Option<&Mask>) -> Option<Field> {
    let column = &table.columns[index];
    let field = column.field(in_key, table.vendor)?;
    match mask {
        None | Some(Mask::Constant(..) | Mask::Truncate(_)) => Some(field),
        Some(Mask::Null) => {
            let mut metadata = field.metadata().clone();
            metadata.remove(NOT_NULL);
            Some(field.with_metadata(metadata))
        }
        Some(Mask::Hash(_)) => {
            let text = Kind::Text.field(&column.name, column.nullable || !in_key);
            let mut metadata = text.metadata().clone();
            metadata.insert(LENGTH.to_owned(), HASH_LENGTH.to_owned());
            if !column.nullable {
                metadata.insert(NOT_NULL.to_owned(), "true".to_owned());
            }
            Some(text.with_metadata(metadata))
        }
    }
}

/// The masks of columns, by index; faults are added.
fn masks(
    table: &Table,
    key: &[usize],
    config: &SourceConfig,
    faults: &mut Faults,
) -> BTreeMap<usize, Mask> {
    let mut masks = BTreeMap::new();
    let mut set = |setting: &str, pattern: &ColumnPattern, mask: &dyn Fn(&Kind) -> Option<Mask>| {
        for index in pattern.columns(table) {
            let column = &table.columns[index];
            let Some(kind) = &column.kind else { continue };
            let table = &table.name;
            let name = &column.name;
            let message = match mask(kind) {
                None => {
                    let vendor = &column.vendor_type;
                    format!(
                        "table {table}: column `{name}` has type {vendor}, which cannot be masked \
                         like this; use `column.mask.null` or `column.exclude.list`"
                    )
                }
                Some(Mask::Constant(..) | Mask::Truncate(_) | Mask::Null)
                    if key.contains(&index) =>
                {
                    format!(
                        "table {table}: column `{name}` is part of the message key, and rows with \
                         different keys would have the same one; use `column.mask.hash`, or set \
                         `message.key.columns` to other columns"
                    )
                }
                Some(mask) => match masks.insert(index, mask) {
                    None => continue,
                    Some(_) => format!("table {table}: column `{name}` has two masks"),
                },
            };
            faults.at(setting, message);
        }
    };
    let salt = config.salt.as_ref();
    let hasher = salt.and_then(|salt| Hmac::new_from_slice(salt.expose().as_bytes()).ok());
    for pattern in config.hashed.patterns() {
        set("column.mask.hash", pattern, &|kind| {
            let hasher = hasher.clone().filter(|_| can_be_hashed(kind))?;
            Some(Mask::Hash(Box::new(hasher)))
        });
    }
    for (pattern, text) in config.constants.entries() {
        set("column.mask.constant", pattern, &|kind| {
            Some(Mask::Constant(kind.clone(), constant(kind, text)?))
        });
    }
    for (pattern, length) in config.truncated.entries() {
        set("column.mask.truncate", pattern, &|kind| match kind {
            Kind::Text | Kind::Bytes => Some(Mask::Truncate(
                usize::try_from(*length).unwrap_or(usize::MAX),
            )),
            _ => None,
        });
    }
    for pattern in config.nulled.patterns() {
        set("column.mask.null", pattern, &|_| Some(Mask::Null));
    }
    masks
}

/// Values of this kind have one form in every database.
fn can_be_hashed(kind: &Kind) -> bool {
    match kind {
        Kind::Text | Kind::Bytes | Kind::Uuid => true,
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => true,
        Kind::UInt8 | Kind::UInt16 | Kind::UInt32 | Kind::UInt64 => true,
        Kind::Bool | Kind::Float32 | Kind::Float64 | Kind::Json => false,
        Kind::Decimal { .. } | Kind::WideDecimal { .. } | Kind::BigDecimal => false,
        Kind::Date | Kind::Time | Kind::TimeNanos | Kind::Duration => false,
        Kind::Timestamp { .. } | Kind::OffsetTimestamp => false,
        Kind::Interval | Kind::List(_) | Kind::Struct(_) | Kind::Map(_) => false,
        Kind::Other(_) => false,
    }
}

/// The value of a constant; `None` if it is none of this kind.
fn constant(kind: &Kind, text: &str) -> Option<Value> {
    let value = match kind {
        Kind::Text => Value::from(text),
        Kind::Bool => Value::Bool(text.parse().ok()?),
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => Value::Int(text.parse().ok()?),
        Kind::UInt8 | Kind::UInt16 | Kind::UInt32 | Kind::UInt64 => Value::UInt(text.parse().ok()?),
        _ => return None,
    };
    let mut column = ColumnBuilder::new(kind, 1).ok()?;
    column.append_value(kind, value.clone())?;
    Some(value)
}

impl Mask {
    fn apply(&self, column: &ArrayRef, kind: &Kind) -> Result<ArrayRef> {
        Ok(match self {
            Self::Null => new_null_array(column.data_type(), column.len()),
            Self::Constant(kind, value) => {
                let mut constant = ColumnBuilder::new(kind, column.len())?;
                for _ in 0..column.len() {
                    if constant.append_value(kind, value.clone()).is_none() {
                        return Err(Error::new(
                            ErrorKind::Internal,
                            "a constant of another kind",
                        ));
                    }
                }
                constant.finish()
            }
            Self::Truncate(length) => match kind {
                Kind::Text => {
                    let texts = column.as_string::<i32>().iter();
                    let first = |text: &str| {
                        let end = text.char_indices().nth(*length);
                        end.map_or(text.len(), |(end, _)| end)
                    };
                    let texts = texts.map(|text| text.map(|text| &text[..first(text)]));
                    Arc::new(texts.collect::<StringArray>())
                }
                _ => {
                    let bytes = column.as_binary::<i32>().iter();
                    let bytes = bytes.map(|cell| cell.map(|b| &b[..b.len().min(*length)]));
                    Arc::new(bytes.collect::<BinaryArray>())
                }
            },
            Self::Hash(hasher) => Arc::new(hashes(hasher, column, kind)?),
        })
    }
}

/// The hashes of the values; NULL stays NULL. Numbers and UUIDs are hashed as texts.
fn hashes(hasher: &Hmac<Sha256>, column: &ArrayRef, kind: &Kind) -> Result<StringArray> {
    let hash = |bytes: &[u8]| {
        let mut hasher = hasher.clone();
        hasher.update(bytes);
        let hash = hasher.finalize().into_bytes();
        let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let digits = digits.filter_map(|digit| char::from_digit(u32::from(digit), 16));
        digits.collect::<String>()
    };
    Ok(match kind {
        Kind::Text => {
            let cells = column.as_string::<i32>().iter();
            cells
                .map(|cell| cell.map(|text| hash(text.as_bytes())))
                .collect()
        }
        Kind::Bytes => {
            let cells = column.as_binary::<i32>().iter();
            cells.map(|cell| cell.map(hash)).collect()
        }
        kind => {
            let schema = Schema::new("hash", [kind.clone().field("value", true)], &[])?;
            let batch = RecordBatch::try_new(schema.columns().clone(), vec![column.clone()])?;
            let records = Records::new("hash".into(), schema, batch)?;
            let texts = records.rows().map(|row| match row.get(0).to_value() {
                Value::Int(number) => Some(hash(number.to_string().as_bytes())),
                Value::UInt(number) => Some(hash(number.to_string().as_bytes())),
                Value::Bytes(bytes) => {
                    let mut text = String::new();
                    connect_api::uuid::write(&mut text, &bytes);
                    Some(hash(text.as_bytes()))
                }
                _ => None,
            });
            texts.collect()
        }
    })
}
