//! Binary values of every PostgreSQL type, as a server that means harm might send them.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    dialect_postgres::fuzzing::decode(input.0, input.1);
});
