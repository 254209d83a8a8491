//! Decimals on their way into SQLite, which has none.
use super::{
    INEXACT, OUT_OF_RANGE,
    encode::{Binder, Unbound},
    is_exact,
};
use crate::declared::Affinity;
use connect_api::{max_unscaled, parse_wide_decimal};
use dialect_core::{Misfit, is_decimal, parse_decimal, write_decimal};

/// Digits that every float keeps.
const FLOAT_DIGITS: usize = 15;

/// A column of decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DecimalColumn {
    /// Precision and scale, where it declares them.
    pub(super) digits: Option<(u8, i8)>,
    /// It keeps text as it is; else it makes whole numbers and floats of it.
    pub(super) keeps_text: bool,
}

impl DecimalColumn {
    pub(super) fn bind(
        self,
        unscaled: i128,
        scale: i8,
        binder: &mut Binder<'_, '_>,
        scratch: &mut String,
    ) -> Result<(), Unbound> {
        let (unscaled, scale) = match self.digits {
            Some((precision, own)) if own == scale => {
                if unscaled.unsigned_abs() > max_unscaled(precision) {
                    return Err(OUT_OF_RANGE.into());
                }
                (unscaled, own)
            }
            // More digits than 128 bits have: as text.
            Some((39.., _)) => {
                write_decimal(unscaled, scale, scratch);
                let text = std::mem::take(scratch);
                return self.bind_text(&text, binder, scratch);
            }
            Some((precision, own)) => {
                write_decimal(unscaled, scale, scratch);
                let unscaled = parse_decimal(scratch.as_bytes(), precision, own)?;
                scratch.clear();
                (unscaled, own)
            }
            None => (unscaled, scale),
        };
        write_decimal(unscaled, scale, scratch);
        if self.keeps_text {
            return binder.text(scratch);
        }
        let whole = parse_decimal(scratch.as_bytes(), 38, 0).ok();
        if let Some(whole) = whole.and_then(|v| i64::try_from(v).ok()) {
            return binder.int(whole);
        }
        match scratch.parse::<f64>() {
            Ok(float) if is_exact(unscaled) => binder.real(float),
            _ => Err(INEXACT.into()),
        }
    }

    /// Decimals of any size, as text.
    pub(super) fn bind_text(
        self,
        text: &str,
        binder: &mut Binder<'_, '_>,
        scratch: &mut String,
    ) -> Result<(), Unbound> {
        scratch.clear();
        match self.digits {
            Some((precision @ 39.., scale)) => {
                let unscaled = parse_wide_decimal(text, precision, scale).ok_or(OUT_OF_RANGE)?;
                if let Some(narrow) = unscaled.to_i128() {
                    // Few enough digits for a number, should the column want one.
                    let digits = Some((precision.min(38), scale));
                    if !self.keeps_text && scale <= 38 {
                        return Self { digits, ..self }.bind(narrow, scale, binder, scratch);
                    }
                }
                if !self.keeps_text {
                    return Err(INEXACT.into());
                }
                return binder.text(&connect_api::wide_decimal_text(unscaled, scale));
            }
            Some((precision, scale)) => {
                let unscaled = parse_decimal(text.as_bytes(), precision, scale)?;
                return self.bind(unscaled, scale, binder, scratch);
            }
            None => check_text(text)?,
        }
        if self.keeps_text || !changes(text, Affinity::Numeric, scratch) {
            return binder.text(text);
        }
        // A float keeps a number as short as that; a longer one is refused.
        let unscaled = parse_decimal(text.as_bytes(), 38, 20).or(Err(INEXACT))?;
        scratch.clear();
        self.bind(unscaled, 20, binder, scratch)
    }
}

/// Whether a column of this affinity takes the text for a number.
pub(super) fn is_number(text: &str) -> bool {
    // What SQLite passes over, a vertical tab among it.
    let trimmed = text.trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    is_decimal(trimmed.as_bytes())
}

/// Whether a column of this affinity would store a number instead of this text, and the number is
/// another text when it is read.
pub(super) fn changes(text: &str, affinity: Affinity, scratch: &mut String) -> bool {
    if matches!(affinity, Affinity::Text | Affinity::Blob) || !is_number(text) {
        return false;
    }
    scratch.clear();
    if affinity != Affinity::Real
        && let Ok(whole) = text.parse::<i64>()
    {
        write_decimal(whole.into(), 0, scratch);
        return scratch.as_str() != text;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let whole_stays = affinity == Affinity::Real;
    match text.parse::<f64>() {
        Ok(float) if digits <= FLOAT_DIGITS && (whole_stays || float.fract() != 0.0) => {
            use std::fmt::Write as _;
            let written = write!(scratch, "{float:?}");
            // SQLite writes exponents in another way.
            written.is_err() || scratch.contains('e') || scratch.as_str() != text
        }
        _ => true,
    }
}

/// Refuses text that is no decimal number of any size, nor what stands for NaN and infinity.
pub(super) fn check_text(text: &str) -> Result<(), Misfit> {
    if is_decimal(text.as_bytes()) || matches!(text, "NaN" | "Infinity" | "-Infinity") {
        Ok(())
    } else {
        Err(Misfit("is not a decimal number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_an_affinity_would_change_is_seen() {
        let mut scratch = String::new();
        for (text, affinity, changed) in [
            ("5", Affinity::Integer, false),
            ("05", Affinity::Integer, true),
            (" 5", Affinity::Numeric, true),
            ("5.0", Affinity::Numeric, true),
            ("5.5", Affinity::Numeric, false),
            ("5.50", Affinity::Numeric, true),
            ("1e5", Affinity::Numeric, true),
            ("5", Affinity::Real, true),
            ("5.0", Affinity::Real, false),
            ("0.1234567890123456", Affinity::Real, true),
            ("abc", Affinity::Real, false),
            ("05", Affinity::Text, false),
            ("05", Affinity::Blob, false),
        ] {
            assert_eq!(
                changes(text, affinity, &mut scratch),
                changed,
                "{text} {affinity:?}"
            );
        }
    }
}
