//! Columns that are called as the statements of the dialect call what they take apart.
use crate::{
    place::plan,
    types::{all_of, scratch, values},
};
use dialect_core::{Route, WriteOp};

const COLUMNS: &[&str] = &[
    "e", "v", "k", "r", "t", "value", "key", "a", "c", "g", "excluded",
];

#[tokio::test]
async fn parts_of_composites_and_maps_are_not_taken_from_columns_of_their_aliases() {
    for of in ["json", "text", "jsonb"] {
        let mut scratch = scratch().await;
        scratch
            .execute("CREATE TYPE addr AS (street text, e int, r text)")
            .await;
        let others: Vec<_> = COLUMNS.iter().map(|name| format!("{name} {of}")).collect();
        let others = others.join(", ");
        let value = r#"'[{"street":"wrong","e":0,"r":"wrong","key":"wrong","value":"wrong"}]'"#;
        let given = vec![value; COLUMNS.len()].join(", ");
        scratch
            .execute(&format!(
                "CREATE TABLE source (id int PRIMARY KEY, {others}, ca addr[], one addr, h hstore);
                 CREATE TABLE target (id int PRIMARY KEY, {others}, ca addr[], one addr, h hstore);
                 INSERT INTO source VALUES
                   (1, {given}, ARRAY['(right,1,x)'::addr, NULL], '(right,2,y)', 'a=>right, b=>NULL'),
                   (2, {given}, '{{}}', NULL, '')"
            ))
            .await;
        let source = scratch.table("source").await;
        let target = scratch.table("target").await;
        let records = all_of(&mut *scratch.connection, &source).await.unwrap();
        for route in [Route::Stage, Route::Values, Route::Rows] {
            for op in [WriteOp::Insert, WriteOp::Upsert, WriteOp::Update] {
                if op == WriteOp::Insert {
                    scratch.execute("TRUNCATE target").await;
                } else {
                    scratch
                        .execute("UPDATE target SET ca = NULL, one = NULL, h = NULL")
                        .await;
                }
                let key = &["id"][..usize::from(op != WriteOp::Insert)];
                let plan = plan(&target, &records, op, key, Some(route)).unwrap();
                let written = scratch
                    .connection
                    .write(&plan, &records, 0..records.len())
                    .await;
                let written = written.unwrap_or_else(|e| panic!("{of}: {}", e.report()));
                assert_eq!(written, 2, "{of}: {op:?} by {route:?}");
                let read = all_of(&mut *scratch.connection, &target).await.unwrap();
                assert_eq!(values(&read), values(&records), "{of}: {op:?} by {route:?}");
            }
        }
        scratch.drop().await;
    }
}
