//! Tables that are altered.
use crate::place::Place;
use connect_api::Kind;
use dialect_core::Change;

#[tokio::test]
async fn a_widened_column_keeps_its_default_comment_and_not_null() {
    let mut place = Place::new().await;
    place
        .run(
            "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, n smallint NOT NULL DEFAULT 7 COMMENT 'it''s', \
             w varchar(5) DEFAULT 'a\\'b' COMMENT 'word', ts datetime(3) NULL DEFAULT current_timestamp(3))",
        )
        .await;
    for (name, kind) in [("id", Kind::Int64), ("n", Kind::Int64), ("w", Kind::Text)] {
        let before = place.table("t").await;
        let (field, old) = (kind.clone().field(name, true), before.column(name).unwrap());
        let change = Change::Widen {
            table: &before.name,
            column: old,
            field: &field,
        };
        let dialect = place.dialect.clone();
        let after = change
            .apply(dialect.as_ref(), place.connection.as_mut())
            .await
            .unwrap_or_else(|e| panic!("{name}: {}", e.report()));
        let new = after.column(name).unwrap();
        assert_eq!(new.kind, Some(kind), "{name}");
        assert_eq!(
            (new.nullable, &new.comment, new.auto_increment),
            (old.nullable, &old.comment, old.auto_increment),
            "{name}"
        );
    }
    place
        .run("INSERT INTO t (id, w) VALUES (3000000000, REPEAT('x', 1000))")
        .await;
    place.drop().await;
}
