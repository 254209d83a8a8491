//! Rows and descriptions on their way from the wire.
use crate::{
    peer::{
        Asked, BIGINT, BINARY_8, NVARCHAR_50, Peer, Reply, Rules, column, number_cell, text_cell,
    },
    session::connect,
};
use connect_api::{ErrorKind, Kind, Records, Schema, SchemaRef, Value};
use dialect_core::{Param, Statement, TableName, Visibility};

fn schema() -> SchemaRef {
    let fields = [Kind::Int64.field("id", false), Kind::Text.field("v", true)];
    Schema::new("t", fields, &["id"]).unwrap()
}

fn statement() -> Statement {
    Statement {
        sql: "SELECT [id], [v] FROM [t] WHERE [id] > CAST(@P1 AS bigint)".to_owned(),
        params: vec![Param {
            value: Value::Int(7),
            kind: Kind::Int64,
        }],
    }
}

fn rows(count: i64) -> Reply {
    let columns = vec![column("id", BIGINT), column("v", NVARCHAR_50)];
    let rows = (0..count)
        .map(|id| [number_cell(id), text_cell(&format!("row {id} 🦀"))].concat())
        .collect();
    Reply::Rows(columns, rows)
}

async fn peer(reply: Reply) -> Peer {
    Peer::new(Rules {
        replies: vec![("FROM [t]", vec![reply])],
        ..Rules::default()
    })
    .await
}

#[tokio::test]
async fn rows_are_streamed_in_batches_of_rows_and_bytes() {
    let peer = peer(rows(1_000)).await;
    let mut connection = connect(&peer).await;
    let (statement, schema) = (statement(), schema());
    let mut cursor = connection.query(&statement, &schema).await.unwrap();
    let (mut next, mut sizes) = (0, Vec::new());
    while let Some(batch) = cursor.next(300, 1 << 20).await.unwrap() {
        let records = Records::new("t".into(), schema.clone(), batch).unwrap();
        sizes.push(records.len());
        for row in records.rows() {
            assert_eq!(
                row.to_record().values,
                [next.into(), format!("row {next} 🦀").into()]
            );
            next += 1;
        }
    }
    assert_eq!(sizes, [300, 300, 300, 100]);
    drop(cursor);
    let mut cursor = connection.query(&statement, &schema).await.unwrap();
    let batch = cursor.next(300, 200).await.unwrap().unwrap();
    assert!(batch.num_rows() < 20, "bytes end a batch too");
    let asked = peer.asked();
    assert!(
        matches!(&asked[0], Asked::Bound(text, _) if *text == statement.sql),
        "values are bound: {asked:?}"
    );
}

#[tokio::test]
async fn a_reading_that_is_left_does_not_mix_with_the_next() {
    let peer = peer(rows(2_000)).await;
    let mut connection = connect(&peer).await;
    let (statement, schema) = (statement(), schema());
    let mut cursor = connection.query(&statement, &schema).await.unwrap();
    cursor.next(10, 1 << 20).await.unwrap().unwrap();
    drop(cursor);
    connection.ping().await.unwrap();
    let mut cursor = connection.query(&statement, &schema).await.unwrap();
    let batch = cursor.next(5_000, 1 << 30).await.unwrap().unwrap();
    assert_eq!(batch.num_rows(), 2_000);
}

#[tokio::test]
async fn half_of_a_surrogate_pair_is_an_error_of_the_row() {
    let mut half = vec![2, 0];
    half.extend(0xd800_u16.to_le_bytes());
    let columns = vec![column("id", BIGINT), column("v", NVARCHAR_50)];
    let row = [number_cell(1), half].concat();
    let peer = peer(Reply::Rows(columns, vec![row])).await;
    let mut connection = connect(&peer).await;
    let (statement, schema) = (statement(), schema());
    let mut cursor = connection.query(&statement, &schema).await.unwrap();
    let error = cursor.next(10, 1 << 20).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "{}", error.report());
    for part in ["column `v` of `t`", "surrogate"] {
        assert!(error.report().contains(part), "{}", error.report());
    }
    drop(cursor);
    let error = connection.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
}

#[tokio::test]
async fn the_oldest_row_version_that_may_change_is_reported() {
    let version = [0, 0, 0, 0, 0, 0, 7, 0xd1];
    let cell = [&[8, 0][..], &version].concat();
    let peer = Peer::new(Rules {
        replies: vec![(
            "MIN_ACTIVE_ROWVERSION",
            vec![Reply::Rows(vec![column("", BINARY_8)], vec![cell])],
        )],
        ..Rules::default()
    })
    .await;
    let visibility = connect(&peer).await.visibility().await.unwrap();
    assert_eq!(visibility, Some(Visibility::RowVersion(version)));
}

#[tokio::test]
async fn several_tables_take_one_exchange() {
    let peer = Peer::new(Rules::default()).await;
    let mut connection = connect(&peer).await;
    let names = ["a", "b", "c]"].map(TableName::new);
    let tables = connection.describe_all(&names).await.unwrap();
    assert_eq!(tables, [None, None, None]);
    assert_eq!(peer.asked().len(), 1);
}
