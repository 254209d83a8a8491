//! Columns of more than one Arrow array: lists, and instants with an offset.
use crate::{
    cell::cell,
    column::ColumnBuilder,
    kind::Kind,
    value::{Value, ValueRef},
};
use arrow_array::{
    Array, ListArray, StructArray,
    builder::{Int16Builder, TimestampMicrosecondBuilder},
};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_schema::{DataType, Field};
use std::{fmt, sync::Arc};

/// A growing column of [`Kind::OffsetTimestamp`].
#[derive(Debug)]
pub struct OffsetTimestampBuilder {
    instants: TimestampMicrosecondBuilder,
    offsets: Int16Builder,
    nulls: NullBufferBuilder,
}

impl OffsetTimestampBuilder {
    /// An empty column with room for `rows`.
    pub fn with_capacity(rows: usize) -> Self {
        Self {
            instants: TimestampMicrosecondBuilder::with_capacity(rows)
                .with_data_type(Kind::Timestamp { utc: true }.data_type()),
            offsets: Int16Builder::with_capacity(rows),
            nulls: NullBufferBuilder::new(rows),
        }
    }

    /// Appends an instant, in microseconds since 1970-01-01 UTC, and its offset in minutes.
    pub fn append_value(&mut self, instant: i64, offset: i16) {
        self.instants.append_value(instant);
        self.offsets.append_value(offset);
        self.nulls.append_non_null();
    }

    /// Appends a null.
    pub fn append_null(&mut self) {
        self.instants.append_value(0);
        self.offsets.append_value(0);
        self.nulls.append_null();
    }

    /// Cells so far.
    #[expect(clippy::len_without_is_empty, reason = "ColumnBuilder has is_empty")]
    pub fn len(&self) -> usize {
        self.nulls.len()
    }

    /// Takes the cells out.
    pub fn finish(&mut self) -> StructArray {
        let DataType::Struct(fields) = Kind::OffsetTimestamp.data_type() else {
            unreachable!("an instant with an offset is a struct");
        };
        StructArray::new(
            fields,
            vec![
                Arc::new(self.instants.finish()),
                Arc::new(self.offsets.finish()),
            ],
            self.nulls.finish(),
        )
    }
}

/// A growing column of [`Kind::List`].
#[derive(Debug)]
pub struct ListBuilder {
    element: Kind,
    values: Box<ColumnBuilder>,
    ends: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl ListBuilder {
    pub(crate) fn new(element: Kind, values: ColumnBuilder) -> Self {
        Self {
            element,
            values: Box::new(values),
            ends: vec![0],
            nulls: NullBufferBuilder::new(0),
        }
    }

    /// The kind of the elements.
    pub fn element(&self) -> &Kind {
        &self.element
    }

    /// The elements of the list that is being built; end it by [`end_list`](Self::end_list).
    pub fn values(&mut self) -> &mut ColumnBuilder {
        &mut self.values
    }

    fn end(&mut self) {
        // 2^31 elements are beyond every limit of a batch's bytes.
        self.ends
            .push(i32::try_from(self.values.len()).unwrap_or(i32::MAX));
    }

    /// Ends a list: the elements since the one before.
    pub fn end_list(&mut self) {
        self.end();
        self.nulls.append_non_null();
    }

    /// Appends a null.
    pub fn append_null(&mut self) {
        self.end();
        self.nulls.append_null();
    }

    /// Appends a list, or `None` where a value does not fit the elements' kind.
    pub(crate) fn append_values(&mut self, values: Vec<Value>) -> Option<()> {
        for value in values {
            self.values.append_value(&self.element, value)?;
        }
        self.end_list();
        Some(())
    }

    /// Lists so far.
    #[expect(clippy::len_without_is_empty, reason = "ColumnBuilder has is_empty")]
    pub fn len(&self) -> usize {
        self.nulls.len()
    }

    /// Takes the lists out.
    pub fn finish(&mut self) -> ListArray {
        let ends = std::mem::replace(&mut self.ends, vec![0]);
        let item = Arc::new(self.element.clone().field("item", true));
        let mut values = self.values.finish();
        let length = ends
            .last()
            .and_then(|end| usize::try_from(*end).ok())
            .unwrap_or(0);
        // Elements of a list that was never ended.
        if values.len() > length {
            values = values.slice(0, length);
        }
        ListArray::new(
            item,
            OffsetBuffer::new(ends.into()),
            values,
            self.nulls.finish(),
        )
    }
}

/// A list seen in place.
#[derive(Clone, Copy)]
pub struct ListRef<'a> {
    list: &'a ListArray,
    row: usize,
}

impl<'a> ListRef<'a> {
    /// The list in `row` of `list`.
    pub fn new(list: &'a ListArray, row: usize) -> Self {
        Self { list, row }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        usize::try_from(self.list.value_length(self.row)).unwrap_or(0)
    }

    /// No elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = ValueRef<'a>> + use<'a> {
        let DataType::List(item) = self.list.data_type() else {
            unreachable!("a list array is of type list");
        };
        let kind = Kind::of(item as &Field);
        let values = self.list.values().as_ref();
        let start = usize::try_from(self.list.value_offsets()[self.row]).unwrap_or(0);
        (start..start + self.len()).map(move |i| cell(&kind, values, i))
    }

    /// Owned copies of the elements.
    pub fn to_values(&self) -> Vec<Value> {
        self.iter().map(ValueRef::to_value).collect()
    }
}

impl PartialEq for ListRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl fmt::Debug for ListRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
