//! Binary values of every MySQL type, as a server that means harm might send them.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    dialect_mysql::fuzzing::decode(input.0, input.1);
});
