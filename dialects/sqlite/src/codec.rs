//! SQLite's values into columns, and back.
mod dates;
mod decimal;
mod decode;
mod encode;
mod param;

pub(crate) use decode::Decoder;
pub(crate) use encode::{Binder, Encoder, Unbound};
pub(crate) use param::param;

use crate::declared::{Declared, Storage};

use dialect_core::{Column, Grain, Misfit, ValueOptions};

/// A value that is bound to a query.
pub(crate) type Sql = rusqlite::types::Value;

const INEXACT: Misfit = Misfit(
    "has more digits than the float that the column's declared type makes of it; declare it DECIMAL_TEXT(p,s)",
);
const NOT_UUID: Misfit = Misfit("is not a UUID");
const OUT_OF_RANGE: Misfit = Misfit("is out of its column's range");
const STORED_OTHERWISE: Misfit = Misfit("is stored as another type than its column's");

/// How fine the times in a column are: Julian days count milliseconds.
pub(crate) fn grain(column: &Column, values: &ValueOptions) -> Grain {
    match Declared::parse(&column.vendor_type).storage(values.sqlite_dates) {
        Storage::Canonical | Storage::Iso | Storage::Unix => Grain::MICROSECOND,
        Storage::Julian => Grain::digits(3),
    }
}

/// A decimal of at most 15 digits is the only one so short near its float: it is read from the
/// float as it was meant, and comes back from it.
fn is_exact(mut unscaled: i128) -> bool {
    while unscaled != 0 && unscaled % 10 == 0 {
        unscaled /= 10;
    }
    unscaled.unsigned_abs() < 10u128.pow(15)
}
