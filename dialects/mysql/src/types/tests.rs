use super::*;
use connect_api::Kind;
use connect_api::Kind::*;

fn of(declared: &str, mark: &str, values: &ValueOptions) -> Option<Kind> {
    kind(&Declared::parse(declared), mark, values)
}

#[test]
fn every_type_of_the_table_has_its_kind() {
    let decimal = |precision, scale| Decimal { precision, scale };
    for (declared, expected) in [
        ("tinyint(4)", Int8),
        ("tinyint", Int8),
        ("tinyint(1)", Bool),
        ("tinyint(1) unsigned", UInt8),
        ("tinyint unsigned", UInt8),
        ("smallint(6)", Int16),
        ("smallint unsigned", UInt16),
        ("mediumint(9)", Int32),
        ("mediumint unsigned", UInt32),
        ("int(10) unsigned zerofill", UInt32),
        ("int", Int32),
        ("bigint", Int64),
        ("bigint(20) unsigned", UInt64),
        ("float", Float32),
        ("float(7,3)", Float32),
        ("double", Float64),
        ("double(10,2) unsigned", Float64),
        ("decimal(10,0)", decimal(10, 0)),
        ("decimal(38,30)", decimal(38, 30)),
        (
            "decimal(65,30)",
            WideDecimal {
                precision: 65,
                scale: 30,
            },
        ),
        ("bit(1)", Bool),
        ("bit(64)", UInt64),
        ("char(5)", Text),
        ("mediumtext", Text),
        ("binary(16)", Bytes),
        ("longblob", Bytes),
        ("enum('a')", Text),
        ("set('a','b')", Text),
        ("date", Date),
        ("datetime(3)", Timestamp { utc: false }),
        ("timestamp(6)", Timestamp { utc: true }),
        ("time(6)", Duration),
        ("year(4)", Int16),
        ("json", Json),
        ("geomcollection", Bytes),
        ("inet6", Text),
        ("uuid", Uuid),
        ("vector(3)", List(Box::new(Float32))),
        ("xmltype", Text),
    ] {
        assert_eq!(
            of(declared, "", &ValueOptions::default()),
            Some(expected),
            "{declared}"
        );
    }
}

#[test]
fn options_decide_where_there_is_a_choice() {
    let plain = ValueOptions::default();
    let number = ValueOptions {
        tinyint1: TinyInt1::Number,
        binary16: Binary16::Uuid,
        time_mapping: TimeMapping::Time,
        unknown_types: UnknownTypes::Fail,
        zero_dates: ZeroDates::Text,
        ..plain
    };
    for (declared, mark, expected) in [
        ("tinyint(1)", "", Some(Int8)),
        ("tinyint(1)", BOOLEAN, Some(Bool)),
        ("binary(16)", "", Some(Uuid)),
        ("binary(15)", "", Some(Bytes)),
        ("time", "", Some(Time)),
        ("xmltype", "", None),
        ("date", "", Some(Text)),
        ("datetime(6)", UTC, Some(Text)),
        ("timestamp", "", Some(Text)),
    ] {
        assert_eq!(of(declared, mark, &number), expected, "{declared} {mark}");
    }
    assert_eq!(of("binary(16)", UUID, &plain), Some(Uuid));
    assert_eq!(of("time", TIME_OF_DAY, &plain), Some(Time));
    assert_eq!(
        of("datetime(6)", UTC, &plain),
        Some(Timestamp { utc: true })
    );
    let text = ValueOptions {
        unrepresentable: Unrepresentable::Text,
        ..plain
    };
    for declared in ["tinyint(1)", "date", "datetime", "timestamp"] {
        assert_eq!(of(declared, "", &text), Some(Text), "{declared}");
    }
    assert_eq!(
        of("time", "", &text),
        Some(Duration),
        "every TIME is a span"
    );
}

#[test]
fn what_is_read_as_text_is_stored_as_what_it_is() {
    let column = |vendor_type: &str, kind| Column {
        kind,
        vendor_type: vendor_type.to_owned(),
        ..Column::default()
    };
    for (declared, kind, expected) in [
        ("date", Some(Text), Some((Date, true))),
        ("varchar(5)", Some(Text), Some((Text, false))),
        ("xmltype", Some(Text), Some((Text, true))),
        ("xmltype", None, None),
        ("time", Some(Time), Some((Time, false))),
    ] {
        assert_eq!(stored(&column(declared, kind)), expected, "{declared}");
    }
}

#[test]
fn defaults_are_expressions_by_every_server() {
    let default = |version: &str, declared: &str, default: Option<&str>, extra: &str| {
        let described = Described {
            column_type: declared.to_owned(),
            default: default.map(str::to_owned),
            extra: extra.to_owned(),
            ..Described::default()
        };
        described
            .column(&ValueOptions::default(), &Server::new(version, 0))
            .default
    };
    for version in ["5.7.44", "8.0.36", "8.4.0", "9.1.0", "5.5.68-MariaDB"] {
        assert_eq!(default(version, "int", Some("7"), "").as_deref(), Some("7"));
        assert_eq!(
            default(version, "varchar(9)", Some("it's"), "").as_deref(),
            Some("'it''s'")
        );
        assert_eq!(
            default(version, "varchar(9)", Some("NULL"), "").as_deref(),
            Some("'NULL'")
        );
        assert_eq!(
            default(version, "datetime", Some("CURRENT_TIMESTAMP"), "").as_deref(),
            Some("CURRENT_TIMESTAMP")
        );
        assert_eq!(default(version, "int", None, ""), None);
    }
    assert_eq!(
        default("8.0.36", "varchar(36)", Some("uuid()"), "DEFAULT_GENERATED").as_deref(),
        Some("uuid()")
    );
    for version in ["10.11.6-MariaDB", "11.4.2-MariaDB"] {
        assert_eq!(default(version, "int", Some("NULL"), ""), None);
        assert_eq!(
            default(version, "varchar(9)", Some("'it\\'s'"), "").as_deref(),
            Some("'it\\'s'")
        );
    }
}
