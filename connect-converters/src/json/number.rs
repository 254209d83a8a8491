//! Numbers of a JSON text, read eight digits at a time.
use super::cursor::Cursor;
use super::fault::Result;

/// A number as it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number<'a> {
    /// Whole, of at most 64 bits and a sign.
    Whole { negative: bool, magnitude: u64 },
    /// `magnitude × 10^-places`: digits on both sides of a point, 19 at most.
    Point {
        negative: bool,
        magnitude: u64,
        places: i8,
        text: &'a str,
    },
    /// With an exponent, or more digits.
    Text(&'a str),
}

/// Most digits whose number is below 2^64, whatever they are.
const SAFE_DIGITS: usize = 19;

/// The digits at the front of eight bytes: how many, and their number.
#[inline]
fn leading_digits(bytes: [u8; 8]) -> (usize, u64) {
    const ONES: u64 = u64::MAX / 255;
    // Digits become 0 to 9; then adding 0x76 sets the high bit of all but these.
    let word = u64::from_le_bytes(bytes) ^ (ONES * 0x30);
    let others = (word.wrapping_add(ONES * 0x76) | word) & (ONES << 7);
    let count = others.trailing_zeros() / 8;
    if count == 0 {
        return (0, 0);
    }
    // Zeros come in front where there are fewer than eight. Then pairs, fours and all eight are
    // summed side by side; the first digit is the lowest byte.
    let word = word << (64 - 8 * count);
    let pairs = (word & (ONES * 0x0f)).wrapping_mul(10 << 8 | 1) >> 8;
    let fours = (pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul(100 << 16 | 1) >> 16;
    let eight = (fours & 0x0000_ffff_0000_ffff).wrapping_mul(10_000 << 32 | 1) >> 32;
    (count as usize, eight)
}

impl<'a> Cursor<'a> {
    /// Reads a number.
    ///
    /// # Errors
    /// Something else is next.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<Number<'a>> {
        let start = self.at;
        let negative = self.eat(b'-');
        let first = self.at;
        let mut magnitude = self.run_of_digits(0);
        let digits = self.at - first;
        let leading_zero = digits > 1 && self.text.as_bytes()[first] == b'0';
        if digits == 0 || digits > SAFE_DIGITS || leading_zero {
            return self.long_number(start);
        }
        if !matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return Ok(Number::Whole {
                negative,
                magnitude,
            });
        }
        if self.eat(b'.') {
            let point = self.at;
            magnitude = self.run_of_digits(magnitude);
            let places = self.at - point;
            if places > 0
                && digits + places <= SAFE_DIGITS
                && !matches!(self.peek(), Some(b'e' | b'E'))
                && let Ok(places) = i8::try_from(places)
            {
                return Ok(Number::Point {
                    negative,
                    magnitude,
                    places,
                    text: self.text.get(start..self.at).unwrap_or_default(),
                });
            }
        }
        self.long_number(start)
    }

    /// Steps over digits, and appends them to those of `number`; of no use beyond
    /// [`SAFE_DIGITS`].
    #[inline]
    fn run_of_digits(&mut self, mut number: u64) -> u64 {
        const POWERS: [u64; 9] = [
            1,
            10,
            100,
            1_000,
            10_000,
            100_000,
            1_000_000,
            10_000_000,
            100_000_000,
        ];
        while let Some(bytes) = self.rest().first_chunk::<8>() {
            let (count, digits) = leading_digits(*bytes);
            number = number.wrapping_mul(POWERS[count]).wrapping_add(digits);
            self.at += count;
            if count < bytes.len() {
                return number;
            }
        }
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number
                .wrapping_mul(10)
                .wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        number
    }

    /// Reads the number that began at `start`, by the grammar.
    fn long_number(&mut self, start: usize) -> Result<Number<'a>> {
        self.at = start;
        let negative = self.eat(b'-');
        let first = self.at;
        if !self.eat(b'0') {
            self.digits()?;
        }
        let whole = self.text.get(first..self.at).unwrap_or_default();
        let mut integral = true;
        if self.eat(b'.') {
            integral = false;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            integral = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        if let Some(b'0'..=b'9') = self.peek() {
            return Err(self.expected("no digit after a leading zero"));
        }
        if let (true, Ok(magnitude)) = (integral, whole.parse()) {
            return Ok(Number::Whole {
                negative,
                magnitude,
            });
        }
        Ok(Number::Text(
            self.text.get(start..self.at).unwrap_or_default(),
        ))
    }

    fn digits(&mut self) -> Result<()> {
        let count = self
            .rest()
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        self.at += count;
        if count == 0 {
            return Err(self.expected("a digit"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<(Number<'_>, &str)> {
        let mut cursor = Cursor::new(text, 0);
        let number = cursor.number().ok()?;
        Some((number, &text[cursor.at..]))
    }

    proptest! {
        #[test]
        fn digits_before_anything_are_counted_and_summed(digits in "[0-9]{0,8}", rest: [u8; 8]) {
            let mut bytes = rest;
            bytes[..digits.len()].copy_from_slice(digits.as_bytes());
            if let Some(byte) = bytes.get_mut(digits.len())
                && byte.is_ascii_digit()
            {
                *byte = b',';
            }
            let number = digits.parse().unwrap_or(0);
            prop_assert_eq!(leading_digits(bytes), (digits.len(), number));
        }

        #[test]
        fn numbers_are_those_of_their_text(
            text in "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?",
            rest in "[,} \\]a][ -~]{0,20}|",
        ) {
            let whole = text.clone() + &rest;
            let (number, left) = read(&whole).unwrap();
            prop_assert_eq!(left, rest.as_str());
            let unsigned = text.trim_start_matches('-');
            match number {
                Number::Whole { negative, magnitude } => {
                    prop_assert_eq!(negative, text.starts_with('-'));
                    prop_assert_eq!(Ok(magnitude), unsigned.parse());
                }
                Number::Point { negative, magnitude, places, text: same } => {
                    prop_assert_eq!((negative, same), (text.starts_with('-'), text.as_str()));
                    prop_assert_eq!(Ok(magnitude), unsigned.replace('.', "").parse());
                    let after = unsigned.len() - unsigned.find('.').unwrap() - 1;
                    prop_assert_eq!(usize::try_from(places), Ok(after));
                }
                Number::Text(same) => {
                    prop_assert_eq!(same, text.as_str());
                    let short = unsigned.bytes().all(|b| b.is_ascii_digit())
                        && unsigned.parse::<u64>().is_ok();
                    prop_assert!(!short);
                }
            }
        }

        #[test]
        fn other_texts_are_refused_or_end_the_number(text in "[-+.eE0-9]{0,24}") {
            if let Some((_, rest)) = read(&text) {
                let number = &text[..text.len() - rest.len()];
                prop_assert!(serde_json::from_str::<&serde_json::value::RawValue>(number).is_ok());
            }
        }
    }
}
