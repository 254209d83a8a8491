//! A place in a JSON text, and the steps forward from it. Reads no more than it is asked for.
use super::fault::{Fault, Result};
use super::text::clean_run;

/// Objects and arrays within one another, in values that are kept as text or left out.
const DEEPEST: usize = 128;

/// A place in a JSON text.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// Where the text begins in the message.
    base: usize,
}

/// A text that mostly comes next, such as `,"name":`, laid out to be compared at one go.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    pub(super) fn rest(&self) -> &'a [u8] {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_of_any_length_is_eaten_where_it_is_next_and_nowhere_else() {
        for length in 1..40 {
            let opening: String = ('a'..='z').cycle().take(length).collect();
            let eater = Opening::new(opening.as_bytes());
            for rest in ["", "1", "and more than sixteen bytes"] {
                let text = opening.clone() + rest;
                let mut cursor = Cursor::new(&text, 0);
                assert!(cursor.eat_opening(&eater));
                assert_eq!(cursor.at, length);
                for wrong in 0..length {
                    let mut text = text.clone();
                    text.replace_range(wrong..=wrong, "?");
                    assert!(!Cursor::new(&text, 0).eat_opening(&eater));
                    assert!(!Cursor::new(&text[..wrong], 0).eat_opening(&eater));
                }
            }
        }
    }
}
