//! Texts of the catalogue's queries; the rows of their answers are read by [`rows`].
pub(crate) mod rows;

/// What stands behind the name of `o`, whose row in `sys.tables` is `b`.
const KIND: &str = "CASE WHEN b.is_external = 1 THEN N'foreign' \
    WHEN o.type = 'V' AND EXISTS (SELECT 1 FROM sys.indexes AS x \
    WHERE x.object_id = o.object_id AND x.index_id = 1) THEN N'indexed view' \
    WHEN o.type = 'V' THEN N'view' \
    WHEN EXISTS (SELECT 1 FROM sys.indexes AS x INNER JOIN sys.partition_schemes AS p \
    ON p.data_space_id = x.data_space_id WHERE x.object_id = o.object_id AND x.index_id IN (0, 1)) \
    THEN N'partitioned' ELSE N'table' END";

/// Tables and views of schema `@P1`, else of the user's own.
pub(crate) fn tables_sql() -> String {
    format!(
        "SELECT s.name, o.name, {KIND} FROM sys.objects AS o \
         INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
         LEFT JOIN sys.tables AS b ON b.object_id = o.object_id \
         WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 \
         AND s.name = COALESCE(@P1, SCHEMA_NAME())"
    )
}

/// Tables and views of all schemas.
pub(crate) fn tables_of_all_schemas_sql() -> String {
    tables_sql().replace(" AND s.name = COALESCE(@P1, SCHEMA_NAME())", "")
}

/// The queries for so many tables, whose quoted names are bound; distinguished by their first column.
pub(crate) fn describe_sql(count: usize) -> String {
    let ids: Vec<_> = (0..count)
        .map(|i| format!("({i}, OBJECT_ID(@P{}))", i + 1))
        .collect();
    let names = format!("(VALUES {}) AS n (i, id)", ids.join(", "));
    let comment = |owner: &str, minor: &str| {
        format!(
            "(SELECT CONVERT(nvarchar(4000), e.value) FROM sys.extended_properties AS e \
             WHERE e.class = 1 AND e.major_id = {owner} AND e.minor_id = {minor} \
             AND e.name = N'MS_Description')"
        )
    };
    let tables = format!(
        "SELECT N'table', n.i, s.name, o.name, {KIND}, \
         (SELECT SUM(p.rows) FROM sys.partitions AS p \
         WHERE p.object_id = o.object_id AND p.index_id IN (0, 1)), {}, \
         CONVERT(nvarchar(20), o.object_id) \
         FROM {names} INNER JOIN sys.objects AS o ON o.object_id = n.id AND o.type IN ('U', 'V') \
         INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
         LEFT JOIN sys.tables AS b ON b.object_id = o.object_id",
        comment("o.object_id", "0")
    );
    let columns = format!(
        "SELECT N'column', n.i, c.name, u.name, us.name, t.name, \
         CONVERT(int, u.is_user_defined), CONVERT(int, u.is_assembly_type), \
         CONVERT(int, c.max_length), CONVERT(int, c.precision), CONVERT(int, c.scale), \
         CONVERT(int, c.is_nullable), CONVERT(int, c.is_identity), \
         CONVERT(int, c.is_computed) + CONVERT(int, c.generated_always_type), d.definition, \
         c.collation_name, CASE WHEN c.collation_name = \
         CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Collation')) THEN 1 ELSE 0 END, {}, \
         CASE WHEN c.default_object_id <> 0 THEN 1 ELSE 0 END \
         FROM {names} INNER JOIN sys.columns AS c ON c.object_id = n.id \
         INNER JOIN sys.types AS u ON u.user_type_id = c.user_type_id \
         INNER JOIN sys.schemas AS us ON us.schema_id = u.schema_id \
         LEFT JOIN sys.types AS t ON t.user_type_id = c.system_type_id \
         LEFT JOIN sys.default_constraints AS d ON d.object_id = c.default_object_id \
         ORDER BY n.i, c.column_id",
        comment("c.object_id", "c.column_id")
    );
    let indexes = format!(
        "SELECT N'index', n.i, CONVERT(bigint, x.index_id), CONVERT(int, x.is_primary_key), c.name \
         FROM {names} INNER JOIN sys.indexes AS x ON x.object_id = n.id AND x.is_unique = 1 \
         AND x.has_filter = 0 AND x.is_disabled = 0 AND x.is_hypothetical = 0 \
         INNER JOIN sys.index_columns AS k ON k.object_id = x.object_id \
         AND k.index_id = x.index_id AND k.key_ordinal > 0 \
         INNER JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id \
         ORDER BY n.i, x.index_id, k.key_ordinal"
    );
    let references = format!(
        "SELECT N'reference', n.i, CONVERT(bigint, f.object_id), c.name, rs.name, r.name, rc.name \
         FROM {names} INNER JOIN sys.foreign_keys AS f ON f.parent_object_id = n.id \
         INNER JOIN sys.foreign_key_columns AS k ON k.constraint_object_id = f.object_id \
         INNER JOIN sys.columns AS c ON c.object_id = k.parent_object_id \
         AND c.column_id = k.parent_column_id \
         INNER JOIN sys.objects AS r ON r.object_id = k.referenced_object_id \
         INNER JOIN sys.schemas AS rs ON rs.schema_id = r.schema_id \
         INNER JOIN sys.columns AS rc ON rc.object_id = k.referenced_object_id \
         AND rc.column_id = k.referenced_column_id \
         ORDER BY n.i, f.object_id, k.constraint_column_id"
    );
    [tables, columns, indexes, references].join("; ")
}

/// The columns of the query `@P1`, or why it has none.
pub(crate) const QUERY: &str = "SELECT d.name, CONVERT(int, d.is_nullable), d.system_type_name, d.user_type_name, \
    d.user_type_schema, CONVERT(int, d.is_identity_column), d.collation_name, \
    CASE WHEN d.collation_name = \
    CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Collation')) THEN 1 ELSE 0 END, \
    CONVERT(int, d.error_number), d.error_message, CONVERT(int, d.max_length) \
    FROM sys.dm_exec_describe_first_result_set(@P1, NULL, 0) AS d \
    WHERE d.is_hidden = 0 OR d.error_number IS NOT NULL ORDER BY d.column_ordinal";

/// May the user do `@P2` with the table of the quoted name `@P1`, and read it? NULL where there is none.
pub(crate) const ACCESS: &str =
    "SELECT HAS_PERMS_BY_NAME(@P1, 'OBJECT', @P2), HAS_PERMS_BY_NAME(@P1, 'OBJECT', 'SELECT')";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_all_schemas_are_listed_without_a_parameter() {
        let sql = tables_of_all_schemas_sql();
        assert!(sql.ends_with("AND o.is_ms_shipped = 0"), "{sql}");
    }

    #[test]
    fn several_tables_are_described_in_one_exchange() {
        let sql = describe_sql(2);
        assert!(
            sql.contains("(VALUES (0, OBJECT_ID(@P1)), (1, OBJECT_ID(@P2))) AS n (i, id)"),
            "{sql}"
        );
        for part in [
            "sys.columns",
            "sys.types",
            "sys.indexes",
            "sys.index_columns",
            "sys.foreign_keys",
            "sys.extended_properties",
            "sys.partitions",
            "sys.default_constraints",
        ] {
            assert!(sql.contains(part), "{part}");
        }
        assert_eq!(sql.matches("; SELECT N'").count(), 3);
    }
}
