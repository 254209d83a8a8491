//! What a URL says, and what is shown of it.
use connect_api::ErrorKind;
use dialect_core::OpenOptions;

const PLANTED: &str = "hunter2";

#[test]
fn a_password_is_not_shown() {
    for url in [
        "sqlserver://ann:hunter2@db:1433/shop",
        "jdbc:sqlserver://db;databaseName=shop;user=ann;password={hunter2}",
        "sqlserver://db/shop?user=ann&password=hunter2",
    ] {
        let dialect = dialect_sqlserver::open(url, &OpenOptions::default()).unwrap();
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
        let error = dialect_sqlserver::open(url, &OpenOptions::default())
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        for shown in [error.report(), format!("{error:?}")] {
            assert!(!shown.contains(PLANTED), "{shown}");
        }
    }
}
