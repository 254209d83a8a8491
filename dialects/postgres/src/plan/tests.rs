use super::*;
use connect_api::Schema;
use dialect_core::{Table, TableName};

fn table() -> Table {
    let column = |name: &str, kind, vendor_type: &str| Column {
        name: name.to_owned(),
        kind: Some(kind),
        vendor_type: vendor_type.to_owned(),
        nullable: true,
        auto_increment: name == "id",
        ..Column::default()
    };
    let mut columns = vec![
        column("id", Kind::Int64, "bigint"),
        column("mood", Kind::Text, "shop.mood"),
        column("Price", Kind::BigDecimal, "numeric"),
        column("net", Kind::Text, "inet"),
        column("tags", Kind::List(Box::new(Kind::Text)), "text[]"),
        column("place", Kind::Json, "shop.address"),
        column("more", Kind::Json, "public.hstore"),
        column("shape", Kind::Bytes, "geometry(Point,4326)"),
    ];
    columns[3].extension = Some("connect.inet");
    for i in [5, 6] {
        columns[i].extension = Some("arrow.json");
    }
    columns[7].extension = Some("geoarrow.wkb");
    Table {
        name: TableName::new("t"),
        columns,
        primary_key: vec!["id".to_owned()],
        ..Table::default()
    }
}

fn planned(op: WriteOp, names: &[&str]) -> WritePlan {
    let table = table();
    let fields = names.iter().map(|name| {
        let kind = table.column(name).and_then(|c| c.kind.clone());
        kind.unwrap_or(Kind::Text).field(name, true)
    });
    let request = WriteRequest {
        table: &table,
        schema: &Schema::new("t", fields.collect::<Vec<_>>(), &[]).unwrap(),
        op,
        key: &["id".to_owned()],
        columns: None,
        route: None,
    };
    plan(&request, &ValueOptions::default()).unwrap()
}

fn detail(plan: &WritePlan) -> &Detail {
    plan.detail.downcast_ref().unwrap()
}

const THREE: &[&str] = &["mood", "Price", "id"];

#[test]
fn an_insert_is_a_copy_of_the_columns_in_the_order_of_the_records() {
    let plan = planned(WriteOp::Insert, THREE);
    assert_eq!(plan.route, Route::Load);
    assert_eq!(
        &*detail(&plan).load,
        "COPY \"t\" (\"mood\", \"Price\", \"id\") FROM STDIN (FORMAT binary)"
    );
    assert_eq!(
        &*detail(&plan).values.statement(9),
        "INSERT INTO \"t\" (\"mood\", \"Price\", \"id\") OVERRIDING SYSTEM VALUE \
         SELECT r.\"mood\"::shop.mood, r.\"Price\", r.\"id\" \
         FROM UNNEST($1::text[], $2::numeric[], $3::bigint[]) AS r(\"mood\", \"Price\", \"id\")"
    );
}

#[test]
fn an_upsert_goes_by_a_temporary_table() {
    let plan = planned(WriteOp::Upsert, THREE);
    assert_eq!(plan.route, Route::Stage);
    let stage = &detail(&plan).stage;
    assert_eq!(
        &*stage.create,
        format!(
            "CREATE TEMPORARY TABLE {} (\"id\" bigint, \"mood\" shop.mood, \"Price\" numeric) \
             ON COMMIT DELETE ROWS",
            stage.name
        )
    );
    assert_eq!(
        &*stage.merge,
        format!(
            "INSERT INTO \"t\" (\"id\", \"mood\", \"Price\") OVERRIDING SYSTEM VALUE \
             SELECT r.\"id\", r.\"mood\"::shop.mood, r.\"Price\" FROM pg_temp.{} AS r \
             ON CONFLICT (\"id\") DO UPDATE SET \"mood\" = EXCLUDED.\"mood\", \
             \"Price\" = EXCLUDED.\"Price\"",
            stage.name
        )
    );
}

#[test]
fn an_upsert_of_whole_rows_by_a_unique_key_updates_first() {
    let all: Vec<_> = table().columns.into_iter().map(|c| c.name).collect();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let plan = planned(WriteOp::Upsert, &all);
    let stage = &detail(&plan).stage;
    let replace = stage.replace.as_ref().unwrap();
    let from = format!("FROM pg_temp.{} AS r WHERE ", stage.name);
    assert!(
        replace
            .update
            .starts_with("UPDATE ONLY \"t\" AS t SET \"mood\" = ")
    );
    assert!(
        replace
            .update
            .contains(&format!("{from}t.\"id\" = r.\"id\" AND "))
    );
    assert!(replace.rest.contains(&format!(
        "{from}NOT EXISTS (SELECT 1 FROM ONLY \"t\" AS t WHERE t.\"id\" = r.\"id\" AND \
         t.xmin = r.xmin) ON CONFLICT (\"id\") DO UPDATE SET "
    )));
    let part = planned(WriteOp::Upsert, THREE);
    assert!(detail(&part).stage.replace.is_none());
    let ignore = planned(WriteOp::InsertIgnore, &all);
    assert!(detail(&ignore).stage.replace.is_none());
}

#[test]
fn updates_and_deletes_match_by_the_key() {
    assert_eq!(
        &*detail(&planned(WriteOp::Update, THREE)).values.statement(9),
        "UPDATE \"t\" AS t SET \"mood\" = r.\"mood\"::shop.mood, \"Price\" = r.\"Price\" \
         FROM UNNEST($1::bigint[], $2::text[], $3::numeric[]) AS r(\"id\", \"mood\", \"Price\") \
         WHERE t.\"id\" = r.\"id\""
    );
    assert_eq!(
        &*detail(&planned(WriteOp::Delete, THREE)).values.statement(9),
        "DELETE FROM \"t\" AS t USING UNNEST($1::bigint[]) AS r(\"id\") WHERE t.\"id\" = r.\"id\""
    );
    let ignore = planned(WriteOp::InsertIgnore, THREE);
    assert!(
        detail(&ignore)
            .stage
            .merge
            .ends_with(" ON CONFLICT DO NOTHING")
    );
}

#[test]
fn what_goes_in_as_text_is_staged_and_cast() {
    let plan = planned(WriteOp::Insert, &["net"]);
    assert_eq!(plan.route, Route::Stage);
    let detail = detail(&plan);
    assert!(detail.stage.create.contains("(\"net\" text)"));
    assert!(detail.stage.merge.contains(" SELECT r.\"net\"::inet FROM "));
    assert_eq!(detail.cast, [0]);
}

#[test]
fn lists_are_values_of_their_own() {
    let plan = planned(WriteOp::InsertIgnore, &["tags", "id"]);
    assert_eq!(
        &*detail(&plan).values.statement(2),
        "INSERT INTO \"t\" (\"tags\", \"id\") OVERRIDING SYSTEM VALUE SELECT r.\"tags\", r.\"id\" \
         FROM (VALUES ($1::text[], $2::bigint), ($3::text[], $4::bigint)) AS r(\"tags\", \"id\") \
         ON CONFLICT DO NOTHING"
    );
    assert_eq!(planned(WriteOp::Insert, &["tags"]).route, Route::Load);
}

#[test]
fn json_is_taken_apart_by_the_server() {
    let plan = planned(WriteOp::Insert, &["place", "more"]);
    assert_eq!(plan.route, Route::Stage);
    let merge = &detail(&plan).stage.merge;
    for part in [
        "json_populate_record(NULL::shop.address, r.\"place\")",
        "FROM json_each_text(r.\"more\") AS e (k, v)), '')::public.hstore END",
    ] {
        assert!(merge.contains(part), "{merge}");
    }
}

#[test]
fn shapes_go_in_as_they_are() {
    let plan = planned(WriteOp::Insert, &["shape"]);
    assert_eq!(plan.route, Route::Load);
    let values = detail(&plan).values.statement(1);
    assert!(
        values.contains("r.\"shape\"::geometry(Point,4326) FROM UNNEST($1::bytea[])"),
        "{values}"
    );
}

#[test]
fn numbers_that_the_database_gives_are_not_changed() {
    let mut table = table();
    table.columns[0].identity_always = true;
    let fields = [
        Kind::Int64.field("id", true),
        Kind::Text.field("mood", true),
    ];
    let schema = Schema::new("t", fields, &[]).unwrap();
    let plan = |op, key: &str| {
        plan(
            &WriteRequest {
                table: &table,
                schema: &schema,
                op,
                key: &[key.to_owned()],
                columns: None,
                route: None,
            },
            &ValueOptions::default(),
        )
    };
    let error = plan(WriteOp::Update, "mood").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.to_string().contains("column `id`"), "{error}");
    assert!(plan(WriteOp::Upsert, "id").is_ok());
}
