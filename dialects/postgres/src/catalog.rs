//! What is asked of the system catalogue.
pub(crate) mod rows;

/// Tables, views and foreign tables of schema `$1`, or of the session's own.
pub(crate) const TABLES: &str = "\
SELECT n.nspname::text, c.relname::text, c.relkind::text \
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE n.nspname = COALESCE($1, current_schema()) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
AND NOT c.relispartition \
ORDER BY c.relname COLLATE \"C\"";

/// The same of all schemas, without those of the server.
pub(crate) const TABLES_OF_ALL_SCHEMAS: &str = "\
SELECT n.nspname::text, c.relname::text, c.relkind::text \
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' \
AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition \
ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

/// `base`: the types that `wanted (place, typid, typmod, dims)` come down to, domains followed
/// to their base and arrays to their elements; of each place the row without a `next` is the end.
macro_rules! base {
    () => {
        "base AS ( \
  SELECT w.place, t.oid, t.typname, t.typtype, t.typarray, w.typmod, t.typnotnull AS not_null, \
    t.typdefault AS preset, t.typtypmod, \
    CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE e.oid END AS next, \
    CASE WHEN e.oid IS NULL THEN 0 ELSE GREATEST(w.dims, 1) END AS dims \
  FROM wanted w JOIN pg_catalog.pg_type t ON t.oid = w.typid \
  LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid \
  UNION ALL \
  SELECT b.place, t.oid, t.typname, t.typtype, t.typarray, \
    CASE WHEN b.typtype = 'd' THEN b.typtypmod ELSE b.typmod END, \
    b.not_null OR (b.dims = 0 AND t.typnotnull), \
    COALESCE(b.preset, CASE WHEN b.dims = 0 THEN t.typdefault END), t.typtypmod, \
    CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE e.oid END, \
    b.dims + CASE WHEN e.oid IS NULL THEN 0 ELSE 1 END \
  FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.next \
  LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid \
), typed AS ( \
  SELECT b.place, b.not_null, b.preset, json_build_object( \
    'oid', b.oid::bigint, 'full_name', pg_catalog.format_type(b.oid, b.typmod), \
    'name', b.typname, 'class', b.typtype, 'typmod', b.typmod, \
    'dimensions', b.dims, 'array', b.typarray::bigint, \
    'parts', CASE WHEN b.dims = 0 AND b.typtype IN ('c', 'r') THEN ( \
      SELECT json_agg(json_build_object( \
        'name', p.name, 'id', p.typid::bigint, \
        'vendor_type', pg_catalog.format_type(p.typid, p.typmod), \
        'type', json_build_object( \
          'oid', COALESCE(e.oid, t.oid)::bigint, \
          'full_name', pg_catalog.format_type(COALESCE(e.oid, t.oid), p.typmod), \
          'name', COALESCE(e.typname, t.typname), 'class', COALESCE(e.typtype, t.typtype), \
          'typmod', p.typmod, 'array', t.typarray::bigint, \
          'dimensions', CASE WHEN e.oid IS NULL THEN 0 ELSE GREATEST(p.dims, 1) END) \
        ) ORDER BY p.place) \
      FROM ( \
        SELECT a.attnum AS place, a.attname AS name, a.atttypid AS typid, \
          a.atttypmod AS typmod, a.attndims::int AS dims \
        FROM pg_catalog.pg_type c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.typrelid \
        WHERE c.oid = b.oid AND c.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped \
        UNION ALL \
        SELECT 1, 'bound'::name, r.rngsubtype, -1, 0 \
        FROM pg_catalog.pg_range r WHERE r.rngtypid = b.oid \
      ) p JOIN pg_catalog.pg_type t ON t.oid = p.typid \
      LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid) END, \
    'labels', (SELECT json_agg(l.enumlabel ORDER BY l.enumsortorder) \
      FROM pg_catalog.pg_enum l WHERE l.enumtypid = b.oid), \
    'money_scale', CASE WHEN b.oid = 790 THEN scale(1::money::numeric) END) AS type \
  FROM base b WHERE b.next IS NULL \
)"
    };
}

/// The tables named `$2` in the schemas `$1`, each in its schema or, where that is NULL, the first
/// on the search path: the place in the list, and the table as JSON text.
pub(crate) const DESCRIBE: &str = concat!(
    "\
WITH RECURSIVE asked AS ( \
  SELECT * FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS a (schema, name, place) \
), found AS ( \
  SELECT a.place AS table_place, c.oid, c.relname, c.relkind, c.relhassubclass, n.nspname, c.reltuples, c.relpages, c.reltoastrelid \
  FROM asked a JOIN pg_catalog.pg_class c ON c.relname = a.name \
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') \
  AND CASE WHEN a.schema IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) \
      ELSE n.nspname = a.schema END \
), attribute AS ( \
  SELECT row_number() OVER () AS place, f.table_place, a.* \
  FROM found f JOIN pg_catalog.pg_attribute a ON a.attrelid = f.oid \
  WHERE a.attnum > 0 AND NOT a.attisdropped \
), wanted AS ( \
  SELECT place, atttypid AS typid, atttypmod AS typmod, attndims::int AS dims FROM attribute \
), ",
    base!(),
    ", columns AS ( \
  SELECT a.table_place, json_agg(json_build_object( \
    'name', a.attname, 'vendor_type', pg_catalog.format_type(a.atttypid, a.atttypmod), \
    'type', t.type, 'nullable', NOT (a.attnotnull OR t.not_null), \
    'default', CASE WHEN a.attgenerated <> '' THEN NULL \
      ELSE COALESCE(pg_catalog.pg_get_expr(d.adbin, d.adrelid), t.preset) END, \
    'identity', a.attidentity, 'generated', a.attgenerated <> '', \
    'loose', (SELECT o.collname FROM pg_catalog.pg_collation o WHERE o.oid = a.attcollation \
      AND pg_catalog.to_json(o) ->> 'collisdeterministic' = 'false'), \
    'comment', pg_catalog.col_description(a.attrelid, a.attnum) \
  ) ORDER BY a.attnum) AS list \
  FROM attribute a JOIN typed t ON t.place = a.place \
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
  GROUP BY a.table_place \
) \
SELECT f.table_place, json_build_object( \
  'schema', f.nspname, 'name', f.relname, 'kind', f.relkind, 'columns', c.list, \
  'comment', pg_catalog.obj_description(f.oid, 'pg_class'), \
  'inherited', f.relhassubclass AND f.relkind = 'r', \
  'oid', f.oid::bigint, \
  'rows', CASE WHEN f.relkind = 'p' AND f.reltuples <= 0 THEN ( \
      WITH RECURSIVE tree AS ( \
        SELECT f.oid UNION ALL \
        SELECT i.inhrelid FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid) \
      SELECT sum(c.reltuples)::bigint FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid \
      WHERE c.relkind = 'r' AND c.reltuples > 0) \
    WHEN f.relkind <> 'v' AND f.reltuples >= 0 AND (f.reltuples > 0 \
      OR current_setting('server_version_num')::int >= 140000) THEN f.reltuples::bigint END, \
  'row_bytes', CASE WHEN f.relkind IN ('r', 'm') AND f.reltuples > 0 THEN \
    ((f.relpages + COALESCE((SELECT o.relpages FROM pg_catalog.pg_class o \
      WHERE o.oid = f.reltoastrelid), 0)) * current_setting('block_size')::float8 \
      / f.reltuples)::bigint END, \
  'keys', (SELECT json_agg(json_build_object('primary', i.indisprimary, 'columns', ( \
      SELECT json_agg(a.attname ORDER BY k.place) \
      FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place) \
      JOIN pg_catalog.pg_attribute a ON a.attrelid = f.oid AND a.attnum = k.attnum \
      WHERE k.place <= i.indnkeyatts)) ORDER BY i.indexrelid) \
    FROM pg_catalog.pg_index i WHERE i.indrelid = f.oid AND i.indisunique AND i.indisvalid \
    AND i.indpred IS NULL AND i.indexprs IS NULL AND (i.indimmediate OR i.indisprimary)), \
  'indexes', (SELECT json_agg((SELECT json_agg( \
      CASE WHEN (i.indoption[(k.place - 1)::int] & 1) = (i.indoption[0] & 1) THEN a.attname END \
      ORDER BY k.place) \
      FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place) \
      LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = f.oid AND a.attnum = k.attnum \
      WHERE k.place <= i.indnkeyatts) ORDER BY i.indexrelid) \
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid \
    JOIN pg_catalog.pg_am m ON m.oid = x.relam \
    WHERE i.indrelid = f.oid AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree'), \
  'references', (SELECT json_agg(json_build_object( \
      'schema', n.nspname, 'table', r.relname, \
      'columns', (SELECT json_agg(a.attname ORDER BY k.place) \
        FROM unnest(x.conkey) WITH ORDINALITY AS k (attnum, place) \
        JOIN pg_catalog.pg_attribute a ON a.attrelid = f.oid AND a.attnum = k.attnum), \
      'referred', (SELECT json_agg(a.attname ORDER BY k.place) \
        FROM unnest(x.confkey) WITH ORDINALITY AS k (attnum, place) \
        JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum = k.attnum) \
    ) ORDER BY x.conname) \
    FROM pg_catalog.pg_constraint x JOIN pg_catalog.pg_class r ON r.oid = x.confrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace \
    WHERE x.conrelid = f.oid AND x.contype = 'f' \
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint p \
      WHERE p.oid = x.conparentid AND p.conrelid = x.conrelid)) \
)::text \
FROM found f LEFT JOIN columns c ON c.table_place = f.table_place"
);

/// About how many rows the tables named `$2` in the schemas `$1` have, with those of their
/// partitions and children: by statistics, else by size, of which a row takes some 100 bytes.
pub(crate) const ROW_ESTIMATES: &str = "\
WITH RECURSIVE tree AS ( \
  SELECT a.place, c.oid \
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS a (schema, name, place) \
  JOIN pg_catalog.pg_class c ON c.relname = a.name \
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
  WHERE CASE WHEN a.schema IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) \
      ELSE n.nspname = a.schema END \
  UNION ALL \
  SELECT t.place, i.inhrelid FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid \
) \
SELECT t.place, sum(CASE WHEN c.reltuples > 0 THEN c.reltuples \
  ELSE COALESCE(pg_catalog.pg_relation_size(c.oid), 0) / 100 END)::bigint \
FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid WHERE c.relkind IN ('r', 'm') \
GROUP BY t.place";

/// The types `$1` of a query's columns, each with the table `$2` and the column's number `$3`
/// that it is read from, where it is: the place in the list, the type's name, the type as JSON
/// text. A table's column describes more than the query: domain, length, precision.
pub(crate) const TYPES: &str = concat!(
    "\
WITH RECURSIVE asked AS ( \
  SELECT * FROM unnest($1::bigint[]::oid[], $2::bigint[]::oid[], $3::int2[]) \
    WITH ORDINALITY AS a (typid, relation, attnum, place) \
), wanted AS ( \
  SELECT q.place, COALESCE(a.atttypid, q.typid) AS typid, COALESCE(a.atttypmod, -1) AS typmod, \
    COALESCE(a.attndims, 0)::int AS dims \
  FROM asked q LEFT JOIN pg_catalog.pg_attribute a \
    ON a.attrelid = q.relation AND a.attnum = q.attnum \
), ",
    base!(),
    " \
SELECT pg_catalog.format_type(w.typid, w.typmod), t.type::text \
FROM wanted w JOIN typed t ON t.place = w.place ORDER BY w.place"
);

/// Of the tables named `$2` in the schemas `$1`: the place in the list, and whether the session's role
/// may do `$3` with it; no row where there is none. A privilege over some columns is enough: others are
/// refused when they are met.
pub(crate) const ACCESS: &str = "\
SELECT a.place, pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND ( \
  pg_catalog.has_table_privilege(c.oid, $3) \
  OR $3 <> 'DELETE' AND pg_catalog.has_any_column_privilege(c.oid, \
     CASE WHEN $3 = 'DELETE' THEN 'SELECT' ELSE $3 END)) \
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS a (schema, name, place) \
JOIN pg_catalog.pg_class c ON c.relname = a.name \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE CASE WHEN a.schema IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) \
  ELSE n.nspname = a.schema END";

/// How many blocks the file of table `$2` of schema `$1` has; no row where it has no file of its
/// own.
pub(crate) const BLOCKS: &str = "\
SELECT pg_catalog.pg_relation_size(c.oid) / current_setting('block_size')::bigint \
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE c.relname = $2 AND c.relkind IN ('r', 'm') \
AND CASE WHEN $1 IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = $1 END";

/// The time zone that sessions begin with, unlike ours, and how many roles have another: that of the
/// role or database, else that of the server's files where they may be read, else the one that
/// initdb writes for logs too.
pub(crate) const TIME_ZONE: &str = "\
WITH set AS ( \
  SELECT s.setrole, s.setdatabase, substr(c, strpos(c, '=') + 1) AS zone \
  FROM pg_catalog.pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) AS c \
  WHERE lower(c) LIKE 'timezone=%' AND s.setdatabase IN \
    (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())) \
), own AS ( \
  SELECT zone FROM set WHERE setrole IN \
    (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user)) \
  ORDER BY setrole <> 0 DESC, setdatabase <> 0 DESC LIMIT 1 \
) \
SELECT (SELECT zone FROM own), \
  pg_catalog.has_table_privilege('pg_catalog.pg_file_settings', 'SELECT') \
  AND pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE'), \
  (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'log_timezone'), \
  (SELECT count(DISTINCT setrole) FROM set WHERE setrole <> 0 \
    AND zone IS DISTINCT FROM (SELECT zone FROM own))";

/// The time zone in the server's files.
pub(crate) const FILE_TIME_ZONE: &str = "\
SELECT setting FROM pg_catalog.pg_file_settings \
WHERE lower(name) = 'timezone' AND error IS NULL ORDER BY seqno DESC LIMIT 1";

/// The locks that transactions hold on themselves: on the virtual id from their first statement on, on
/// the number from their first change on; those without a process are prepared. The snapshot is of no
/// use here: it lacks transactions without changes, which may have taken a time or a number of a
/// sequence, and its `xmax` is not greater than the numbers of all that are running. A standby has no locks of the
/// transactions of its primary: it is marked.
pub(crate) const RUNNING_TRANSACTIONS: &str = "\
SELECT virtualtransaction, virtualxid, transactionid::text, pid FROM pg_catalog.pg_locks \
WHERE granted AND mode = 'ExclusiveLock' AND locktype IN ('virtualxid', 'transactionid') \
AND pid IS DISTINCT FROM pg_catalog.pg_backend_pid() \
UNION ALL SELECT 'standby', NULL, NULL, NULL WHERE pg_catalog.pg_is_in_recovery()";

/// Whether the server is a standby, and for how many seconds it has not replayed a transaction; 0 once it
/// has replayed all that it received.
pub(crate) const STANDBY: &str = "\
SELECT pg_catalog.pg_is_in_recovery(), CASE WHEN pg_catalog.pg_is_in_recovery() THEN \
  CASE WHEN pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() THEN 0 \
  ELSE extract(epoch FROM pg_catalog.clock_timestamp() \
    - pg_catalog.pg_last_xact_replay_timestamp()) END END::float8";

/// How many numbers the sequence of column `$3` of table `$2` of schema `$1` hands out at once, of
/// several: the place in the list, and the number.
pub(crate) const SEQUENCE_BLOCKS: &str = "\
SELECT w.place, max(s.seqcache) \
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS w (schema, name, attribute, place) \
JOIN pg_catalog.pg_class c ON c.relname = w.name \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = w.attribute \
JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass \
AND d.refobjid = c.oid AND d.refobjsubid = a.attnum \
AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i') \
JOIN pg_catalog.pg_sequence s ON s.seqrelid = d.objid \
WHERE n.nspname = COALESCE(w.schema, current_schema()) GROUP BY w.place";

/// The table that bears the name, and who wrote which of its columns last: every change of a column
/// writes its row of the catalogue anew.
pub(crate) const FINGERPRINT: &str = "\
SELECT concat_ws(' ', c.oid, count(*), sum(a.xmin::text::bigint), max(a.xmin::text::bigint)) \
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
WHERE c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
AND CASE WHEN $1 IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = $1 END \
GROUP BY c.oid";

/// The tables named `$2` in the schemas `$1`: the place in the list, and
/// [`FINGERPRINT`] of it.
pub(crate) const FINGERPRINTS: &str = "\
SELECT w.place, concat_ws(' ', c.oid, count(*), sum(a.xmin::text::bigint), max(a.xmin::text::bigint)) \
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (schema, name, place) \
JOIN pg_catalog.pg_class c ON c.relname = w.name AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
WHERE CASE WHEN w.schema IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) \
  ELSE n.nspname = w.schema END \
GROUP BY w.place, c.oid";

/// Of the tables named `$2` in the schemas `$1`: the place in the list, and a column with which the
/// session's role may do `$3`.
pub(crate) const GRANTED: &str = "\
SELECT w.place, a.attname::text \
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (schema, name, place) \
JOIN pg_catalog.pg_class c ON c.relname = w.name \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
WHERE pg_catalog.has_column_privilege(c.oid, a.attnum, $3) \
AND CASE WHEN w.schema IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) \
  ELSE n.nspname = w.schema END";

/// May the session create temporary tables?
pub(crate) const TEMPORARY: &str =
    "SELECT pg_catalog.has_database_privilege(current_database(), 'TEMPORARY')";

/// The process of the session and when it started, which together are of one session alone.
pub(crate) const OWN_SESSION: &str = "\
SELECT pid || ' ' || extract(epoch FROM backend_start) \
FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())";

/// Whether session `$1` works on a statement, and for how many seconds it has not. A state that is not
/// shown counts as work.
pub(crate) const ACTIVITY: &str = "\
SELECT coalesce(state NOT LIKE 'idle%', true), \
extract(epoch FROM pg_catalog.clock_timestamp() - state_change)::float8 \
FROM pg_catalog.pg_stat_activity \
WHERE pid || ' ' || extract(epoch FROM backend_start) = $1";

/// Ends session `$1`.
pub(crate) const END_SESSION: &str = "\
SELECT pg_catalog.pg_terminate_backend(pid) \
FROM pg_catalog.pg_stat_activity \
WHERE pid || ' ' || extract(epoch FROM backend_start) = $1";
