//! Values bound to statements as bytes of a given type.
use crate::{
    encode::{target::Target, writer},
    types::oid,
};
use connect_api::{ColumnBuilder, Error, ErrorKind, Result, Value};
use dialect_core::{Cells, Param};
use sqlx::{
    Arguments as _, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo, types::Oid},
};

/// A value of the binary protocol as it is, and the OID of its type.
pub(crate) struct Raw<'a> {
    oid: u32,
    value: Option<&'a [u8]>,
}

impl<'a> Raw<'a> {
    pub(crate) fn new(oid: u32, value: Option<&'a [u8]>) -> Self {
        Self { oid, value }
    }

    pub(crate) fn add_to(self, arguments: &mut PgArguments) -> Result<()> {
        arguments.add(self).map_err(|e| {
            Error::new(
                ErrorKind::Data,
                "a value is larger than the protocol supports",
            )
            .with_source(e)
        })
    }
}

impl Type<Postgres> for Raw<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(oid::BYTEA))
    }
}

impl Encode<'_, Postgres> for Raw<'_> {
    fn encode_by_ref(&self, out: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Some(value) = self.value else {
            return Ok(IsNull::Yes);
        };
        out.extend_from_slice(value);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(Oid(self.oid)))
    }

    fn size_hint(&self) -> usize {
        self.value.map_or(0, <[u8]>::len)
    }
}

/// Binds the values of a statement, each as the type of its kind.
///
/// # Errors
/// `Internal`: a value is not of its kind, a fault of the caller.
pub(crate) fn arguments(params: &[Param]) -> Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for (i, param) in params.iter().enumerate() {
        let wrong = || {
            Error::new(
                ErrorKind::Internal,
                format!("value {} of a statement is not {:?}", i + 1, param.kind),
            )
        };
        let target = Target::of_kind(&param.kind).ok_or_else(wrong)?;
        let oid = target.oid();
        if param.value == Value::Null {
            Raw::new(oid, None).add_to(&mut arguments)?;
            continue;
        }
        let mut column = ColumnBuilder::new(&param.kind, 1)?;
        column
            .append_value(&param.kind, param.value.clone())
            .ok_or_else(wrong)?;
        let column = column.finish();
        let write = writer(Cells::new(&param.kind, &column)?, &target).ok_or_else(wrong)?;
        let mut cell = Vec::new();
        write(0, &mut cell).map_err(|error| {
            Error::new(
                ErrorKind::Data,
                format!("value {} of a statement: a value that {error}", i + 1),
            )
        })?;
        // A cell has its length in front.
        Raw::new(oid, cell.get(4..)).add_to(&mut arguments)?;
    }
    Ok(arguments)
}
