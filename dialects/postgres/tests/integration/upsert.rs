//! Upserts by a temporary table: rows that are there are updated, the rest is inserted.
use crate::place::{Scratch, connect, open, plan, url};
use crate::write::records;
use connect_api::{ErrorKind, Kind, Records};
use dialect_core::{Route, Table, WriteOp, WritePlan};
use std::ops::Range;

const ROUTES: [Route; 2] = [Route::Stage, Route::Values];
/// Rows that were written by `UPDATE` alone: `ON CONFLICT` locks a row before, and the mark stays.
const UPDATED: &str = "FROM t WHERE xmax::text = '0' AND v = 'new'";

fn rows(ids: impl IntoIterator<Item = i64>, v: &'static str) -> Records {
    let rows = ids.into_iter().map(|id| vec![id.into(), v.into()]);
    records(&[("id", Kind::Int64), ("v", Kind::Text)], rows.collect())
}

fn upsert(table: &Table, given: &Records, route: Route) -> WritePlan {
    plan(table, given, WriteOp::Upsert, &["id"], Some(route)).unwrap()
}

async fn with_rows(columns: &str, ids: Range<i64>) -> (Scratch, Table) {
    let mut scratch = Scratch::new().await;
    let Range { start, end } = ids;
    let sql = format!(
        "CREATE TABLE t ({columns}); INSERT INTO t (id, v) SELECT i, 'old' FROM generate_series({start}, {end} - 1) i"
    );
    scratch.execute(&sql).await;
    let table = scratch.table("t").await;
    (scratch, table)
}

#[tokio::test]
async fn rows_that_are_there_are_updated_and_no_row_is_written_twice() {
    for (ids, updated) in [(0..100, "100"), (50..150, "100"), (200..300, "100")] {
        let (mut scratch, table) = with_rows("id bigint PRIMARY KEY, v text", 0..100).await;
        let given = rows(ids.clone(), "new");
        let plan = upsert(&table, &given, Route::Stage);
        let written = scratch.connection.write(&plan, &given, 0..100).await;
        assert_eq!(written.unwrap(), 100);
        assert_eq!(
            scratch.rows("count(*)", UPDATED).await,
            [updated],
            "{ids:?}"
        );
        let all = 100.max(ids.end);
        let left = if ids.start < 100 { all } else { 200 };
        assert_eq!(
            scratch.rows("count(*)", "FROM t").await,
            [left.to_string()],
            "{ids:?}"
        );
        scratch.drop().await;
    }
}

#[tokio::test]
async fn batches_of_new_and_old_rows_leave_the_same_by_each_route() {
    let mut left = Vec::new();
    for route in ROUTES {
        let (mut scratch, table) = with_rows("id bigint PRIMARY KEY, v text", 0..100).await;
        scratch.connection.begin().await.unwrap();
        for (ids, v) in [
            (90..110, "a"),
            (60..100, "b"),
            (105..400, "c"),
            (0..400, "d"),
            (399..401, "e"),
        ] {
            // What a savepoint writes has a transaction of its own behind it.
            scratch.connection.savepoint().await.unwrap();
            let given = rows(ids, v);
            let plan = upsert(&table, &given, route);
            let all = 0..given.len();
            let written = scratch.connection.write(&plan, &given, all.clone()).await;
            assert_eq!(written.unwrap(), all.end as u64);
            if v == "d" {
                scratch.connection.rollback_to_savepoint().await.unwrap();
            }
        }
        scratch.connection.commit().await.unwrap();
        left.push(scratch.rows("id, v", "FROM t ORDER BY id").await);
        scratch.drop().await;
    }
    assert_eq!(left[0].len(), 401);
    assert_eq!(left[0], left[1]);
}

#[tokio::test]
async fn two_rows_with_one_key_are_refused_whether_it_is_there_or_not() {
    for route in ROUTES {
        let (mut scratch, table) = with_rows("id bigint PRIMARY KEY, v text", 0..10).await;
        for ids in [
            vec![1, 2, 1],
            vec![1, 11, 2, 1],
            vec![11, 1, 11],
            vec![11, 11],
        ] {
            let given = rows(ids.clone(), "new");
            let plan = upsert(&table, &given, route);
            let error = scratch
                .connection
                .write(&plan, &given, 0..ids.len())
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data, "{ids:?} by {route:?}");
            assert!(error.to_string().contains("the same key"), "{error}");
            let new = scratch.rows("count(*)", "FROM t WHERE v = 'new'").await;
            assert_eq!(new, ["0"], "{ids:?} by {route:?}");
        }
        scratch.drop().await;
    }
}

#[tokio::test]
async fn rows_that_others_add_or_delete_between_update_and_insert_are_written() {
    let (mut scratch, table) = with_rows("id bigint PRIMARY KEY, v text", 0..10).await;
    let mut other = connect().await;
    let search = format!("SET search_path TO {}", scratch.schema);
    other.execute(&search).await.unwrap();
    other.begin().await.unwrap();
    let change = "INSERT INTO t VALUES (10, 'theirs'); DELETE FROM t WHERE id = 3; \
                  UPDATE t SET v = 'theirs' WHERE id = 0";
    other.execute(change).await.unwrap();
    // The update sees neither the new row nor that another is gone, and waits for the third.
    let given = rows(0..12, "new");
    let plan = upsert(&table, &given, Route::Stage);
    let writing = tokio::spawn(async move {
        let written = scratch.connection.write(&plan, &given, 0..12).await;
        (scratch, written)
    });
    let mut watcher = connect().await;
    let waits = "SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
                 WHERE NOT l.granted AND l.locktype = 'transactionid' AND a.query LIKE 'UPDATE ONLY%'";
    while watcher.execute(waits).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    other.commit().await.unwrap();
    let (mut scratch, written) = writing.await.unwrap();
    assert_eq!(written.unwrap(), 12);
    let new = scratch.rows("count(*)", "FROM t WHERE v = 'new'").await;
    assert_eq!(new, ["12"]);
    assert_eq!(scratch.rows("count(*)", "FROM t").await, ["12"]);
    other.close().await.unwrap();
    watcher.close().await.unwrap();
    scratch.drop().await;
}

#[tokio::test]
async fn what_insert_refuses_or_changes_is_so_for_rows_that_are_there_too() {
    let function = |body: &str| {
        format!(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$; \
             CREATE TRIGGER f BEFORE INSERT ON t FOR EACH ROW EXECUTE PROCEDURE f()"
        )
    };
    let plain = "id bigint PRIMARY KEY, v text";
    let set = [
        (plain, function("NEW.v = 'changed';"), Some("changed")),
        (plain, function("RAISE 'no';"), None),
        // A column that the rows do not have, and whose default the table does not take.
        (
            "id bigint PRIMARY KEY, v text, w int DEFAULT 1",
            "ALTER TABLE t ADD CHECK (w > 1) NOT VALID".to_owned(),
            None,
        ),
    ];
    for (columns, change, expected) in set {
        for route in ROUTES {
            let (mut scratch, _) = with_rows(columns, 0..10).await;
            scratch.execute(&change).await;
            let table = scratch.table("t").await;
            let given = rows(0..10, "new");
            let plan = upsert(&table, &given, route);
            scratch.connection.begin().await.unwrap();
            let mut outcome = scratch.connection.write(&plan, &given, 0..10).await;
            if outcome.is_ok() {
                // Rows that this very transaction wrote.
                outcome = scratch.connection.write(&plan, &given, 0..10).await;
            }
            match expected {
                Some(v) => {
                    assert_eq!(outcome.unwrap(), 10);
                    let sql = format!("FROM t WHERE v = '{v}'");
                    assert_eq!(scratch.rows("count(*)", &sql).await, ["10"], "{route:?}");
                }
                None => assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Data),
            }
            scratch.connection.rollback().await.unwrap();
            scratch.drop().await;
        }
    }
}

#[tokio::test]
async fn a_trigger_that_passes_over_rows_does_so_by_each_route() {
    for route in ROUTES {
        let (mut scratch, table) = with_rows("id bigint PRIMARY KEY, v text", 0..10).await;
        scratch
            .execute(
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN NEW.id > 4 THEN NEW END; END $$; \
                 CREATE TRIGGER f BEFORE UPDATE ON t FOR EACH ROW EXECUTE PROCEDURE f()",
            )
            .await;
        let given = rows(0..12, "new");
        let plan = upsert(&table, &given, route);
        let written = scratch.connection.write(&plan, &given, 0..12).await;
        assert_eq!(written.unwrap(), 12);
        let old = scratch.rows("id", "FROM t WHERE v = 'old' ORDER BY id");
        assert_eq!(old.await, ["0", "1", "2", "3", "4"], "{route:?}");
        assert_eq!(scratch.rows("count(*)", "FROM t").await, ["12"]);
        scratch.drop().await;
    }
}

#[tokio::test]
async fn tables_that_inherit_and_parts_of_tables_are_left_as_insert_leaves_them() {
    for route in ROUTES {
        let (mut scratch, table) = with_rows("id bigint PRIMARY KEY, v text", 0..5).await;
        scratch
            .execute("CREATE TABLE child () INHERITS (t); INSERT INTO child VALUES (1, 'child'), (7, 'child')")
            .await;
        let given = rows(0..10, "new");
        let plan = upsert(&table, &given, route);
        let written = scratch.connection.write(&plan, &given, 0..10).await;
        assert_eq!(written.unwrap(), 10);
        assert_eq!(
            scratch.rows("id, v", "FROM child ORDER BY id").await,
            ["1|child", "7|child"]
        );
        assert_eq!(scratch.rows("count(*)", "FROM ONLY t").await, ["10"]);
        scratch
            .execute(
                "DROP TABLE t CASCADE; CREATE TABLE t (id bigint PRIMARY KEY, v text) PARTITION BY RANGE (id); \
                 CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (5); \
                 CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (5) TO (10); \
                 INSERT INTO t SELECT i, 'old' FROM generate_series(2, 7) i",
            )
            .await;
        let table = scratch.table("t").await;
        let plan = upsert(&table, &given, route);
        let written = scratch.connection.write(&plan, &given, 0..10).await;
        assert_eq!(written.unwrap(), 10);
        let new = scratch.rows("count(*)", "FROM t WHERE v = 'new'").await;
        assert_eq!(new, ["10"], "{route:?}");
        scratch.drop().await;
    }
}

#[tokio::test]
async fn a_key_that_is_not_unique_any_more_is_refused() {
    for route in ROUTES {
        let (mut scratch, table) = with_rows("id bigint PRIMARY KEY, v text", 0..10).await;
        scratch
            .execute("ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t VALUES (1, 'twice')")
            .await;
        let given = rows(0..10, "new");
        let plan = upsert(&table, &given, route);
        let error = scratch
            .connection
            .write(&plan, &given, 0..10)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema, "{error}");
        let new = scratch.rows("count(*)", "FROM t WHERE v = 'new'").await;
        assert_eq!(new, ["0"]);
        scratch.drop().await;
    }
}

#[tokio::test]
async fn writers_that_wait_for_each_other_may_try_again() {
    let (scratch, table) = with_rows("id bigint PRIMARY KEY, v text", 0..2).await;
    let dialect = open(&url()).unwrap();
    let given = rows([0, 1, 0], "new");
    let plan = upsert(&table, &given, Route::Stage);
    let (mut one, mut two) = (
        dialect.connect().await.unwrap(),
        dialect.connect().await.unwrap(),
    );
    for (connection, row) in [(&mut one, 0..1), (&mut two, 1..2)] {
        connection.begin().await.unwrap();
        connection.write(&plan, &given, row).await.unwrap();
    }
    let (first, second) = tokio::join!(
        one.write(&plan, &given, 1..2),
        two.write(&plan, &given, 2..3)
    );
    let errors: Vec<_> = [first, second]
        .into_iter()
        .filter_map(Result::err)
        .collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].kind(), ErrorKind::Conflict, "{}", errors[0]);
    for connection in [one, two] {
        connection.close().await.unwrap();
    }
    scratch.drop().await;
}

#[tokio::test]
async fn a_table_much_larger_than_the_batch_is_not_read_whole() {
    let (mut scratch, table) = with_rows("id bigint PRIMARY KEY, v text", 0..5000).await;
    let given = rows(0..100, "new");
    let plan = upsert(&table, &given, Route::Stage);
    let written = scratch.connection.write(&plan, &given, 0..100).await;
    assert_eq!(written.unwrap(), 100);
    assert_eq!(scratch.rows("count(*)", UPDATED).await, ["0"]);
    let new = scratch.rows("count(*)", "FROM t WHERE v = 'new'").await;
    assert_eq!(new, ["100"]);
    scratch.drop().await;
}

/// The role may do what `INSERT … ON CONFLICT` needs and no more, or its rows are subject to a
/// policy: the outcome is that of the route without an `UPDATE` of its own.
#[tokio::test]
async fn grants_on_columns_and_policies_on_rows_count_as_they_do_for_insert() {
    const GRANTS: &str =
        "SELECT (id, v), INSERT ON t TO {role}; GRANT UPDATE (id, v) ON t TO {role}";
    const POLICIES: &str = "SELECT, INSERT, UPDATE ON t TO {role}; \
         ALTER TABLE t ENABLE ROW LEVEL SECURITY; \
         CREATE POLICY seen ON t FOR SELECT USING (true); \
         CREATE POLICY changed ON t FOR UPDATE USING (true); \
         CREATE POLICY added ON t FOR INSERT WITH CHECK (v <> 'new')";
    for (given, written) in [(GRANTS, true), (POLICIES, false)] {
        for route in ROUTES {
            let (mut scratch, table) =
                with_rows("id bigint PRIMARY KEY, v text COLLATE \"C\"", 0..10).await;
            let role = format!("{}_writer", scratch.schema);
            let rights = given.replace("{role}", &role);
            scratch
                .execute(&format!(
                    "CREATE ROLE {role}; GRANT USAGE ON SCHEMA {} TO {role}; GRANT {rights}; \
                     SET ROLE {role}",
                    scratch.schema
                ))
                .await;
            for ids in [0..10, 5..15] {
                let given = rows(ids, "new");
                let plan = upsert(&table, &given, route);
                let outcome = scratch.connection.write(&plan, &given, 0..10).await;
                assert_eq!(outcome.is_ok(), written, "{route:?}: {outcome:?}");
            }
            scratch.execute("RESET ROLE").await;
            let expected = if written { "15" } else { "0" };
            assert_eq!(
                scratch.rows("count(*)", "FROM t WHERE v = 'new'").await,
                [expected],
                "{route:?}"
            );
            scratch
                .execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
                .await;
            scratch.drop().await;
        }
    }
}
