//! Types of several parts, and the kinds that they have by their parts.
use super::{Type, declared};
use crate::types::oid;
use connect_api::Kind;
use dialect_core::{CompositeMapping, HstoreMapping, PointMapping, RangeMapping, ValueOptions};

/// The kind of a point by its parts.
pub(crate) fn point() -> Kind {
    Kind::Struct(["x", "y"].map(|name| (name.into(), Kind::Float64)).into())
}

/// Names of the parts of a range.
const RANGE: [&str; 5] = ["lower", "upper", "lower_inc", "upper_inc", "empty"];

/// The kind of a range by its parts.
pub(crate) fn range(bound: &Kind) -> Kind {
    let kinds = [bound, bound, &Kind::Bool, &Kind::Bool, &Kind::Bool];
    let fields = RANGE.into_iter().zip(kinds);
    Kind::Struct(fields.map(|(n, kind)| (n.into(), kind.clone())).collect())
}

/// The kind of a range's bounds; `None` where the struct is not of a range.
pub(crate) fn bound(fields: &[(Box<str>, Kind)]) -> Option<&Kind> {
    let (_, bound) = fields.first()?;
    let same = Kind::Struct(fields.to_vec()) == range(bound);
    same.then_some(bound)
}

/// The kind of a part of another type; `None` where its binary form is not read.
pub(crate) fn part(of: &Type<'_>, options: &ValueOptions) -> Option<Kind> {
    match declared(of, &of_parts(options)) {
        // The decimal places of another currency are not known here.
        _ if of.oid == oid::MONEY => None,
        (Some(kind), None) if kind.is_scalar() || matches!(kind, Kind::List(_)) => Some(kind),
        _ => None,
    }
}

/// Options of what stands within lists and other types: these have no parts of their own.
pub(super) fn of_parts(options: &ValueOptions) -> ValueOptions {
    ValueOptions {
        point_mapping: PointMapping::Text,
        range_mapping: RangeMapping::Text,
        composite_mapping: CompositeMapping::Json,
        hstore_mapping: HstoreMapping::Json,
        ..*options
    }
}

/// The kind of a user-defined type, where its parts are asked for and their binary forms read.
pub(super) fn by_parts(of: &Type<'_>, options: &ValueOptions) -> Option<Kind> {
    match (of.class, of.name) {
        ('b', "hstore") if options.hstore_mapping == HstoreMapping::Map => {
            Some(Kind::Map(Box::new(Kind::Text)))
        }
        ('r', _) if options.range_mapping == RangeMapping::Struct => match of.parts {
            [bound] => {
                let kind = bound.kind.as_ref().filter(|kind| kind.is_scalar())?;
                // The wire does not contain the type of the bounds.
                let own = bound.user_type.as_ref().map(|own| own.id);
                (oid::of_kind(kind) == own).then(|| range(kind))
            }
            _ => None,
        },
        ('c', _) if options.composite_mapping == CompositeMapping::Struct => {
            let fields = of.parts.iter().map(|part| {
                let kind = part.kind.clone()?;
                Some((part.name.as_str().into(), kind))
            });
            let fields: Vec<_> = fields.collect::<Option<_>>()?;
            // By its fields alone, a range is known.
            (!fields.is_empty() && bound(&fields).is_none()).then_some(Kind::Struct(fields))
        }
        _ => None,
    }
}
