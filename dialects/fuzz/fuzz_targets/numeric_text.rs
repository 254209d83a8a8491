//! The text of numbers, dates and names, as a database or a message that means harm might hold it.
#![no_main]
use connect_api::{decimal_text, parse_wide_decimal, wide_decimal_text};
use dialect_core::{TableName, civil, is_decimal, parse_decimal, write_decimal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (precision, scale, text) = input;
    let precision = precision % 38 + 1;
    let scale = i8::try_from(scale % (precision + 1)).unwrap_or(0);
    if let Ok(unscaled) = parse_decimal(text, precision, scale) {
        assert!(is_decimal(text), "what is read is a number");
        assert!(unscaled.unsigned_abs() < 10_u128.pow(u32::from(precision)));
        let mut written = String::new();
        write_decimal(unscaled, scale, &mut written);
        assert_eq!(written, decimal_text(unscaled, scale));
        assert_eq!(parse_decimal(written.as_bytes(), precision, scale), Ok(unscaled));
    }
    if let Ok(days) = civil::parse_date(text) {
        let mut written = String::new();
        civil::write_date(days, &mut written);
        assert_eq!(civil::parse_date(written.as_bytes()), Ok(days), "{written}");
    }
    if let Ok(micros) = civil::parse_time(text) {
        assert!((0..civil::DAY_MICROS).contains(&micros));
    }
    if let Ok(micros) = civil::parse_timestamp(text) {
        let mut written = String::new();
        civil::write_timestamp(micros, &mut written);
        assert_eq!(civil::parse_timestamp(written.as_bytes()), Ok(micros), "{written}");
    }
    let _ = civil::parse_instant(text);
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let precision = precision + 38;
    if let Some(unscaled) = parse_wide_decimal(text, precision, scale) {
        let written = wide_decimal_text(unscaled, scale);
        assert_eq!(parse_wide_decimal(&written, precision, scale), Some(unscaled));
    }
    if let Ok(name) = TableName::parse(text) {
        assert!(!name.name.is_empty());
    }
});
