//! Values of several parts, from PostgreSQL through Apache RocketMQ to other tables.
use crate::{client::Database, program::Program, setting, unique, with_servers};
use std::time::Duration;

const ROWS: &str = r#"
CREATE TYPE price AS (amount numeric(12,2), currency text);
CREATE TABLE parts (id bigint PRIMARY KEY, at point, span int4range, during tstzrange, paid price,
    tags hstore, lasts interval, numbers integer[]);
INSERT INTO parts VALUES
    (1, point(1.5, -2), int4range(1, 5), '["2024-02-29 12:00:00.000001+00",)', ROW(12.50, '"€"\'),
     '"a"=>"b","c d"=>NULL,"q\""=>"\\"', '-1 year 2 mons -3 days 04:05:06.000007', ARRAY[1, NULL, 3]),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (3, point(0, 0), 'empty', '(,)', ROW(NULL, NULL), '', interval '0', '{}');
"#;

#[test]
fn parts_keep_their_types_in_postgres_and_are_json_in_mariadb() {
    let _servers = with_servers();
    let (from, maria) = (Database::Postgres, Database::MariaDb);
    let [space, copies] = ["parts", "parts_copied"].map(unique);
    from.make_space(&space);
    from.make_space(&copies);
    maria.make_space(&space);
    from.run("CREATE EXTENSION IF NOT EXISTS hstore;");
    from.run(&format!("SET search_path = {space}, public;{ROWS}"));
    let mut program = Program::new(&[
        ("namesrvAddr", &setting("CONNECT_TEST_ROCKETMQ")),
        ("workerId", &space),
    ]);
    let prefix = format!("{space}-");
    program.connector(
        "source",
        &[
            ("connector.class", "jdbc-source"),
            ("connection.url", &from.url(&space)),
            ("table.whitelist", &from.table(&space, "parts")),
            ("mode", "incrementing"),
            ("incrementing.column.name", "id"),
            ("topic.prefix", &prefix),
            ("point.mapping", "struct"),
            ("range.mapping", "struct"),
            ("composite.mapping", "struct"),
            ("hstore.mapping", "map"),
            ("interval.mapping", "arrow"),
        ],
    );
    for (name, to, space) in [("postgres", from, &copies), ("maria", maria, &space)] {
        program.connector(
            name,
            &[
                ("connector.class", "jdbc-sink"),
                ("connection.url", &to.url(space)),
                ("connect.topicnames", &format!("{prefix}parts")),
                ("table.name.format", &to.table(space, "parts")),
                ("insert.mode", "upsert"),
                ("pk.mode", "record_key"),
                ("pk.fields", "id"),
                ("auto.create", "true"),
            ],
        );
    }
    program.start();
    let there = |database: Database, space: &str| {
        let sql = format!(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = '{space}' \
             AND table_name = 'parts';"
        );
        let rows = || {
            let table = database.quoted(space, "parts");
            database.number(&format!("SELECT count(*) FROM {table};"))
        };
        database.number(&sql) == 1 && rows() == 3
    };
    program.wait_until(Duration::from_secs(120), || {
        there(from, &copies) && there(maria, &space)
    });
    let same = from.number(&format!(
        "SELECT count(*) FROM {space}.parts a JOIN {copies}.parts b USING (id) \
         WHERE a.at::text IS NOT DISTINCT FROM b.at::text \
         AND (a.span, a.during, a.lasts::text, a.numbers) IS NOT DISTINCT FROM \
             (b.span, b.during, b.lasts::text, b.numbers) \
         AND to_jsonb(a.paid) IS NOT DISTINCT FROM b.paid \
         AND hstore_to_jsonb(a.tags) IS NOT DISTINCT FROM b.tags;"
    ));
    assert_eq!(same, 3);
    let table = maria.quoted(&space, "parts");
    let texts = maria.run(&format!(
        "SELECT json_value(paid, '$.amount'), json_value(tags, '$.a'), \
         json_value(`at`, '$.x'), json_value(span, '$.upper'), lasts, numbers FROM {table} WHERE id = 1; \
         SELECT count(*) FROM {table} WHERE id = 2 AND paid IS NULL AND tags IS NULL AND lasts IS NULL;"
    ));
    assert_eq!(
        texts,
        "12.50\tb\t1.5\t5\tP-10M-3DT4H5M6.000007S\t[1,null,3]\n1\n"
    );
    let (code, document) = program.stop();
    assert_eq!(code, 0, "{document:#}");
    for (database, space) in [(from, &space), (from, &copies), (maria, &space)] {
        database.drop_space(space);
    }
}
