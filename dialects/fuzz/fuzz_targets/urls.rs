//! URLs of every dialect: no panic, and a password that is shown nowhere.
#![no_main]
use connect_api::config::Secret;
use dialects::OpenOptions;
use libfuzzer_sys::fuzz_target;

const PLANTED: &str = "hunter2-of-the-options";

fuzz_target!(|text: &str| {
    let options = OpenOptions {
        password: Some(Secret::new(PLANTED)),
        ..OpenOptions::default()
    };
    for scheme in ["", "postgres:", "jdbc:mysql:", "mariadb:", "sqlite:", "jdbc:sqlserver:", "sqlserver:"] {
        match dialects::open(&format!("{scheme}{text}"), &options) {
            Ok(dialect) => {
                let shown = format!("{dialect:?} {} {}", dialect.name(), dialect.address());
                assert!(!shown.contains(PLANTED));
            }
            Err(error) => assert!(!format!("{error:?} {}", error.report()).contains(PLANTED)),
        }
    }
});
