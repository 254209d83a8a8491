//! Lists into arrays of one dimension.
use super::{Writer, sized, writer};
use crate::encode::target::Target;
use connect_api::{
    Kind,
    arrow::{
        array::{Array as _, ListArray},
        schema::DataType,
    },
};
use dialect_core::{Cells, ValueError};

const TOO_MANY: ValueError = ValueError("has more elements than an array takes");

pub(super) fn lists<'a>(a: &'a ListArray, element: &Target) -> Option<Writer<'a>> {
    let DataType::List(item) = a.data_type() else {
        return None;
    };
    let values = a.values().as_ref();
    let cells = Cells::new(&Kind::of(item), values).ok()?;
    let write = writer(cells, element)?;
    let oid = element.oid().to_be_bytes();
    let offsets = a.value_offsets();
    Some(sized(a, move |row, out| {
        let bounds = [offsets[row], offsets[row + 1]].map(|at| usize::try_from(at).unwrap_or(0));
        let elements = bounds[0]..bounds[1];
        let count = i32::try_from(elements.len()).ok().ok_or(TOO_MANY)?;
        let nulls = elements.clone().any(|i| values.is_null(i));
        // An empty array has no dimension.
        out.extend_from_slice(&i32::from(count > 0).to_be_bytes());
        out.extend_from_slice(&i32::from(nulls).to_be_bytes());
        out.extend_from_slice(&oid);
        if count > 0 {
            out.extend_from_slice(&count.to_be_bytes());
            out.extend_from_slice(&1i32.to_be_bytes());
        }
        for i in elements {
            write(i, out)?;
        }
        Ok(())
    }))
}
