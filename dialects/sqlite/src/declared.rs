//! Declared types of columns: what SQLite makes of them, and what we do.
use connect_api::Kind;
use dialect_core::SqliteDates;

/// What SQLite turns values into when they are stored
/// (<https://sqlite.org/datatype3.html#determination_of_column_affinity>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

/// A declared type, taken apart: `DECIMAL(12,2)` is `DECIMAL` with 12 and 2.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    /// In capitals, words separated by one blank.
    name: String,
    numbers: Vec<u32>,
}

impl Declared {
    pub(crate) fn parse(text: &str) -> Self {
        let (before, rest) = text.split_once('(').unwrap_or((text, ""));
        let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
        let words: Vec<_> = before
            .split_whitespace()
            .chain(after.split_whitespace())
            .map(str::to_ascii_uppercase)
            .collect();
        let numbers = inside
            .split(',')
            .map(|n| n.trim().parse())
            .collect::<Result<_, _>>();
        Self {
            name: words.join(" "),
            // What is not a number says nothing to us, as it says nothing to SQLite.
            numbers: numbers.unwrap_or_default(),
        }
    }

    /// The affinity, by SQLite's five rules in their order.
    pub(crate) fn affinity(&self) -> Affinity {
        let has = |part: &str| self.name.contains(part);
        if has("INT") {
            Affinity::Integer
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Affinity::Text
        } else if has("BLOB") || self.name.is_empty() {
            Affinity::Blob
        } else if has("REAL") || has("FLOA") || has("DOUB") {
            Affinity::Real
        } else {
            Affinity::Numeric
        }
    }

    /// The declared length of text.
    pub(crate) fn length(&self) -> Option<u32> {
        match (self.affinity(), &self.numbers[..]) {
            (Affinity::Text, [length]) => Some(*length),
            _ => None,
        }
    }

    /// What a column of this type holds; `None` where nobody can know. Names first, affinity
    /// after: `DECIMAL_TEXT(12,2)`, `TIMESTAMP_TEXT` and the like are those that
    /// [`column_type`](dialect_core::Syntax::column_type) makes.
    pub(crate) fn kind(&self, dates: SqliteDates) -> Option<Kind> {
        let dated = |kind| match dates {
            SqliteDates::Iso => kind,
            SqliteDates::Text | SqliteDates::Unix | SqliteDates::Julian => Kind::Text,
        };
        Some(match &*self.name {
            "BOOLEAN" | "BOOL" => Kind::Bool,
            "DECIMAL" | "NUMERIC" | "DEC" | "DECIMAL_TEXT" => self.decimal(),
            "JSON" | "JSON_TEXT" => Kind::Json,
            "UUID" | "GUID" | "UUID_BLOB" => Kind::Uuid,
            "DATE_TEXT" => Kind::Date,
            "TIME_TEXT" => Kind::Time,
            "TIMESTAMP_TEXT" => Kind::Timestamp { utc: false },
            "TIMESTAMPTZ_TEXT" => Kind::Timestamp { utc: true },
            "DATE" => dated(Kind::Date),
            "TIME" => dated(Kind::Time),
            "DATETIME" | "TIMESTAMP" => dated(Kind::Timestamp { utc: false }),
            "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" => dated(Kind::Timestamp { utc: true }),
            "" => return None,
            _ => match self.affinity() {
                Affinity::Integer => Kind::Int64,
                Affinity::Text => Kind::Text,
                Affinity::Blob => Kind::Bytes,
                Affinity::Real => Kind::Float64,
                Affinity::Numeric => return None,
            },
        })
    }

    fn decimal(&self) -> Kind {
        let (precision, scale) = match self.numbers[..] {
            [precision] => (precision, 0),
            [precision, scale] => (precision, scale),
            _ => return Kind::BigDecimal,
        };
        match (u8::try_from(precision), i8::try_from(scale)) {
            (Ok(precision @ 1..=38), Ok(places)) if scale <= u32::from(precision) => {
                Kind::Decimal {
                    precision,
                    scale: places,
                }
            }
            _ => Kind::BigDecimal,
        }
    }

    /// UUIDs stand here as text or as 16 bytes, whoever wrote them.
    pub(crate) fn is_mixed_uuid(&self) -> bool {
        matches!(&*self.name, "UUID" | "GUID")
    }

    /// Dates and times stand here in whichever ISO form their writer chose.
    pub(crate) fn has_free_dates(&self) -> bool {
        !self.name.ends_with("_TEXT")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affinities_follow_the_rules_of_sqlite() {
        for (text, affinity) in [
            ("INT", Affinity::Integer),
            ("unsigned big int", Affinity::Integer),
            ("CHARINT", Affinity::Integer),
            ("FLOATING POINT", Affinity::Integer),
            ("varchar(20)", Affinity::Text),
            ("DECIMAL_TEXT(12,2)", Affinity::Text),
            ("UUID_BLOB", Affinity::Blob),
            ("", Affinity::Blob),
            ("DOUBLE PRECISION", Affinity::Real),
            ("DECIMAL(10,5)", Affinity::Numeric),
            ("STRING", Affinity::Numeric),
        ] {
            assert_eq!(Declared::parse(text).affinity(), affinity, "{text}");
        }
    }

    #[test]
    fn names_decide_before_affinities() {
        let kind = |text| Declared::parse(text).kind(SqliteDates::Text);
        assert_eq!(
            kind("numeric( 12 , 2 )"),
            Some(Kind::Decimal {
                precision: 12,
                scale: 2
            })
        );
        assert_eq!(
            kind("DECIMAL(5)"),
            Some(Kind::Decimal {
                precision: 5,
                scale: 0
            })
        );
        assert_eq!(kind("DECIMAL(40,2)"), Some(Kind::BigDecimal));
        assert_eq!(kind("DECIMAL(2,5)"), Some(Kind::BigDecimal));
        assert_eq!(kind("NUMERIC"), Some(Kind::BigDecimal));
        assert_eq!(kind("datetime"), Some(Kind::Text));
        assert_eq!(kind("TIMESTAMP_TEXT"), Some(Kind::Timestamp { utc: false }));
        assert_eq!(kind("Geometry"), None);
        assert_eq!(kind(""), None);
        let iso = Declared::parse("timestamp(6)  with time zone").kind(SqliteDates::Iso);
        assert_eq!(iso, Some(Kind::Timestamp { utc: true }));
        assert_eq!(Declared::parse("VARCHAR(20)").length(), Some(20));
        assert_eq!(Declared::parse("INT(11)").length(), None);
    }
}
