use super::*;

fn chosen(kind: Kind, declared_as: &str) -> Option<Form> {
    form(&kind, &Declared::parse(declared_as).unwrap())
}

const DECIMAL: Kind = Kind::Decimal {
    precision: 10,
    scale: 2,
};

#[test]
fn kinds_go_into_columns_that_hold_their_values() {
    for (kind, declared_as, form) in [
        (Kind::Bool, "bit", Some(Form::Bit)),
        (Kind::Int64, "bit", Some(Form::Bit)),
        (Kind::Bool, "int", Some(Form::Integer { bytes: 4 })),
        (Kind::UInt64, "tinyint", Some(Form::Integer { bytes: 1 })),
        (Kind::Duration, "bigint", Some(Form::Integer { bytes: 8 })),
        (DECIMAL, "bigint", None),
        (
            DECIMAL,
            "money",
            Some(Form::Decimal {
                precision: 19,
                scale: 4,
            }),
        ),
        (
            Kind::Int64,
            "decimal(20)",
            Some(Form::Decimal {
                precision: 20,
                scale: 0,
            }),
        ),
        (Kind::Float64, "decimal(20)", None),
        (Kind::Float64, "real", Some(Form::Real)),
        (Kind::Int64, "float", None),
        (Kind::Int32, "float", Some(Form::Float)),
        (Kind::Text, "int", None),
        (Kind::Date, "bigint", None),
        (
            DECIMAL,
            "nvarchar(20)",
            Some(Form::Text {
                limit: Limit::Units(20),
            }),
        ),
        (
            Kind::Text,
            "varchar(20) COLLATE Latin1_General_CI_AS",
            Some(Form::Text {
                limit: Limit::Bytes(CodePage::Of(encoding_rs::WINDOWS_1252), Some(20)),
            }),
        ),
        (Kind::Bytes, "nvarchar(20)", None),
        (
            Kind::Bytes,
            "binary(4)",
            Some(Form::Bytes {
                limit: Some(4),
                exactly: true,
            }),
        ),
        (Kind::Uuid, "uniqueidentifier", Some(Form::Uuid)),
        (
            Kind::Bytes,
            "geography",
            Some(Form::Spatial { default: 4_326 }),
        ),
        (Kind::TimeNanos, "time(3)", Some(Form::Time { digits: 3 })),
        (
            Kind::Timestamp { utc: true },
            "datetime2(3)",
            Some(Form::DateTime2 { digits: 3 }),
        ),
        // The offset would be lost.
        (Kind::OffsetTimestamp, "datetime2(3)", None),
        // Which instant a wall clock's reading is, is not known.
        (Kind::Timestamp { utc: false }, "datetimeoffset", None),
        (
            Kind::OffsetTimestamp,
            "datetimeoffset(3)",
            Some(Form::Offset { digits: 3 }),
        ),
        (Kind::Text, "[dbo].[Point3]", None),
    ] {
        assert_eq!(
            chosen(kind.clone(), declared_as),
            form,
            "{kind:?} into {declared_as}"
        );
    }
}
