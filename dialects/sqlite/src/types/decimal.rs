//! What SQLite makes of texts that look like numbers.
use crate::types::Affinity;
use dialect_core::{ValueError, is_decimal, write_decimal};

/// Digits that every float keeps.
const FLOAT_DIGITS: usize = 15;

/// Whether a column of this affinity takes the text for a number.
pub(crate) fn is_number(text: &str) -> bool {
    // What SQLite passes over, a vertical tab among it.
    let trimmed = text.trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    is_decimal(trimmed.as_bytes())
}

/// Whether a column of this affinity would store a number instead of this text, and the number is
/// another text when it is read.
pub(crate) fn changes(text: &str, affinity: Affinity, scratch: &mut String) -> bool {
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
pub(crate) fn check_text(text: &str) -> Result<(), ValueError> {
    if is_decimal(text.as_bytes()) || matches!(text, "NaN" | "Infinity" | "-Infinity") {
        Ok(())
    } else {
        Err(ValueError("is not a decimal number"))
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
