//! What is wrong with cells, and how fine they are.

use crate::types::{Declared, Storage};

use dialect_core::{Column, DatetimePrecision, ValueError, ValueOptions};

/// A value that is bound to a query.
pub(crate) type Sql = rusqlite::types::Value;

pub(crate) const INEXACT: ValueError = ValueError(
    "has more digits than the float that the column's declared type makes of it; declare it DECIMAL_TEXT(p,s)",
);
pub(crate) const NOT_UUID: ValueError = ValueError("is not a UUID");
pub(crate) const OUT_OF_RANGE: ValueError = ValueError("is out of its column's range");
pub(crate) const STORED_OTHERWISE: ValueError =
    ValueError("is stored as another type than its column's");

/// How fine the times in a column are: Julian days count milliseconds.
pub(crate) fn datetime_precision(column: &Column, values: &ValueOptions) -> DatetimePrecision {
    match Declared::parse(&column.vendor_type).storage(values.sqlite_dates) {
        Storage::Canonical | Storage::Iso | Storage::Unix => DatetimePrecision::MICROSECOND,
        Storage::Julian => DatetimePrecision::digits(3),
    }
}

/// A decimal of at most 15 digits is the only one so short near its float: it is read from the
/// float as it was meant, and comes back from it.
pub(crate) fn is_exact(mut unscaled: i128) -> bool {
    while unscaled != 0 && unscaled % 10 == 0 {
        unscaled /= 10;
    }
    unscaled.unsigned_abs() < 10u128.pow(15)
}
