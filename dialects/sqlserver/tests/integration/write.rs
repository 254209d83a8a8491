//! Rows on their way to the wire, by each route.
use crate::{
    peer::{Asked, BIGINT, NVARCHAR_50, NVARCHAR_MAX, Peer, Reply, Rules, TIME7, column},
    session::connect,
};
use connect_api::{ConnectRecord, Error, ErrorKind, Kind, Records, Schema, Value};
use dialect_core::{
    Column, OpenOptions, Route, Table, TableName, WriteOp, WritePlan, WriteRequest,
};

fn table() -> Table {
    let column = |name: &str, kind, vendor_type: &str| Column {
        name: name.to_owned(),
        kind: Some(kind),
        vendor_type: vendor_type.to_owned(),
        nullable: name != "id",
        ..Column::default()
    };
    Table {
        name: TableName {
            schema: Some("dbo".to_owned()),
            name: "t".to_owned(),
        },
        columns: vec![
            column("id", Kind::Int64, "bigint"),
            column("at", Kind::Time, "time(3)"),
            column("v", Kind::Text, "nvarchar(max)"),
        ],
        primary_key: vec!["id".to_owned()],
        ..Table::default()
    }
}

fn records(rows: impl IntoIterator<Item = (i64, i64, String)>) -> Records {
    let fields = [
        Kind::Int64.field("id", false),
        Kind::Time.field("at", true),
        Kind::Text.field("v", true),
    ];
    let schema = Schema::new("t", fields, &["id"]).unwrap();
    let rows = rows.into_iter().map(|(id, at, v)| ConnectRecord {
        values: vec![id.into(), Value::Time(at), v.into()],
        ..Default::default()
    });
    Records::from_rows("t".into(), schema, rows).unwrap()
}

fn plain(count: i64) -> Records {
    records((0..count).map(|id| (id, 1_000, format!("row {id}"))))
}

fn plan(table: &Table, records: &Records, op: WriteOp, route: Option<Route>) -> WritePlan {
    let columns = ["id".to_owned(), "v".to_owned()];
    let load = table.columns[1].vendor_type == "time(3)" && op == WriteOp::Insert;
    dialect_sqlserver::open("sqlserver://ann@db/shop", &OpenOptions::default())
        .unwrap()
        .plan_write(&WriteRequest {
            table,
            schema: records.schema(),
            op,
            key: &["id".to_owned()],
            // Without the time, whose type is not loaded into.
            columns: load.then_some(&columns[..]),
            route,
        })
        .unwrap()
}

fn layout(load: bool) -> Reply {
    let mut columns = vec![column("id", BIGINT)];
    if !load {
        columns.push(column("at", TIME7));
    }
    columns.push(column("v", if load { NVARCHAR_50 } else { NVARCHAR_MAX }));
    Reply::Rows(columns, Vec::new())
}

async fn peer(mut replies: Vec<(&'static str, Vec<Reply>)>) -> Peer {
    replies.push(("SELECT TOP 0 [id]", vec![layout(true)]));
    replies.push(("SELECT TOP 0 c0", vec![layout(false)]));
    Peer::new(Rules {
        replies,
        ..Rules::default()
    })
    .await
}

async fn write(
    peer: &Peer,
    plan: &WritePlan,
    records: &Records,
) -> Result<(u64, Vec<String>), Error> {
    let mut connection = connect(peer).await;
    let written = connection.write(plan, records, 0..records.len()).await?;
    Ok((written, peer.texts()))
}

/// The beginnings of the statements.
fn begin<'a>(texts: &'a [String], words: usize) -> Vec<&'a str> {
    let cut = |text: &'a String| {
        let end = text.match_indices(' ').nth(words - 1);
        end.map_or(text.as_str(), |(end, _)| &text[..end])
    };
    texts.iter().map(cut).collect()
}

#[tokio::test]
async fn an_insert_of_many_rows_is_a_bulk_load_that_does_what_an_insert_does() {
    let peer = peer(vec![("bulk", vec![Reply::Done(100)])]).await;
    let records = plain(100);
    let plan = plan(&table(), &records, WriteOp::Insert, None);
    let (written, texts) = write(&peer, &plan, &records).await.unwrap();
    assert_eq!(written, 100);
    assert_eq!(
        texts,
        [
            "BEGIN TRANSACTION",
            "SELECT TOP 0 [id], [v] FROM [dbo].[t]",
            "INSERT BULK [dbo].[t] ([id] bigint, [v] nvarchar(100)) \
             WITH (CHECK_CONSTRAINTS, KEEP_NULLS, FIRE_TRIGGERS)",
            "bulk",
            "COMMIT TRANSACTION",
        ]
    );
    let asked = peer.asked();
    let Asked::Bulk(load) = &asked[3] else {
        panic!("a bulk load");
    };
    let mut first = vec![0xd1, 8];
    first.extend(0_i64.to_le_bytes());
    first.extend([10, 0]);
    first.extend("row 0".encode_utf16().flat_map(u16::to_le_bytes));
    assert!(
        load.windows(first.len()).any(|part| part == first),
        "the first row is on the wire"
    );
}

#[tokio::test]
async fn a_user_who_may_only_insert_has_rows_staged_and_not_loaded() {
    let denied = Reply::Error(
        229,
        14,
        "The SELECT permission was denied on the object 't', database 'shop', schema 'dbo'.",
    );
    let peer = Peer::new(Rules {
        replies: vec![
            ("SELECT TOP 0 [id]", vec![denied]),
            (
                "SELECT TOP 0 c0",
                vec![Reply::Rows(
                    vec![column("c0", BIGINT), column("c1", NVARCHAR_MAX)],
                    Vec::new(),
                )],
            ),
            ("bulk", vec![Reply::Done(100)]),
        ],
        ..Rules::default()
    })
    .await;
    let records = plain(100);
    let plan = plan(&table(), &records, WriteOp::Insert, None);
    let mut connection = connect(&peer).await;
    for _ in 0..2 {
        let written = connection.write(&plan, &records, 0..100).await.unwrap();
        assert_eq!(written, 100);
    }
    let staged = ["IF", "SELECT", "INSERT", "bulk", "INSERT", "COMMIT"];
    let expected = [&["BEGIN", "SELECT"][..], &staged, &["BEGIN"], &staged];
    assert_eq!(
        begin(&peer.texts(), 1),
        expected.concat(),
        "the second batch does not try again"
    );
    assert!(peer.texts()[6].starts_with("INSERT INTO [dbo].[t] ([id], [v]) SELECT s.c0"));
}

#[tokio::test]
async fn a_write_is_tried_out_on_no_row_in_a_transaction_that_is_undone() {
    let denied = Reply::Error(
        229,
        14,
        "The UPDATE permission was denied on the object 't', database 'shop', schema 'dbo'.",
    );
    let records = plain(1);
    for (op, statement) in [
        (WriteOp::Insert, "INSERT INTO [dbo].[t]"),
        (WriteOp::Upsert, "UPDATE t"),
        (WriteOp::Delete, "DELETE t"),
    ] {
        let peer = peer(Vec::new()).await;
        let plan = plan(&table(), &records, op, None);
        let mut connection = connect(&peer).await;
        connection.try_out(&plan).await.unwrap();
        let texts = peer.texts();
        assert_eq!(begin(&texts, 1)[..2], ["BEGIN", "IF"], "{texts:?}");
        assert!(texts[2].starts_with(statement), "{texts:?}");
        assert_eq!(texts[3], "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION");
        assert_eq!(texts.len(), 4, "{texts:?}");

        let peer = self::peer(vec![(statement, vec![denied.clone()])]).await;
        let mut connection = connect(&peer).await;
        let error = connection.try_out(&plan).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth, "{}", error.report());
        assert!(error.report().contains("table dbo.t"), "{}", error.report());
        let last = peer.texts().pop().unwrap();
        assert!(last.contains("ROLLBACK"), "{last}");
    }
    // The privilege to give an identity its values is tried too.
    let mut identity = table();
    identity.columns[0].identity_always = true;
    let peer = peer(Vec::new()).await;
    let plan = plan(&identity, &records, WriteOp::Insert, None);
    connect(&peer).await.try_out(&plan).await.unwrap();
    let texts = peer.texts();
    assert_eq!(texts[2], "SET IDENTITY_INSERT [dbo].[t] ON", "{texts:?}");
    assert_eq!(texts[4], "SET IDENTITY_INSERT [dbo].[t] OFF", "{texts:?}");
}

#[tokio::test]
async fn rows_are_staged_where_a_column_that_is_left_out_has_a_default() {
    let mut table = table();
    for (default, route) in [(false, Route::Load), (true, Route::Stage)] {
        table.columns[1].has_default = default;
        let records = plain(100);
        let plan = plan(&table, &records, WriteOp::Insert, None);
        assert_eq!(plan.route, route);
    }
    // An identity is counted by a load too.
    table.columns[1].identity_always = true;
    let plan = plan(&table, &plain(100), WriteOp::Insert, None);
    assert_eq!(plan.route, Route::Load);
}

#[tokio::test]
async fn a_refused_bulk_load_is_undone_and_names_key_and_table() {
    let duplicate = Reply::Error(
        2627,
        14,
        "Violation of PRIMARY KEY constraint 'PK_t'. Cannot insert duplicate key in object 'dbo.t'. The duplicate key value is (918273645).",
    );
    let peer = peer(vec![("bulk", vec![duplicate])]).await;
    let records = plain(100);
    let plan = plan(&table(), &records, WriteOp::Insert, None);
    let error = write(&peer, &plan, &records).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "{}", error.report());
    assert!(error.report().contains("key `PK_t` of table `dbo.t`"));
    assert!(!error.report().contains("918273645"), "{}", error.report());
    assert_eq!(
        peer.texts().last().unwrap(),
        "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION"
    );
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_found_before_the_server_is_asked() {
    let peer = peer(Vec::new()).await;
    // A microsecond, and the column has milliseconds.
    let records = records((0..100).map(|id| (id, i64::from(id == 77), String::new())));
    let plan = plan(&table(), &records, WriteOp::Upsert, None);
    let mut connection = connect(&peer).await;
    let error = connection.write(&plan, &records, 0..100).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(
        error.report().contains("column `at` of table `dbo.t`"),
        "{}",
        error.report()
    );
    assert_eq!(
        begin(&peer.texts(), 2),
        ["BEGIN TRANSACTION", "IF @@TRANCOUNT"]
    );
    connection.ping().await.unwrap();
}

#[tokio::test]
async fn an_upsert_is_loaded_into_a_temporary_table_and_merged_from_there() {
    let peer = peer(vec![("bulk", vec![Reply::Done(99)])]).await;
    let long = "x".repeat(40_000);
    let rows = (0..100).map(|id| {
        (
            id,
            1_000,
            if id == 5 { long.clone() } else { String::new() },
        )
    });
    let records = records(rows);
    let plan = plan(&table(), &records, WriteOp::Upsert, None);
    let (written, texts) = write(&peer, &plan, &records).await.unwrap();
    assert_eq!(written, 100);
    assert_eq!(
        begin(&texts, 1),
        [
            "BEGIN", "IF", "SELECT", "INSERT", "bulk", "INSERT", "UPDATE", "COMMIT"
        ]
    );
    assert!(texts[1].contains("ELSE TRUNCATE TABLE #connect_stage_"));
    assert!(texts[2].starts_with("SELECT TOP 0 c0, c1, c2 FROM #connect_stage_"));
    assert!(
        texts[3].starts_with("INSERT BULK #connect_stage_"),
        "{}",
        texts[3]
    );
    // The row that is too long for a bulk load is bound.
    let asked = peer.asked();
    let Asked::Bound(fill, message) = &asked[5] else {
        panic!("a statement with bound values");
    };
    assert!(fill.starts_with("INSERT INTO #connect_stage_"), "{fill}");
    assert!(message.len() > 80_000, "its value is in the message");
    let Asked::Bulk(load) = &asked[4] else {
        panic!("a bulk load");
    };
    // A millisecond in ten millionths, as the staged time(7) has them: 10,000.
    let time = [5, 0x10, 0x27, 0, 0, 0];
    assert_eq!(
        load.windows(time.len())
            .filter(|part| *part == time)
            .count(),
        99
    );
}

#[tokio::test]
async fn two_rows_of_one_key_are_written_in_their_order() {
    let duplicate = || Reply::Error(2627, 14, "Violation of PRIMARY KEY constraint 'PK__#'.");
    let peer = peer(vec![("bulk", vec![duplicate()])]).await;
    let records = plain(70);
    let plan = plan(&table(), &records, WriteOp::Upsert, None);
    let (_, texts) = write(&peer, &plan, &records).await.unwrap();
    let updates = texts.iter().filter(|t| t.starts_with("UPDATE t")).count();
    assert_eq!(updates, 70, "each row has its own statement");
    assert_eq!(texts.last().unwrap(), "COMMIT TRANSACTION");
}

#[tokio::test]
async fn rows_that_a_key_keeps_out_are_passed_over_and_other_faults_are_not() {
    let duplicate = || Reply::Error(2601, 14, "Cannot insert duplicate key row");
    let replies = vec![duplicate(), Reply::Done(1), duplicate(), Reply::Done(1)];
    let peer = self::peer(vec![("INSERT INTO [dbo].[t]", replies)]).await;
    let records = plain(3);
    let ignoring = plan(
        &table(),
        &records,
        WriteOp::InsertIgnore,
        Some(Route::Values),
    );
    // Two rows and one: the statement of two is refused, then each of them has its turn.
    let (written, _) = write(&peer, &ignoring, &records).await.unwrap();
    assert_eq!(written, 2);
    let refused = vec![Reply::Error(
        515,
        16,
        "Cannot insert the value NULL into column 'v', table 'shop.dbo.t'; column does not allow nulls.",
    )];
    let peer = self::peer(vec![("INSERT INTO [dbo].[t]", refused)]).await;
    let error = write(&peer, &ignoring, &records).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.report().contains("column `v`"), "{}", error.report());
}

#[tokio::test]
async fn few_rows_are_bound_and_need_no_transaction() {
    let peer = peer(vec![("DELETE t", vec![Reply::Done(1)])]).await;
    let records = plain(1);
    let plan = plan(&table(), &records, WriteOp::Delete, None);
    let (written, texts) = write(&peer, &plan, &records).await.unwrap();
    assert_eq!(written, 1);
    assert_eq!(begin(&texts, 2), ["DELETE t"]);
}

#[tokio::test]
async fn an_identity_is_given_values_while_the_rows_are_written_and_no_longer() {
    let mut counted = table();
    counted.columns[0].identity_always = true;
    let refused = Reply::Error(547, 16, "conflicted with the CHECK constraint \"c\".");
    for (reply, fails) in [(Reply::Done(1), false), (refused, true)] {
        let peer = peer(vec![("INSERT INTO [dbo].[t]", vec![reply])]).await;
        let records = plain(1);
        let plan = plan(&counted, &records, WriteOp::Insert, Some(Route::Rows));
        let written = write(&peer, &plan, &records).await;
        assert_eq!(written.is_err(), fails);
        let texts = peer.texts();
        assert_eq!(texts[0], "SET IDENTITY_INSERT [dbo].[t] ON");
        assert!(texts[1].starts_with("INSERT INTO [dbo].[t]"));
        assert_eq!(texts[2], "SET IDENTITY_INSERT [dbo].[t] OFF");
    }
}

#[tokio::test]
async fn a_savepoint_is_made_again_as_going_back_takes_it_away() {
    let peer = peer(Vec::new()).await;
    let mut connection = connect(&peer).await;
    connection.begin().await.unwrap();
    connection.savepoint().await.unwrap();
    connection.rollback_to_savepoint().await.unwrap();
    connection.rollback_to_savepoint().await.unwrap();
    connection.commit().await.unwrap();
    assert_eq!(
        peer.texts(),
        [
            "BEGIN TRANSACTION",
            "SAVE TRANSACTION connect_savepoint",
            "ROLLBACK TRANSACTION connect_savepoint; SAVE TRANSACTION connect_savepoint",
            "ROLLBACK TRANSACTION connect_savepoint; SAVE TRANSACTION connect_savepoint",
            "COMMIT TRANSACTION",
        ]
    );
}
