//! The table types to read.
use connect_api::config::Setting;
use dialect_core::TableType;

/// The value of `table.types`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableTypes(Vec<TableType>);

/// The names of the types, as in JDBC.
const TYPES: [(&str, TableType); 5] = [
    ("TABLE", TableType::Table),
    ("VIEW", TableType::View),
    ("PARTITIONED TABLE", TableType::Partitioned),
    ("MATERIALIZED VIEW", TableType::MaterializedView),
    ("FOREIGN TABLE", TableType::Foreign),
];

/// The name of a type.
pub(crate) fn name_of(table_type: TableType) -> &'static str {
    let mut types = TYPES.iter();
    let found = types.find(|(_, named)| *named == table_type);
    found.map_or("", |(name, _)| name)
}

impl TableTypes {
    /// TABLE includes partitioned tables.
    pub(crate) fn holds(&self, table_type: TableType) -> bool {
        let named = |named| self.0.contains(&named);
        named(table_type) || (table_type == TableType::Partitioned && named(TableType::Table))
    }
}

impl Setting for TableTypes {
    const TYPE: &'static str = "list of table types";

    fn parse(text: &str) -> Result<Self, String> {
        let all = || TYPES.map(|(name, _)| name).join(", ");
        let mut types = Vec::new();
        for part in text
            .split([',', ';'])
            .map(str::trim)
            .filter(|p| !p.is_empty())
        {
            let known = TYPES
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(part));
            let (_, table_type) = known.ok_or_else(|| {
                format!(
                    "unknown table type `{part}`; \
                     expected one of {}",
                    all()
                )
            })?;
            types.push(*table_type);
        }
        if types.is_empty() {
            return Err(format!("no table type is set; expected one of {}", all()));
        }
        Ok(Self(types))
    }

    fn show(&self) -> String {
        let names: Vec<_> = self.0.iter().map(|t| name_of(*t)).collect();
        names.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_partitioned_ones_too() {
        let types = TableTypes::parse("table, Materialized View").unwrap();
        assert_eq!(types.show(), "TABLE,MATERIALIZED VIEW");
        for (table_type, held) in [
            (TableType::Table, true),
            (TableType::Partitioned, true),
            (TableType::MaterializedView, true),
            (TableType::View, false),
            (TableType::Foreign, false),
        ] {
            assert_eq!(types.holds(table_type), held, "{table_type:?}");
        }
        let parted = TableTypes::parse("PARTITIONED TABLE").unwrap();
        assert!(parted.holds(TableType::Partitioned) && !parted.holds(TableType::Table));
    }

    #[test]
    fn a_type_that_is_none_is_refused() {
        assert!(
            TableTypes::parse("TABLE, SYNONYM")
                .unwrap_err()
                .contains("`SYNONYM`")
        );
    }
}
