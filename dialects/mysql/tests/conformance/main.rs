//! The dialect against a real server: the suite of all dialects, and what only this one has.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed assertion is how a test reports"
)]
mod asking;
mod creating;
mod opening;
mod place;
mod policies;
mod reading;
mod refusing;
mod staging;
mod tls;
mod values;
mod writing;

use dialect_core::conformance::Fixture;
use dialect_mysql::conformance::{SESSION, comes_back, created, holds, samples};

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
        comes_back,
        // The server has no type that is not known here.
        strict: None,
        session: Some(SESSION),
        widens: Some(("int", connect_api::Kind::Int64)),
        short_text: Some("varchar(5)"),
        small_number: Some("smallint"),
        counted_id: "id bigint AUTO_INCREMENT PRIMARY KEY",
        wrong_password: Some((
            password,
            place::open(&format!("mysql://connect:{password}@{server}")),
        )),
        guard: None,
    }
}

/// The types that MySQL has too.
fn without_mariadbs() -> Vec<dialect_core::conformance::Sample> {
    let own = ["inet4", "inet6", "uuid"];
    let all = samples().into_iter();
    all.filter(|sample| !own.contains(&sample.declared))
        .collect()
}
