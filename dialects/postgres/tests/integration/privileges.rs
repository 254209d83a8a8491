//! Roles with few rights: what is found out before the first row, and what goes another way.
use crate::place::{Scratch, open, plan, url};
use connect_api::{ConnectRecord, ErrorKind, Records};
use dialect_core::{Access, Connection, Route, WriteOp};
use std::sync::atomic::{AtomicU32, Ordering};

/// A role of the test's own, and its name.
async fn role(scratch: &mut Scratch) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let role = format!("few_rights_{}_{n}", std::process::id());
    let sql = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'planted'; GRANT USAGE ON SCHEMA {} TO {role}",
        scratch.schema
    );
    scratch.execute(&sql).await;
    role
}

async fn connect_as(role: &str, database: &str) -> Box<dyn Connection> {
    let url = url();
    let (_, server) = url.split_once('@').unwrap();
    let (server, _) = server.split_once('/').unwrap();
    let url = format!("postgres://{role}:planted@{server}/{database}");
    open(&url).unwrap().connect().await.unwrap()
}

async fn without(mut scratch: Scratch, role: &str) {
    let sql = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    scratch.execute(&sql).await;
    scratch.drop().await;
}

#[tokio::test]
async fn the_columns_that_a_role_may_read_and_write_are_reported() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute("CREATE TABLE t (id int PRIMARY KEY, a text, secret text, b text)")
        .await;
    let table = scratch.table("t").await;
    let role = role(&mut scratch).await;
    let grant = format!("GRANT SELECT (id, a), INSERT (id, b), UPDATE (b) ON t TO {role}");
    scratch.execute(&grant).await;
    let mut theirs = connect_as(&role, "connect").await;
    for (access, expected) in [
        (Access::Select, &[0, 1][..]),
        (Access::Insert, &[0, 3]),
        (Access::Update, &[3]),
    ] {
        let granted = theirs.granted(&table, access).await.unwrap();
        assert_eq!(granted, expected, "{access:?}");
    }
    theirs.close().await.unwrap();
    let mut all = scratch
        .connection
        .granted(&table, Access::Select)
        .await
        .unwrap();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3]);
    without(scratch, &role).await;
}

/// What a trial says is what the write does, for each operation and each set of rights.
#[tokio::test]
async fn a_dry_run_reports_what_the_write_will_meet_and_changes_nothing() {
    let mut scratch = Scratch::new().await;
    scratch
        .execute("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'old')")
        .await;
    let table = scratch.table("t").await;
    let schema = table.schema(&[0, 1], &["id"]).unwrap();
    let row = |id: i64| ConnectRecord {
        values: vec![id.into(), "new".into()],
        ..Default::default()
    };
    let records = Records::from_rows("t".into(), schema, (1..3).map(row)).unwrap();
    let role = role(&mut scratch).await;
    let ops = [
        (WriteOp::Insert, &[][..]),
        (WriteOp::InsertIgnore, &["id"][..]),
        (WriteOp::Upsert, &["id"]),
        (WriteOp::Update, &["id"]),
        (WriteOp::Delete, &["id"]),
    ];
    let (mut refused, mut allowed) = (0, 0);
    for rights in [
        "SELECT",
        "INSERT",
        "INSERT, UPDATE",
        "INSERT, UPDATE, SELECT",
        "UPDATE",
        "UPDATE, SELECT",
        "DELETE",
        "DELETE, SELECT",
        "INSERT (id, v), UPDATE (v), SELECT (id, v)",
    ] {
        let sql = format!("REVOKE ALL ON t FROM {role}; GRANT {rights} ON t TO {role}");
        scratch.execute(&sql).await;
        for (op, key) in ops {
            for route in [None, Some(Route::Values), Some(Route::Stage)] {
                let shown = format!("{op:?} by {route:?} with {rights}");
                let plan = plan(&table, &records, op, key, route).unwrap();
                let mut theirs = connect_as(&role, "connect").await;
                let tried = theirs.try_out(&plan).await;
                theirs.begin().await.unwrap();
                // The plain insert meets the row that is there.
                let rows = if op == WriteOp::Insert { 1..2 } else { 0..2 };
                let written = theirs.write(&plan, &records, rows).await;
                let kinds = (tried.as_ref().err(), written.as_ref().err());
                let kinds = (kinds.0.map(|e| e.kind()), kinds.1.map(|e| e.kind()));
                assert_eq!(kinds.0, kinds.1, "{shown}: {tried:?} {written:?}");
                match kinds.0 {
                    Some(ErrorKind::Auth) => refused += 1,
                    None => allowed += 1,
                    Some(other) => panic!("{shown}: {other:?}"),
                }
                theirs.rollback().await.unwrap();
                theirs.close().await.unwrap();
                assert_eq!(scratch.rows("id, v", "FROM t").await, ["1|old"], "{shown}");
            }
        }
    }
    assert!(
        refused > 20 && allowed > 20,
        "{refused} refused, {allowed} allowed"
    );
    without(scratch, &role).await;
}

/// Where no temporary table can be made, a large batch goes by the statements of small ones.
#[tokio::test]
async fn without_the_privilege_temporary_large_batches_arrive_all_the_same() {
    let mut scratch = Scratch::new().await;
    let role = role(&mut scratch).await;
    let database = format!("no_temp_{}", std::process::id());
    scratch
        .execute(&format!("CREATE DATABASE {database} OWNER connect"))
        .await;
    let revoke = format!("REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC");
    scratch.execute(&revoke).await;
    let owner = url().rsplit_once('/').unwrap().0.to_owned() + "/" + &database;
    let mut owner = open(&owner).unwrap().connect().await.unwrap();
    let sql = format!("CREATE TABLE t (id int PRIMARY KEY, v text); GRANT ALL ON t TO {role}");
    owner.execute(&sql).await.unwrap();
    let mut theirs = connect_as(&role, &database).await;
    let name = dialect_core::TableName::new("t");
    let table = theirs.describe(&name).await.unwrap().unwrap();
    let schema = table.schema(&[0, 1], &["id"]).unwrap();
    for (op, ids) in [
        (WriteOp::Insert, 0..20_000),
        (WriteOp::Upsert, 10_000..30_000),
        (WriteOp::Update, 0..20_000),
        (WriteOp::Delete, 0..30_000),
    ] {
        let count = ids.end - ids.start;
        let row = |id: i64| ConnectRecord {
            values: vec![id.into(), "x".repeat(100).into()],
            ..Default::default()
        };
        let records = Records::from_rows("t".into(), schema.clone(), ids.map(row)).unwrap();
        let key = &["id"][..usize::from(op != WriteOp::Insert)];
        for route in [None, Some(Route::Stage)] {
            let plan = plan(&table, &records, op, key, route).unwrap();
            theirs.try_out(&plan).await.unwrap();
            theirs.begin().await.unwrap();
            let written = theirs.write(&plan, &records, 0..records.len()).await;
            let written = written.unwrap_or_else(|e| panic!("{op:?}: {}", e.report()));
            assert_eq!(
                i64::try_from(written).unwrap(),
                count,
                "{op:?} by {route:?}"
            );
            match route {
                // The next operation finds what this one has done.
                None => theirs.rollback().await.unwrap(),
                Some(_) => theirs.commit().await.unwrap(),
            }
        }
    }
    theirs.close().await.unwrap();
    owner.execute("DROP TABLE t").await.unwrap();
    owner.close().await.unwrap();
    scratch
        .execute(&format!("DROP DATABASE {database} WITH (FORCE)"))
        .await;
    without(scratch, &role).await;
}
