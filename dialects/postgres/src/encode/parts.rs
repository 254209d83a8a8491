//! Values of several parts: into types of the same parts, or as JSON and ISO 8601 text.
use super::{TOO_LONG, Writer, cell, sized, text::put_text, time::TOO_PRECISE, writer};
use crate::{
    encode::target::{Part, Target},
    types,
};
use connect_api::{
    Kind,
    arrow::{
        array::{
            Array, BooleanArray, IntervalMonthDayNanoArray, MapArray, StructArray,
            cast::AsArray as _, types::Float64Type,
        },
        schema::{DataType, Field},
    },
};
use dialect_core::{Cells, ValueError, write_parts};

const HALF_A_POINT: ValueError = ValueError("is a point without one of its numbers");
const NO_RANGE: ValueError =
    ValueError("is a range that does not say whether it is empty or includes its bounds");
const TOO_MANY: ValueError = ValueError("has more entries than an hstore takes");

/// Cells of `kind` as JSON, or as text of ISO 8601.
pub(super) fn texts<'a>(cells: Cells<'a>, target: &Target) -> Option<Writer<'a>> {
    let kind = kind_of(cells.array().data_type());
    let write = move |row: usize, out: &mut Vec<u8>| {
        write_parts(&kind, cells.get(row), out);
        Ok(())
    };
    let array = cells.array();
    match *target {
        Target::Json | Target::Jsonb if matches!(cells, Cells::Interval(_)) => None,
        Target::Json => Some(sized(array, write)),
        Target::Jsonb => Some(sized(array, move |row, out| {
            out.push(1);
            write(row, out)
        })),
        Target::Text(max) => Some(sized(array, move |row, out| {
            let start = out.len();
            write(row, out)?;
            let characters = || out[start..].iter().filter(|b| **b & 0xc0 != 0x80).count();
            match max.and_then(|max| usize::try_from(max).ok()) {
                Some(max) if out.len() - start > max && characters() > max => Err(TOO_LONG),
                _ => Ok(()),
            }
        })),
        _ => None,
    }
}

fn kind_of(data_type: &DataType) -> Kind {
    Kind::of(&Field::new("", data_type.clone(), true))
}

/// Months, days and microseconds, in the order of the wire.
pub(super) fn intervals<'a>(
    a: &'a IntervalMonthDayNanoArray,
    target: &Target,
) -> Option<Writer<'a>> {
    let Target::Interval(step) = *target else {
        return texts(Cells::Interval(a), target);
    };
    Some(cell(a, move |row| {
        let interval = a.value(row);
        let micros = interval.nanoseconds / 1_000;
        if interval.nanoseconds % 1_000 != 0 || micros % step != 0 {
            return Err(TOO_PRECISE);
        }
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&micros.to_be_bytes());
        bytes[8..12].copy_from_slice(&interval.days.to_be_bytes());
        bytes[12..].copy_from_slice(&interval.months.to_be_bytes());
        Ok(bytes)
    }))
}

pub(super) fn structs<'a>(a: &'a StructArray, target: &Target) -> Option<Writer<'a>> {
    match target {
        Target::Point => points(a),
        Target::Range(_, bound) => ranges(a, bound),
        Target::Composite(_, parts) => composites(a, parts),
        _ => texts(Cells::Struct(a), target),
    }
}

fn points(a: &StructArray) -> Option<Writer<'_>> {
    if kind_of(a.data_type()) != types::point() {
        return None;
    }
    let [x, y] = [0, 1].map(|i| a.column(i).as_primitive::<Float64Type>());
    Some(cell(a, move |row| {
        if x.is_null(row) || y.is_null(row) {
            return Err(HALF_A_POINT);
        }
        let mut point = [0; 16];
        point[..8].copy_from_slice(&x.value(row).to_be_bytes());
        point[8..].copy_from_slice(&y.value(row).to_be_bytes());
        Ok(point)
    }))
}

/// Flags, and the bounds that there are, each after its length.
fn ranges<'a>(a: &'a StructArray, bound: &Target) -> Option<Writer<'a>> {
    let Kind::Struct(fields) = kind_of(a.data_type()) else {
        return None;
    };
    let kind = types::bound(&fields)?;
    let bounds = [a.column(0).as_ref(), a.column(1).as_ref()];
    let [lower, upper] = bounds.map(|cells| writer(Cells::new(kind, cells).ok()?, bound));
    let (lower, upper) = (lower?, upper?);
    let [lower_inc, upper_inc, empty] = [2, 3, 4].map(|i| a.column(i).as_boolean());
    let required = |flags: &BooleanArray, row| match flags.is_null(row) {
        true => Err(NO_RANGE),
        false => Ok(flags.value(row)),
    };
    Some(sized(a, move |row, out| {
        if required(empty, row)? {
            out.push(1);
            return Ok(());
        }
        let ends = [(lower_inc, 2, 8), (upper_inc, 4, 16)];
        let mut flags = 0;
        for ((inclusive, inside, none), cells) in ends.into_iter().zip(bounds) {
            if cells.is_null(row) {
                flags |= none;
            } else if required(inclusive, row)? {
                flags |= inside;
            }
        }
        out.push(flags);
        for (cells, write) in bounds.into_iter().zip([&lower, &upper]) {
            if !cells.is_null(row) {
                write(row, out)?;
            }
        }
        Ok(())
    }))
}

/// The number of fields, and of each its type, length and value; NULL where the cells have none of
/// that name.
fn composites<'a>(a: &'a StructArray, parts: &[Part]) -> Option<Writer<'a>> {
    let known = |name: &&str| parts.iter().any(|part| part.name == *name);
    if !a.column_names().iter().all(known) {
        return None;
    }
    let field = |part: &Part| {
        let Some(at) = a.column_names().iter().position(|name| *name == part.name) else {
            return Some((part.id, None));
        };
        let kind = Kind::of(&a.fields()[at]);
        let cells = Cells::new(&kind, a.column(at).as_ref()).ok()?;
        Some((part.id, Some(writer(cells, part.target.as_ref()?)?)))
    };
    let fields: Vec<_> = parts.iter().map(field).collect::<Option<_>>()?;
    let count = i32::try_from(fields.len()).ok()?;
    Some(sized(a, move |row, out| {
        out.extend_from_slice(&count.to_be_bytes());
        for (id, write) in &fields {
            out.extend_from_slice(&id.to_be_bytes());
            match write {
                Some(write) => write(row, out)?,
                None => out.extend_from_slice(&(-1i32).to_be_bytes()),
            }
        }
        Ok(())
    }))
}

pub(super) fn maps<'a>(a: &'a MapArray, target: &Target) -> Option<Writer<'a>> {
    if !matches!(target, Target::Hstore(_)) {
        return texts(Cells::Map(a), target);
    }
    if kind_of(a.data_type()) != Kind::Map(Box::new(Kind::Text)) {
        return None;
    }
    let (keys, values) = (a.keys().as_string::<i32>(), a.values().as_string::<i32>());
    let ends = a.value_offsets();
    Some(sized(a, move |row, out| {
        let entries = [ends[row], ends[row + 1]].map(|at| usize::try_from(at).unwrap_or(0));
        let entries = entries[0]..entries[1];
        let count = i32::try_from(entries.len()).ok().ok_or(TOO_MANY)?;
        out.extend_from_slice(&count.to_be_bytes());
        for entry in entries {
            put_sized(keys.value(entry), out)?;
            match values.is_null(entry) {
                true => out.extend_from_slice(&(-1i32).to_be_bytes()),
                false => put_sized(values.value(entry), out)?,
            }
        }
        Ok(())
    }))
}

fn put_sized(text: &str, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let length = i32::try_from(text.len()).ok().ok_or(TOO_LONG)?;
    out.extend_from_slice(&length.to_be_bytes());
    put_text(text, out)
}
