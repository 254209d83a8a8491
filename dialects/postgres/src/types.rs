//! What a column holds, by the type that it is declared with.
pub(crate) mod name;
pub(crate) mod numeric;
pub(crate) mod oid;
mod parts;

pub(crate) use parts::{bound, part, point, range};

use connect_api::Kind;
use dialect_core::{
    Bit1, Column, IntervalMapping, NumericMapping, PointMapping, RangeMapping, UnknownTypes,
    Unrepresentable, ValueOptions,
};
use parts::{by_parts, of_parts};

/// The name of this kind of database in URLs.
pub(crate) const VENDOR: &str = "postgres";

/// The extension of a column that is read as the server's text.
pub(crate) const AS_TEXT: &str = "connect.text";
/// The extension of a column whose values the server turns into JSON.
pub(crate) const AS_JSON: &str = "arrow.json";
/// The extension of an `interval`, read as ISO 8601 text.
pub(crate) const INTERVAL: &str = "connect.interval";
/// The extension of PostGIS's shapes in their extended binary form.
const WKB: &str = "geoarrow.wkb";

/// How values of a type are mapped.
enum Form {
    /// As they are.
    Is(Kind),
    /// As they are, but for those that lie beyond the kind: infinities, 24:00.
    Bounded(Kind),
    /// By precision and scale.
    Numeric,
    /// By the digits of the server's currency.
    Money,
    /// As text, one of them as a boolean where that is asked for.
    Bit,
    /// As text of ISO 8601, or by its parts.
    Interval,
    /// As the server's text, or by its parts.
    Point,
    /// The same, between values of the type of this OID.
    Range(u32),
    /// As the server's text, under this extension.
    Text(&'static str),
}
use Form::{Bit, Bounded, Interval, Is, Money, Numeric, Point, Range, Text};

/// The types that are built in: OID, name as `format_type` writes it, form. In the order of the
/// book's page on types.
const TYPES: [(u32, &str, Form); 70] = [
    (oid::BOOL, "boolean", Is(Kind::Bool)),
    (oid::INT2, "smallint", Is(Kind::Int16)),
    (oid::INT4, "integer", Is(Kind::Int32)),
    (oid::INT8, "bigint", Is(Kind::Int64)),
    (oid::OID, "oid", Is(Kind::UInt32)),
    (oid::XID, "xid", Is(Kind::UInt32)),
    (oid::CID, "cid", Is(Kind::UInt32)),
    (oid::REGPROC, "regproc", Is(Kind::UInt32)),
    (oid::REGPROCEDURE, "regprocedure", Is(Kind::UInt32)),
    (oid::REGOPER, "regoper", Is(Kind::UInt32)),
    (oid::REGOPERATOR, "regoperator", Is(Kind::UInt32)),
    (oid::REGCLASS, "regclass", Is(Kind::UInt32)),
    (oid::REGTYPE, "regtype", Is(Kind::UInt32)),
    (oid::REGCONFIG, "regconfig", Is(Kind::UInt32)),
    (oid::REGDICTIONARY, "regdictionary", Is(Kind::UInt32)),
    (oid::REGNAMESPACE, "regnamespace", Is(Kind::UInt32)),
    (oid::REGROLE, "regrole", Is(Kind::UInt32)),
    (oid::REGCOLLATION, "regcollation", Is(Kind::UInt32)),
    (oid::XID8, "xid8", Is(Kind::UInt64)),
    (oid::FLOAT4, "real", Is(Kind::Float32)),
    (oid::FLOAT8, "double precision", Is(Kind::Float64)),
    (oid::NUMERIC, "numeric", Numeric),
    (oid::MONEY, "money", Money),
    (oid::TEXT, "text", Is(Kind::Text)),
    (oid::VARCHAR, "character varying", Is(Kind::Text)),
    (oid::NAME, "name", Is(Kind::Text)),
    (oid::XML, "xml", Is(Kind::Text)),
    (oid::BPCHAR, "character", Is(Kind::Text)),
    (oid::CHAR, "\"char\"", Is(Kind::Int8)),
    (oid::BYTEA, "bytea", Is(Kind::Bytes)),
    (oid::DATE, "date", Bounded(Kind::Date)),
    (
        oid::TIMESTAMP,
        "timestamp without time zone",
        Bounded(Kind::Timestamp { utc: false }),
    ),
    (
        oid::TIMESTAMPTZ,
        "timestamp with time zone",
        Bounded(Kind::Timestamp { utc: true }),
    ),
    (oid::TIME, "time without time zone", Bounded(Kind::Time)),
    (oid::TIMETZ, "time with time zone", Text("connect.timetz")),
    (oid::INTERVAL, "interval", Interval),
    (oid::UUID, "uuid", Is(Kind::Uuid)),
    (oid::JSON, "json", Is(Kind::Json)),
    (oid::JSONB, "jsonb", Is(Kind::Json)),
    (oid::BIT, "bit", Bit),
    (oid::VARBIT, "bit varying", Text("connect.bits")),
    (oid::INET, "inet", Text("connect.inet")),
    (oid::CIDR, "cidr", Text("connect.cidr")),
    (oid::MACADDR, "macaddr", Text("connect.macaddr")),
    (oid::MACADDR8, "macaddr8", Text("connect.macaddr8")),
    (oid::POINT, "point", Point),
    (oid::LINE, "line", Text(AS_TEXT)),
    (oid::LSEG, "lseg", Text(AS_TEXT)),
    (oid::BOX, "box", Text(AS_TEXT)),
    (oid::PATH, "path", Text(AS_TEXT)),
    (oid::POLYGON, "polygon", Text(AS_TEXT)),
    (oid::CIRCLE, "circle", Text(AS_TEXT)),
    (oid::INT4RANGE, "int4range", Range(oid::INT4)),
    (oid::INT8RANGE, "int8range", Range(oid::INT8)),
    (oid::NUMRANGE, "numrange", Range(oid::NUMERIC)),
    (oid::TSRANGE, "tsrange", Range(oid::TIMESTAMP)),
    (oid::TSTZRANGE, "tstzrange", Range(oid::TIMESTAMPTZ)),
    (oid::DATERANGE, "daterange", Range(oid::DATE)),
    (oid::INT4MULTIRANGE, "int4multirange", Text(AS_TEXT)),
    (oid::INT8MULTIRANGE, "int8multirange", Text(AS_TEXT)),
    (oid::NUMMULTIRANGE, "nummultirange", Text(AS_TEXT)),
    (oid::TSMULTIRANGE, "tsmultirange", Text(AS_TEXT)),
    (oid::TSTZMULTIRANGE, "tstzmultirange", Text(AS_TEXT)),
    (oid::DATEMULTIRANGE, "datemultirange", Text(AS_TEXT)),
    (oid::TSVECTOR, "tsvector", Text(AS_TEXT)),
    (oid::TSQUERY, "tsquery", Text(AS_TEXT)),
    (oid::PG_LSN, "pg_lsn", Text(AS_TEXT)),
    (oid::TXID_SNAPSHOT, "txid_snapshot", Text(AS_TEXT)),
    (oid::PG_SNAPSHOT, "pg_snapshot", Text(AS_TEXT)),
    (oid::JSONPATH, "jsonpath", Text(AS_TEXT)),
];

/// The OID of the type that `format_type` writes so, without length or precision.
pub(crate) fn named(name: &str) -> Option<u32> {
    let found = TYPES.iter().find(|(_, known, _)| *known == name);
    found.map(|(oid, ..)| *oid)
}

/// The name of a type that is built in, without length or precision.
pub(crate) fn name(oid: u32) -> Option<&'static str> {
    let found = TYPES.iter().find(|(known, ..)| *known == oid);
    found.map(|(_, name, _)| *name)
}

/// A type as the catalogue has it; a domain is followed to its base, an array to its elements.
#[derive(Debug, Clone)]
pub(crate) struct Type<'a> {
    pub(crate) oid: u32,
    pub(crate) name: &'a str,
    /// `b`ase, `c`omposite, `e`num, `r`ange, `m`ultirange, `p`seudo-type.
    pub(crate) class: char,
    pub(crate) typmod: i32,
    /// How many dimensions it is declared with; 0 where it is no array.
    pub(crate) dimensions: u32,
    /// Decimal places of the server's currency.
    pub(crate) money_scale: i8,
    /// The fields of a composite type, the bound of a user-defined range.
    pub(crate) parts: &'a [Column],
}

impl Type<'_> {
    /// A type that is built in, without length, precision and scale.
    pub(crate) fn plain(oid: u32) -> Self {
        Self {
            oid,
            name: "",
            class: 'b',
            typmod: -1,
            dimensions: 0,
            money_scale: 2,
            parts: &[],
        }
    }
}

/// What columns of a type hold: the kind, `None` where it is not supported, and the Arrow
/// extension that describes it further.
///
/// The extension also says how a column is read: text under an extension is the server's own
/// (`c::text`), JSON under [`AS_JSON`] is made by the server (`to_json(c)`), a list under an
/// extension has texts of the server's.
pub(crate) fn declared(
    of: &Type<'_>,
    options: &ValueOptions,
) -> (Option<Kind>, Option<&'static str>) {
    let (kind, extension) = match of.dimensions {
        0 => scalar(of, options),
        _ => scalar(of, &of_parts(options)),
    };
    let as_text = (Some(Kind::Text), Some(AS_TEXT));
    match (of.dimensions, kind) {
        (_, None) => (None, None),
        (0, kind) => (kind, extension),
        (_, Some(Kind::Json)) if extension.is_some() => (Some(Kind::Json), extension),
        // How many dimensions a value has is its own matter; lists have one.
        (1, Some(element)) if options.unrepresentable != Unrepresentable::Text => {
            (Some(Kind::List(Box::new(element))), extension)
        }
        _ => as_text,
    }
}

fn scalar(of: &Type<'_>, options: &ValueOptions) -> (Option<Kind>, Option<&'static str>) {
    let infinite_as_text = options.unrepresentable == Unrepresentable::Text;
    if let Some((.., form)) = TYPES.iter().find(|(oid, ..)| *oid == of.oid) {
        return match form {
            Is(kind) => (Some(kind.clone()), None),
            Bounded(_) if infinite_as_text => (Some(Kind::Text), Some(AS_TEXT)),
            Bounded(kind) => (Some(kind.clone()), None),
            Numeric if infinite_as_text => (Some(Kind::BigDecimal), None),
            Numeric => (Some(numeric(of.typmod, options.numeric_mapping)), None),
            Money => {
                let scale = of.money_scale;
                let precision = 19;
                (Some(Kind::Decimal { precision, scale }), None)
            }
            Bit if of.typmod == 1 && options.bit1 == Bit1::Bool => (Some(Kind::Bool), None),
            Bit => (Some(Kind::Text), Some("connect.bits")),
            Interval if infinite_as_text || options.interval_mapping == IntervalMapping::Text => {
                (Some(Kind::Text), Some(INTERVAL))
            }
            Interval => (Some(Kind::Interval), None),
            Point if options.point_mapping == PointMapping::Struct => (Some(point()), None),
            Range(bound) if options.range_mapping == RangeMapping::Struct => {
                match part(&Type::plain(*bound), options) {
                    Some(bound) => (Some(range(&bound)), None),
                    None => (Some(Kind::Text), Some(AS_TEXT)),
                }
            }
            Point | Range(_) => (Some(Kind::Text), Some(AS_TEXT)),
            Text(extension) => (Some(Kind::Text), Some(*extension)),
        };
    }
    if let Some(kind) = by_parts(of, options) {
        return (Some(kind), None);
    }
    match (of.class, of.name) {
        ('e', _) | ('b', "citext") => (Some(Kind::Text), None),
        ('c', _) | ('b', "hstore") => (Some(Kind::Json), Some(AS_JSON)),
        ('r' | 'm', _) => (Some(Kind::Text), Some(AS_TEXT)),
        ('b', "geometry" | "geography") => (Some(Kind::Bytes), Some(WKB)),
        _ if options.unknown_types == UnknownTypes::Fail => (None, None),
        _ => (Some(Kind::Text), Some(AS_TEXT)),
    }
}

/// Length of `character(n)` and `character varying(n)`.
pub(crate) fn length(of: &Type<'_>) -> Option<u32> {
    match of.oid {
        oid::BPCHAR | oid::VARCHAR if of.dimensions == 0 => {
            u32::try_from(of.typmod.checked_sub(4)?).ok()
        }
        _ => None,
    }
}

/// The kind of a `numeric` by its precision and scale.
fn numeric(typmod: i32, mapping: NumericMapping) -> Kind {
    let decimal = |precision, scale| match precision {
        1..=38 => Kind::Decimal { precision, scale },
        39..=76 => Kind::WideDecimal { precision, scale },
        _ => Kind::BigDecimal,
    };
    let Some(typmod) = typmod.checked_sub(4).filter(|t| *t >= 0) else {
        return match mapping {
            NumericMapping::Text => Kind::BigDecimal,
            NumericMapping::Decimal { precision, scale } => decimal(precision, scale),
        };
    };
    let precision = typmod >> 16;
    // Eleven bits with a sign.
    let scale = ((typmod & 0x7ff) ^ 0x400) - 0x400;
    // Arrow wants room for every decimal place: 0.00001 is numeric(2,5) too.
    match (u8::try_from(precision.max(scale)), i8::try_from(scale)) {
        (Ok(precision), Ok(scale)) => decimal(precision, scale),
        _ => Kind::BigDecimal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typmod(precision: i32, scale: i32) -> i32 {
        ((precision << 16) | (scale & 0x7ff)) + 4
    }

    fn of(oid: u32, name: &str, class: char, typmod: i32) -> Type<'_> {
        Type {
            oid,
            name,
            class,
            typmod,
            dimensions: 0,
            money_scale: 2,
            parts: &[],
        }
    }

    #[test]
    fn numerics_have_their_precision_and_scale() {
        let numeric = |typmod| super::numeric(typmod, NumericMapping::Text);
        let decimal = |precision, scale| Kind::Decimal { precision, scale };
        let wide = |precision, scale| Kind::WideDecimal { precision, scale };
        assert_eq!(numeric(-1), Kind::BigDecimal);
        assert_eq!(numeric(typmod(12, 2)), decimal(12, 2));
        assert_eq!(numeric(typmod(38, 38)), decimal(38, 38));
        assert_eq!(numeric(typmod(2, 5)), decimal(5, 5));
        assert_eq!(numeric(typmod(3, -2)), decimal(3, -2));
        assert_eq!(numeric(typmod(39, 0)), wide(39, 0));
        assert_eq!(numeric(typmod(76, 76)), wide(76, 76));
        assert_eq!(numeric(typmod(2, 40)), wide(40, 40));
        assert_eq!(numeric(typmod(77, 0)), Kind::BigDecimal);
        assert_eq!(numeric(typmod(1000, 1000)), Kind::BigDecimal);
        assert_eq!(numeric(typmod(5, -200)), Kind::BigDecimal);
        let mapped =
            |precision, scale| super::numeric(-1, NumericMapping::Decimal { precision, scale });
        assert_eq!(
            (mapped(20, 4), mapped(50, 4)),
            (decimal(20, 4), wide(50, 4))
        );
    }

    #[test]
    fn types_that_are_not_built_in_go_by_class_and_name() {
        let plain = ValueOptions::default();
        for (name, class, kind, extension) in [
            ("mood", 'e', Kind::Text, None),
            ("citext", 'b', Kind::Text, None),
            ("hstore", 'b', Kind::Json, Some(AS_JSON)),
            ("address", 'c', Kind::Json, Some(AS_JSON)),
            ("floatrange", 'r', Kind::Text, Some(AS_TEXT)),
            ("geometry", 'b', Kind::Bytes, Some("geoarrow.wkb")),
            ("ltree", 'b', Kind::Text, Some(AS_TEXT)),
        ] {
            let found = declared(&of(16_400, name, class, -1), &plain);
            assert_eq!(found, (Some(kind), extension), "{name}");
        }
        let fail = ValueOptions {
            unknown_types: UnknownTypes::Fail,
            ..plain
        };
        assert_eq!(declared(&of(16_400, "ltree", 'b', -1), &fail), (None, None));
        let known = declared(&of(oid::TSVECTOR, "tsvector", 'b', -1), &fail);
        assert_eq!(known.0, Some(Kind::Text), "it is known");
    }

    #[test]
    fn arrays_are_lists_where_a_list_can_hold_them() {
        let array = |oid, class, dimensions| Type {
            dimensions,
            ..of(oid, "x", class, -1)
        };
        let plain = ValueOptions::default();
        let list = |kind| Some(Kind::List(Box::new(kind)));
        for (of, expected) in [
            (array(oid::INT4, 'b', 1), (list(Kind::Int32), None)),
            (
                array(oid::INET, 'b', 1),
                (list(Kind::Text), Some("connect.inet")),
            ),
            (array(16_400, 'e', 1), (list(Kind::Text), None)),
            (array(16_400, 'c', 1), (Some(Kind::Json), Some(AS_JSON))),
            (array(oid::INT4, 'b', 2), (Some(Kind::Text), Some(AS_TEXT))),
        ] {
            assert_eq!(declared(&of, &plain), expected, "{of:?}");
        }
        let text = ValueOptions {
            unrepresentable: Unrepresentable::Text,
            ..plain
        };
        for oid in [oid::DATE, oid::TIME, oid::TIMESTAMP, oid::TIMESTAMPTZ] {
            let found = declared(&of(oid, "", 'b', -1), &text);
            assert_eq!(found, (Some(Kind::Text), Some(AS_TEXT)));
        }
        assert_eq!(
            declared(&array(oid::INT4, 'b', 1), &text),
            (Some(Kind::Text), Some(AS_TEXT))
        );
        let number = declared(&of(oid::NUMERIC, "", 'b', typmod(9, 2)), &text);
        assert_eq!(number, (Some(Kind::BigDecimal), None));
    }

    #[test]
    fn a_bit_is_a_boolean_where_that_is_asked_for() {
        let options = ValueOptions {
            bit1: Bit1::Bool,
            ..ValueOptions::default()
        };
        let bit = |typmod| declared(&of(oid::BIT, "bit", 'b', typmod), &options);
        assert_eq!(bit(1), (Some(Kind::Bool), None));
        assert_eq!(bit(8), (Some(Kind::Text), Some("connect.bits")));
    }
}
