use super::*;
use crate::page::tests::read_plan;
use dialect_core::{RunningTransactions, Transaction};
use std::hash::RandomState;

fn late_rows(by: CompleteBy, window: Duration) -> LateRows {
    let plan = read_plan(&[("mode", "incrementing")]);
    let ids = RowIds::of(&plan, [RandomState::new(), RandomState::new()]).unwrap();
    LateRows::new(ids, by, window, None)
}

fn key(n: i64) -> Vec<Value> {
    vec![Value::Int(n)]
}

/// A report of now, with a transaction of these sessions each.
fn report(sessions: &[u64]) -> Report {
    let transaction = |session: &u64| Transaction {
        session: *session,
        began: 1,
        number: None,
    };
    let asked = std::time::Instant::now();
    Report {
        at: Instant::from_std(asked),
        visibility: Arc::new(Visibility::Transactions(RunningTransactions {
            open: sessions.iter().map(transaction).collect(),
            prepared: Vec::new(),
            asked,
        })),
    }
}

fn settle(late: &mut LateRows, report: &Report) -> usize {
    let (closed, _) = late.settle(Some(report), Instant::now());
    late.complete(closed);
    closed
}

#[test]
fn rows_are_complete_once_all_transactions_have_ended_that_ran_when_they_were_read() {
    let mut late = late_rows(CompleteBy::Transactions, Duration::ZERO);
    let before = report(&[]);
    late.sent(vec![1, 2], &key(2));
    assert_eq!(
        settle(&mut late, &before),
        0,
        "it was asked for before the rows were read"
    );
    assert_eq!(settle(&mut late, &report(&[7])), 0);
    late.sent(vec![3], &key(3));
    assert_eq!(settle(&mut late, &report(&[7, 8])), 0);
    assert_eq!(late.complete, None);
    assert_eq!(settle(&mut late, &report(&[8])), 1);
    assert_eq!(late.complete, Some(key(2)));
    assert!(!late.is_sent(1) && late.is_sent(3));
    assert_eq!(settle(&mut late, &report(&[9])), 1);
    assert_eq!(late.complete, Some(key(3)));
    assert!(!late.has_open_rows() && late.sent.is_empty());
}

#[test]
fn a_span_is_not_complete_before_the_ones_in_front_of_it() {
    let mut late = late_rows(CompleteBy::RowVersion, Duration::ZERO);
    let version = |n: u8| vec![Value::Bytes(vec![0, 0, 0, 0, 0, 0, 0, n])];
    for n in [5, 9] {
        late.sent(vec![u128::from(n)], &version(n));
    }
    let lowest = |n: u8| Report {
        at: Instant::now(),
        visibility: Arc::new(Visibility::RowVersion([0, 0, 0, 0, 0, 0, 0, n])),
    };
    assert_eq!(settle(&mut late, &lowest(5)), 0);
    assert_eq!(settle(&mut late, &lowest(9)), 1);
    assert_eq!(settle(&mut late, &lowest(10)), 1);
}

#[test]
fn without_reports_rows_are_complete_at_an_age() {
    let mut late = late_rows(CompleteBy::Age, Duration::from_secs(100));
    late.sent(vec![1], &key(1));
    assert_eq!(late.report_after(), None, "none is asked for");
    let at = |seconds| Instant::now() + Duration::from_secs(seconds);
    assert_eq!(late.settle(None, at(10)).0, 0);
    assert_eq!(late.settle(None, at(100)).0, 1);
}

#[test]
fn old_rows_are_checked_the_less_often_the_older_they_are() {
    let mut late = late_rows(CompleteBy::Transactions, Duration::ZERO);
    for span in 0..16_u32 {
        let ids = (0..2_000).map(|row| u128::from(span * 2_000 + row));
        late.sent(ids.collect(), &key(i64::from(span)));
    }
    let mut checked = [0; 16];
    for _ in 0..64 {
        let checks = late.youngest_checks(Duration::ZERO);
        let [check] = checks.as_slice() else {
            panic!("one range");
        };
        assert_eq!(check.until, key(15));
        let from = match check.after.as_deref() {
            Some([Value::Int(after)]) => usize::try_from(after + 1).unwrap(),
            _ => 0,
        };
        checked[from..].iter_mut().for_each(|n| *n += 1);
    }
    assert_eq!((checked[15], checked[14]), (64, 32));
    assert_eq!((checked[8], checked[0]), (8, 4));
    assert!(late.youngest_checks(Duration::from_secs(60)).is_empty());
    // What is complete after it is checked at once.
    let checks = late.first_checks(2);
    assert_eq!(checks.len(), 1);
    assert_eq!(
        (checks[0].after.clone(), checks[0].until.clone()),
        (None, key(1))
    );
}

#[test]
fn memory_is_bounded_while_a_transaction_stays_open() {
    let mut late = late_rows(CompleteBy::Transactions, Duration::ZERO);
    for page in 0..300_u32 {
        let ids = (0..2_000).map(|row| u128::from(page * 2_000 + row));
        late.sent(ids.collect(), &key(i64::from(page)));
    }
    assert!(late.sent.len() <= MAX_IDS + 2_000);
    let in_memory = late.spans.iter().flat_map(|span| span.ids.iter().flatten());
    assert_eq!(in_memory.count(), late.sent.len());
    assert!(late.spans.len() <= MAX_SPANS + 1);
    let checks = late.first_checks(usize::MAX);
    let sums = checks.iter().filter_map(|check| check.sum);
    let rows = 600_000 - late.sent.len() as u64;
    let checksum = (0..u128::from(rows)).sum();
    let added = sums.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    assert_eq!(added, (rows, checksum));
    // Many small pages are merged too.
    let mut late = late_rows(CompleteBy::Transactions, Duration::ZERO);
    for page in 0..2_000_u32 {
        late.sent(vec![u128::from(page)], &key(i64::from(page)));
    }
    assert!(
        late.spans.len() <= MAX_SPANS + 1,
        "{} spans",
        late.spans.len()
    );
}
