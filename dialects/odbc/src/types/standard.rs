//! ODBC's own types, by the number of SQLColumns and SQLDescribeCol.
use crate::server::Profile;
use crate::types::{decimal_kind, unknown};
use connect_api::Kind;
use dialect_core::ValueOptions;

/// What a column of SQL type `code` holds, `size` digits or characters long, `digits` of them after
/// the point; `name` is the database's own for it. `None` for types that are not supported.
pub(crate) fn standard(
    code: i16,
    size: usize,
    digits: i16,
    name: &str,
    profile: Profile,
    values: &ValueOptions,
) -> Option<Kind> {
    let name = name.to_ascii_lowercase();
    let unsigned = name.contains("unsigned");
    let sign = |signed, other| if unsigned { other } else { signed };
    Some(match code {
        // SQL_BIT
        -7 => Kind::Bool,
        // SQL_TINYINT; SQL Server's has no sign.
        -6 if profile == Profile::SqlServer => Kind::UInt8,
        -6 => sign(Kind::Int8, Kind::UInt8),
        // SQL_SMALLINT, SQL_INTEGER, SQL_BIGINT
        5 => sign(Kind::Int16, Kind::UInt16),
        // SQLite's INTEGER has 64 bits.
        4 if profile == Profile::Sqlite => Kind::Int64,
        4 => sign(Kind::Int32, Kind::UInt32),
        -5 => sign(Kind::Int64, Kind::UInt64),
        // SQL_REAL, SQL_FLOAT, SQL_DOUBLE
        7 => Kind::Float32,
        6 | 8 => Kind::Float64,
        // SQL_NUMERIC, SQL_DECIMAL
        2 | 3 => i32::try_from(size)
            .ok()
            .filter(|size| *size > 0)
            .and_then(|size| decimal_kind(size, digits.into()))
            .unwrap_or(Kind::BigDecimal),
        // SQL_CHAR, SQL_VARCHAR, SQL_LONGVARCHAR, and the wide ones
        1 | 12 | -1 | -8 | -9 | -10 => Kind::Text,
        // SQL_BINARY, SQL_VARBINARY, SQL_LONGVARBINARY
        -4..=-2 => Kind::Bytes,
        // SQL_TYPE_DATE, SQL_DATE
        91 | 9 => Kind::Date,
        // SQL_TYPE_TIME, SQL_TIME
        92 | 10 => Kind::Time,
        // SQL_TYPE_TIMESTAMP, SQL_TIMESTAMP; psqlodbc marks instants only by their name.
        93 | 11 => Kind::Timestamp {
            utc: name == "timestamptz",
        },
        // SQL_GUID
        -11 => Kind::Uuid,
        // SQL Server: time(7), datetimeoffset, xml
        -154 => Kind::TimeNanos,
        -155 => Kind::OffsetTimestamp,
        -152 => Kind::Text,
        // SQL_INTERVAL_…
        101..=113 => Kind::Text,
        _ => return unknown(values),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialect_core::UnknownTypes;

    #[test]
    fn every_number_of_odbc_has_its_kind() {
        let values = ValueOptions::default();
        let kind = |code, size, digits, name| {
            standard(code, size, digits, name, Profile::Generic, &values)
        };
        for (code, name, expected) in [
            (-7, "bit", Kind::Bool),
            (-6, "tinyint", Kind::Int8),
            (-6, "tinyint unsigned", Kind::UInt8),
            (5, "smallint", Kind::Int16),
            (4, "int unsigned", Kind::UInt32),
            (-5, "bigint", Kind::Int64),
            (7, "real", Kind::Float32),
            (6, "float", Kind::Float64),
            (12, "varchar", Kind::Text),
            (-10, "ntext", Kind::Text),
            (-4, "blob", Kind::Bytes),
            (91, "date", Kind::Date),
            (92, "time", Kind::Time),
            (93, "timestamp", Kind::Timestamp { utc: false }),
            (-11, "guid", Kind::Uuid),
            (-155, "datetimeoffset", Kind::OffsetTimestamp),
            (110, "interval day to second", Kind::Text),
            (-999, "odd", Kind::Text),
        ] {
            assert_eq!(kind(code, 10, 0, name), Some(expected), "{code} {name}");
        }
        assert_eq!(
            kind(3, 12, 2, "decimal"),
            Some(Kind::Decimal {
                precision: 12,
                scale: 2
            })
        );
        assert_eq!(
            kind(2, 50, 2, "numeric"),
            Some(Kind::WideDecimal {
                precision: 50,
                scale: 2
            })
        );
        assert_eq!(kind(2, 0, 0, "numeric"), Some(Kind::BigDecimal));
        let tiny = standard(-6, 3, 0, "tinyint", Profile::SqlServer, &values);
        assert_eq!(tiny, Some(Kind::UInt8));
        let strict = ValueOptions {
            unknown_types: UnknownTypes::Fail,
            ..values
        };
        assert_eq!(standard(-999, 0, 0, "odd", Profile::Generic, &strict), None);
    }
}
