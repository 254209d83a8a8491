//! Rejected rows and failed statements, and their error messages.
use crate::conformance::{
    Fixture,
    harness::{Harness, INSERT, Rows, Write, schema},
};
use crate::{
    connection::Access,
    plan::{WriteOp, WriteRequest},
    table::{Table, TableName},
};
use connect_api::{Error, ErrorKind, Kind, SchemaRef, Value};

/// A number that is looked for in messages: they never hold a value.
const PLANTED: i64 = 918_273_645;

/// A column whose type is not supported is described without a kind, and an error names it.
pub async fn unsupported_types_are_named(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    if let Some((strict, strange)) = &fixture.strict {
        let columns = format!("id bigint NOT NULL PRIMARY KEY, odd_one {strange}");
        let table = harness.create_table("strange", &columns).await;
        assert_eq!(
            table.column("odd_one").unwrap().kind,
            Some(Kind::Text),
            "types that are not known are text"
        );
        let mut connection = strict.connect().await.unwrap();
        let table = connection.describe(&table.name).await.unwrap().unwrap();
        connection.close().await.unwrap();
        assert_eq!(table.column("odd_one").unwrap().kind, None);
        let error = table.schema(&[0, 1], &["id"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.report().contains("odd_one"), "{}", error.report());
        assert!(
            table.schema(&[0], &["id"]).is_ok(),
            "without the column the table can be read"
        );
        let records = schema([("id", Kind::Int64), ("odd_one", Kind::Text)], &["id"]);
        let error = planned(fixture, &table, &records).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Schema | ErrorKind::Unsupported),
            "{}",
            error.report()
        );
        assert!(error.report().contains("odd_one"), "{}", error.report());
    }
    // A kind that does not go into the column's is named when it is planned, all at once.
    let table = harness
        .create_table(
            "mismatch",
            "id bigint NOT NULL PRIMARY KEY, n1 bigint, n2 bigint",
        )
        .await;
    let records = schema(
        [("id", Kind::Int64), ("n1", Kind::Text), ("n2", Kind::Date)],
        &["id"],
    );
    let error = planned(fixture, &table, &records).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema, "{}", error.report());
    for name in ["n1", "n2"] {
        assert!(error.report().contains(name), "{}", error.report());
    }
    harness.done().await;
}

fn planned(fixture: &Fixture, table: &Table, schema: &SchemaRef) -> Result<(), Error> {
    let request = WriteRequest {
        table,
        schema,
        op: WriteOp::Insert,
        key: &[],
        columns: None,
        route: None,
    };
    fixture.dialect.plan_write(&request).map(|_| ())
}

/// Duplicates, NULLs, and what is too long or too large are errors of a row.
pub async fn rejected_rows_name_table_and_column(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let table = harness
        .create_table(
            "refused_rows",
            "id bigint NOT NULL PRIMARY KEY, needed bigint NOT NULL, other varchar(20) UNIQUE",
        )
        .await;
    let records = schema(
        [
            ("id", Kind::Int64),
            ("needed", Kind::Int64),
            ("other", Kind::Text),
        ],
        &["id"],
    );
    let row = |id: i64, needed: Value, other: Value| vec![id.into(), needed, other];
    let there = row(PLANTED, 1.into(), PLANTED.to_string().into());
    harness
        .write(&table, &records, INSERT, &vec![there.clone()])
        .await;
    let upsert = Write {
        op: WriteOp::Upsert,
        key: &["id"],
        route: None,
    };
    for route in harness.routes(&table, &records, WriteOp::Insert, &[]) {
        let insert = Write {
            route: Some(route),
            ..INSERT
        };
        let twice = refused(&mut harness, &table, &records, insert, vec![there.clone()]).await;
        assert!(twice.contains(&table.name.name), "{twice}");
        let missing = vec![row(1, Value::Null, Value::Null)];
        let missing = refused(&mut harness, &table, &records, insert, missing).await;
        assert!(missing.contains("needed"), "{missing}");
    }
    for route in harness.routes(&table, &records, WriteOp::Upsert, &["id"]) {
        let upsert = Write {
            route: Some(route),
            ..upsert
        };
        let missing = vec![row(1, Value::Null, Value::Null)];
        let missing = refused(&mut harness, &table, &records, upsert, missing).await;
        assert!(missing.contains("needed"), "{missing}");
    }
    let loose = schema([("id", Kind::Int64), ("needed", Kind::Int64)], &[]);
    for op in [WriteOp::Upsert, WriteOp::Update, WriteOp::Delete] {
        let write = Write {
            op,
            key: &["id"],
            route: None,
        };
        let rows = vec![
            vec![Value::Int(1), PLANTED.into()],
            vec![Value::Null, PLANTED.into()],
        ];
        let keyless = refused(&mut harness, &table, &loose, write, rows).await;
        assert!(keyless.contains("`id`"), "{op:?}: {keyless}");
    }
    assert_eq!(
        harness.read(&table, &["id"]).await.len(),
        1,
        "nothing came beside the first row"
    );

    for (topic, ddl, kind, value) in [
        (
            "long",
            fixture.short_text,
            Kind::Text,
            Value::from("six9182"),
        ),
        (
            "large",
            fixture.small_number,
            Kind::Int64,
            Value::Int(PLANTED),
        ),
    ] {
        let Some(ddl) = ddl else { continue };
        let table = harness
            .create_table(
                topic,
                &format!("id bigint NOT NULL PRIMARY KEY, narrow {ddl}"),
            )
            .await;
        let records = schema([("id", Kind::Int64), ("narrow", kind)], &["id"]);
        for route in harness.routes(&table, &records, WriteOp::Insert, &[]) {
            let write = Write {
                route: Some(route),
                ..INSERT
            };
            let rows = vec![vec![1.into(), Value::Null], vec![2.into(), value.clone()]];
            let said = refused(&mut harness, &table, &records, write, rows).await;
            assert!(said.contains("narrow"), "{route:?}: {said}");
            assert!(!said.contains("six9182"), "{route:?}: {said}");
        }
        assert!(harness.read(&table, &["id"]).await.is_empty());
    }
    harness.done().await;
}

async fn refused(
    harness: &mut Harness<'_>,
    table: &Table,
    schema: &SchemaRef,
    write: Write<'_>,
    rows: Rows,
) -> String {
    let Err(error) = harness.try_write(table, schema, write, &rows).await else {
        panic!(
            "{:?} by {:?} into {} is not refused",
            write.op, write.route, table.name
        );
    };
    let said = error.report();
    assert_eq!(error.kind(), ErrorKind::Data, "{said}");
    assert!(
        !said.contains(&PLANTED.to_string()),
        "a message has no values: {said}"
    );
    assert!(
        !format!("{error:?}").contains(&PLANTED.to_string()),
        "nor has it in Debug: {error:?}"
    );
    said
}

/// Missing tables and columns are reported by name; a wrong password is an error of kind Auth that does not
/// repeat it.
pub async fn missing_tables_and_wrong_passwords_are_reported(fixture: &Fixture) {
    let mut harness = Harness::new(fixture).await;
    let name = harness.name("nowhere");
    assert_eq!(harness.connection.describe(&name).await.unwrap(), None);
    let table = harness
        .create_table("somewhere", "id bigint NOT NULL PRIMARY KEY")
        .await;
    for access in [
        Access::Select,
        Access::Insert,
        Access::Update,
        Access::Delete,
    ] {
        harness
            .connection
            .check_access(&table, access)
            .await
            .unwrap();
        let missing = Table {
            name: name.clone(),
            ..table.clone()
        };
        let error = harness
            .connection
            .check_access(&missing, access)
            .await
            .unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Schema | ErrorKind::Auth),
            "{}",
            error.report()
        );
        assert!(error.report().contains(&name.name), "{}", error.report());
    }
    // The connection is none the worse for it.
    assert!(harness.read(&table, &["id"]).await.is_empty());
    let error = harness.connection.execute("SELEC 1").await.unwrap_err();
    assert!(error.kind() != ErrorKind::Data, "{}", error.report());
    let nowhere = TableName {
        schema: Some(format!("{}_nowhere", fixture.unique)),
        name: name.name,
    };
    assert_eq!(harness.connection.describe(&nowhere).await.unwrap(), None);
    if let Some((password, dialect)) = &fixture.wrong_password {
        let Err(error) = dialect.connect().await else {
            panic!("the wrong password is taken");
        };
        assert_eq!(error.kind(), ErrorKind::Auth, "{}", error.report());
        assert!(!error.report().contains(password) && !format!("{error:?}").contains(password));
        assert!(
            error.report().contains(dialect.address()),
            "{}",
            error.report()
        );
    }
    harness.done().await;
}
