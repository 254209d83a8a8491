//! Memory that a reader of many rows needs: each figure in a process of its own, whose memory is
//! its own.
use crate::{args::MemoryOptions, report::Table};
use benches::{Brand, Database, Driver, usage::Usage};
use connect_api::{Error, ErrorKind, Kind, Result, Schema};
use dialects::Statement;
use std::{
    env,
    process::{Command, Stdio},
    time::Instant,
};

/// What a cursor is asked for at once, as sources have it by default.
const PAGE_ROWS: usize = 5_000;
const PAGE_BYTES: usize = 8 << 20;
/// Bytes of a large row, and those of the text in a narrow one.
const LARGE: u64 = 1 << 20;
const NARROW: u64 = 8;
/// MB above the start that are not to be exceeded.
const MOST: f64 = 64.0;

/// Measures the databases, each in processes of its own, and prints a table.
///
/// # Errors
/// `Internal`: a process fails; its words are on standard error.
pub(crate) fn print(brands: &[Brand], options: &MemoryOptions) -> Result<()> {
    let mut table = Table::new(&[
        "database",
        "rows",
        "bytes of a row's text",
        "peak above the start, MB",
        "s",
    ]);
    let mut outcome = Ok(());
    for brand in brands {
        for (rows, bytes) in [(options.rows, NARROW), (options.large_rows, LARGE)] {
            eprintln!("{} {rows} rows of {bytes} bytes", brand.name());
            let started = Instant::now();
            let peak = match in_a_child(*brand, rows, bytes) {
                Ok(peak) if peak > MOST => format!("**{peak:.1}**"),
                Ok(peak) => format!("{peak:.1}"),
                Err(error) => {
                    // The others are measured all the same.
                    outcome = Err(error.context(brand.name()));
                    "**failed**".to_owned()
                }
            };
            table.row([
                brand.title().to_owned(),
                rows.to_string(),
                bytes.to_string(),
                peak,
                format!("{:.1}", started.elapsed().as_secs_f64()),
            ]);
        }
    }
    table.end();
    outcome
}

fn in_a_child(brand: Brand, rows: u64, bytes: u64) -> Result<f64> {
    let fault = |text: &str| Error::new(ErrorKind::Internal, format!("memory: {text}"));
    let program = env::current_exe().map_err(|e| fault("no program").with_source(e))?;
    let arguments = [
        "memory-of",
        brand.name(),
        &rows.to_string(),
        &bytes.to_string(),
    ];
    let ran = Command::new(program)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| fault("the process does not start").with_source(e))?;
    if !ran.status.success() {
        return Err(fault("the process failed"));
    }
    let text = String::from_utf8_lossy(&ran.stdout);
    text.trim()
        .parse()
        .map_err(|e| fault("the process printed no number").with_source(e))
}

/// Reads rows that the server makes on the way; MB of the peak above what was resident before.
///
/// # Errors
/// As the database says; `Internal`: it gave other rows.
pub(crate) async fn measure(database: &Database, rows: u64, bytes: u64) -> Result<f64> {
    let mut connection = database.dialect().connect().await?;
    connection.ping().await?;
    Usage::reset_own_peak();
    let before = Usage::own()?.peak_kib;
    let statement = Statement {
        sql: made(database.brand(), rows, bytes),
        params: Vec::new(),
    };
    let fields = [
        Kind::Int64.field("id", true),
        Kind::Text.field("body", true),
    ];
    let schema = Schema::new("made", fields, &[])?;
    let (mut count, mut length) = (0, 0);
    let mut cursor = connection.query(&statement, &schema).await?;
    while let Some(batch) = cursor.next(PAGE_ROWS, PAGE_BYTES).await? {
        count += batch.num_rows() as u64;
        let texts = batch.column(1).to_data();
        let data = texts.buffers().last();
        length += data.map_or(0, |data| data.len() as u64);
    }
    drop(cursor);
    let after = Usage::own()?.peak_kib;
    connection.close().await?;
    if count != rows || length < rows * bytes {
        let text = format!("{count} rows of {length} bytes came, expected {rows} of {bytes} each");
        return Err(Error::new(ErrorKind::Internal, text));
    }
    Ok(after.saturating_sub(before) as f64 * 1_024.0 / 1e6)
}

/// A query that makes rows: nothing is stored.
fn made(brand: Brand, rows: u64, bytes: u64) -> String {
    match brand {
        Brand::Postgres | Brand::Odbc(Driver::Postgres) => {
            format!(
                "SELECT g AS id, repeat('x', {bytes}) AS body FROM generate_series(1::bigint, {rows}) AS g"
            )
        }
        Brand::Mariadb | Brand::Odbc(Driver::Mariadb) => {
            // The server takes 20 ms to repeat a single character a million times.
            let unit = "x".repeat(usize::try_from(bytes.min(1 << 10)).unwrap_or(1));
            let times = bytes / unit.len() as u64;
            format!(
                "SELECT CAST(seq AS SIGNED) AS id, REPEAT('{unit}', {times}) AS body FROM seq_1_to_{rows}"
            )
        }
        Brand::Sqlite | Brand::Odbc(Driver::Sqlite) => format!(
            "WITH RECURSIVE g(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM g WHERE id < {rows}) \
             SELECT id, replace(hex(zeroblob({bytes} / 2)), '00', 'xx') AS body FROM g"
        ),
    }
}
