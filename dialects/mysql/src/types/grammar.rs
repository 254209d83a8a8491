//! The grammar of column types: `decimal(12,2) unsigned`, `enum('a','b')`.

/// A column type, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Declared {
    /// `decimal`; lower case.
    pub(crate) base: String,
    /// The numbers in its brackets.
    pub(crate) numbers: Vec<u32>,
    /// The labels in its brackets, their quotes and escapes undone.
    pub(crate) labels: Vec<String>,
    pub(crate) unsigned: bool,
    pub(crate) zerofill: bool,
    /// Nothing else stands in it.
    pub(crate) whole: bool,
}

impl Declared {
    /// Takes a type apart. What it does not understand is left out, and `whole` is false then.
    pub(crate) fn parse(text: &str) -> Self {
        let end = text
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(text.len());
        let (base, mut rest) = text.split_at(end);
        let mut declared = Self {
            base: base.to_ascii_lowercase(),
            whole: !base.is_empty(),
            ..Self::default()
        };
        if let Some(inner) = rest.strip_prefix('(') {
            rest = declared.brackets(inner).unwrap_or_else(|| {
                declared.whole = false;
                ""
            });
        }
        for word in rest.split_ascii_whitespace() {
            match word {
                "unsigned" => declared.unsigned = true,
                "zerofill" => declared.zerofill = true,
                _ => declared.whole = false,
            }
        }
        declared
    }

    /// Reads what stands in brackets; what stands behind them.
    fn brackets<'a>(&mut self, inner: &'a str) -> Option<&'a str> {
        let mut rest = inner;
        loop {
            rest = rest.trim_start();
            if let Some(quoted) = rest.strip_prefix('\'') {
                let (label, behind) = label(quoted)?;
                self.labels.push(label);
                rest = behind;
            } else {
                let end = rest.find(|c: char| !c.is_ascii_digit())?;
                self.numbers.push(rest[..end].parse().ok()?);
                rest = &rest[end..];
            }
            rest = rest.trim_start();
            if let Some(behind) = rest.strip_prefix(')') {
                let mixed = !self.labels.is_empty() && !self.numbers.is_empty();
                return (!mixed).then_some(behind);
            }
            rest = rest.strip_prefix(',')?;
        }
    }

    /// The first number in its brackets.
    pub(crate) fn first(&self) -> Option<u32> {
        self.numbers.first().copied()
    }
}

/// A label up to its closing quote, and what stands behind that. The catalogue doubles quotes and
/// escapes by backslashes.
fn label(quoted: &str) -> Option<(String, &str)> {
    let mut label = String::new();
    let mut chars = quoted.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '\'' if quoted[i + 1..].starts_with('\'') => {
                chars.next();
                label.push('\'');
            }
            '\'' => return Some((label, &quoted[i + 1..])),
            '\\' => label.push(match chars.next()?.1 {
                '0' => '\0',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'Z' => '\u{1a}',
                other => other,
            }),
            other => label.push(other),
        }
    }
    None
}

/// A text as a literal: sessions of ours have backslashes escape.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            '\0' => quoted.push_str("\\0"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_taken_apart() {
        let decimal = Declared::parse("decimal(12,2) unsigned zerofill");
        assert_eq!(
            (&*decimal.base, &decimal.numbers[..]),
            ("decimal", &[12, 2][..])
        );
        assert!(decimal.unsigned && decimal.zerofill && decimal.whole);
        let labels = Declared::parse(r"enum('a','it''s','b\\c','d,e)','')");
        assert_eq!(labels.labels, ["a", "it's", "b\\c", "d,e)", ""]);
        assert!(labels.whole);
    }

    #[test]
    fn invalid_types_are_reported() {
        for text in [
            "",
            "int; DROP TABLE t",
            "int(",
            "int(1",
            "int(-1)",
            "int(99999999999)",
            "enum('a",
            "enum('a',)",
            "enum('a',1)",
            "datetime /* mariadb-5.3 */",
            "varchar(5) COLLATE x",
            "int)",
        ] {
            assert!(!Declared::parse(text).whole, "{text}");
        }
        assert_eq!(
            Declared::parse("datetime(3) /* mariadb-5.3 */").first(),
            Some(3)
        );
    }

    #[test]
    fn literals_end_where_they_end() {
        assert_eq!(quoted("a'b\\c"), r"'a''b\\c'");
        for text in ["", "'", "\\", "\\'", "a\0b", "x\\\\'"] {
            let quoted = quoted(text);
            assert_eq!(label(&quoted[1..]), Some((text.to_owned(), "")));
        }
    }
}
