//! Tables that are made for records of other databases: what they must hold.
use crate::place::{Place, is_mariadb};
use connect_api::{ErrorKind, Kind, LENGTH, Schema, Value, arrow::schema::Field};
use dialect_core::{Change, OpenOptions, Page, Statement, Table, TableName, WriteOp};
use std::collections::HashMap;

/// Numbers that look random, the same in every run.
fn scrambled(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn uuids() -> Vec<Vec<u8>> {
    let scrambled = |i: u64| {
        let halves = [scrambled(2 * i), scrambled(2 * i + 1)];
        halves.iter().flat_map(|half| half.to_be_bytes()).collect()
    };
    let mut all: Vec<Vec<u8>> = (0..1_000).map(scrambled).collect();
    // Each version in each variant, nil and max.
    for (version, variant) in (0..16u8).flat_map(|v| (0..16u8).map(move |w| (v, w))) {
        let mut uuid = all[usize::from(version) * 16 + usize::from(variant)].clone();
        uuid[6] = (uuid[6] & 0x0f) | (version << 4);
        uuid[8] = (uuid[8] & 0x0f) | (variant << 4);
        all.push(uuid);
    }
    all.push(vec![0; 16]);
    all.push(vec![0xff; 16]);
    all.sort();
    all.dedup();
    all
}

async fn made(place: &mut Place, fields: Vec<Field>, key: &[&str]) -> Table {
    place.run("DROP TABLE IF EXISTS t").await;
    let schema = Schema::new("t", fields, key).unwrap();
    let name = TableName::new("t");
    let change = Change::Create {
        table: &name,
        schema: &schema,
    };
    let dialect = place.dialect.clone();
    let made = change.apply(&*dialect, place.connection.as_mut()).await;
    made.unwrap_or_else(|e| panic!("{}", e.report()))
}

#[tokio::test]
async fn every_uuid_goes_into_a_table_made_for_uuids_as_value_and_as_key() {
    let mut place = Place::new().await;
    let fields = || vec![Kind::Uuid.field("id", false), Kind::Uuid.field("u", true)];
    let table = made(&mut place, fields(), &["id"]).await;
    assert_eq!(table.columns[0].kind, Some(Kind::Uuid));
    let schema = Schema::new("t", fields(), &["id"]).unwrap();
    let uuids = uuids();
    let rows: Vec<_> = uuids
        .iter()
        .map(|uuid| vec![Value::Bytes(uuid.clone()), Value::Bytes(uuid.clone())])
        .collect();
    for op in [WriteOp::Insert, WriteOp::Upsert] {
        let key = &["id"][..usize::from(op == WriteOp::Upsert)];
        let written = place.write("t", op, key, &schema, rows.clone()).await;
        assert_eq!(written.unwrap(), uuids.len() as u64);
    }
    let mut expected = rows.clone();
    expected.sort_by_key(|row| format!("{row:?}"));
    assert_eq!(place.read("t").await, expected);
    place.drop().await;
}

/// A column of MariaDB's own type holds those that it knows; another one is a fault of its row.
#[tokio::test]
async fn a_uuid_that_the_servers_own_type_refuses_is_a_fault_of_its_row() {
    let mut place = Place::new().await;
    if !is_mariadb().await {
        return place.drop().await;
    }
    place.remake("id int PRIMARY KEY, u uuid").await;
    let fields = [Kind::Int32.field("id", false), Kind::Uuid.field("u", true)];
    let schema = Schema::new("t", fields, &["id"]).unwrap();
    let (mut taken, mut refused) = (0, 0);
    for (id, uuid) in (0..).zip(uuids()) {
        let row = vec![vec![Value::Int(id), Value::Bytes(uuid)]];
        match place.write("t", WriteOp::Insert, &[], &schema, row).await {
            Ok(_) => taken += 1,
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::Data, "{}", e.report());
                assert!(e.to_string().contains("column `u`"), "{e}");
                refused += 1;
            }
        }
    }
    assert!(taken > 500, "{taken} taken, {refused} refused");
    assert_eq!(place.read("t").await.len(), taken);
    place.drop().await;
}

fn text(name: &str, length: u32) -> Field {
    let metadata = [(LENGTH.to_owned(), length.to_string())];
    let field = Kind::Text.field(name, true);
    field.with_metadata(HashMap::from(metadata))
}

/// What the server limits to 65,535 bytes a row: texts of these lengths have place in it.
#[tokio::test]
async fn rows_longer_than_the_server_allows_get_columns_that_hold_them() {
    let mut place = Place::new().await;
    for (columns, length) in [
        (20, 4_000),
        (17, 1_000),
        (2, 16_000),
        (150, 255),
        (1, 20_000),
    ] {
        let mut fields = vec![Kind::Int32.field("id", false)];
        fields.extend((0..columns).map(|i| text(&format!("c{i}"), length)));
        made(&mut place, fields.clone(), &["id"]).await;
        let schema = Schema::new("t", fields, &["id"]).unwrap();
        // Of four bytes a character.
        let long = "𝄞".repeat(length as usize);
        let mut row = vec![Value::Int(1)];
        row.extend((0..columns).map(|_| Value::Text(long.as_str().into())));
        let written = place
            .write("t", WriteOp::Insert, &[], &schema, vec![row.clone()])
            .await;
        let shown = format!("{columns} of {length}");
        written.unwrap_or_else(|e| panic!("{shown}: {}", e.report()));
        assert!(place.read("t").await == [row], "{shown}");
    }
    place.drop().await;
}

#[tokio::test]
async fn columns_that_are_added_to_a_long_row_are_made_to_fit() {
    let mut place = Place::new().await;
    place
        .remake("id int PRIMARY KEY, a varchar(8000), b varchar(7000), c varchar(1200)")
        .await;
    let fields = [text("d", 500), text("e", 4_000), text("f", 10)];
    let table = place.table("t").await;
    let fields: Vec<_> = fields.iter().collect();
    let change = Change::AddColumns {
        table: &table,
        fields: &fields,
    };
    let dialect = place.dialect.clone();
    let changed = change.apply(&*dialect, place.connection.as_mut()).await;
    let changed = changed.unwrap_or_else(|e| panic!("{}", e.report()));
    assert_eq!(changed.columns.len(), 7);
    place.drop().await;
}

#[tokio::test]
async fn a_query_may_have_a_column_of_nothing_but_null() {
    let mut place = Place::new().await;
    place.remake("id int PRIMARY KEY").await;
    place.run("INSERT INTO t VALUES (1), (2)").await;
    let query = "SELECT id, NULL AS n FROM t";
    let table = place.connection.describe_query(query).await.unwrap();
    assert_eq!(table.columns[1].kind, Some(Kind::Text));
    let schema = table.schema(&[0, 1], &[]).unwrap();
    let page = Page {
        query: Some(query),
        ..Page::of(&table, &[0, 1])
    };
    let statement: Statement = place.dialect.syntax().select(&page).unwrap();
    let mut cursor = place.connection.query(&statement, &schema).await.unwrap();
    let batch = cursor.next(10, 1 << 20).await.unwrap().unwrap();
    assert_eq!(batch.column(1).null_count(), 2);
    drop(cursor);
    place.drop().await;
}

/// The server's identifiers have the characters of three bytes in UTF-8.
#[tokio::test]
async fn a_name_that_the_server_takes_nowhere_is_refused_by_name() {
    let dialect = dialect_mysql::open("mysql://u@h/d", &OpenOptions::default()).unwrap();
    for name in ["price 😀", "𝄞"] {
        let error = dialect.syntax().quote(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema);
        let text = error.to_string();
        assert!(text.contains("in no name") && text.contains(name), "{text}");
    }
    let mut place = Place::new().await;
    let fields = vec![
        Kind::Int32.field("id", false),
        Kind::Text.field("中文 é", true),
    ];
    let table = made(&mut place, fields, &["id"]).await;
    assert_eq!(table.columns[1].name, "中文 é");
    place.drop().await;
}

/// MySQL's JSON rounds numbers; MariaDB's is text.
#[tokio::test]
async fn json_numbers_arrive_as_they_were_or_are_refused() {
    let mut place = Place::new().await;
    place.remake("id int PRIMARY KEY, j json").await;
    let fields = [Kind::Int32.field("id", false), Kind::Json.field("j", true)];
    let schema = Schema::new("t", fields, &["id"]).unwrap();
    let exact = r#"{"a": [1.5, 18446744073709551615]}"#;
    let long = r#"{"a": 12345678901234567890.123}"#;
    let row = |id: i64, json: &str| vec![vec![Value::Int(id), json.into()]];
    let written = place
        .write("t", WriteOp::Insert, &[], &schema, row(1, exact))
        .await;
    written.unwrap();
    let written = place
        .write("t", WriteOp::Insert, &[], &schema, row(2, long))
        .await;
    match is_mariadb().await {
        true => {
            written.unwrap();
            assert_eq!(place.read("t").await[1][1], long.into());
        }
        false => {
            let error = written.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data);
            assert!(error.to_string().contains("column `j`"), "{error}");
            assert_eq!(place.read("t").await.len(), 1);
        }
    }
    place.drop().await;
}
