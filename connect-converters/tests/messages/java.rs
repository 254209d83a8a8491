//! Bodies for the Java original and from it: read and written on its own classes.
use crate::{bodies, body, decoder, records, schema, target, values};
use connect_api::{
    Blobs, ConnectRecord, Converter, DEFAULT, Kind, MessageRef, NOT_NULL, Op, Records, Schema,
    SchemaRef, VENDOR, VENDOR_TYPE, Value, config::Settings,
};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, LazyLock},
};

const JAVA: &str = "org.apache.rocketmq.connect.runtime.converter.record.json.JsonConverter";
const KAFKA: &str = "org.apache.kafka.connect.json.JsonConverter";

fn named(name: &str, settings: &[(&str, &str)]) -> Arc<dyn Converter> {
    let settings = Settings::from_iter(settings.iter().copied());
    connect_converters::converter(name, &settings).unwrap()
}

/// Where the Java classes are and what they need, compiled once.
static CLASSES: LazyLock<Option<String>> = LazyLock::new(|| match compile() {
    Ok(classes) => Some(classes),
    Err(why) => {
        // As with a server that is missing: a failure where all are to be there.
        assert!(std::env::var_os("CI").is_none(), "{why}");
        eprintln!("skipped: {why}");
        None
    }
});

fn compile() -> Result<String, String> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/java");
    let to = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("java-peer");
    let sources = "src/main/java/peer";
    fs::create_dir_all(to.join(sources)).unwrap();
    for file in ["pom.xml", &format!("{sources}/Peer.java")] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
    let built = Command::new("mvn")
        .args(["-q", "-B", "compile", "dependency:build-classpath"])
        .arg("-Dmdep.outputFile=classpath")
        .current_dir(&to)
        .output()
        .map_err(|e| format!("mvn: {e}"))?;
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stdout).into_owned());
    }
    let classpath = fs::read_to_string(to.join("classpath")).unwrap();
    Ok(format!(
        "{}:{classpath}",
        to.join("target/classes").display()
    ))
}

/// What the Java classes say: a line for each of these lines, or of what they write.
fn java(args: &[&str], lines: &[String]) -> Option<Vec<String>> {
    let mut child = Command::new("java")
        .args(["-cp", CLASSES.as_ref()?, "peer.Peer"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = lines.join("\n");
    text.push('\n');
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(str::to_owned).collect())
}

fn decimal(precision: u8, scale: i8) -> Kind {
    Kind::Decimal { precision, scale }
}

/// A column of each kind that the JDBC sink of the Java original can write.
fn kinds() -> Vec<(&'static str, Kind)> {
    vec![
        ("id", Kind::Int64),
        ("b", Kind::Bool),
        ("i8", Kind::Int8),
        ("i16", Kind::Int16),
        ("i32", Kind::Int32),
        ("u8", Kind::UInt8),
        ("u16", Kind::UInt16),
        ("u32", Kind::UInt32),
        ("u64", Kind::UInt64),
        ("f32", Kind::Float32),
        ("f64", Kind::Float64),
        ("d2", decimal(12, 2)),
        ("d0", decimal(10, 0)),
        (
            "wide",
            Kind::WideDecimal {
                precision: 60,
                scale: 3,
            },
        ),
        ("big", Kind::BigDecimal),
        ("t", Kind::Text),
        ("doc", Kind::Json),
        ("raw", Kind::Bytes),
        ("uuid", Kind::Uuid),
        ("day", Kind::Date),
        ("clock", Kind::Time),
        ("fine", Kind::TimeNanos),
        ("span", Kind::Duration),
        ("at", Kind::Timestamp { utc: true }),
        ("wall", Kind::Timestamp { utc: false }),
        ("place", Kind::OffsetTimestamp),
    ]
}

fn rows() -> Vec<Vec<Value>> {
    let at = 1_717_245_296_123_456;
    let first = vec![
        Value::Int(1),
        Value::Bool(true),
        Value::Int(-128),
        Value::Int(-32_768),
        Value::Int(2_147_483_647),
        Value::UInt(255),
        Value::UInt(65_535),
        Value::UInt(4_294_967_295),
        Value::UInt(u64::MAX),
        Value::Float(0.1f32.into()),
        Value::Float(1e16),
        Value::Decimal(9_990, 2),
        Value::Decimal(5, 0),
        "-123456789012345678901234567890123456789012.345".into(),
        "1e-30".into(),
        "Grüße 你好 😀 \"q\" \\".into(),
        r#"{"a": 1}"#.into(),
        Value::Bytes(vec![0, 255, 16]),
        Value::Bytes(vec![0xab; 16]),
        Value::Date(19_875),
        Value::Time(45_296_123_456),
        Value::Time(45_296_123_456_789),
        Value::Time(86_399_999_999),
        Value::Timestamp(at),
        Value::Timestamp(-1),
        Value::OffsetTimestamp(at, 120),
    ];
    let mut nothing = vec![Value::Null; first.len()];
    nothing[0] = Value::Int(2);
    vec![first, nothing]
}

/// Both rows as Java's sink binds them: times cut to milliseconds, nothing else changed.
const BOUND: [&str; 2] = [
    "orders id=Long:1|b=Boolean:true|i8=Byte:-128|i16=Integer:-32768|i32=Integer:2147483647|u8=Integer:255|u16=Integer:65535|u32=Long:4294967295|u64=Decimal:18446744073709551615|f32=Double:0.1|f64=Double:1.0E16|d2=Decimal:99.90|d0=Decimal:5|wide=Decimal:-123456789012345678901234567890123456789012.345|big=String:1e-30|t=String:Grüße 你好 😀 \"q\" \\|doc=String:{\"a\": 1}|raw=bytes:AP8Q|uuid=String:abababab-abab-abab-abab-abababababab|day=Date:1717200000000|clock=Time:45296123|fine=Time:45296123|span=Time:86399999|at=Timestamp:1717245296123|wall=Timestamp:-1|place=String:2024-06-01T14:34:56.123456+02:00",
    "orders id=Long:2|b=null|i8=null|i16=null|i32=null|u8=null|u16=null|u32=null|u64=null|f32=null|f64=null|d2=null|d0=null|wide=null|big=null|t=null|doc=null|raw=null|uuid=null|day=null|clock=null|fine=null|span=null|at=null|wall=null|place=null",
];

#[test]
fn java_reads_every_kind_that_its_sink_can_write() {
    let schema = schema(kinds(), &["id"]);
    let sent = records(&schema, rows());
    for decimals in ["BASE64", "NUMERIC"] {
        let ours = bodies(&*named(JAVA, &[("decimal.format", decimals)]), &sent);
        let Some(bound) = java(&[], &ours) else {
            return;
        };
        for (bound, expected) in bound.iter().zip(BOUND) {
            assert_eq!(bound, expected, "{decimals}: {ours:?}");
        }
        assert_eq!(bound.len(), BOUND.len());
    }
}

#[test]
fn java_cannot_read_what_is_written_for_this_side_alone() {
    let schema = schema([("f", Kind::Float32), ("s", Kind::Int16)], &[]);
    let sent = records(&schema, [vec![Value::Float(1.5), Value::Null]]);
    let ours = bodies(&*named("json", &[]), &sent);
    let Some(bound) = java(&[], &ours) else {
        return;
    };
    assert!(bound[0].starts_with("REFUSED"), "{bound:?}");
}

#[test]
fn java_takes_no_default_in_the_place_of_null() {
    let field = Kind::Int32.field("n", true);
    let mut metadata = field.metadata().clone();
    metadata.insert(DEFAULT.to_owned(), "7".to_owned());
    let schema = Schema::new("orders", [field.with_metadata(metadata)], &[]).unwrap();
    let sent = records(&schema, [vec![Value::Null]]);
    for (name, bound_as) in [("json", "orders n=Integer:7"), (JAVA, "orders n=null")] {
        let Some(bound) = java(&[], &bodies(&*named(name, &[]), &sent)) else {
            return;
        };
        assert_eq!(bound, [bound_as], "{name}");
    }
}

fn deletes(schema: &SchemaRef) -> Records {
    let row = ConnectRecord {
        values: vec![Value::Int(7)],
        op: Op::Delete,
        ..Default::default()
    };
    Records::from_rows("orders".into(), schema.clone(), [row]).unwrap()
}

#[test]
fn deletes_have_a_body_that_java_reads_as_one() {
    let schema = schema([("id", Kind::Int64)], &["id"]);
    // Java's JDBC sink takes the table from the schema's name, and NULL from an optional one alone.
    let whole = concat!(
        r#"{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}],"#,
        r#""optional":true,"name":"orders"},"payload":null}"#
    );
    for (settings, text) in [(&[][..], whole), (&[("schemas.enable", "false")], "null")] {
        let ours = bodies(&*named(JAVA, settings), &deletes(&schema));
        assert_eq!(ours, [text]);
        if settings.is_empty() {
            let Some(read) = java(&[], &ours) else { return };
            assert_eq!(read, ["DELETE"]);
        }
        let mut decoder = decoder(&*named("json", &[]), target_with_key(&schema));
        let message = MessageRef {
            key: b"7",
            ..body(text)
        };
        decoder.push(message).unwrap();
        let read = decoder.take().unwrap().unwrap();
        assert_eq!(read.ops().get(0), Op::Delete);
        assert_eq!(values(&read), [[Value::Int(7)]]);
    }
    assert_eq!(bodies(&*named("json", &[]), &deletes(&schema)), [""]);
    let kafka = bodies(&*named(KAFKA, &[]), &deletes(&schema));
    assert_eq!(kafka, [r#"{"schema":null,"payload":null}"#]);
}

fn target_with_key(schema: &SchemaRef) -> connect_api::Target {
    connect_api::Target {
        schema: Some(schema.clone()),
        key: vec!["id".to_owned()],
        ..connect_api::Target::default()
    }
}

#[test]
fn what_java_writes_without_a_schema_is_read_as_it_was_meant() {
    let schema = schema(
        [
            ("id", Kind::Int64),
            ("at", Kind::Timestamp { utc: true }),
            ("day", Kind::Date),
            ("clock", Kind::Time),
            ("price", decimal(12, 2)),
        ],
        &["id"],
    );
    let Some(lines) = java(&["write"], &[]) else {
        return;
    };
    let settings = [("schemas.enable", "false")];
    for name in [JAVA, KAFKA] {
        let mut decoder = decoder(&*named(name, &settings), target_with_key(&schema));
        for line in &lines {
            let message = MessageRef {
                key: b"7",
                ..body(line)
            };
            decoder.push(message).unwrap();
        }
        let read = decoder.take().unwrap().unwrap();
        assert_eq!(
            values(&read)[0],
            [
                Value::Int(7),
                Value::Timestamp(1_717_245_296_123_000),
                Value::Date(19_875),
                Value::Time(45_296_123_000),
                Value::Decimal(9_990, 2),
            ]
        );
        let ops: Vec<_> = (0..read.len()).map(|row| read.ops().get(row)).collect();
        assert_eq!(ops, [Op::Read, Op::Delete, Op::Delete]);
    }
}

#[test]
fn what_is_written_for_java_comes_back_here_with_its_kinds() {
    let schema = schema(kinds(), &["id"]);
    let cut = |micros: i64| micros.div_euclid(1_000) * 1_000;
    let mut expected = rows();
    for row in &mut expected {
        for (value, kind) in row.iter_mut().zip(schema.kinds()) {
            *value = match (value.clone(), kind) {
                (Value::Time(v), Kind::TimeNanos) => Value::Time(cut(v / 1_000)),
                (Value::Time(v), _) => Value::Time(cut(v)),
                (Value::Timestamp(v), _) => Value::Timestamp(cut(v)),
                (Value::Text(text), Kind::BigDecimal) if &*text == "1e-30" => {
                    "0.000000000000000000000000000001".into()
                }
                (other, _) => other,
            };
        }
    }
    let as_time = |kind: &Kind| match kind {
        Kind::TimeNanos | Kind::Duration => Kind::Time,
        kind => kind.clone(),
    };
    for name in [JAVA, KAFKA] {
        let converter = named(name, &[]);
        let mut decoder = decoder(&*converter, Default::default());
        for text in bodies(&*converter, &records(&schema, rows())) {
            decoder.push(body(&text)).unwrap();
        }
        let back = decoder.take().unwrap().unwrap();
        let kinds: Vec<_> = schema.kinds().iter().map(as_time).collect();
        assert_eq!(back.schema().kinds(), kinds);
        assert_eq!(values(&back), expected);
        assert_eq!(back.schema().field(1).metadata().get(NOT_NULL), None);
    }
}

#[test]
fn kafka_has_its_own_names_of_types() {
    let schema = schema(
        [("d", Kind::Date), ("t", Kind::Time), ("p", decimal(9, 2))],
        &[],
    );
    let sent = records(&schema, [vec![Value::Null; 3]]);
    let text = &bodies(&*named(KAFKA, &[]), &sent)[0];
    for name in ["Date", "Time", "Decimal"] {
        let name = format!("\"org.apache.kafka.connect.data.{name}\"");
        assert!(text.contains(&name), "{text}");
    }
}

#[test]
fn a_setting_goes_before_the_name_of_the_class() {
    let schema = schema([("at", Kind::Timestamp { utc: true })], &[]);
    let sent = records(&schema, [vec![Value::Timestamp(1_001)]]);
    let plain = ("schemas.enable", "false");
    for (name, more, text) in [
        (JAVA, None, r#"{"at":1}"#),
        ("json", Some(("interop", "java")), r#"{"at":1}"#),
        (JAVA, Some(("interop", "none")), r#"{"at":1001}"#),
        (
            JAVA,
            Some(("time.precision.mode", "adaptive")),
            r#"{"at":1001}"#,
        ),
        ("json", None, r#"{"at":1001}"#),
    ] {
        let settings: Vec<_> = [plain].into_iter().chain(more).collect();
        assert_eq!(bodies(&*named(name, &settings), &sent), [text]);
    }
    let strict = named(JAVA, &[("time.precision.loss", "error")]);
    let refused = strict.encode(&sent, &mut Blobs::default()).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("`value.converter.time.precision.loss=truncate`")
    );
}

#[test]
fn truncated_and_rejected_columns_are_reported_before_the_first_row() {
    let declared = |kind: Kind, name: &str, vendor: &str, of: &str| {
        let field = kind.field(name, true);
        let mut metadata = field.metadata().clone();
        metadata.insert(VENDOR.to_owned(), vendor.to_owned());
        metadata.insert(VENDOR_TYPE.to_owned(), of.to_owned());
        field.with_metadata(metadata)
    };
    let at = || Kind::Timestamp { utc: false };
    let fields = vec![
        declared(at(), "whole", "mysql", "datetime"),
        declared(at(), "millis", "mysql", "datetime(3)"),
        declared(at(), "micros", "mysql", "datetime(6)"),
        declared(at(), "pg", "postgres", "timestamp without time zone"),
        declared(Kind::Duration, "span", "mysql", "time"),
        Kind::List(Box::new(Kind::Int32)).field("list", true),
    ];
    let schema = Schema::new("orders", fields, &[]).unwrap();
    let notes_of = |name: &str, settings: &[(&str, &str)]| named(name, settings).notes(&schema);
    let cut =
        "digits below a millisecond are truncated (value.converter.time.precision.loss=truncate)";
    let notes = notes_of(JAVA, &[]);
    assert_eq!(notes[0], format!("column `micros` of orders: {cut}"));
    assert_eq!(notes[1], format!("column `pg` of orders: {cut}"));
    assert!(
        notes[2].starts_with("column `span` of orders: a time below zero"),
        "{notes:?}"
    );
    assert!(
        notes[3].starts_with("column `list` of orders: "),
        "{notes:?}"
    );
    assert_eq!(notes.len(), 4, "{notes:?}");
    let refused = notes_of("json", &[("time.precision.mode", "connect")]);
    assert!(refused[0].contains("is refused"), "{refused:?}");
    assert!(notes_of("json", &[]).is_empty());
}

#[test]
fn a_time_of_mysql_beyond_a_day_is_rejected_where_times_are_milliseconds() {
    let schema = schema([("t", Kind::Duration)], &[]);
    for settings in [&[][..], &[("schemas.enable", "false")]] {
        let converter = named(JAVA, settings);
        let day = records(&schema, [vec![Value::Time(86_399_999_000)]]);
        let mut decoder = decoder(&*converter, target(&schema));
        let text = bodies(&*converter, &day);
        decoder.push(body(&text[0])).unwrap();
        let micros = match decoder.take().unwrap().unwrap().row(0).to_record().values[0] {
            Value::Time(v) => v,
            ref other => panic!("{other:?}"),
        };
        assert_eq!(micros, 86_399_999_000);
        for micros in [-1_000_000, 90_000_000_000] {
            let sent = records(&schema, [vec![Value::Time(micros)]]);
            let refused = converter.encode(&sent, &mut Blobs::default()).unwrap_err();
            assert_eq!(
                refused.to_string(),
                "column `t`, row 0: the time is not between 00:00 and 24:00, the range \
                 of milliseconds of a day; `value.converter.time.precision.mode=adaptive` \
                 supports it"
            );
        }
    }
}
