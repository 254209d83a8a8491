//! Decimals on their way into SQLite, which has none.
use crate::{
    encode::{Binder, Unbound},
    types::{
        Affinity,
        cell::{INEXACT, OUT_OF_RANGE, is_exact},
        decimal::{changes, check_text},
    },
};
use connect_api::{max_unscaled, parse_wide_decimal};
use dialect_core::{parse_decimal, write_decimal};

/// A column of decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DecimalColumn {
    /// Precision and scale, where it declares them.
    pub(crate) digits: Option<(u8, i8)>,
    /// It keeps text as it is; else it makes whole numbers and floats of it.
    pub(crate) keeps_text: bool,
}

impl DecimalColumn {
    pub(crate) fn bind(
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
    pub(crate) fn bind_text(
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
