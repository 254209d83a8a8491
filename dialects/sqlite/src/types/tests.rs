use super::*;

#[test]
fn affinities_follow_the_rules_of_sqlite() {
    for (text, affinity) in [
        ("INT", Affinity::Integer),
        ("unsigned big int", Affinity::Integer),
        ("CHARINT", Affinity::Integer),
        ("FLOATING POINT", Affinity::Integer),
        ("varchar(20)", Affinity::Text),
        ("DECIMAL_TEXT(12,2)", Affinity::Text),
        ("DURATION_INTEGER", Affinity::Integer),
        ("UUID_BLOB", Affinity::Blob),
        ("", Affinity::Blob),
        ("DOUBLE PRECISION", Affinity::Real),
        ("DECIMAL(10,5)", Affinity::Numeric),
        ("STRING", Affinity::Numeric),
    ] {
        assert_eq!(Declared::parse(text).affinity(), affinity, "{text}");
    }
}

#[test]
fn names_decide_before_affinities() {
    let options = ValueOptions::default();
    let kind = |text| Declared::parse(text).kind(&options);
    let decimal = |precision, scale| Some(Kind::Decimal { precision, scale });
    assert_eq!(kind("numeric( 12 , 2 )"), decimal(12, 2));
    assert_eq!(kind("DECIMAL(5)"), decimal(5, 0));
    let wide = Kind::WideDecimal {
        precision: 40,
        scale: 2,
    };
    assert_eq!(kind("DECIMAL(40,2)"), Some(wide));
    assert_eq!(kind("DECIMAL(77,2)"), Some(Kind::BigDecimal));
    assert_eq!(kind("DECIMAL(2,5)"), Some(Kind::BigDecimal));
    assert_eq!(kind("NUMERIC"), Some(Kind::BigDecimal));
    assert_eq!(kind("datetime"), Some(Kind::Text));
    assert_eq!(kind("TIMESTAMP_TEXT"), Some(Kind::Timestamp { utc: false }));
    assert_eq!(kind("TIME_TEXT(9)"), Some(Kind::TimeNanos));
    assert_eq!(kind("Geometry"), None);
    assert_eq!(kind(""), None);
    assert_eq!(Declared::parse("VARCHAR(20)").length(), Some(20));
    assert_eq!(Declared::parse("INT(11)").length(), None);
    assert_eq!(Declared::parse("TIME_TEXT(9)").length(), None);
}

#[test]
fn options_choose_the_mapping_of_values() {
    let described = |text: &str, change: fn(&mut ValueOptions)| {
        let mut values = ValueOptions::default();
        change(&mut values);
        let described = Declared::parse(text).described(&values, false);
        (described.kind, described.extension)
    };
    let text = |extension| (Some(Kind::Text), Some(extension));
    let plain = |kind| (Some(kind), None);
    assert_eq!(
        described("timestamp(6)  with time zone", |v| v.sqlite_dates =
            SqliteDates::Unix),
        plain(Kind::Timestamp { utc: true })
    );
    assert_eq!(
        described("NUMERIC", |v| v.numeric_mapping = NumericMapping::Decimal {
            precision: 40,
            scale: 3
        }),
        plain(Kind::WideDecimal {
            precision: 40,
            scale: 3
        })
    );
    assert_eq!(described("", |_| ()), text(ANY));
    assert_eq!(described("GEOMETRY", |_| ()), text(ANY));
    let fail = |v: &mut ValueOptions| v.unknown_types = UnknownTypes::Fail;
    assert_eq!(described("GEOMETRY", fail), (None, None));
    assert_eq!(described("", fail), text(ANY));
    let as_text = |v: &mut ValueOptions| v.sqlite_typing = SqliteTyping::Text;
    assert_eq!(described("INTEGER", as_text), text(AS_TEXT));
    let unrepresentable = |v: &mut ValueOptions| v.unrepresentable = Unrepresentable::Text;
    assert_eq!(described("DECIMAL(9,2)", unrepresentable), text(AS_TEXT));
    assert_eq!(described("INTEGER", unrepresentable), plain(Kind::Int64));
}
