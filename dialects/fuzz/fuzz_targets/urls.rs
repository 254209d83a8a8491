//! URLs of every dialect: no panic, and a password that is shown nowhere.
#![no_main]
use connect_api::config::Secret;
use dialects::OpenOptions;
use libfuzzer_sys::fuzz_target;

const PLANTED: &str = "hunter2-of-the-options";

fuzz_target!(|text: &str| {
    // The fuzzer sees what it is compared with, and writes it into a scheme or a parameter's name.
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    if decoded.to_ascii_lowercase().contains(PLANTED) {
        return;
    }
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
