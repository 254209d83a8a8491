//! Values of the types that can be mapped by their parts.
use super::list;
use crate::types;
use connect_api::{Kind, Value};
use dialect_core::{
    CompositeMapping, HstoreMapping, IntervalMapping, PointMapping, RangeMapping, ValueOptions,
    conformance::Sample,
};

/// The options under which types with parts are mapped by their parts.
#[must_use]
pub fn by_parts() -> ValueOptions {
    ValueOptions {
        point_mapping: PointMapping::Struct,
        range_mapping: RangeMapping::Struct,
        composite_mapping: CompositeMapping::Struct,
        hstore_mapping: HstoreMapping::Map,
        interval_mapping: IntervalMapping::Arrow,
        ..ValueOptions::default()
    }
}

/// Samples of the types that are mapped by their parts under [`by_parts`], with `hstore` in the
/// schema `public`.
#[must_use]
pub fn samples_by_parts() -> Vec<Sample> {
    let point = |x: f64, y: f64| Value::Struct(vec![x.into(), y.into()]);
    let interval = |declared, values: &[(&'static str, (i32, i32, i64))]| {
        let values = values.iter().map(|(sql, (months, days, nanos))| {
            let value = Value::Interval(*months, *days, *nanos);
            (*sql, value)
        });
        Sample::new(declared, Kind::Interval, values.collect::<Vec<_>>())
    };
    let text = |s: &str| Value::from(s);
    vec![
        Sample::new(
            "point",
            types::point(),
            [
                ("'(1.5,-2)'", point(1.5, -2.0)),
                ("'(-Infinity,5e-324)'", point(f64::NEG_INFINITY, 5e-324)),
                ("'(NaN,1.7976931348623157e308)'", point(f64::NAN, f64::MAX)),
            ],
        ),
        list("point[]", Kind::Text, "ARRAY['(1,2)'::point]", vec![text("(1,2)")]),
        range(
            "int4range",
            Kind::Int32,
            &[
                ("'[1,5)'", 1.into(), 5.into()),
                ("'[-2147483648,2147483647)'", i32::MIN.into(), i32::MAX.into()),
                ("'(,7)'", Value::Null, 7.into()),
            ],
        ),
        range(
            "int8range",
            Kind::Int64,
            &[("'[-9223372036854775808,)'", i64::MIN.into(), Value::Null)],
        ),
        range(
            "numrange",
            Kind::BigDecimal,
            &[("'[-0.10,1e40)'", text("-0.10"), text(&format!("1{}", "0".repeat(40))))],
        ),
        range(
            "tsrange",
            Kind::Timestamp { utc: false },
            &[("'[1969-12-31 23:59:59.999999,1970-01-01)'", Value::Timestamp(-1), Value::Timestamp(0))],
        ),
        range(
            "tstzrange",
            Kind::Timestamp { utc: true },
            &[("'[1970-01-01 00:00:00Z,)'", Value::Timestamp(0), Value::Null)],
        ),
        range(
            "daterange",
            Kind::Date,
            &[("'[4713-01-01 BC,1970-01-02)'", Value::Date(-2_440_550), Value::Date(1))],
        ),
        interval(
            "interval",
            &[
                ("'P1Y2M3DT4H5M6.789S'", (14, 3, 14_706_789_000_000)),
                ("'-1 mon +2 days -00:00:00.000001'", (-1, 2, -1_000)),
                ("'-178956970 years -8 mons'", (i32::MIN, 0, 0)),
                ("'2147483647 days 2562047:47:16.854775'", (0, i32::MAX, i64::MAX / 1_000 * 1_000)),
                ("'-2562047:47:16.854775'", (0, 0, -(i64::MAX / 1_000 * 1_000))),
                ("'PT0S'", (0, 0, 0)),
            ],
        ),
        interval("interval day to second(3)", &[("'P3DT4H5M6.789S'", (0, 3, 14_706_789_000_000))]),
        interval("interval year to month", &[("'P-1Y-2M'", (-14, 0, 0))]),
        interval("interval(3)", &[("'PT0.001S'", (0, 0, 1_000_000))]),
        list(
            "interval[]",
            Kind::Interval,
            "'{1 day,NULL}'",
            vec![Value::Interval(0, 1, 0), Value::Null],
        ),
        Sample::new(
            "public.hstore",
            Kind::Map(Box::new(Kind::Text)),
            [
                ("''", Value::Map(Vec::new())),
                (
                    r#"hstore(ARRAY['', 'a', E'"=>\\\'', 'nil'], ARRAY['', 'é 🦀', E',"\\', NULL])"#,
                    Value::Map(vec![
                        ("".into(), text("")),
                        ("a".into(), text("é 🦀")),
                        ("nil".into(), Value::Null),
                        ("\"=>\\'".into(), text(",\"\\")),
                    ]),
                ),
            ],
        )
        .not_recreated(),
    ]
}

/// Ranges that hold their lower bound and not their upper, and what all ranges have: the empty one
/// and the one without bounds.
fn range(declared: &'static str, bound: Kind, values: &[(&'static str, Value, Value)]) -> Sample {
    let kind = types::range(&bound);
    let range = |lower, upper, inclusive, empty| {
        Value::Struct(vec![
            lower,
            upper,
            Value::Bool(inclusive),
            false.into(),
            Value::Bool(empty),
        ])
    };
    let bounded = values.iter().map(|(sql, lower, upper)| {
        let inclusive = *lower != Value::Null;
        (*sql, range(lower.clone(), upper.clone(), inclusive, false))
    });
    let of_all = [
        ("'empty'", range(Value::Null, Value::Null, false, true)),
        ("'(,)'", range(Value::Null, Value::Null, false, false)),
    ];
    Sample::new(declared, kind, bounded.chain(of_all).collect::<Vec<_>>())
}
