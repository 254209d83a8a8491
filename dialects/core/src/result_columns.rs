//! The columns of a result.
use connect_api::{Error, ErrorKind, Result, Schema};

/// Checks that a result has as many columns as `schema`.
///
/// # Errors
/// `Schema`: it has more or fewer.
pub fn check_column_count(schema: &Schema, found: usize) -> Result<()> {
    let expected = schema.kinds().len();
    if found == expected {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Schema,
        format!(
            "`{}`: the query gives {found} columns where {expected} are expected",
            schema.name()
        ),
    ))
}
