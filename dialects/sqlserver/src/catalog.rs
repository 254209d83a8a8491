//! What the rows of the catalogue mean.
pub(crate) mod rows;
