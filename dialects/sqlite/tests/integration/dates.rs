//! Dates and times as seconds and as Julian days.
use crate::place::Database;
use connect_api::{ErrorKind, Kind, Schema, Value};
use dialect_core::{KeyPart, Page, SqliteDates};
use std::{num::NonZeroU32, time::Duration};

const DAY: i64 = 86_400_000_000;
const MODES: [SqliteDates; 2] = [SqliteDates::Unix, SqliteDates::Julian];

#[tokio::test]
async fn numbers_that_sqlites_functions_make_are_read_as_dates() {
    for (dates, function) in [
        (SqliteDates::Unix, "unixepoch"),
        (SqliteDates::Julian, "julianday"),
    ] {
        let columns = "d DATE, ts TIMESTAMP, tz TIMESTAMPTZ, dt DATETIME";
        let mut database = Database::with(columns, dates).await;
        let stamp = format!("{function}('2024-02-29 12:34:56.789', 'subsec')");
        let stamp = match dates {
            SqliteDates::Julian => stamp.replace(", 'subsec'", ""),
            _ => stamp,
        };
        let sql = format!(
            "INSERT INTO t VALUES ({function}('2024-02-29'), {stamp}, {stamp}, {function}('1969-12-31 23:59:59'))"
        );
        database.run(&sql).await;
        let stamp = Value::Timestamp(19_782 * DAY + 45_296_789_000);
        let read = database.read().await;
        let expected = [
            Value::Date(19_782),
            stamp.clone(),
            stamp,
            Value::Timestamp(-1_000_000),
        ];
        assert_eq!(read, [expected.to_vec()], "{dates:?}");
    }
}

#[tokio::test]
async fn dates_are_written_as_numbers_and_come_back() {
    for dates in MODES {
        let mut database = Database::with("d DATE, at TIME, ts TIMESTAMP", dates).await;
        let kinds = [
            Kind::Date.field("d", true),
            Kind::Time.field("at", true),
            Kind::Timestamp { utc: false }.field("ts", true),
        ];
        let schema = Schema::new("s", kinds, &[]).unwrap();
        let row = |days: i64, micros: i64| {
            vec![
                Value::Date(i32::try_from(days).unwrap()),
                Value::Time(micros),
                Value::Timestamp(days * DAY + micros),
            ]
        };
        let rows = [
            row(0, 0),
            row(-1, 1_000),
            row(-719_528, DAY - 1_000_000),
            row(19_782, 45_296_789_000),
            row(2_932_896, 3_600_000_000),
            vec![Value::Null; 3],
        ];
        database.insert(&schema, &rows).await.unwrap();
        assert_eq!(database.read().await, rows, "{dates:?}");
        let numbers = "SELECT count(*) AS n FROM t WHERE typeof(d) IN ('integer', 'real') \
             AND typeof(at) IN ('integer', 'real') AND typeof(ts) IN ('integer', 'real')";
        assert_eq!(database.ask(numbers).await.unwrap(), [[Value::Int(5)]]);
    }
}

#[tokio::test]
async fn what_a_number_cannot_hold_is_refused() {
    for (dates, declared, kind, value) in [
        (
            SqliteDates::Julian,
            "TIMESTAMP",
            Kind::Timestamp { utc: false },
            Value::Timestamp(1),
        ),
        (SqliteDates::Julian, "TIME", Kind::Time, Value::Time(1)),
        (SqliteDates::Unix, "TIME", Kind::Time, Value::Time(DAY)),
        (
            SqliteDates::Unix,
            "DATE",
            Kind::Date,
            Value::Date(2_932_897),
        ),
        (
            SqliteDates::Unix,
            "TIMESTAMP",
            Kind::Timestamp { utc: false },
            Value::Timestamp(-719_162 * DAY + 1),
        ),
    ] {
        let mut database = Database::with(&format!("v {declared}"), dates).await;
        let schema = Schema::new("s", [kind.field("v", true)], &[]).unwrap();
        let error = database.insert(&schema, &[vec![value]]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(
            error.report().contains("column `v` of table `t`"),
            "{}",
            error.report()
        );
    }
    for (dates, cell) in [
        (SqliteDates::Unix, "'2024-01-01'"),
        (SqliteDates::Unix, "86401"),
        (SqliteDates::Unix, "9e300"),
        (SqliteDates::Julian, "2451545"),
        (SqliteDates::Julian, "x'00'"),
        (SqliteDates::Julian, "-1"),
    ] {
        let mut database = Database::with("v DATE", dates).await;
        database
            .run(&format!("INSERT INTO t VALUES ({cell})"))
            .await;
        let error = database.read_error().await;
        assert_eq!(error.kind(), ErrorKind::Data, "{dates:?} {cell}");
    }
}

#[tokio::test]
async fn pages_by_numbers_hold_every_row_once_in_the_order_of_time() {
    for dates in MODES {
        for (declared, cells) in [
            (
                "TIMESTAMP",
                [
                    "-1",
                    "0",
                    "0.001",
                    "1700000000",
                    "1700000000.123",
                    "1700000000.124",
                ],
            ),
            (
                "DATE",
                ["-86400", "0", "86400", "172800", "259200", "1699920000"],
            ),
            ("TIME", ["0", "0.001", "1", "3600", "86399", "86399.999"]),
        ] {
            let mut database = Database::with(&format!("ts {declared}, id INTEGER"), dates).await;
            for (id, cell) in cells.iter().enumerate().rev() {
                let cell = match (dates, declared) {
                    (SqliteDates::Unix, _) => (*cell).to_owned(),
                    (_, "TIME") => {
                        format!("julianday(strftime('%H:%M:%f', {cell}, 'unixepoch'))")
                    }
                    _ => format!("julianday({cell}, 'unixepoch')"),
                };
                database
                    .run(&format!("INSERT INTO t VALUES ({cell}, {id})"))
                    .await;
            }
            // As computing with days leaves them: the same to the millisecond.
            if dates == SqliteDates::Julian {
                database
                    .run("UPDATE t SET ts = ts + 2e-10 WHERE id % 2")
                    .await;
            }
            let key = [KeyPart { columns: vec![0] }];
            let (mut after, mut ids) = (None::<Vec<Value>>, Vec::new());
            loop {
                let page = database.try_read(&key, after.as_deref(), 1).await.unwrap();
                let Some(row) = page.first() else { break };
                after = Some(vec![row[0].clone()]);
                ids.push(row[1].clone());
                assert!(ids.len() < 20, "{dates:?} {declared}: pages come to an end");
            }
            let all: Vec<_> = (0..6).map(Value::Int).collect();
            assert_eq!(ids, all, "{dates:?} {declared}");
            let table = database.table().await;
            let whole = Page {
                key: &key,
                ..Page::of(&table, &[0, 1])
            };
            let dialect = database.dialect.clone();
            let parts = NonZeroU32::new(3).unwrap();
            let splits = database
                .connection
                .split(dialect.syntax(), &whole, parts)
                .await
                .unwrap();
            assert_eq!(splits.len(), 3, "{splits:?}");
        }
    }
}

#[tokio::test]
async fn the_present_time_is_in_the_form_of_the_column() {
    for dates in [SqliteDates::Unix, SqliteDates::Julian, SqliteDates::Iso] {
        let mut database = Database::with("ts TIMESTAMP, id INTEGER", dates).await;
        let table = database.table().await;
        let statement = database.dialect.syntax().select_now(&table.columns[0]);
        let kind = table.columns[0].kind.clone().unwrap();
        let schema = Schema::new("now", [kind.field("now", true)], &[]).unwrap();
        let mut cursor = database
            .connection
            .query(&statement, &schema)
            .await
            .unwrap();
        let batch = cursor.next(1, 100).await.unwrap().unwrap();
        drop(cursor);
        let read = connect_api::Records::new("t".into(), schema.clone(), batch).unwrap();
        let Value::Timestamp(now) = read.row(0).get(0).to_value() else {
            panic!("a timestamp")
        };
        let clock = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        assert!(
            (i64::try_from(clock.as_micros()).unwrap() - now).abs() < 60_000_000,
            "{dates:?} {now}"
        );
        let fields = [
            Kind::Timestamp { utc: false }.field("ts", true),
            Kind::Int64.field("id", true),
        ];
        let schema = Schema::new("s", fields, &[]).unwrap();
        let now = now / 1_000 * 1_000;
        let rows = [now - 3_600_000_000, now + 3_600_000_000]
            .iter()
            .zip([1, 2])
            .map(|(at, id)| vec![Value::Timestamp(*at), id.into()])
            .collect::<Vec<_>>();
        database.insert(&schema, &rows).await.unwrap();
        let key = [KeyPart { columns: vec![0] }];
        let page = Page {
            key: &key,
            before_now: Some(Duration::from_secs(60)),
            ..Page::of(&table, &[0, 1])
        };
        let read = database.page(&page, &schema).await.unwrap();
        assert_eq!(read, rows[..1], "{dates:?}");
    }
}

#[tokio::test]
async fn an_index_serves_pages_by_numbers() {
    for (dates, bound) in [
        (SqliteDates::Unix, "(ts>?)"),
        (SqliteDates::Julian, "(ts>?)"),
    ] {
        let mut database = Database::with("ts TIMESTAMP, id INTEGER", dates).await;
        database.run("CREATE INDEX i ON t (ts)").await;
        let table = database.table().await;
        let key = [KeyPart { columns: vec![0] }];
        let after = [Value::Timestamp(1_704_067_200_000_000)];
        let page = Page {
            key: &key,
            after: Some(&after),
            limit: NonZeroU32::new(10),
            ..Page::of(&table, &[1])
        };
        let mut statement = database.dialect.syntax().select(&page).unwrap();
        statement.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
        let kinds = [Kind::Int64, Kind::Int64, Kind::Int64, Kind::Text];
        let names = ["id", "parent", "notused", "detail"];
        let fields = kinds
            .into_iter()
            .zip(names)
            .map(|(kind, name)| kind.field(name, true));
        let schema = Schema::new("plan", fields.collect::<Vec<_>>(), &[]).unwrap();
        let mut cursor = database
            .connection
            .query(&statement, &schema)
            .await
            .unwrap();
        let batch = cursor.next(10, 10_000).await.unwrap().unwrap();
        let plan = connect_api::Records::new("t".into(), schema.clone(), batch).unwrap();
        let step = format!("{:?}", plan.row(0).get(3));
        assert!(step.contains(bound), "{dates:?}: {step}");
    }
}
