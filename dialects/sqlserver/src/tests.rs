use super::*;
use dialect_core::TlsOptions;
use std::time::Duration;

const PLANTED: &str = "hunter2";

#[test]
fn every_number_has_one_kind() {
    let mut all: Vec<_> = KINDS.iter().flat_map(|(_, n)| n.iter()).collect();
    all.sort();
    for pair in all.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
}

#[test]
fn the_numbers_of_the_reference_have_its_kinds() {
    for (kind, numbers) in [
        (ErrorKind::Busy, &[10_928, 10_929, 49_918][..]),
        (ErrorKind::Conflict, &[1205, 1222, 3960]),
        (
            ErrorKind::Data,
            &[2627, 2601, 515, 547, 245, 8115, 8152, 2628],
        ),
        (ErrorKind::Schema, &[207, 208]),
        (ErrorKind::Auth, &[18_456, 229]),
        // Of bulk loads.
        (
            ErrorKind::Data,
            &[4815, 4819, 4863, 4864, 4866, 4867, 4869, 4896, 7339],
        ),
        (ErrorKind::Conflict, &[4891, 4892, 628, 3903, 3931, 6401]),
        (ErrorKind::Schema, &[4816, 4835, 4875]),
        (ErrorKind::Connect, &[4804]),
    ] {
        for number in numbers {
            assert_eq!(kind_of(*number, 16), kind, "{number}");
        }
    }
}

#[test]
fn numbers_that_are_not_known_go_by_severity() {
    for (number, severity, kind) in [
        (99, 20, ErrorKind::Connect),
        (99, 17, ErrorKind::Busy),
        (99, 14, ErrorKind::Auth),
        (99, 13, ErrorKind::Conflict),
        (99, 16, ErrorKind::Internal),
        (50_000, 16, ErrorKind::Data),
        (51_234, 16, ErrorKind::Data),
        (9413, 16, ErrorKind::Data),
    ] {
        assert_eq!(kind_of(number, severity), kind, "{number}");
    }
}

#[test]
fn a_password_is_not_shown() {
    for url in [
        "sqlserver://ann:hunter2@db:1433/shop",
        "jdbc:sqlserver://db;databaseName=shop;user=ann;password={hunter2}",
        "sqlserver://db/shop?user=ann&password=hunter2",
    ] {
        let dialect = open(url, &OpenOptions::default()).unwrap();
        let shown = format!("{dialect:?} {dialect:#?} {}", dialect.address());
        assert!(shown.contains("sqlserver://db"), "{shown}");
        assert!(
            !shown.contains(PLANTED) && !shown.contains("ann"),
            "{shown}"
        );
    }
    for url in [
        "jdbc:sqlserver://db;user=ann;password={hunter2",
        "jdbc:sqlserver://db;user=ann;password=x;hunter2",
        "sqlserver://ann:hunter2@db/shop?encrypt=hunter2",
        "sqlserver://:hunter2@db/shop",
    ] {
        let error = open(url, &OpenOptions::default()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        for shown in [error.report(), format!("{error:?}")] {
            assert!(!shown.contains(PLANTED), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_told_without_the_password() {
    // Port 1 of this machine: nothing listens.
    let options = OpenOptions {
        connect_timeout: Duration::from_secs(5),
        tls: TlsOptions::default(),
        ..OpenOptions::default()
    };
    let url = "sqlserver://ann:hunter2@127.0.0.1:1,127.0.0.1:2/shop";
    let error = open(url, &options).unwrap().connect().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Connect, "{}", error.report());
    assert!(error.report().contains("127.0.0.1:2"), "{}", error.report());
    assert!(!error.report().contains(PLANTED), "{}", error.report());
}
