//! Java's properties files.
use std::iter::Peekable;
use std::str::Chars;

/// The value of `key`, the last one where it stands several times.
pub(crate) fn find(text: &str, key: &str) -> Option<String> {
    let mut found = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut entry = line.to_owned();
        while continues(&entry) {
            entry.pop();
            match lines.next() {
                Some(next) => entry.push_str(next.trim_start()),
                None => break,
            }
        }
        let (name, value) = split(&entry);
        if name == key {
            found = Some(value);
        }
    }
    found
}

/// Whether the line ends in an odd number of backslashes.
fn continues(line: &str) -> bool {
    line.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1
}

fn split(entry: &str) -> (String, String) {
    let mut chars = entry.chars().peekable();
    let name = unescape(&mut chars, |c| matches!(c, '=' | ':') || blank(c));
    while chars.next_if(|c| blank(*c)).is_some() {}
    if chars.next_if(|c| matches!(c, '=' | ':')).is_some() {
        while chars.next_if(|c| blank(*c)).is_some() {}
    }
    (name, unescape(&mut chars, |_| false))
}

fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

fn unescape(chars: &mut Peekable<Chars<'_>>, end: impl Fn(char) -> bool) -> String {
    let mut text = String::new();
    while let Some(c) = chars.next_if(|c| !end(*c)) {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('f') => text.push('\u{c}'),
            Some('u') => text.push(unicode(chars)),
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

/// The character of `uXXXX`, with a second such escape where the first is half of a pair.
fn unicode(chars: &mut Peekable<Chars<'_>>) -> char {
    let first = unit(chars);
    let second = match first {
        Some(0xd800..0xdc00)
            if chars.next_if_eq(&'\\').is_some() && chars.next_if_eq(&'u').is_some() =>
        {
            unit(chars)
        }
        _ => None,
    };
    char::decode_utf16(first.into_iter().chain(second))
        .next()
        .and_then(Result::ok)
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Four hexadecimal digits.
fn unit(chars: &mut Peekable<Chars<'_>>) -> Option<u16> {
    let mut value = 0;
    for _ in 0..4 {
        let digit = chars.next_if(char::is_ascii_hexdigit)?.to_digit(16)?;
        value = value << 4 | u16::try_from(digit).ok()?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::find;

    const FILE: &str = r"
# a comment = not a key
! another
a=1
b : two words
c   three
path\ with\:blank = C:\\dir\tend
long = one, \
       two, \
       three
unicode = Gr\u00f6\u00dfe \ud83d\ude00 \u12
empty =
alone
a = last
";

    #[test]
    fn entries_are_read_as_java_reads_them() {
        for (key, value) in [
            ("a", "last"),
            ("b", "two words"),
            ("c", "three"),
            ("path with:blank", "C:\\dir\tend"),
            ("long", "one, two, three"),
            ("unicode", "Größe 😀 \u{fffd}"),
            ("empty", ""),
            ("alone", ""),
        ] {
            assert_eq!(find(FILE, key).as_deref(), Some(value), "{key}");
        }
        assert_eq!(find(FILE, "two"), None);
        assert_eq!(find("a=1\\", "a").as_deref(), Some("1"));
    }
}
