//! Who may not do what a write needs.
use crate::place::{Place, open, unique, url};
use connect_api::ErrorKind;
use dialect_core::Access;

#[tokio::test]
async fn missing_privileges_are_reported_without_changing_anything() {
    let mut place = Place::new().await;
    let (database, user) = (place.database.clone(), unique("u"));
    place
        .run("CREATE TABLE t (id int PRIMARY KEY, c text)")
        .await;
    place
        .run(&format!("CREATE USER {user} IDENTIFIED BY 'pw'"))
        .await;
    place
        .run(&format!("GRANT SELECT, DELETE ON {database}.* TO {user}"))
        .await;
    let table = place.table("t").await;
    let server = url();
    let (_, server) = server.split_once('@').unwrap();
    let (server, _) = server.split_once('/').unwrap();
    let mut theirs = open(&format!("mariadb://{user}:pw@{server}/{database}"))
        .connect()
        .await
        .unwrap();
    for access in [Access::Select, Access::Delete] {
        theirs.check_access(&table, access).await.unwrap();
    }
    for (access, name) in [(Access::Insert, "INSERT"), (Access::Update, "UPDATE")] {
        let error = theirs.check_access(&table, access).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Auth, Some("1142"))
        );
        let text = error.to_string();
        assert!(
            text.contains(name) && text.contains(&format!("{database}.t")),
            "{text}"
        );
    }
    for access in [
        Access::Select,
        Access::Insert,
        Access::Update,
        Access::Delete,
    ] {
        place.connection.check_access(&table, access).await.unwrap();
    }
    assert!(place.read("t").await.is_empty());
    place.run(&format!("DROP USER {user}")).await;
    place.drop().await;
}
