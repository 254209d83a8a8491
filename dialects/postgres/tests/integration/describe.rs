use crate::place::{Scratch, plan};
use connect_api::{ErrorKind, Kind, Records, ValueRef};
use dialect_core::{Access, TableName, TableType, WriteOp};

#[tokio::test]
async fn a_table_is_described_in_full() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute(
            "CREATE DOMAIN price AS numeric(12,2) NOT NULL; CREATE DOMAIN fare AS price DEFAULT 1;
             CREATE TYPE mood AS ENUM ('sad', 'happy');
             CREATE TABLE t (
               b varchar(7) NOT NULL, a bigint GENERATED ALWAYS AS IDENTITY, s serial,
               n numeric, d numeric(30,4) DEFAULT 0, w numeric(50,2), neg numeric(3,-2), fine numeric(2,5),
               p price, f fare, m mood, j jsonb, c char(3), o oid, r regclass, arr int[], iv interval,
               g int GENERATED ALWAYS AS (1 + 1) STORED, \"Odd \"\"name\" timestamptz(3),
               PRIMARY KEY (b, a), UNIQUE (d, n), UNIQUE (s) DEFERRABLE);
             CREATE UNIQUE INDEX ON t (o) WHERE o > 5; CREATE UNIQUE INDEX ON t ((a + 1));
             CREATE UNIQUE INDEX ON t (r) INCLUDE (o);
             CREATE VIEW v AS SELECT b FROM t;
             CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
             CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
             CREATE TABLE empty ()",
        )
        .await;
    let table = scratch.table("t").await;
    assert_eq!(table.name.schema.as_deref(), Some(scratch.schema.as_str()));
    assert_eq!(table.table_type, TableType::Table);
    assert_eq!(table.primary_key, ["b", "a"]);
    assert_eq!(table.unique_keys, [vec!["d", "n"], vec!["r"]]);
    let decimal = |precision, scale| Some(Kind::Decimal { precision, scale });
    for (name, kind, vendor) in [
        ("b", Some(Kind::Text), "character varying(7)"),
        ("a", Some(Kind::Int64), "bigint"),
        ("n", Some(Kind::BigDecimal), "numeric"),
        ("d", decimal(30, 4), "numeric(30,4)"),
        (
            "w",
            Some(Kind::WideDecimal {
                precision: 50,
                scale: 2,
            }),
            "numeric(50,2)",
        ),
        ("neg", decimal(3, -2), "numeric(3,-2)"),
        ("fine", decimal(5, 5), "numeric(2,5)"),
        ("p", decimal(12, 2), "price"),
        ("f", decimal(12, 2), "fare"),
        ("m", Some(Kind::Text), "mood"),
        ("j", Some(Kind::Json), "jsonb"),
        ("c", Some(Kind::Text), "character(3)"),
        ("o", Some(Kind::UInt32), "oid"),
        ("r", Some(Kind::UInt32), "regclass"),
        ("arr", Some(Kind::List(Box::new(Kind::Int32))), "integer[]"),
        ("iv", Some(Kind::Text), "interval"),
        (
            "Odd \"name",
            Some(Kind::Timestamp { utc: true }),
            "timestamp(3) with time zone",
        ),
    ] {
        let column = table.column(name).unwrap();
        assert_eq!(
            (&column.kind, column.vendor_type.as_str()),
            (&kind, vendor),
            "{name}"
        );
    }
    let column = |name| table.column(name).unwrap();
    assert_eq!(
        (column("b").length, column("c").length, column("n").length),
        (Some(7), Some(3), None)
    );
    assert!(
        !column("b").nullable
            && column("n").nullable
            && !column("p").nullable
            && !column("f").nullable
    );
    assert!(column("d").has_default && column("f").has_default && !column("n").has_default);
    assert!(
        column("a").auto_increment && column("s").auto_increment && !column("d").auto_increment
    );
    assert!(column("g").generated && !column("g").has_default && !column("a").generated);

    assert_eq!(scratch.table("v").await.table_type, TableType::View);
    assert_eq!(scratch.table("parts").await.primary_key, ["id"]);
    assert!(scratch.table("empty").await.columns.is_empty());
    assert!(
        scratch
            .connection
            .describe(&TableName::new("T"))
            .await
            .unwrap()
            .is_none()
    );
    let named = TableName {
        schema: Some("pg_catalog".into()),
        name: "t".into(),
    };
    assert!(scratch.connection.describe(&named).await.unwrap().is_none());

    let schema = scratch.schema.clone();
    for schema in [None, Some(schema.as_str())] {
        let tables = scratch.connection.tables(schema).await.unwrap();
        let names: Vec<_> = tables.iter().map(|(name, _)| name.name.as_str()).collect();
        assert_eq!(names, ["empty", "parts", "t", "v"]);
        assert_eq!(tables[3].1, TableType::View);
    }
    scratch.drop().await;
}

#[tokio::test]
async fn values_are_read_as_they_are() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute(
            "CREATE DOMAIN doc AS jsonb; CREATE TYPE mood AS ENUM ('sad', 'happy');
             CREATE TABLE t (neg numeric(3,-2), fine numeric(2,5), big numeric, j jsonb, dj doc, m mood,
                             c char(4), r regclass, ts timestamptz, tm time, bc date, x xml);
             INSERT INTO t VALUES (12345, 0.00012, -1234567890123456789012345678901234567890.0001234500,
                                   '{\"b\": 1e3, \"a\": 1}', '[1]', 'happy', 'ab', 'pg_class',
                                   '1969-12-31 23:59:59.999999+00', '23:59:59.999999', '0044-03-15 BC', '<a/>'),
                                  (null, null, 'NaN', null, null, null, null, null, null, null, null, null)",
        )
        .await;
    let table = scratch.table("t").await;
    let columns: Vec<_> = table.columns.iter().map(|c| c.name.as_str()).collect();
    let records = scratch.read(&table, &columns).await.unwrap();
    let row: Vec<_> = (0..columns.len()).map(|i| records.row(0).get(i)).collect();
    assert_eq!(
        row,
        [
            ValueRef::Decimal(123, -2),
            ValueRef::Decimal(12, 5),
            ValueRef::Text("-1234567890123456789012345678901234567890.0001234500"),
            ValueRef::Text("{\"a\": 1, \"b\": 1000}"),
            ValueRef::Text("[1]"),
            ValueRef::Text("happy"),
            ValueRef::Text("ab  "),
            ValueRef::UInt(1259),
            ValueRef::Timestamp(-1),
            ValueRef::Time(86_399_999_999),
            ValueRef::Date(-735_160),
            ValueRef::Text("<a/>"),
        ]
    );
    assert_eq!(records.row(1).get(2), ValueRef::Text("NaN"));
    assert!(
        (0..12)
            .filter(|i| *i != 2)
            .all(|i| records.row(1).get(i) == ValueRef::Null)
    );
    scratch.drop().await;
}

#[tokio::test]
async fn values_that_a_column_cannot_represent_are_errors_that_name_it() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute(
            "CREATE TABLE t (d date, ts timestamp, tz timestamptz, n numeric(5,2), tm time);
             INSERT INTO t VALUES ('infinity', '-infinity', 'infinity', 'NaN', '24:00')",
        )
        .await;
    let table = scratch.table("t").await;
    for (column, word) in [
        ("d", "infinite"),
        ("ts", "infinite"),
        ("tz", "infinite"),
        ("n", "NaN"),
        ("tm", "24:00"),
    ] {
        let error = scratch.read(&table, &[column]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        let text = error.to_string();
        assert!(
            text.contains(&format!("column `{column}` of table `t`")),
            "{text}"
        );
        assert!(text.contains(word), "{text}");
    }
    // The connection goes on.
    assert_eq!(scratch.rows("1", "").await, ["1"]);
    scratch.drop().await;
}

#[tokio::test]
async fn a_column_whose_type_changed_is_an_error_of_the_schema() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
        .await;
    let table = scratch.table("t").await;
    scratch.read(&table, &["id"]).await.unwrap();
    scratch.execute("ALTER TABLE t ALTER id TYPE bigint").await;
    for _ in 0..2 {
        let error = scratch.read(&table, &["id"]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema, "{error}");
    }
    let table = scratch.table("t").await;
    let records = scratch.read(&table, &["id"]).await.unwrap();
    assert_eq!(records.row(0).get(0), ValueRef::Int(1));
    scratch.drop().await;
}

#[tokio::test]
async fn privileges_are_checked_before_the_first_row() {
    let mut scratch = Scratch::new().await;
    let (schema, role) = (scratch.schema.clone(), format!("{}_role", scratch.schema));
    scratch
        .execute(&format!(
            "CREATE ROLE {role}; GRANT USAGE ON SCHEMA {schema} TO {role};
             CREATE TABLE t (id int); CREATE TABLE u (id int, x int);
             GRANT SELECT, UPDATE ON t TO {role}; GRANT INSERT (id) ON u TO {role}; SET ROLE {role}"
        ))
        .await;
    let (t, u) = (scratch.table("t").await, scratch.table("u").await);
    for (table, access, allowed) in [
        (&t, Access::Select, true),
        (&t, Access::Insert, false),
        (&t, Access::Update, true),
        (&t, Access::Delete, false),
        (&u, Access::Insert, true),
        (&u, Access::Delete, false),
    ] {
        let outcome = scratch.connection.check_access(table, access).await;
        match outcome {
            Ok(()) => assert!(allowed, "{access:?}"),
            Err(e) => {
                assert!(!allowed, "{e}");
                assert_eq!(e.kind(), ErrorKind::Auth);
                assert!(
                    e.to_string().contains(&format!("table {}", table.name)),
                    "{e}"
                );
            }
        }
    }
    let given = Records::from_rows("t".into(), t.schema(&[0], &[]).unwrap(), [[1].into()]).unwrap();
    let insert = plan(&t, &given, WriteOp::Insert, &[], None).unwrap();
    let error = scratch.connection.write(&insert, &given, 0..1).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.to_string().contains("permission denied"), "{error}");
    scratch
        .execute(&format!(
            "RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}"
        ))
        .await;
    scratch.drop().await;
}
