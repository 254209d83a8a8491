//! How values of a type pass between the wire and a column: by which type they are read, by which
//! they are bound or staged, and how they become the column's own.
use crate::types::{Arguments, Base, Declared, collation::CodePage};

/// The longest `nvarchar` that is declared with its length: the driver writes bytes for characters
/// into the statement of a bulk load.
const LONGEST_STAGED: u16 = 2_000;

/// A `sql_variant` as text that distinguishes every value.
const VARIANT: &str = "CASE CONVERT(sysname, SQL_VARIANT_PROPERTY({c}, 'BaseType')) \
    WHEN N'float' THEN CONVERT(nvarchar(4000), CAST({c} AS float), 3) \
    WHEN N'real' THEN CONVERT(nvarchar(4000), CAST({c} AS real), 3) \
    WHEN N'money' THEN CONVERT(nvarchar(4000), CAST({c} AS decimal(19,4))) \
    WHEN N'smallmoney' THEN CONVERT(nvarchar(4000), CAST({c} AS decimal(10,4))) \
    WHEN N'date' THEN CONVERT(nvarchar(4000), CAST({c} AS date), 23) \
    WHEN N'datetime' THEN CONVERT(nvarchar(4000), CAST({c} AS datetime), 121) \
    WHEN N'smalldatetime' THEN CONVERT(nvarchar(4000), CAST({c} AS smalldatetime), 120) \
    WHEN N'datetime2' THEN CONVERT(nvarchar(4000), CAST({c} AS datetime2), 121) \
    WHEN N'datetimeoffset' THEN CONVERT(nvarchar(4000), CAST({c} AS datetimeoffset), 121) \
    WHEN N'binary' THEN CONVERT(nvarchar(4000), CAST({c} AS varbinary(8000)), 1) \
    WHEN N'varbinary' THEN CONVERT(nvarchar(4000), CAST({c} AS varbinary(8000)), 1) \
    ELSE CONVERT(nvarchar(4000), {c}) END";

impl Declared {
    /// The expression by which a column is read; `name` is quoted. `as_text`: it is read as text,
    /// whatever it is.
    pub(crate) fn read(&self, name: &str, vendor_type: &str, as_text: bool) -> String {
        match self.base {
            Base::Money => format!("CAST({name} AS decimal(19,4))"),
            Base::SmallMoney => format!("CAST({name} AS decimal(10,4))"),
            // The driver takes UTF-8 for another code page, and knows none of DOS.
            Base::Char | Base::VarChar | Base::Text
                if !matches!(self.code_page(), Some(CodePage::Of(_))) =>
            {
                match self.length() {
                    Some(n @ ..=4_000) => format!("CAST({name} AS nvarchar({n}))"),
                    _ => format!("CAST({name} AS nvarchar(max))"),
                }
            }
            Base::DateTime2 | Base::DateTimeOffset if as_text => {
                format!("CONVERT(nvarchar(40), {name}, 121)")
            }
            Base::Variant => VARIANT.replace("{c}", name),
            Base::HierarchyId => format!("CAST({name} AS varbinary(892))"),
            Base::Geography | Base::Geometry => {
                format!("CAST({name}.STSrid AS binary(4)) + {name}.AsBinaryZM()")
            }
            Base::Json | Base::Vector => format!("CAST({name} AS nvarchar(max))"),
            // Types of assemblies have a schema in their name, and a text of their own.
            Base::Other if vendor_type.starts_with('[') => format!("{name}.ToString()"),
            Base::Other => format!("CAST({name} AS nvarchar(max))"),
            _ => name.to_owned(),
        }
    }

    /// The column is not read as it is: its own order and comparison differ from what is read.
    pub(crate) fn is_cast(&self) -> bool {
        self.read("c", "", false) != "c"
    }

    /// The type by which values are bound and staged.
    pub(crate) fn staged(&self) -> String {
        let text = |length: Option<u16>| match length {
            Some(n @ ..=LONGEST_STAGED) => format!("nvarchar({n})"),
            _ => "nvarchar(max)".to_owned(),
        };
        match self.base {
            Base::Money => "decimal(19,4)".to_owned(),
            Base::SmallMoney => "decimal(10,4)".to_owned(),
            // Text is staged as UTF-16, whatever its code page.
            Base::Char | Base::VarChar | Base::NChar | Base::NVarChar => text(self.length()),
            Base::SysName => text(Some(128)),
            Base::Text | Base::NText | Base::Xml | Base::Variant | Base::Other => text(None),
            Base::Json | Base::Vector => text(None),
            Base::Image | Base::Geography | Base::Geometry => "varbinary(max)".to_owned(),
            Base::HierarchyId => "varbinary(892)".to_owned(),
            Base::RowVersion => "binary(8)".to_owned(),
            // The driver does not scale times, and names their type without digits.
            Base::Time => "time(7)".to_owned(),
            Base::DateTimeOffset => "datetimeoffset(7)".to_owned(),
            Base::DateTime2 => format!("datetime2({})", self.digits()),
            Base::SmallDateTime => "datetime2(0)".to_owned(),
            _ => Self {
                collation: None,
                ..self.clone()
            }
            .to_string(),
        }
    }

    /// What stands behind the staged type of a text column: temporary tables have the collation of
    /// another database, which is not compared with this one's.
    pub(crate) fn staged_collation(&self) -> String {
        if !self.staged().starts_with("nvarchar") {
            return String::new();
        }
        format!(
            " COLLATE {}",
            self.collation.as_deref().unwrap_or("DATABASE_DEFAULT")
        )
    }

    /// A staged value as a value of the column's own type.
    pub(crate) fn arriving(&self, staged: &str) -> String {
        match self.base {
            Base::Money => format!("CAST({staged} AS money)"),
            Base::SmallMoney => format!("CAST({staged} AS smallmoney)"),
            Base::Char | Base::VarChar => {
                let own = Self {
                    collation: None,
                    ..self.clone()
                };
                format!("CAST({staged} AS {own})")
            }
            Base::Text => format!("CAST({staged} AS varchar(max))"),
            Base::NChar => format!("CAST({staged} AS nchar({}))", self.length().unwrap_or(1)),
            Base::NVarChar => match self.length() {
                Some(n @ 2_001..) => format!("CAST({staged} AS nvarchar({n}))"),
                _ => staged.to_owned(),
            },
            Base::Variant => format!("CAST({staged} AS nvarchar(4000))"),
            // With the blanks between elements.
            Base::Xml => format!("CONVERT(xml, {staged}, 1)"),
            Base::Json => format!("CAST({staged} AS json)"),
            Base::Vector => format!("CAST({staged} AS {self})"),
            Base::HierarchyId => format!("CAST({staged} AS hierarchyid)"),
            Base::Geography | Base::Geometry => format!(
                "{self}::STGeomFromWKB(SUBSTRING({staged}, 5, DATALENGTH({staged})), \
                 CAST(SUBSTRING({staged}, 1, 4) AS int))"
            ),
            Base::SmallDateTime => format!("CAST({staged} AS smalldatetime)"),
            Base::Time | Base::DateTimeOffset if self.digits() < 7 => {
                format!("CAST({staged} AS {self})")
            }
            _ => staged.to_owned(),
        }
    }

    /// A bound value as a value of the staged type.
    pub(crate) fn bound(&self, n: usize) -> String {
        let staged = format!("CAST(@P{n} AS {})", self.staged());
        match self.base {
            // The code page of the column, not of the database.
            Base::Char | Base::VarChar | Base::Text => {
                format!("{staged}{}", self.staged_collation())
            }
            _ => staged,
        }
    }

    /// A bulk load goes straight into a column of the type; into others it goes by a temporary
    /// table, as the driver would name the type wrongly, or the value becomes another on its way.
    pub(crate) fn loads(&self) -> bool {
        match self.base {
            Base::Bit
            | Base::TinyInt
            | Base::SmallInt
            | Base::Int
            | Base::BigInt
            | Base::Decimal
            | Base::Numeric
            | Base::Real
            | Base::Float
            | Base::SysName
            | Base::Binary
            | Base::VarBinary
            | Base::Date
            | Base::DateTime2
            | Base::DateTime
            | Base::UniqueIdentifier => true,
            Base::NVarChar => self.length().is_none_or(|n| n <= LONGEST_STAGED),
            Base::Time | Base::DateTimeOffset => self.digits() == 7,
            _ => false,
        }
    }

    /// A staged value may be longer than a bulk load takes.
    pub(crate) fn is_staged_long(&self) -> bool {
        self.staged().ends_with("(max)")
    }

    /// Bytes of the staged type in an index; `None` where it cannot be in one.
    pub(crate) fn index_bytes(&self) -> Option<u32> {
        let staged = Self::parse(&self.staged())?;
        Some(match (staged.base, staged.arguments) {
            (_, Arguments::Max) => return None,
            (Base::NVarChar, _) => u32::from(staged.length()?) * 2,
            (Base::Binary | Base::VarBinary, _) => staged.length()?.into(),
            (Base::Decimal | Base::Numeric, _) => 17,
            _ => 16,
        })
    }
}

#[cfg(test)]
mod tests;
