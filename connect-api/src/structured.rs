//! Columns of named values: structs, whose names all rows share, and maps, each with names of its
//! own.
use crate::{
    cell::cell,
    column::ColumnBuilder,
    kind::Kind,
    value::{Value, ValueRef},
};
use arrow_array::{
    Array as _, MapArray, StructArray,
    builder::{ArrayBuilder as _, StringBuilder},
    cast::AsArray as _,
};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_schema::{DataType, Fields};
use std::{fmt, sync::Arc};

/// A growing column of [`Kind::Struct`].
#[derive(Debug)]
pub struct StructBuilder {
    fields: Vec<(Box<str>, Kind)>,
    columns: Vec<ColumnBuilder>,
    nulls: NullBufferBuilder,
}

impl StructBuilder {
    pub(crate) fn new(fields: Vec<(Box<str>, Kind)>, columns: Vec<ColumnBuilder>) -> Self {
        Self {
            fields,
            columns,
            nulls: NullBufferBuilder::new(0),
        }
    }

    /// Names and kinds of the fields.
    pub fn fields(&self) -> &[(Box<str>, Kind)] {
        &self.fields
    }

    /// The fields of the struct that is being built, at most one cell each; end it by
    /// [`end_struct`](Self::end_struct).
    pub fn columns(&mut self) -> &mut [ColumnBuilder] {
        &mut self.columns
    }

    fn pad(&mut self) {
        let rows = self.nulls.len() + 1;
        for column in &mut self.columns {
            if column.len() < rows {
                column.append_null();
            }
        }
    }

    /// Ends a struct; fields that got no cell get a null.
    pub fn end_struct(&mut self) {
        self.pad();
        self.nulls.append_non_null();
    }

    /// Appends a null, instead of a struct that was begun where one was.
    pub fn append_null(&mut self) {
        self.pad();
        self.nulls.append_null();
    }

    /// Appends a struct, or `None` where a value does not fit its field, or there is not one a
    /// field.
    pub(crate) fn append_values(&mut self, values: Vec<Value>) -> Option<()> {
        if values.len() != self.columns.len() {
            return None;
        }
        let columns = self.columns.iter_mut().zip(&self.fields);
        for ((column, (_, kind)), value) in columns.zip(values) {
            column.append_value(kind, value)?;
        }
        self.end_struct();
        Some(())
    }

    /// Structs so far.
    #[expect(clippy::len_without_is_empty, reason = "ColumnBuilder has is_empty")]
    pub fn len(&self) -> usize {
        self.nulls.len()
    }

    /// Takes the structs out.
    pub fn finish(&mut self) -> StructArray {
        let rows = self.nulls.len();
        let fields = self.fields.iter();
        let fields: Fields = fields.map(|(n, k)| k.clone().field(n, true)).collect();
        let columns = self.columns.iter_mut().map(|column| {
            let values = column.finish();
            // Of a struct that was never ended.
            match values.len() > rows {
                true => values.slice(0, rows),
                false => values,
            }
        });
        let columns: Vec<_> = columns.collect();
        let nulls = self.nulls.finish();
        if columns.is_empty() {
            return StructArray::new_empty_fields(rows, nulls);
        }
        StructArray::new(fields, columns, nulls)
    }
}

/// A struct seen in place.
#[derive(Clone, Copy)]
pub struct StructRef<'a> {
    array: &'a StructArray,
    row: usize,
}

impl<'a> StructRef<'a> {
    /// The struct in `row` of `array`.
    pub fn new(array: &'a StructArray, row: usize) -> Self {
        Self { array, row }
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.array.num_columns()
    }

    /// No fields.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Names and values of the fields.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a str, ValueRef<'a>)> + use<'a> {
        let (array, row) = (self.array, self.row);
        let fields = array.fields().iter().zip(array.columns());
        fields.map(move |(field, column)| {
            let value = cell(&Kind::of(field), column.as_ref(), row);
            (field.name().as_str(), value)
        })
    }

    /// Names, kinds and values of the fields, whose kinds the caller has: `fields` are those of
    /// the column's [`Kind::Struct`].
    pub fn iter_of<'k>(
        &self,
        fields: &'k [(Box<str>, Kind)],
    ) -> impl Iterator<Item = (&'k str, &'k Kind, ValueRef<'a>)> + use<'a, 'k> {
        let (array, row) = (self.array, self.row);
        fields
            .iter()
            .zip(array.columns())
            .map(move |((name, kind), column)| (&**name, kind, cell(kind, column.as_ref(), row)))
    }

    /// Owned copies of the values, in the order of the fields.
    pub fn to_values(&self) -> Vec<Value> {
        self.iter().map(|(_, value)| value.to_value()).collect()
    }
}

impl PartialEq for StructRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl fmt::Debug for StructRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A growing column of [`Kind::Map`].
#[derive(Debug)]
pub struct MapBuilder {
    value: Kind,
    keys: StringBuilder,
    values: Box<ColumnBuilder>,
    ends: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl MapBuilder {
    pub(crate) fn new(value: Kind, values: ColumnBuilder) -> Self {
        Self {
            value,
            keys: StringBuilder::new(),
            values: Box::new(values),
            ends: vec![0],
            nulls: NullBufferBuilder::new(0),
        }
    }

    /// The kind of the values.
    pub fn value(&self) -> &Kind {
        &self.value
    }

    fn pad(&mut self) {
        if self.values.len() < self.keys.len() {
            self.values.append_null();
        }
    }

    /// Begins an entry of the map that is being built; its value, at most one, goes to the column.
    /// End the map by [`end_map`](Self::end_map).
    pub fn key(&mut self, key: &str) -> &mut ColumnBuilder {
        self.pad();
        self.keys.append_value(key);
        &mut self.values
    }

    fn end(&mut self) {
        self.pad();
        // 2^31 entries are beyond every limit of a batch's bytes.
        self.ends
            .push(i32::try_from(self.keys.len()).unwrap_or(i32::MAX));
    }

    /// Ends a map: the entries since the one before. An entry that got no value gets a null.
    pub fn end_map(&mut self) {
        self.end();
        self.nulls.append_non_null();
    }

    /// Appends a null, instead of a map that was begun where one was.
    pub fn append_null(&mut self) {
        self.end();
        self.nulls.append_null();
    }

    /// Appends a map, or `None` where a value does not fit the values' kind.
    pub(crate) fn append_entries(&mut self, entries: Vec<(Box<str>, Value)>) -> Option<()> {
        let kind = self.value.clone();
        for (key, value) in entries {
            self.key(&key).append_value(&kind, value)?;
        }
        self.end_map();
        Some(())
    }

    /// Maps so far.
    #[expect(clippy::len_without_is_empty, reason = "ColumnBuilder has is_empty")]
    pub fn len(&self) -> usize {
        self.nulls.len()
    }

    /// Takes the maps out.
    pub fn finish(&mut self) -> MapArray {
        self.pad();
        let ends = std::mem::replace(&mut self.ends, vec![0]);
        let DataType::Map(field, sorted) = Kind::Map(Box::new(self.value.clone())).data_type()
        else {
            unreachable!("a map is of type map");
        };
        let DataType::Struct(fields) = field.data_type() else {
            unreachable!("entries are structs");
        };
        let length = ends
            .last()
            .and_then(|end| usize::try_from(*end).ok())
            .unwrap_or(0);
        let keys = self.keys.finish();
        let columns = vec![Arc::new(keys) as _, self.values.finish()];
        let entries = StructArray::new(fields.clone(), columns, None);
        // Entries of a map that was never ended are left out.
        MapArray::new(
            field,
            OffsetBuffer::new(ends.into()),
            entries.slice(0, length),
            self.nulls.finish(),
            sorted,
        )
    }
}

/// A map seen in place.
#[derive(Clone, Copy)]
pub struct MapRef<'a> {
    map: &'a MapArray,
    row: usize,
}

impl<'a> MapRef<'a> {
    /// The map in `row` of `map`.
    pub fn new(map: &'a MapArray, row: usize) -> Self {
        Self { map, row }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        usize::try_from(self.map.value_length(self.row)).unwrap_or(0)
    }

    /// No entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries, in the order that they are stored in.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a str, ValueRef<'a>)> + use<'a> {
        let (keys, values) = (self.map.keys().as_string::<i32>(), self.map.values());
        let kind = self.map.entries().fields().get(1).map(|f| Kind::of(f));
        let kind = kind.unwrap_or(Kind::Other(DataType::Null));
        let start = usize::try_from(self.map.value_offsets()[self.row]).unwrap_or(0);
        (start..start + self.len()).map(move |i| (keys.value(i), cell(&kind, values.as_ref(), i)))
    }

    /// Owned copies of the entries.
    pub fn to_entries(&self) -> Vec<(Box<str>, Value)> {
        self.iter()
            .map(|(key, value)| (key.into(), value.to_value()))
            .collect()
    }
}

impl PartialEq for MapRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl fmt::Debug for MapRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
