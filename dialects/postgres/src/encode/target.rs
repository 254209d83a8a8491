//! The types that values are written as.
use crate::types::{self, name::Vendor, oid};
use connect_api::Kind;
use dialect_core::{Column, FineDigits, UserForm, ValueOptions};

/// The type of a table's column as values meet it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Bool,
    /// `bit(1)`.
    Bit,
    /// `"char"`.
    Char,
    Int2,
    Int4,
    Int8,
    Oid,
    Xid8,
    Float4,
    Float8,
    /// Precision and scale, where the column has them.
    Numeric(Option<(u16, i16)>),
    /// Decimal places.
    Money(i8),
    /// The longest text in characters, where the column has one.
    Text(Option<u32>),
    Json,
    Jsonb,
    Bytea,
    Uuid,
    Date,
    /// The least step in microseconds; digits finer than a microsecond are cut.
    Time(i64, bool),
    /// Zone or none, and the least step in microseconds.
    Timestamp(bool, i64),
    /// The least step in microseconds.
    Interval(i64),
    Point,
    /// Between values of this type.
    Range(Named, Box<Target>),
    /// Of these fields.
    Composite(Named, Vec<Part>),
    Hstore(Named),
    /// Of one dimension.
    Array(Box<Target>),
}

/// A composite type takes these fields as JSON: it has them, one of them has no binary form here,
/// and all mean the same in JSON.
fn fields_as_json(fields: &[(Box<str>, Kind)], parts: &[Part]) -> bool {
    let part = |name: &str| parts.iter().find(|part| part.name == name);
    let same = |(name, kind): &(Box<str>, Kind)| {
        let of = match kind {
            Kind::List(element) => element,
            kind => kind,
        };
        let changed = matches!(
            of,
            Kind::Bytes | Kind::Json | Kind::Duration | Kind::TimeNanos | Kind::OffsetTimestamp
        );
        part(name).is_some() && !changed
    };
    let formless = |(name, _): &(Box<str>, Kind)| part(name).is_some_and(|p| p.target.is_none());
    fields.iter().all(same) && fields.iter().any(formless)
}

/// A type by its name in SQL, its OID and that of its arrays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    name: String,
    oid: u32,
    array: u32,
}

/// A field of a composite type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// OID of its type.
    pub(crate) id: u32,
    /// `None` where its values have no binary form here.
    pub(crate) target: Option<Target>,
}

impl Target {
    /// The ways of values of `kind` into `column`, the best first; each must be tried.
    pub(crate) fn candidates(kind: &Kind, column: &Column, options: &ValueOptions) -> Vec<Self> {
        let mut all = Vec::new();
        if matches!(kind, Kind::Struct(_) | Kind::Map(_)) {
            let of_parts = Self::of_parts(column, options);
            // JSON would lose what the type has no field for, and take other values for what they
            // are not.
            if let (Kind::Struct(fields), Some(Self::Composite(_, parts))) = (kind, &of_parts)
                && !fields_as_json(fields, parts)
            {
                return of_parts.into_iter().collect();
            }
            all.extend(of_parts);
        }
        all.extend(Self::native(column, options));
        let has_parts = matches!(
            column.kind,
            Some(Kind::Struct(_) | Kind::Map(_) | Kind::Interval)
        );
        // As text that the server casts.
        let has_text = matches!(
            kind,
            Kind::Text | Kind::BigDecimal | Kind::Json | Kind::Interval
        );
        if has_parts && has_text {
            all.push(Self::Text(None));
        } else if column.extension.is_some() {
            match (kind, &column.kind) {
                (Kind::Interval, Some(Kind::Text)) => all.push(Self::Text(None)),
                (Kind::Text | Kind::BigDecimal | Kind::Json, Some(Kind::Text)) => {
                    all.push(Self::Text(None));
                }
                (Kind::List(_), Some(Kind::List(element))) if **element == Kind::Text => {
                    all.push(Self::Array(Box::new(Self::Text(None))));
                }
                _ => {}
            }
        }
        all
    }

    /// The user-defined type of `column`, by its parts; `None` for others.
    fn of_parts(column: &Column, options: &ValueOptions) -> Option<Self> {
        let user = column.user_type.as_deref()?;
        let cut = options.fine_digits == FineDigits::Truncate;
        let name = column.base_type.as_ref().unwrap_or(&column.vendor_type);
        let named = Named {
            name: name.clone(),
            oid: user.id,
            array: user.array_id,
        };
        let part = |part: &Column| Part {
            name: part.name.clone(),
            id: part.user_type.as_ref().map_or(0, |own| own.id),
            // What is read in another form has its own to be written.
            target: Self::native(part, options).or_else(|| {
                let vendor = Vendor::parse(&part.vendor_type)?;
                Self::of_vendor(&vendor, &Kind::Text, cut)
            }),
        };
        Some(match (user.form, user.parts.as_slice()) {
            (UserForm::Composite, parts) => {
                Self::Composite(named, parts.iter().map(part).collect())
            }
            (UserForm::Range, [bound]) => {
                Self::Range(named, Box::new(Self::native(bound, options)?))
            }
            (UserForm::Map, _) => Self::Hstore(named),
            _ => return None,
        })
    }

    /// The type of `column`; `None` where its values go in as text alone, or not at all.
    fn native(column: &Column, options: &ValueOptions) -> Option<Self> {
        let kind = column.kind.as_ref()?;
        let cut = options.fine_digits == FineDigits::Truncate;
        let form = column.user_type.as_ref().map(|user| user.form);
        let base = || column.base_type.as_deref().and_then(Vendor::parse);
        match Vendor::parse(&column.vendor_type).or_else(base) {
            // Nobody's data is a transaction's number, and `name` cuts what is too long.
            Some(vendor) if matches!(vendor.oid, oid::NAME | oid::XID | oid::CID) => None,
            Some(vendor) => Self::of_vendor(&vendor, kind, cut),
            // An enum, a type of an extension, a domain over one.
            None => match (kind, column.extension) {
                _ if form == Some(UserForm::Range) => None,
                (Kind::Text, None) => Some(Self::Text(column.length)),
                (Kind::Text, Some(types::INTERVAL)) => Some(Self::Interval(1)),
                (Kind::Text, Some(_)) => None,
                (Kind::List(_), Some(_)) => None,
                (kind, _) => Self::of_kind(kind),
            },
        }
    }

    fn of_vendor(vendor: &Vendor, kind: &Kind, cut: bool) -> Option<Self> {
        if let Some(element) = vendor.element() {
            let kind = match kind {
                Kind::List(element) => element,
                other => other,
            };
            return Self::of_vendor(&element, kind, cut).map(|e| Self::Array(Box::new(e)));
        }
        let step = vendor.step();
        Some(match vendor.oid {
            oid::BOOL => Self::Bool,
            oid::BIT if *kind == Kind::Bool => Self::Bit,
            oid::CHAR => Self::Char,
            oid::INT2 => Self::Int2,
            oid::INT4 => Self::Int4,
            oid::INT8 => Self::Int8,
            oid::XID8 => Self::Xid8,
            oid::FLOAT4 => Self::Float4,
            oid::FLOAT8 => Self::Float8,
            oid::NUMERIC => Self::Numeric(match vendor.arguments.as_slice() {
                [precision] => Some((u16::try_from(*precision).ok()?, 0)),
                [precision, scale] => {
                    let precision = u16::try_from(*precision).ok()?;
                    Some((precision, i16::try_from(*scale).ok()?))
                }
                _ => None,
            }),
            oid::MONEY => match kind {
                Kind::Decimal { scale, .. } => Self::Money(*scale),
                _ => return None,
            },
            oid::TEXT | oid::XML => Self::Text(None),
            oid::VARCHAR | oid::BPCHAR => {
                let length = vendor.arguments.first();
                Self::Text(length.and_then(|length| u32::try_from(*length).ok()))
            }
            oid::BYTEA => Self::Bytea,
            oid::UUID => Self::Uuid,
            oid::DATE => Self::Date,
            oid::TIME => Self::Time(step, cut),
            oid::TIMESTAMP => Self::Timestamp(false, step),
            oid::TIMESTAMPTZ => Self::Timestamp(true, step),
            oid::INTERVAL if vendor.text().contains(' ') => return None,
            oid::INTERVAL => Self::Interval(step),
            oid::POINT => Self::Point,
            oid::JSON => Self::Json,
            oid::JSONB => Self::Jsonb,
            oid if oid::UNSIGNED.contains(&oid) => Self::Oid,
            oid => {
                let (_, array, bound) = oid::range(oid)?;
                let named = Named {
                    name: vendor.text(),
                    oid,
                    array,
                };
                let bound = Self::of_vendor(&Vendor::plain(bound), kind, cut)?;
                Self::Range(named, Box::new(bound))
            }
        })
    }

    /// The type that holds every value of `kind`.
    pub(crate) fn of_kind(kind: &Kind) -> Option<Self> {
        Some(match kind {
            Kind::Bool => Self::Bool,
            Kind::Int8 | Kind::UInt8 | Kind::Int16 => Self::Int2,
            Kind::UInt16 | Kind::Int32 => Self::Int4,
            Kind::Int64 => Self::Int8,
            Kind::UInt32 => Self::Oid,
            Kind::UInt64 | Kind::BigDecimal => Self::Numeric(None),
            Kind::Float32 => Self::Float4,
            Kind::Float64 => Self::Float8,
            Kind::Decimal { precision, scale } | Kind::WideDecimal { precision, scale } => {
                Self::Numeric(Some(((*precision).into(), (*scale).into())))
            }
            Kind::Text => Self::Text(None),
            Kind::Json | Kind::Struct(_) | Kind::Map(_) => Self::Json,
            Kind::Bytes => Self::Bytea,
            Kind::Uuid => Self::Uuid,
            Kind::Date => Self::Date,
            Kind::Time | Kind::TimeNanos => Self::Time(1, false),
            Kind::Duration | Kind::Interval => Self::Interval(1),
            Kind::Timestamp { utc } => Self::Timestamp(*utc, 1),
            Kind::OffsetTimestamp => Self::Timestamp(true, 1),
            Kind::List(element) => Self::Array(Box::new(Self::of_kind(element)?)),
            Kind::Other(_) => return None,
        })
    }

    /// Name in SQL, OID, and OID of its array, of a type that is no array.
    fn scalar(&self) -> (&str, u32, u32) {
        match self {
            Self::Bool => ("boolean", oid::BOOL, 1000),
            Self::Bit => ("bit varying", oid::VARBIT, 1563),
            Self::Char => ("\"char\"", oid::CHAR, 1002),
            Self::Int2 => ("smallint", oid::INT2, 1005),
            Self::Int4 => ("integer", oid::INT4, 1007),
            Self::Int8 => ("bigint", oid::INT8, 1016),
            Self::Oid => ("oid", oid::OID, 1028),
            Self::Xid8 => ("xid8", oid::XID8, 271),
            Self::Float4 => ("real", oid::FLOAT4, 1021),
            Self::Float8 => ("double precision", oid::FLOAT8, 1022),
            Self::Numeric(_) => ("numeric", oid::NUMERIC, 1231),
            Self::Money(_) => ("money", oid::MONEY, 791),
            Self::Text(_) => ("text", oid::TEXT, 1009),
            Self::Json => ("json", oid::JSON, 199),
            Self::Jsonb => ("jsonb", oid::JSONB, 3807),
            Self::Bytea => ("bytea", oid::BYTEA, 1001),
            Self::Uuid => ("uuid", oid::UUID, 2951),
            Self::Date => ("date", oid::DATE, 1182),
            Self::Time(..) => ("time", oid::TIME, 1183),
            Self::Timestamp(false, _) => ("timestamp", oid::TIMESTAMP, 1115),
            Self::Timestamp(true, _) => ("timestamptz", oid::TIMESTAMPTZ, 1185),
            Self::Interval(_) => ("interval", oid::INTERVAL, 1187),
            Self::Point => ("point", oid::POINT, 1017),
            Self::Range(of, _) | Self::Composite(of, _) | Self::Hstore(of) => {
                (&of.name, of.oid, of.array)
            }
            Self::Array(element) => element.scalar(),
        }
    }

    /// `UNNEST` makes more of an array of such values than a column of them.
    pub(crate) fn is_unnested_whole(&self) -> bool {
        matches!(self, Self::Array(_) | Self::Composite(..))
    }

    /// Name in SQL.
    pub(crate) fn name(&self) -> String {
        let (name, ..) = self.scalar();
        match self {
            Self::Array(_) => format!("{name}[]"),
            _ => name.to_owned(),
        }
    }

    /// OID.
    pub(crate) fn oid(&self) -> u32 {
        let (_, oid, array) = self.scalar();
        match self {
            Self::Array(_) => array,
            _ => oid,
        }
    }

    /// OID of the arrays of this type, which is no array itself.
    pub(crate) fn array_oid(&self) -> u32 {
        self.scalar().2
    }

    /// Values have the very form of the column's type, in the table or in a copy of its columns:
    /// `COPY` takes them.
    pub(crate) fn is_exact(&self, column: &Column) -> bool {
        let vendor = Vendor::parse(&column.vendor_type);
        match self {
            Self::Json | Self::Jsonb | Self::Array(_) => {
                // Of a domain it is not known whether it stands over `json` or `jsonb`.
                vendor.is_some_and(|vendor| {
                    let own = match self {
                        Self::Array(element) => element.scalar().1,
                        other => other.oid(),
                    };
                    vendor.oid == own
                })
            }
            Self::Text(_) => column.kind == Some(Kind::Text) && column.extension.is_none(),
            _ => true,
        }
    }
}
