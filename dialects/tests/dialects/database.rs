//! The everyday calls, on real servers.
use connect_api::{
    ErrorKind,
    arrow::array::{Array as _, RecordBatch, RecordBatchReader as _, cast::AsArray as _},
};
use dialects::{BlockingReader, Database, OpenOptions, Write};
use futures_util::{TryStreamExt as _, stream};
use std::time::{SystemTime, UNIX_EPOCH};

fn url(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set"))
}

fn unique(name: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("{name}_{}", now.as_nanos())
}

fn rows(from: i32, to: i32) -> RecordBatch {
    use connect_api::arrow::array::{Int32Array, StringArray};
    use std::sync::Arc;
    let names: StringArray = (from..to).map(|id| Some(format!("name {id}"))).collect();
    RecordBatch::try_from_iter([
        ("id", Arc::new(Int32Array::from_iter_values(from..to)) as _),
        ("name", Arc::new(names) as _),
    ])
    .unwrap()
}

async fn count(database: &mut Database, table: &str) -> i64 {
    let mut rows = database
        .read_query(&format!("SELECT COUNT(*) AS n FROM {table}"))
        .await
        .unwrap();
    let batch = rows.next().await.unwrap().unwrap();
    batch
        .column(0)
        .as_primitive::<connect_api::arrow::array::types::Int64Type>()
        .value(0)
}

#[tokio::test]
async fn a_table_is_streamed_from_one_database_into_another() {
    let table = unique("everyday");
    let mut postgres = Database::connect(&url("CONNECT_TEST_POSTGRES_URL"))
        .await
        .unwrap();
    let how = Write::insert().by_key(["id"]).create_table();
    let batches = stream::iter([Ok(rows(0, 9_000)), Ok(rows(9_000, 20_000))]);
    let written = postgres.write_all(&table, batches, &how).await.unwrap();
    assert_eq!((written.rows, written.rejected.len()), (20_000, 0));

    let mut mariadb = Database::connect(&url("CONNECT_TEST_MYSQL_URL"))
        .await
        .unwrap();
    let read = postgres.read_table(&table).await.unwrap().into_stream();
    let how = Write::upsert()
        .by_key(["id"])
        .create_table()
        .in_one_transaction();
    let written = mariadb.write_all(&table, read, &how).await.unwrap();
    assert_eq!(written.rows, 20_000);
    assert_eq!(count(&mut mariadb, &table).await, 20_000);
    // The key is that of the table that was made.
    assert_eq!(mariadb.describe(&table).await.unwrap().primary_key, ["id"]);
    for database in [&mut postgres, &mut mariadb] {
        database
            .connection()
            .execute(&format!("DROP TABLE {table}"))
            .await
            .unwrap();
    }
    mariadb.close().await.unwrap();
}

#[tokio::test]
async fn one_transaction_is_whole_or_nothing_and_batches_stay_as_far_as_they_came() {
    let table = unique("whole");
    let mut database = Database::connect(&url("CONNECT_TEST_POSTGRES_URL"))
        .await
        .unwrap();
    let how = Write::insert().by_key(["id"]).create_table();
    let twice = || stream::iter([Ok(rows(0, 100)), Ok(rows(50, 150))]);
    let error = database
        .write_all(&table, twice(), &how.clone().in_one_transaction())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    assert_eq!(count(&mut database, &table).await, 0);

    let error = database.write_all(&table, twice(), &how).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(count(&mut database, &table).await, 100);

    let written = database
        .write_all(&table, twice(), &how.clone().skip_rejected())
        .await
        .unwrap();
    assert_eq!(written.rows, 50);
    let rejected: Vec<_> = written.rejected.iter().map(|row| row.row).collect();
    assert_eq!(rejected, (0..150).collect::<Vec<_>>());
    assert_eq!(count(&mut database, &table).await, 150);

    let both = how.skip_rejected().in_one_transaction();
    let error = database
        .write(&table, &rows(0, 1), &both)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    database
        .connection()
        .execute(&format!("DROP TABLE {table}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_reading_that_is_left_leaves_the_database_usable() {
    let mut database = Database::connect("sqlite::memory:").await.unwrap();
    let how = Write::insert().create_table();
    database
        .write("numbers", &rows(0, 20_000), &how)
        .await
        .unwrap();
    let mut read = database.read_table("numbers").await.unwrap();
    assert_eq!(read.next().await.unwrap().unwrap().num_rows(), 8_192);
    drop(read);
    let batches: Vec<_> = database
        .read_table("numbers")
        .await
        .unwrap()
        .into_stream()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(
        batches.iter().map(RecordBatch::num_rows).sum::<usize>(),
        20_000
    );
    let missing = database.read_table("nothing").await.err().unwrap();
    assert_eq!(missing.kind(), ErrorKind::Schema);
    let error = database
        .write("nothing", &rows(0, 1), &Write::insert())
        .await
        .unwrap_err();
    assert!(error.report().contains("Write::create_table"), "{error}");
}

#[test]
fn programs_that_are_not_asynchronous_read_by_an_iterator() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("people.db").display());
    let new = format!("{url}?mode=rwc");
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let mut database = Database::connect(&new).await.unwrap();
            let how = Write::insert().create_table();
            database
                .write("people", &rows(0, 20_000), &how)
                .await
                .unwrap();
        });
    let options = OpenOptions::default();
    let reader = BlockingReader::table(&url, &options, "people").unwrap();
    assert_eq!(reader.schema().fields().len(), 2);
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    assert_eq!(
        batches.iter().map(RecordBatch::num_rows).sum::<usize>(),
        20_000
    );
    let names = batches[0].column(1).as_string::<i32>();
    assert_eq!((names.value(7), names.null_count()), ("name 7", 0));

    let query = "SELECT id FROM people WHERE id < 3";
    let read = BlockingReader::query(&url, &options, query).unwrap();
    assert_eq!(
        read.map(|batch| batch.unwrap().num_rows()).sum::<usize>(),
        3
    );
    let fault = BlockingReader::query(&url, &options, "SELECT nothing").unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Schema, "{fault}");
    // Left in the middle, it ends by itself.
    drop(BlockingReader::table(&url, &options, "people").unwrap());
}
