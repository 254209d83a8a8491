//! Tables that are changed in the middle of being read: between two pages, while one is read, and while
//! several readers read ranges side by side.
use crate::harness::*;
use connect_api::{PartState, Polled, Records, Value, config::Settings};
use dialects::OpenOptions;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

const ROWS: i64 = 800;

/// How the rows are read.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reading {
    /// Page after page.
    Pages,
    /// Over several connections.
    Ranges,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    AddedWithDefault,
    Dropped,
    Renamed,
    Widened,
    IntToText,
    /// Copied into a table with its columns in another order, which takes its name.
    MadeAgain,
}

const CHANGES: [Change; 6] = [
    Change::AddedWithDefault,
    Change::Dropped,
    Change::Renamed,
    Change::Widened,
    Change::IntToText,
    Change::MadeAgain,
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Vendor {
    Postgres,
    MariaDb,
    Sqlite,
}

struct Place {
    vendor: Vendor,
    database: Database,
}

async fn places() -> [Place; 3] {
    [
        Place {
            vendor: Vendor::Postgres,
            database: Database::server("CONNECT_TEST_POSTGRES_URL"),
        },
        Place {
            vendor: Vendor::MariaDb,
            database: Database::server("CONNECT_TEST_MYSQL_URL"),
        },
        Place {
            vendor: Vendor::Sqlite,
            database: Database::sqlite(&["PRAGMA journal_mode = wal"]).await,
        },
    ]
}

impl Place {
    /// Rows from 1 on, whose `v` is three times their number.
    async fn table(&self, name: &str) -> String {
        let table = unique(name);
        let create = format!(
            "CREATE TABLE {table} (id BIGINT NOT NULL PRIMARY KEY, v INT NOT NULL, name VARCHAR(20))"
        );
        self.database.execute(&create).await;
        let ids: Vec<i64> = (1..=ROWS).collect();
        for ids in ids.chunks(1_000) {
            let rows: Vec<_> = ids
                .iter()
                .map(|id| format!("({id}, {}, 'n{id}')", id * 3))
                .collect();
            let insert = format!("INSERT INTO {table} VALUES {}", rows.join(", "));
            self.database.execute(&insert).await;
        }
        table
    }

    fn settings(&self, tables: &str, reading: Reading) -> Settings {
        let threads = match reading {
            Reading::Pages => "1",
            Reading::Ranges => "3",
        };
        self.database.settings(&[
            ("mode", "incrementing"),
            ("incrementing.column.name", "id"),
            ("table.whitelist", tables),
            ("batch.max.rows", "50"),
            // Transactions of other tests would hold back positions.
            ("gap.safe", "false"),
            ("snapshot.parallel.min.rows", "100"),
            ("snapshot.max.threads", threads),
            ("table.poll.interval.ms", "300"),
        ])
    }

    /// The statements of a change; none where the database has no such change.
    fn change(&self, table: &str, change: Change) -> Vec<String> {
        let alter = |what: &str| vec![format!("ALTER TABLE {table} {what}")];
        match (change, self.vendor) {
            (Change::AddedWithDefault, _) => alter("ADD COLUMN extra INT NOT NULL DEFAULT 7"),
            (Change::Dropped, _) => alter("DROP COLUMN v"),
            (Change::Renamed, _) => alter("RENAME COLUMN v TO w"),
            (Change::Widened, Vendor::Postgres) => alter("ALTER COLUMN v TYPE bigint"),
            (Change::Widened, Vendor::MariaDb) => alter("MODIFY v bigint NOT NULL"),
            (Change::IntToText, Vendor::Postgres) => {
                alter("ALTER COLUMN v TYPE text USING v::text")
            }
            (Change::IntToText, Vendor::MariaDb) => alter("MODIFY v varchar(20) NOT NULL"),
            (Change::Widened | Change::IntToText, Vendor::Sqlite) => Vec::new(),
            (Change::MadeAgain, vendor) => {
                let mut statements = vec![
                    format!(
                        "CREATE TABLE {table}_new (name VARCHAR(20), v VARCHAR(20) NOT NULL, id BIGINT \
                         NOT NULL PRIMARY KEY)"
                    ),
                    format!("INSERT INTO {table}_new SELECT name, v, id FROM {table}"),
                ];
                statements.push(match vendor {
                    Vendor::MariaDb => {
                        format!("RENAME TABLE {table} TO {table}_old, {table}_new TO {table}")
                    }
                    Vendor::Postgres | Vendor::Sqlite => format!(
                        "BEGIN; ALTER TABLE {table} RENAME TO {table}_old; \
                         ALTER TABLE {table}_new RENAME TO {table}; COMMIT"
                    ),
                });
                statements.push(format!("DROP TABLE {table}_old"));
                statements
            }
        }
    }

    /// A table that takes the name of another is read from its first row.
    fn reads_again(&self, change: Change) -> bool {
        change == Change::MadeAgain && self.vendor == Vendor::Postgres
    }

    async fn drop(&self, table: &str) {
        self.database.execute(&format!("DROP TABLE {table}")).await;
    }
}

/// The rows that came, by number, with the number of times that each did.
#[derive(Default)]
struct Seen {
    rows: BTreeMap<i64, u32>,
    /// The last page had the new columns.
    is_new: bool,
}

impl Seen {
    /// Compares a page with the table before and after the change.
    fn take(&mut self, page: &Records, change: Change, what: &str) {
        let schema = page.schema();
        let has = |name: &str| schema.index_of(name).is_some();
        let mut is_new = match change {
            Change::AddedWithDefault => has("extra"),
            Change::Dropped => !has("v"),
            Change::Renamed => has("w"),
            Change::Widened | Change::IntToText | Change::MadeAgain => false,
        };
        if change == Change::Widened {
            let column = schema.index_of("v").unwrap();
            is_new = schema.kinds()[column] == connect_api::Kind::Int64;
        }
        for row in page.rows() {
            let value = |name: &str| row.by_name(name).map(|cell| cell.to_value());
            let Some(Value::Int(id)) = value("id") else {
                panic!("{what}: a row without a number");
            };
            *self.rows.entry(id).or_default() += 1;
            assert_eq!(
                value("name"),
                Some(Value::from(format!("n{id}").as_str())),
                "{what}"
            );
            let (number, text) = (
                Value::Int(id * 3),
                Value::from((id * 3).to_string().as_str()),
            );
            match (change, value("v"), value("w")) {
                (Change::Renamed, Some(v), None) | (Change::Renamed, None, Some(v)) => {
                    assert_eq!(v, number, "{what}: row {id}");
                }
                (Change::Dropped, None, None) => {}
                (Change::IntToText | Change::MadeAgain, Some(v), None) if v == text => {
                    is_new = true;
                }
                (_, Some(v), None) => assert_eq!(v, number, "{what}: row {id}"),
                (_, v, w) => panic!("{what}: row {id}: {v:?} {w:?}"),
            }
            if let Some(extra) = value("extra") {
                assert_eq!(extra, Value::Int(7), "{what}: row {id}");
            }
        }
        assert!(
            is_new || !self.is_new || !has_one_reader(what),
            "{what}: back to the old columns"
        );
        self.is_new = is_new;
    }

    fn is_complete(&self, last: i64) -> bool {
        self.rows.keys().copied().eq(1..=last)
    }

    fn assert_once(&self, what: &str) {
        let twice: Vec<_> = self
            .rows
            .iter()
            .filter(|(_, times)| **times > 1)
            .take(5)
            .collect();
        assert!(twice.is_empty(), "{what}: {twice:?}");
    }
}

/// Pages come in the order in which they were read.
fn has_one_reader(what: &str) -> bool {
    what.contains("Pages")
}

async fn next(run: &mut Run, until: Instant, what: &str) -> Option<Records> {
    assert!(Instant::now() < until, "{what}: not in time");
    let page = run.page().await;
    if page.is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    page
}

/// Between two pages: all that is read behind the change has the new columns.
async fn between_pages(place: &Place, change: Change, reading: Reading) {
    let what = format!("{:?} {change:?} {reading:?}", place.vendor);
    let table = place.table("midway").await;
    let statements = place.change(&table, change);
    if statements.is_empty() {
        return place.drop(&table).await;
    }
    let mut run = Run::start(&place.settings(&table, reading), &Arc::default()).await;
    let until = Instant::now() + DEADLINE;
    let mut seen = Seen::default();
    // In the middle of a snapshot, the first pages of which are read by one connection.
    while seen.rows.len() < 200 {
        if let Some(page) = next(&mut run, until, &what).await {
            seen.take(&page, change, &what);
        }
    }
    assert!(seen.rows.len() < 600 && !seen.is_new, "{what}");
    for statement in &statements {
        place.database.execute(statement).await;
    }
    if place.reads_again(change) {
        let again = Seen::default();
        seen = again;
    }
    let mut pages = 0;
    while !seen.is_complete(ROWS) {
        if let Some(page) = next(&mut run, until, &what).await {
            seen.take(&page, change, &what);
            pages += 1;
            assert!(
                seen.is_new || reading == Reading::Ranges,
                "{what}: page {pages}"
            );
        }
    }
    assert!(seen.is_new, "{what}");
    if !place.reads_again(change) {
        seen.assert_once(&what);
    }
    let rest = run.drain().await;
    let rest: usize = rest.iter().map(Records::len).sum();
    assert!(
        rest == 0 || place.reads_again(change),
        "{what}: {rest} rows again"
    );
    run.stop().await;
    place.drop(&table).await;
}

#[tokio::test]
async fn a_change_between_two_pages_takes_effect_with_the_next_and_loses_no_row() {
    for place in places().await {
        for change in CHANGES {
            between_pages(&place, change, Reading::Pages).await;
        }
    }
}

#[tokio::test]
async fn a_change_while_ranges_are_read_side_by_side_loses_no_row() {
    for place in places().await {
        for change in CHANGES {
            between_pages(&place, change, Reading::Ranges).await;
        }
    }
}

/// At a moment that nobody chooses: while a statement runs, or its answer is read.
async fn any_time(place: &Place, change: Change, reading: Reading) {
    let what = format!("{:?} {change:?} {reading:?} at any time", place.vendor);
    let table = place.table("anytime").await;
    let statements = place.change(&table, change);
    if statements.is_empty() {
        return place.drop(&table).await;
    }
    let changed = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (url, changed) = (place.database.url.clone(), changed.clone());
        let (id, v) = (ROWS + 1, (ROWS + 1) * 3);
        let insert = match change {
            Change::AddedWithDefault | Change::Widened => {
                format!("(id, v, name) VALUES ({id}, {v}, 'n{id}')")
            }
            Change::Dropped => format!("(id, name) VALUES ({id}, 'n{id}')"),
            Change::Renamed => format!("(id, w, name) VALUES ({id}, {v}, 'n{id}')"),
            Change::IntToText | Change::MadeAgain => {
                format!("(id, v, name) VALUES ({id}, '{v}', 'n{id}')")
            }
        };
        let insert = format!("INSERT INTO {table} {insert}");
        async move {
            let dialect = dialects::open(&url, &OpenOptions::default()).unwrap();
            let mut connection = dialect.connect().await.unwrap();
            for statement in statements.into_iter().chain([insert]) {
                let done = connection.execute(&statement).await;
                done.unwrap_or_else(|e| panic!("{statement}: {}", e.report()));
            }
            connection.close().await.unwrap();
            changed.store(true, Ordering::SeqCst);
        }
    });
    let mut run = Run::start(&place.settings(&table, reading), &Arc::default()).await;
    let until = Instant::now() + DEADLINE;
    let mut seen = Seen::default();
    while !(seen.is_complete(ROWS + 1) && changed.load(Ordering::SeqCst)) {
        if let Some(page) = next(&mut run, until, &what).await {
            seen.take(&page, change, &what);
        }
    }
    writer.await.unwrap();
    if !place.reads_again(change) {
        seen.assert_once(&what);
    }
    // The row that was written behind the change has the new columns.
    assert!(seen.is_new, "{what}");
    run.stop().await;
    place.drop(&table).await;
}

#[tokio::test]
async fn a_change_at_any_time_loses_no_row_and_reads_none_by_old_columns() {
    for place in places().await {
        for change in [
            Change::AddedWithDefault,
            Change::IntToText,
            Change::MadeAgain,
        ] {
            for reading in [Reading::Pages, Reading::Ranges] {
                any_time(&place, change, reading).await;
            }
        }
    }
}

/// A column of the mode that is renamed, or dropped, stops its table alone; a table that is mended is read
/// from where it was.
#[tokio::test]
async fn a_mode_column_that_disappears_midway_stops_its_table_alone_until_it_is_back() {
    for place in places().await {
        for reading in [Reading::Pages, Reading::Ranges] {
            let what = format!("{:?} {reading:?}", place.vendor);
            let (broken, other) = (place.table("broken").await, place.table("other").await);
            let tables = format!("{broken},{other}");
            let mut run = Run::start(&place.settings(&tables, reading), &Arc::default()).await;
            let until = Instant::now() + DEADLINE;
            let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
            let mut take = |page: &Records| {
                let of = seen.entry(page.schema().name().to_owned()).or_default();
                of.take(page, Change::AddedWithDefault, &what);
                seen.get(&broken).map_or(0, |seen| seen.rows.len())
            };
            while take(&next(&mut run, until, &what).await.unwrap()) < 200 {}
            let rename = format!("ALTER TABLE {broken} RENAME COLUMN id TO nr");
            place.database.execute(&rename).await;
            let failed = |run: &Run| {
                let parts = run.parts();
                let mut failed = parts
                    .iter()
                    .filter(|(_, part)| part.state == PartState::Failed);
                failed
                    .next()
                    .map(|(name, part)| (name.to_string(), part.error.clone()))
            };
            let (name, error) = loop {
                if let Some(failed) = failed(&run) {
                    break failed;
                }
                if let Some(page) = next(&mut run, until, &what).await {
                    take(&page);
                }
            };
            assert!(name.ends_with(&broken), "{what}: {name}");
            let error = error.unwrap();
            for words in ["`id` does not exist", "`id` dropped", &broken] {
                assert!(error.contains(words), "{what}: {words}: {error}");
            }
            // The other one is read to its end, and on.
            let (id, v) = (ROWS + 1, (ROWS + 1) * 3);
            let insert = format!("INSERT INTO {other} VALUES ({id}, {v}, 'n{id}')");
            place.database.execute(&insert).await;
            loop {
                match next(&mut run, until, &what).await {
                    Some(page) if numbers(std::slice::from_ref(&page), "id").contains(&id) => {
                        take(&page);
                        break;
                    }
                    Some(page) => drop(take(&page)),
                    None => {}
                }
            }
            let rename = format!("ALTER TABLE {broken} RENAME COLUMN nr TO id");
            place.database.execute(&rename).await;
            while match next(&mut run, until, &what).await {
                Some(page) => take(&page) < 800,
                None => true,
            } {}
            assert!(run.drain().await.is_empty(), "{what}");
            for (table, seen) in &seen {
                let last = ROWS + i64::from(*table == other);
                assert!(seen.is_complete(last), "{what}: {table}");
                seen.assert_once(&what);
            }
            run.stop().await;
            for table in [broken, other] {
                place.drop(&table).await;
            }
        }
    }
}

/// A primary key column that is dropped in the middle: its rows have no key, and no order in a page.
#[tokio::test]
async fn a_key_column_that_is_dropped_midway_is_named_and_nothing_behind_is_skipped() {
    for place in places().await {
        if place.vendor == Vendor::Sqlite {
            // It drops no column of a key.
            continue;
        }
        let what = format!("{:?}", place.vendor);
        let (broken, other) = (place.table("keyless").await, place.table("keyed").await);
        let tables = format!("{broken},{other}");
        let mut settings = place.settings(&tables, Reading::Ranges);
        settings.set("mode", "bulk");
        settings.set("incrementing.column.name", "");
        settings.set(format!("tables.{broken}.message.key.columns"), "id");
        let mut run = Run::start(&settings, &Arc::default()).await;
        let until = Instant::now() + DEADLINE;
        let mut rows = 0;
        while rows < 200 {
            if let Some(page) = next(&mut run, until, &what).await {
                rows += page.len();
            }
        }
        let drop = format!("ALTER TABLE {broken} DROP COLUMN id");
        place.database.execute(&drop).await;
        loop {
            assert!(Instant::now() < until, "{what}");
            if let Polled::Records(records) = run.polled().await {
                run.store.keep(&records);
                if records.schema().name() == broken && !records.is_empty() {
                    assert!(records.schema().index_of("id").is_some(), "{what}");
                }
            }
            let parts = run.parts();
            let failed = parts
                .iter()
                .find(|(_, part)| part.state == PartState::Failed);
            if let Some((name, part)) = failed {
                assert!(name.ends_with(&broken), "{what}: {name}");
                let error = part.error.clone().unwrap();
                let words = "`message.key.columns`";
                assert!(
                    error.contains(words) && error.contains("`id`"),
                    "{what}: {error}"
                );
                break;
            }
        }
        run.stop().await;
        for table in [broken, other] {
            place.drop(&table).await;
        }
    }
}
