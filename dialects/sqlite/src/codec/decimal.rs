//! Decimals on their way into SQLite, which has none.
use super::{
    INEXACT, OUT_OF_RANGE,
    encode::{push, push_text},
    is_exact,
};
use connect_api::max_unscaled;
use dialect_core::{Misfit, is_decimal, parse_decimal, write_decimal};
use sqlx::sqlite::SqliteArguments;

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
        arguments: &mut SqliteArguments,
        scratch: &mut String,
    ) -> Result<(), Misfit> {
        let (unscaled, scale) = match self.digits {
            Some((precision, own)) if own == scale => {
                if unscaled.unsigned_abs() > max_unscaled(precision) {
                    return Err(OUT_OF_RANGE);
                }
                (unscaled, own)
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
            return push_text(arguments, scratch);
        }
        let whole = parse_decimal(scratch.as_bytes(), 38, 0).ok();
        if let Some(whole) = whole.and_then(|v| i64::try_from(v).ok()) {
            return push(arguments, whole);
        }
        match scratch.parse::<f64>() {
            Ok(float) if is_exact(unscaled) => push(arguments, float),
            _ => Err(INEXACT),
        }
    }

    /// Decimals of any size, as text.
    pub(super) fn bind_text(
        self,
        text: &str,
        arguments: &mut SqliteArguments,
        scratch: &mut String,
    ) -> Result<(), Misfit> {
        if let Some((precision, scale)) = self.digits {
            let unscaled = parse_decimal(text.as_bytes(), precision, scale)?;
            return self.bind(unscaled, scale, arguments, scratch);
        }
        check_text(text)?;
        if self.keeps_text || !changes(text, scratch) {
            return push_text(arguments, text);
        }
        // A float keeps a number as short as that; a longer one is refused.
        let unscaled = parse_decimal(text.as_bytes(), 38, 20).or(Err(INEXACT))?;
        scratch.clear();
        self.bind(unscaled, 20, arguments, scratch)
    }
}

/// A column of numeric affinity would store a number instead of this text, and the number is
/// another text when it is read.
pub(super) fn changes(text: &str, scratch: &mut String) -> bool {
    // What SQLite passes over, a vertical tab among it.
    let trimmed = text.trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    if !is_decimal(trimmed.as_bytes()) {
        return false;
    }
    match trimmed.parse::<i64>() {
        Ok(whole) => {
            scratch.clear();
            write_decimal(whole.into(), 0, scratch);
            scratch.as_str() != text
        }
        Err(_) => true,
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
