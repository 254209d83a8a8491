//! Column types as they are declared, and what columns of them hold.
//!
//! [`kind`] is the table of types, in the order of the documentation's.
pub(crate) mod grammar;
use crate::{
    server::{Family, Server},
    types::grammar::{Declared, quoted},
};
use connect_api::Kind;
use dialect_core::{
    Binary16, Column, TimeMapping, TinyInt1, UnknownTypes, Unrepresentable, ValueOptions,
    ZeroDates, equates,
};

/// The name of this kind of database in metadata.
pub(crate) const VENDOR_NAME: &str = "mysql";

/// The comment on a `tinyint(1)` created for booleans, by which it is read as one again.
pub(crate) const BOOLEAN: &str = "boolean";
/// The comment on a `binary(16)` created for UUIDs, by which it is read as one again.
pub(crate) const UUID: &str = "uuid";
/// The comment on a `datetime` created for instants, by which it is read as one again; a
/// `timestamp` ends in 2038.
pub(crate) const UTC: &str = "UTC";
/// The comment on a `time` created for times of day, by which it is read as one again; other columns
/// of the type hold spans of time.
pub(crate) const TIME_OF_DAY: &str = "time of day";

/// The comments that distinguish kinds of one type.
pub(crate) const MARKS: [&str; 4] = [BOOLEAN, UUID, UTC, TIME_OF_DAY];

/// The extension of geometries.
pub(crate) const WKB: &str = "geoarrow.wkb";

/// What becomes of dates that are none: what is said of them, else what is said of all values that
/// cannot be represented.
pub(crate) fn zero_dates(values: &ValueOptions) -> ZeroDates {
    match (values.zero_dates, values.unrepresentable) {
        (ZeroDates::Error, Unrepresentable::Null) => ZeroDates::Null,
        (ZeroDates::Error, Unrepresentable::Text) => ZeroDates::Text,
        (policy, _) => policy,
    }
}

/// What a column of a type holds, in the order of the documentation's table of types; `None` for a
/// type that is not known. `mark`: the column's comment.
fn known(of: &Declared, mark: &str, values: &ValueOptions) -> Option<Kind> {
    let dates_are_text = zero_dates(values) == ZeroDates::Text;
    let text = |as_text: bool, kind| if as_text { Kind::Text } else { kind };
    let some_are_text = values.unrepresentable == Unrepresentable::Text;
    let tinyint1 = of.numbers == [1] && !of.zerofill;
    let is_bool = mark == BOOLEAN || values.tinyint1 == TinyInt1::Bool;
    Some(match (of.base.as_str(), of.unsigned) {
        ("tinyint", false) if tinyint1 && is_bool => text(some_are_text, Kind::Bool),
        ("tinyint", false) => Kind::Int8,
        ("smallint", false) => Kind::Int16,
        ("mediumint" | "int" | "integer", false) => Kind::Int32,
        ("bigint", false) => Kind::Int64,
        ("tinyint", true) => Kind::UInt8,
        ("smallint", true) => Kind::UInt16,
        ("mediumint" | "int" | "integer", true) => Kind::UInt32,
        ("bigint", true) => Kind::UInt64,
        // FLOAT(M,D) is rounded by the server; the rounded value is read.
        ("float", _) => Kind::Float32,
        ("double" | "real", _) => Kind::Float64,
        ("decimal" | "numeric", _) => decimal(of)?,
        ("bit", _) if of.first().unwrap_or(1) == 1 => Kind::Bool,
        ("bit", _) => Kind::UInt64,
        ("char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext", _) => Kind::Text,
        ("binary", _)
            if of.numbers == [16] && (mark == UUID || values.binary16 == Binary16::Uuid) =>
        {
            Kind::Uuid
        }
        ("binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob", _) => {
            Kind::Bytes
        }
        ("enum" | "set", _) => Kind::Text,
        ("date", _) => text(dates_are_text, Kind::Date),
        ("datetime", _) => text(dates_are_text, Kind::Timestamp { utc: mark == UTC }),
        ("timestamp", _) => text(dates_are_text, Kind::Timestamp { utc: true }),
        ("time", _) if mark == TIME_OF_DAY || values.time_mapping == TimeMapping::Time => {
            text(some_are_text, Kind::Time)
        }
        ("time", _) => Kind::Duration,
        ("year", _) => Kind::Int16,
        ("json", _) => Kind::Json,
        (base, _) if is_geometry(base) => Kind::Bytes,
        ("inet4" | "inet6", _) => Kind::Text,
        ("uuid", _) => Kind::Uuid,
        ("vector", _) => Kind::List(Box::new(Kind::Float32)),
        _ => return None,
    })
}

fn decimal(of: &Declared) -> Option<Kind> {
    let precision = u8::try_from(of.first().unwrap_or(10)).ok()?;
    let scale = i8::try_from(of.numbers.get(1).copied().unwrap_or(0)).ok()?;
    Some(match precision {
        0..=38 => Kind::Decimal { precision, scale },
        _ => Kind::WideDecimal { precision, scale },
    })
}

/// The types of OpenGIS.
pub(crate) fn is_geometry(base: &str) -> bool {
    matches!(
        base,
        "geometry"
            | "point"
            | "linestring"
            | "polygon"
            | "multipoint"
            | "multilinestring"
            | "multipolygon"
            | "geometrycollection"
            | "geomcollection"
    )
}

/// The kind of a column of a type; `None` for one that is not supported.
pub(crate) fn kind(of: &Declared, mark: &str, values: &ValueOptions) -> Option<Kind> {
    known(of, mark, values)
        .or_else(|| (values.unknown_types == UnknownTypes::Text).then_some(Kind::Text))
}

/// What a column itself holds, however it is read: the kind that records written to it may be
/// of. The second: it is read as text.
pub(crate) fn stored(column: &Column) -> Option<(Kind, bool)> {
    let kind = column.kind.clone()?;
    if kind != Kind::Text {
        return Some((kind, false));
    }
    let of = Declared::parse(&column.vendor_type);
    let mark = column.comment.as_deref().unwrap_or_default();
    Some(match known(&of, mark, &ValueOptions::default()) {
        Some(Kind::Text) => (Kind::Text, false),
        Some(kind) => (kind, true),
        None => (Kind::Text, true),
    })
}

/// A column as the catalogue describes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) column_type: String,
    pub(crate) nullable: bool,
    pub(crate) default: Option<String>,
    pub(crate) extra: String,
    pub(crate) comment: String,
    pub(crate) length: Option<u64>,
    /// A check of the table says that it is JSON.
    pub(crate) json: bool,
    /// Empty where it is no text.
    pub(crate) collation: String,
}

impl Described {
    /// The column.
    pub(crate) fn column(&self, values: &ValueOptions, server: &Server) -> Column {
        let extra = self.extra.to_ascii_lowercase();
        let vendor_type = match self.json && self.column_type == "longtext" {
            true => "json",
            false => &self.column_type,
        };
        let of = Declared::parse(vendor_type);
        let kind = kind(&of, &self.comment, values);
        let length = match of.base.as_str() {
            "char" | "varchar" | "binary" | "varbinary" => self
                .length
                .and_then(|l| u32::try_from(l).ok())
                .or(of.first()),
            "bit" if kind == Some(Kind::UInt64) => of.first(),
            _ => None,
        };
        let default = self.default_of(&of, &extra, server);
        Column {
            base_type: None,
            name: self.name.clone(),
            extension: is_geometry(&of.base).then_some(WKB),
            kind,
            vendor_type: vendor_type.to_owned(),
            length,
            values: of.labels.clone(),
            nullable: self.nullable,
            has_default: default.is_some() || extra.contains("auto_increment"),
            default,
            auto_increment: extra.contains("auto_increment"),
            generated: extra.contains("virtual generated")
                || extra.contains("stored generated")
                || extra.contains("persistent"),
            user_type: None,
            identity_always: false,
            comment: Some(self.comment.clone()).filter(|c| !c.is_empty()),
            equates: equates(&of.base, &self.collation),
        }
    }

    /// The default as an expression. MariaDB reports it as one; MySQL reports only the value, unless
    /// it says that it is generated.
    fn default_of(&self, of: &Declared, extra: &str, server: &Server) -> Option<String> {
        let reported = self.default.as_deref()?;
        if server.reports_default_expressions() {
            return Some(reported.to_owned()).filter(|d| d != "NULL");
        }
        let number = matches!(
            of.base.as_str(),
            "tinyint"
                | "smallint"
                | "mediumint"
                | "int"
                | "bigint"
                | "float"
                | "double"
                | "decimal"
                | "year"
                | "bit"
        );
        let now = reported
            .to_ascii_uppercase()
            .starts_with("CURRENT_TIMESTAMP");
        let expression = extra.contains("default_generated") && server.family == Family::MySql;
        Some(match number || now || expression {
            true => reported.to_owned(),
            false => quoted(reported),
        })
    }
}

#[cfg(test)]
mod tests;
