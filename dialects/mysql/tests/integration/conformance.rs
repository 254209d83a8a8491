//! The suite of all dialects.
use crate::place;
use dialect_core::conformance::Fixture;
use dialect_mysql::conformance::{SESSION, created, holds, read_back, samples};

dialect_core::conformance_tests!(fixture);

async fn fixture() -> Fixture {
    let url = place::url();
    let (_, server) = url.split_once('@').expect("the URL names a user");
    let password = "planted-secret";
    Fixture {
        dialect: place::open(&url),
        unique: place::unique("t"),
        samples: match place::is_mariadb().await {
            true => samples(),
            false => without_mariadbs(),
        },
        created,
        holds,
        read_back,
        // The server has no type that is not known here.
        strict: None,
        session: Some(SESSION),
        widens: Some(("int", connect_api::Kind::Int64)),
        short_text: Some("varchar(5)"),
        small_number: Some("smallint"),
        auto_increment_id: "id bigint AUTO_INCREMENT PRIMARY KEY",
        wrong_password: Some((
            password,
            place::open(&format!("mysql://connect:{password}@{server}")),
        )),
        guard: None,
    }
}

/// The types that MySQL has too. It keeps JSON as values, MariaDB as text; and its texts of
/// geographic points begin with the latitude, while the bytes of both begin with the longitude.
fn without_mariadbs() -> Vec<dialect_core::conformance::Sample> {
    let own = ["inet4", "inet6", "uuid"];
    let mut all = samples();
    all.retain(|sample| !own.contains(&sample.declared));
    for sample in &mut all {
        for (sql, read) in &mut sample.values {
            match sample.declared {
                "json" => *read = r#"{"a": [1, 2.5]}"#.into(),
                "geometry" => *sql = sql.replace("4326", "4326, 'axis-order=long-lat'"),
                _ => {}
            }
        }
    }
    all
}
