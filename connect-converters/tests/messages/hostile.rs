//! Bodies that nobody should write: refused, never a panic, never half a row.
use crate::{body, decoder, json, refusal, samples, schema, target, values};
use connect_api::{Decoder, ErrorKind, Kind, MessageRef, SchemaRef, Target, Value};

fn all() -> SchemaRef {
    schema(
        [
            ("n", Kind::Int64),
            ("f", Kind::Float64),
            ("t", Kind::Text),
            ("j", Kind::Json),
        ],
        &[],
    )
}

fn reader() -> Box<dyn Decoder> {
    decoder(&*json(&[]), target(&all()))
}

#[test]
fn a_message_cut_anywhere_is_refused() {
    for (bodies, knows) in [
        (samples::with_schema(), Target::default()),
        (samples::without_schema(), target(&samples::types())),
    ] {
        let whole = &bodies[3];
        // Once with nothing known, once by the plan of a whole message.
        for warm in [false, true] {
            let mut decoder = decoder(&*json(&[("time.precision.mode", "connect")]), knows.clone());
            for end in 1..whole.len() {
                if warm {
                    decoder
                        .push(MessageRef {
                            body: whole,
                            ..Default::default()
                        })
                        .unwrap();
                }
                let cut = MessageRef {
                    body: &whole[..end],
                    ..Default::default()
                };
                let error = decoder.push(cut).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Data);
                assert!(
                    error.to_string().contains("body is not JSON: expected "),
                    "{error}"
                );
            }
            assert_eq!(decoder.rows(), if warm { whole.len() - 1 } else { 0 });
        }
    }
}

#[test]
fn a_message_changed_anywhere_does_no_harm() {
    for (bodies, knows) in [
        (samples::with_schema(), Target::default()),
        (samples::without_schema(), target(&samples::types())),
    ] {
        let mut decoder = decoder(&*json(&[]), knows);
        for place in 0..bodies[3].len() {
            for byte in [b'"', b'{', b'}', b',', b'0', b'\\', b'-', 0, 0xff] {
                let mut changed = bodies[3].clone();
                changed[place] = byte;
                let message = MessageRef {
                    body: &changed,
                    ..Default::default()
                };
                if let Err(error) = decoder.push(message) {
                    assert_ne!(error.kind(), ErrorKind::Internal, "{error}");
                }
            }
            decoder.take().unwrap();
        }
    }
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    let mut decoder = reader();
    for (text, expected, place) in [
        ("hello", "value", 0),
        ("  ", "value", 2),
        ("{", "string", 1),
        ("{}}", "the end", 2),
        (r#"{"n":1}x"#, "the end", 7),
        (r#"{"n":1,}"#, "string", 7),
        (r#"{"n" 1}"#, "`:`", 5),
        (r#"{"n":}"#, "value", 5),
        (r#"{"n":1 "f":2}"#, "`,` or `}`", 7),
        (r#"{'n':1}"#, "string", 1),
        (r#"{"n":01}"#, "no digit after a leading zero", 6),
        (r#"{"n":-}"#, "a digit", 6),
        (r#"{"n":1.}"#, "a digit", 7),
        (r#"{"n":1e}"#, "a digit", 7),
        (r#"{"n":+1}"#, "value", 5),
        (r#"{"n":.5}"#, "value", 5),
        (r#"{"n":NaN}"#, "value", 5),
        (r#"{"n":nul}"#, "null", 5),
        (r#"{"t":"a"#, "the end of the string", 7),
        ("{\"t\":\"a\nb\"}", "an escaped control character", 7),
        (r#"{"t":"\x"}"#, "a valid escape", 6),
        (r#"{"t":"a\ud800"}"#, "a valid escape", 7),
        (r#"{"t":"\ud800\ud800"}"#, "a valid escape", 6),
        (r#"{"t":"\udc00"}"#, "a valid escape", 6),
        (r#"{"t":"\u12"}"#, "a valid escape", 6),
        (r#"{"j":[1,]}"#, "value", 8),
        (r#"{"j":{"a" 1}}"#, "`:`", 10),
        (r#"{"j":[1}}"#, "`,` or `]`", 7),
        (r#"{"j":tru}"#, "true", 5),
    ] {
        assert_eq!(
            refusal(&mut *decoder, body(text)),
            format!("topic `orders`: body is not JSON: expected {expected} at byte {place}"),
            "{text}"
        );
    }
    for (bytes, place) in [(b"\xff".as_slice(), 0), (b"{\"t\":\"a\xc3\x28\"}", 7)] {
        let message = MessageRef {
            body: bytes,
            ..Default::default()
        };
        assert_eq!(
            refusal(&mut *decoder, message),
            format!("topic `orders`: body is not JSON: expected UTF-8 at byte {place}")
        );
    }
    for (text, found) in [("[]", "an array"), ("1", "a number"), ("\"\"", "a string")] {
        assert_eq!(
            refusal(&mut *decoder, body(text)),
            format!("topic `orders`: expected an object, found {found}")
        );
    }
}

#[test]
fn places_are_those_of_the_whole_body_behind_a_known_schema() {
    let text =
        r#"{"schema":{"type":"struct","fields":[{"field":"n","type":"int8"}]},"payload":{"n":1}}"#;
    let mut decoder = decoder(&*json(&[]), Target::default());
    decoder.push(body(text)).unwrap();
    let wrong = text.replace(":1}}", ":x}}");
    let place = wrong.find('x').unwrap();
    assert_eq!(
        refusal(&mut *decoder, body(&wrong)),
        format!("topic `orders`: body is not JSON: expected value at byte {place}")
    );
    let mut wrong = text.replace("1}}", "\"?\"}}").into_bytes();
    let place = wrong.iter().position(|b| *b == b'?').unwrap();
    wrong[place] = 0xff;
    let message = MessageRef {
        body: &wrong,
        ..Default::default()
    };
    assert_eq!(
        refusal(&mut *decoder, message),
        format!("topic `orders`: body is not JSON: expected UTF-8 at byte {place}")
    );
}

#[test]
fn deep_nesting_is_refused_and_128_is_not() {
    let nested = |depth: usize| format!("{{\"j\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let mut decoder = reader();
    decoder.push(body(&nested(128))).unwrap();
    for depth in [129, 1_000_000] {
        assert_eq!(
            refusal(&mut *decoder, body(&nested(depth))),
            "topic `orders`: column `j`: objects and arrays are nested more than 128 deep"
        );
    }
    let deep = "{\"a\":".repeat(1_000_000);
    refusal(&mut *decoder, body(&deep));
    let schema = format!("{{\"schema\":{deep}");
    refusal(&mut *decoder, body(&schema));
}

#[test]
fn a_long_string_is_read() {
    let long = "x".repeat(10 << 20);
    let mut decoder = reader();
    decoder
        .push(body(&format!("{{\"t\":\"{long}\"}}")))
        .unwrap();
    decoder
        .push(body(&format!("{{\"t\":\"{long}\\n\"}}")))
        .unwrap();
    let rows = values(&decoder.take().unwrap().unwrap());
    assert_eq!(rows[0], [Value::from(long.as_str())]);
    assert_eq!(rows[1], [Value::from(format!("{long}\n"))]);
}

#[test]
fn numbers_at_the_edges_are_exact_or_refused() {
    let mut decoder = reader();
    let long = format!("{{\"n\":1{}}}", "0".repeat(1_000_000));
    assert_eq!(
        refusal(&mut *decoder, body(&long)),
        "topic `orders`: column `n`: the number is beyond the range of the column"
    );
    for (text, value) in [
        ("2.2250738585072011e-308", 2.225_073_858_507_201e-308),
        ("9007199254740993", 9_007_199_254_740_992.0),
        ("9007199254740993.0", 9_007_199_254_740_992.0),
        ("900719925474099.3", 900_719_925_474_099.2),
        ("1e-400", 0.0),
        ("-0", -0.0),
    ] {
        decoder.push(body(&format!("{{\"f\":{text}}}"))).unwrap();
        let rows = values(&decoder.take().unwrap().unwrap());
        assert_eq!(rows, [vec![Value::Float(value)]], "{text}");
        assert_eq!(
            text.parse::<f64>().unwrap().to_bits(),
            value.to_bits(),
            "{text}"
        );
    }
}
