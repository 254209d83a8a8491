//! A place in a JSON text, and the steps forward from it. Reads no more than it is asked for.
use super::fault::{Fault, Result};
use super::text::clean_run;

/// Objects and arrays within one another, in values that are kept as text or left out.
const DEEPEST: usize = 128;

/// A place in a JSON text.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Where the text begins in the message.
    base: usize,
}

/// A text that mostly comes next, such as `,"name":`, laid out to be compared at one go.
#[derive(Debug)]
pub(crate) struct Opening {
    /// The first 16 bytes, and which of them count.
    front: u128,
    mask: u128,
    rest: Box<[u8]>,
    length: usize,
}

impl Opening {
    /// `text` is ASCII at both ends.
    pub(crate) fn new(text: &[u8]) -> Self {
        let (front, rest) = text.split_at(text.len().min(16));
        let (mut bytes, mut mask) = ([0; 16], [0; 16]);
        bytes[..front.len()].copy_from_slice(front);
        mask[..front.len()].fill(0xff);
        Self {
            front: u128::from_le_bytes(bytes),
            mask: u128::from_le_bytes(mask),
            rest: rest.into(),
            length: text.len(),
        }
    }
}

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
    /// A cursor at the front of `text`, which begins at byte `base` of the message.
    pub(crate) fn new(text: &'a str, base: usize) -> Self {
        Self { text, at: 0, base }
    }

    /// Where the cursor stands in the message.
    pub(crate) fn place(&self) -> usize {
        self.base + self.at
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// The next byte.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[cold]
    pub(crate) fn expected(&self, what: &'static str) -> Fault {
        Fault::syntax(what, self.place())
    }

    /// Steps over white space.
    #[inline]
    pub(crate) fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Steps over `byte`, if it is next.
    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    /// Steps over `bytes`, which are ASCII at both ends, if they are next.
    #[inline]
    pub(crate) fn eat_all(&mut self, bytes: &[u8]) -> bool {
        let next = self.rest().starts_with(bytes);
        if next {
            self.at += bytes.len();
        }
        next
    }

    /// Steps over `opening`, if it is next.
    #[inline]
    pub(crate) fn eat_opening(&mut self, opening: &Opening) -> bool {
        let rest = self.rest();
        let next = match rest.first_chunk::<16>() {
            Some(bytes) if (u128::from_le_bytes(*bytes) & opening.mask) == opening.front => {
                opening.rest.is_empty() || rest[16..].starts_with(&opening.rest)
            }
            Some(_) => false,
            None => rest.starts_with(&opening.front.to_le_bytes()[..opening.length.min(16)]),
        };
        if next {
            self.at += opening.length;
        }
        next
    }

    /// Steps over white space and `byte`.
    ///
    /// # Errors
    /// Something else is next.
    pub(crate) fn need(&mut self, byte: u8, what: &'static str) -> Result<()> {
        self.skip_blanks();
        if self.eat(byte) {
            Ok(())
        } else {
            Err(self.expected(what))
        }
    }

    /// # Errors
    /// Something else than white space is left.
    #[inline]
    pub(crate) fn end(&mut self) -> Result<()> {
        self.skip_blanks();
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(self.expected("the end"))
        }
    }

    /// What kind of value begins here, for people.
    ///
    /// # Errors
    /// None does.
    pub(crate) fn found(&self) -> Result<&'static str> {
        Ok(match self.peek() {
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "a number",
            _ => return Err(self.expected("value")),
        })
    }

    /// The value is of another type than `expected`.
    #[cold]
    pub(crate) fn mismatch(&self, expected: &str) -> Fault {
        match self.found() {
            Ok(found) => Fault::found(expected, found),
            Err(fault) => fault,
        }
    }

    /// Steps over `word`, one of `true`, `false` and `null`.
    ///
    /// # Errors
    /// It is not next.
    pub(crate) fn word(&mut self, word: &'static str) -> Result<()> {
        if self.eat_all(word.as_bytes()) {
            Ok(())
        } else {
            Err(self.expected(word))
        }
    }

    /// Reads a string: a piece of the text, or `scratch` where it has escapes.
    ///
    /// # Errors
    /// Something else is next, or the string does not end, or has a wrong escape.
    #[inline]
    pub(crate) fn string<'s>(&mut self, scratch: &'s mut String) -> Result<&'s str>
    where
        'a: 's,
    {
        if !self.eat(b'"') {
            return Err(self.expected("string"));
        }
        let start = self.at;
        self.at += clean_run(self.rest());
        if self.peek() == Some(b'"') {
            // In bounds, and between two quotes.
            let piece = self.text.get(start..self.at).unwrap_or_default();
            self.at += 1;
            return Ok(piece);
        }
        self.escaped(start, scratch)
    }

    /// Reads the rest of a string that began at `start` and has an escape at the cursor.
    #[cold]
    fn escaped<'s>(&mut self, start: usize, scratch: &'s mut String) -> Result<&'s str> {
        scratch.clear();
        let mut run = start;
        loop {
            self.at += clean_run(self.rest());
            scratch.push_str(self.text.get(run..self.at).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(scratch);
                }
                Some(b'\\') => {
                    let place = self.at;
                    self.at += 1;
                    let Some(character) = self.escape() else {
                        return Err(Fault::syntax("a valid escape", self.base + place));
                    };
                    scratch.push(character);
                    run = self.at;
                }
                Some(_) => return Err(self.expected("an escaped control character")),
                None => return Err(self.expected("the end of the string")),
            }
        }
    }

    /// Reads what stands after a backslash.
    fn escape(&mut self) -> Option<char> {
        let byte = self.peek()?;
        self.at += 1;
        Some(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => {
                let unit = self.hex()?;
                if !(0xd800..0xdc00).contains(&unit) {
                    return char::from_u32(unit);
                }
                if !self.eat_all(b"\\u") {
                    return None;
                }
                let low = self.hex().filter(|low| (0xdc00..0xe000).contains(low))?;
                return char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest().first_chunk::<4>()?;
        let mut value = 0;
        for digit in digits {
            value = value << 4 | char::from(*digit).to_digit(16)?;
        }
        self.at += 4;
        Some(value)
    }

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

    /// Steps over a value; gives its text.
    ///
    /// # Errors
    /// It is no JSON, or is nested too deep.
    pub(crate) fn value(&mut self, scratch: &mut String) -> Result<&'a str> {
        let start = self.at;
        self.skip_value(0, scratch)?;
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn skip_value(&mut self, depth: usize, scratch: &mut String) -> Result<()> {
        let close = match self.peek() {
            Some(b'"') => return self.string(scratch).map(drop),
            Some(b'-' | b'0'..=b'9') => return self.number().map(drop),
            Some(b't') => return self.word("true"),
            Some(b'f') => return self.word("false"),
            Some(b'n') => return self.word("null"),
            Some(b'{') => b'}',
            Some(b'[') => b']',
            _ => return Err(self.expected("value")),
        };
        if depth == DEEPEST {
            return Err(Fault::value(format!(
                "objects and arrays are nested more than {DEEPEST} deep"
            )));
        }
        self.at += 1;
        self.skip_blanks();
        if self.eat(close) {
            return Ok(());
        }
        loop {
            self.skip_blanks();
            if close == b'}' {
                self.string(scratch)?;
                self.need(b':', "`:`")?;
                self.skip_blanks();
            }
            self.skip_value(depth + 1, scratch)?;
            self.skip_blanks();
            if self.eat(close) {
                return Ok(());
            }
            if !self.eat(b',') {
                return Err(self.expected(if close == b'}' {
                    "`,` or `}`"
                } else {
                    "`,` or `]`"
                }));
            }
        }
    }
}
