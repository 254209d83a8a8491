//! Reads cells of several parts: lists, structs, maps.
use super::cell_reader::{Beside, CellReader, Scratch};
use super::cursor::Cursor;
use super::fault::{Fault, Result};
use super::row_reader::Memory;
use connect_api::{ListBuilder, MapBuilder, StructBuilder};

impl CellReader {
    /// Reads an array. On a fault its first elements are appended, but no list is: where the row
    /// is left out, they are too.
    pub(super) fn list(
        &self,
        cursor: &mut Cursor<'_>,
        lists: &mut ListBuilder,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let Beside::Element(element) = &self.beside else {
            return Err(Fault::value("the column was not expected to hold lists"));
        };
        members(cursor, *b"[]", ("an array", "`,` or `]`"), |cursor| {
            element.read(cursor, lists.values(), scratch)
        })?;
        lists.end_list();
        Ok(())
    }

    /// Reads an object into a struct; fields that it lacks are null. On a fault cells may be
    /// appended, but no struct is.
    pub(super) fn fields(
        &self,
        cursor: &mut Cursor<'_>,
        structs: &mut StructBuilder,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let Beside::Fields(fields) = &self.beside else {
            return Err(Fault::value("the column was not expected to hold structs"));
        };
        let mut memory = Memory::with(std::mem::take(scratch));
        let read = fields.read(cursor, structs.columns(), &mut memory);
        *scratch = memory.scratch;
        read?;
        structs.end_struct();
        Ok(())
    }

    /// Reads an object into a map. On a fault its first entries are appended, but no map is.
    pub(super) fn map(
        &self,
        cursor: &mut Cursor<'_>,
        maps: &mut MapBuilder,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let Beside::Element(value) = &self.beside else {
            return Err(Fault::value("the column was not expected to hold maps"));
        };
        members(cursor, *b"{}", ("an object", "`,` or `}`"), |cursor| {
            let values = maps.key(cursor.string(&mut scratch.text)?);
            cursor.need(b':', "`:`")?;
            cursor.skip_blanks();
            value.read(cursor, values, scratch)
        })?;
        maps.end_map();
        Ok(())
    }
}

/// Reads what stands between two brackets with commas between, blanks around each. What is
/// expected is given in words: the whole, and what follows a member.
fn members<'a>(
    cursor: &mut Cursor<'a>,
    [open, close]: [u8; 2],
    (whole, after): (&str, &'static str),
    mut read: impl FnMut(&mut Cursor<'a>) -> Result<()>,
) -> Result<()> {
    if !cursor.eat(open) {
        return Err(cursor.mismatch(whole));
    }
    cursor.skip_blanks();
    if cursor.eat(close) {
        return Ok(());
    }
    loop {
        cursor.skip_blanks();
        read(cursor)?;
        cursor.skip_blanks();
        if cursor.eat(close) {
            return Ok(());
        }
        if !cursor.eat(b',') {
            return Err(cursor.expected(after));
        }
    }
}
