use super::*;
use connect_api::{Kind, Schema};
use dialect_core::{Column, TableName};

fn column(name: &str, kind: Kind, vendor_type: &str) -> Column {
    Column {
        name: name.to_owned(),
        kind: Some(kind),
        vendor_type: vendor_type.to_owned(),
        nullable: name != "id",
        ..Column::default()
    }
}

fn table() -> Table {
    Table {
        name: TableName {
            schema: Some("dbo".to_owned()),
            name: "or]ders".to_owned(),
        },
        columns: vec![
            column("id", Kind::Int64, "bigint"),
            column("note", Kind::Text, "varchar(9) COLLATE Greek_CI_AS"),
            column("at", Kind::Time, "time(3)"),
            column("v", Kind::Text, "nvarchar(50)"),
        ],
        primary_key: vec!["id".to_owned()],
        unique_keys: vec![vec!["v".to_owned()]],
        ..Table::default()
    }
}

fn plan_of(
    table: &Table,
    names: &[&str],
    op: WriteOp,
    key: &[&str],
    route: Option<Route>,
) -> Result<WritePlan> {
    let fields = names.iter().map(|name| {
        let kind = table.column(name).and_then(|c| c.kind.clone());
        kind.unwrap_or(Kind::Text).field(name, true)
    });
    let schema = Schema::new("t", fields, &[])?;
    plan_write(&WriteRequest {
        table,
        schema: &schema,
        op,
        key: &key.iter().map(|k| (*k).to_owned()).collect::<Vec<_>>(),
        columns: None,
        route,
    })
}

fn planned(names: &[&str], op: WriteOp) -> WritePlan {
    plan_of(&table(), names, op, &["id"], None).unwrap()
}

fn detail(plan: &WritePlan) -> &Detail {
    plan.detail.downcast_ref().unwrap()
}

#[test]
fn an_insert_is_loaded_where_the_driver_loads_every_type() {
    let plan = planned(&["id", "v"], WriteOp::Insert);
    assert_eq!(plan.route, Route::Load);
    let load = detail(&plan).load.as_ref().unwrap();
    assert_eq!(load.table, "[dbo].[or]]ders]");
    assert_eq!(load.columns, ["[id]", "[v]"]);
    let plan = planned(&["id", "note", "v"], WriteOp::Insert);
    assert_eq!(plan.route, Route::Stage, "text of a code page is staged");
    let error = plan_of(
        &table(),
        &["id", "note"],
        WriteOp::Insert,
        &[],
        Some(Route::Load),
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let mut view = table();
    view.table_type = TableType::View;
    let plan = plan_of(&view, &["id", "v"], WriteOp::Insert, &[], None).unwrap();
    assert_eq!(plan.route, Route::Stage);
}

#[test]
fn few_rows_are_bound_unless_a_route_is_asked_for() {
    let plan = planned(&["id", "v"], WriteOp::Insert);
    let small = detail(&plan);
    assert_eq!(small.full_rows, 512);
    assert_eq!(small.route(plan.route, 64), Route::Values);
    assert_eq!(small.route(plan.route, 65), Route::Load);
    let forced = plan_of(
        &table(),
        &["id", "v"],
        WriteOp::Insert,
        &[],
        Some(Route::Load),
    )
    .unwrap();
    assert_eq!(detail(&forced).route(Route::Load, 1), Route::Load);
    let many: Vec<_> = (0..150).map(|i| format!("c{i}")).collect();
    let wide = Table {
        columns: many
            .iter()
            .map(|n| column(n, Kind::Int64, "bigint"))
            .collect(),
        ..table()
    };
    let names: Vec<_> = many.iter().map(String::as_str).collect();
    let plan = plan_of(&wide, &names, WriteOp::Insert, &[], None).unwrap();
    assert_eq!(detail(&plan).full_rows, 8, "2,098 values a statement");
}

#[test]
fn an_upsert_is_staged_and_merged_by_two_statements() {
    let plan = planned(&["note", "id", "at"], WriteOp::Upsert);
    assert_eq!(plan.route, Route::Stage);
    let detail = detail(&plan);
    let stage = &detail.merge.stage;
    assert_eq!(
        detail.merge.prepare,
        format!(
            "IF OBJECT_ID(N'tempdb..{stage}') IS NULL CREATE TABLE {stage} (c0 bigint NOT NULL, \
             c1 nvarchar(9) COLLATE Greek_CI_AS NULL, c2 time(7) NULL, PRIMARY KEY (c0)) \
             ELSE TRUNCATE TABLE {stage}"
        )
    );
    assert_eq!(
        detail.staged_sql,
        format!(
            "UPDATE t SET [note] = CAST(s.c1 AS varchar(9)), [at] = CAST(s.c2 AS time(3)) \
             FROM [dbo].[or]]ders] AS t WITH (UPDLOCK, HOLDLOCK) INNER JOIN {stage} AS s \
             ON t.[id] = s.c0; \
             INSERT INTO [dbo].[or]]ders] ([id], [note], [at]) \
             SELECT s.c0, CAST(s.c1 AS varchar(9)), CAST(s.c2 AS time(3)) FROM {stage} AS s \
             WHERE NOT EXISTS (SELECT 1 FROM [dbo].[or]]ders] AS t WITH (UPDLOCK, HOLDLOCK) \
             WHERE t.[id] = s.c0)"
        )
    );
    assert_eq!(
        &*detail.fill_sql(2),
        format!(
            "INSERT INTO {stage} (c0, c1, c2) VALUES \
             (CAST(@P1 AS bigint), CAST(@P2 AS nvarchar(9)) COLLATE Greek_CI_AS, CAST(@P3 AS time(7))), \
             (CAST(@P4 AS bigint), CAST(@P5 AS nvarchar(9)) COLLATE Greek_CI_AS, CAST(@P6 AS time(7)))"
        )
    );
}

#[test]
fn a_key_alone_is_inserted_unless_it_is_there() {
    let plan = planned(&["id"], WriteOp::Upsert);
    assert_eq!(
        &*detail(&plan).values_sql(1),
        "INSERT INTO [dbo].[or]]ders] ([id]) SELECT s.c0 FROM (VALUES (CAST(@P1 AS bigint))) AS s (c0) \
         WHERE NOT EXISTS (SELECT 1 FROM [dbo].[or]]ders] AS t WITH (UPDLOCK, HOLDLOCK) \
         WHERE t.[id] = s.c0)"
    );
}

#[test]
fn an_insert_passes_over_every_unique_key_that_it_knows() {
    let plan = planned(&["id", "v"], WriteOp::InsertIgnore);
    let text = detail(&plan).values_sql(1);
    assert!(
        text.ends_with(
            "WHERE NOT EXISTS (SELECT 1 FROM [dbo].[or]]ders] AS t WITH (UPDLOCK, HOLDLOCK) \
             WHERE t.[id] = s.c0) AND NOT EXISTS (SELECT 1 FROM [dbo].[or]]ders] AS t \
             WITH (UPDLOCK, HOLDLOCK) WHERE (t.[v] = s.c1 OR (t.[v] IS NULL AND s.c1 IS NULL)))"
        ),
        "{text}"
    );
    let plan = planned(&["id"], WriteOp::InsertIgnore);
    assert_eq!(detail(&plan).values_sql(1).matches("NOT EXISTS").count(), 1);
}

#[test]
fn updates_and_deletes_join_by_the_key() {
    let plan = planned(&["id", "v"], WriteOp::Update);
    assert_eq!(
        &*detail(&plan).values_sql(1),
        "UPDATE t SET [v] = s.c1 FROM [dbo].[or]]ders] AS t INNER JOIN \
         (VALUES (CAST(@P1 AS bigint), CAST(@P2 AS nvarchar(50)))) AS s (c0, c1) ON t.[id] = s.c0"
    );
    let plan = planned(&["id", "v"], WriteOp::Delete);
    assert_eq!(
        &*detail(&plan).values_sql(2),
        "DELETE t FROM [dbo].[or]]ders] AS t INNER JOIN \
         (VALUES (CAST(@P1 AS bigint)), (CAST(@P2 AS bigint))) AS s (c0) ON t.[id] = s.c0"
    );
    assert!(detail(&plan).merge.prepare.contains("(c0 bigint NULL)"));
}

#[test]
fn rows_of_a_key_that_no_index_takes_are_written_one_by_one() {
    let mut wide = table();
    wide.columns[3].vendor_type = "nvarchar(max)".to_owned();
    let plan = |route| plan_of(&wide, &["id", "v"], WriteOp::Update, &["v"], route);
    assert_eq!(plan(None).unwrap().route, Route::Rows);
    for route in [Route::Stage, Route::Values, Route::Load] {
        let error = plan(Some(route)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}

#[test]
fn an_identity_is_given_values_by_inserts_and_never_changed() {
    let mut counted = table();
    counted.columns[0].identity_always = true;
    let plan = |op, key: &[&str]| plan_of(&counted, &["id", "v"], op, key, None);
    let insert = plan(WriteOp::Insert, &[]).unwrap();
    assert_eq!(
        detail(&insert).identity.as_deref(),
        Some("[dbo].[or]]ders]")
    );
    let update = plan(WriteOp::Update, &["id"]).unwrap();
    assert_eq!(detail(&update).identity, None);
    let error = plan(WriteOp::Upsert, &["v"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(
        error.to_string().contains("identity column `id`"),
        "{error}"
    );
}

#[test]
fn an_upsert_without_a_unique_key_is_refused() {
    let error = plan_of(&table(), &["id", "note"], WriteOp::Upsert, &["note"], None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(
        error.to_string().contains("no primary or unique key"),
        "{error}"
    );
    assert!(plan_of(&table(), &["id", "v"], WriteOp::Upsert, &["v"], None).is_ok());
}
