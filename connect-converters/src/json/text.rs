//! JSON string text: which bytes need an escape, and the base64 that bytes travel as.
use super::fault::{Fault, Result};
use ::base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const ONES: u64 = u64::MAX / 255;
const HIGH_BITS: u64 = ONES << 7;

/// A high bit for the first byte of `word` that is a quote, a backslash or a control character,
/// and maybe for bytes after it; no bit where there is none.
#[inline]
fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let found = (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash)
        | (word.wrapping_sub(ONES * 0x20) & !word);
    found & HIGH_BITS
}

#[inline]
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Length of the run at the front of `text` that a JSON string holds as it is.
#[inline]
pub(crate) fn clean_run(text: &[u8]) -> usize {
    let mut run = 0;
    while let Some(word) = text[run..].first_chunk::<8>() {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return run + found.trailing_zeros() as usize / 8;
        }
        run += 8;
    }
    run + text[run..].iter().take_while(|b| !is_special(**b)).count()
}

/// Writes `text` as a JSON string.
#[inline]
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    write_escaped(out, text);
    out.push(b'"');
}

/// Writes `text` as the inside of a JSON string.
#[inline]
pub(crate) fn write_escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    loop {
        let run = clean_run(rest);
        out.extend_from_slice(&rest[..run]);
        let Some(byte) = rest.get(run) else { break };
        write_escape(out, *byte);
        rest = &rest[run + 1..];
    }
}

#[cold]
fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The six bits of each digit; 255 for what is none.
const BITS: [u8; 256] = {
    let mut bits = [255; 256];
    let mut i = 0u8;
    while i < 64 {
        bits[DIGITS[i as usize] as usize] = i;
        i += 1;
    }
    bits
};

/// Base64 of any length, with or without its padding.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes base64 to `bytes`, which it empties first.
pub(crate) fn read_base64<'b>(text: &str, bytes: &'b mut Vec<u8>) -> Result<&'b [u8]> {
    bytes.clear();
    match ENGINE.decode_vec(text, bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(Fault::value("the string is not base64")),
    }
}

/// The two's complement that base64 of at most 10 digits, padded, stands for; `None` for any
/// other text, which may well be base64.
#[inline]
pub(crate) fn short_base64(text: &[u8]) -> Option<i128> {
    let digits = match text {
        [digits @ .., b'=', b'='] | [digits @ .., b'='] => digits,
        digits => digits,
    };
    if !text.len().is_multiple_of(4) || digits.is_empty() || digits.len() > 10 {
        return None;
    }
    let mut value = 0u64;
    for digit in digits {
        let bits = BITS[usize::from(*digit)];
        if bits == 255 {
            return None;
        }
        value = value << 6 | u64::from(bits);
    }
    let (bits, surplus) = (digits.len() * 6 / 8 * 8, digits.len() * 6 % 8);
    if surplus == 6 || value & ((1 << surplus) - 1) != 0 {
        return None;
    }
    let unused = 64 - bits;
    Some(i128::from(
        (value >> surplus << unused).cast_signed() >> unused,
    ))
}

/// Writes `bytes` as base64 with padding, as Java's `Base64.getEncoder` does.
#[inline]
pub(crate) fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |bits: u32| DIGITS[(bits & 63) as usize];
    let quad = |bits: u32| {
        [
            digit(bits >> 18),
            digit(bits >> 12),
            digit(bits >> 6),
            digit(bits),
        ]
    };
    let mut triples = bytes.chunks_exact(3);
    for triple in &mut triples {
        out.extend_from_slice(&quad(u32::from_be_bytes([
            0, triple[0], triple[1], triple[2],
        ])));
    }
    match *triples.remainder() {
        [a] => {
            let [first, second, ..] = quad(u32::from_be_bytes([0, a, 0, 0]));
            out.extend_from_slice(&[first, second, b'=', b'=']);
        }
        [a, b] => {
            let [first, second, third, _] = quad(u32::from_be_bytes([0, a, b, 0]));
            out.extend_from_slice(&[first, second, third, b'=']);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    #[test]
    fn every_byte_ends_a_clean_run_or_not_at_every_place() {
        for place in 0..20 {
            for byte in 0..=255u8 {
                let mut text = [b'a'; 20];
                text[place] = byte;
                let run = if is_special(byte) { place } else { text.len() };
                assert_eq!(clean_run(&text), run, "byte {byte} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn strings_are_those_of_serde_json(text in "(?s).*") {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
        }

        #[test]
        fn base64_is_the_standard_one(bytes: Vec<u8>) {
            let mut out = Vec::new();
            write_base64(&mut out, &bytes);
            prop_assert_eq!(String::from_utf8(out).unwrap(), STANDARD.encode(&bytes));
        }
    }
}
