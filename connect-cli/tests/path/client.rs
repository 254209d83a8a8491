//! The databases' own clients.
use crate::setting;
use std::{
    io::Write as _,
    process::{Command, Stdio},
};
use twox_hash::XxHash3_64;

/// Between the columns of a row that is read.
const SEPARATOR: char = '\x1f';

/// How a column is written out, so that two databases write the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Integer,
    Double,
    Time,
}

/// One of the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    Postgres,
    MariaDb,
}

impl Database {
    /// The URL that a connector is given; `space` is a schema or a database.
    pub(crate) fn url(self, space: &str) -> String {
        match self {
            Self::Postgres => setting("CONNECT_TEST_POSTGRES_URL"),
            Self::MariaDb => {
                let url = setting("CONNECT_TEST_MYSQL_URL");
                let (server, _) = url.rsplit_once('/').unwrap();
                format!("{server}/{space}")
            }
        }
    }

    /// The table's name as a connector is given it.
    pub(crate) fn table(self, space: &str, table: &str) -> String {
        match self {
            Self::Postgres => format!("{space}.{table}"),
            Self::MariaDb => table.to_owned(),
        }
    }

    fn command(self) -> Command {
        match self {
            Self::Postgres => {
                let mut command = Command::new("psql");
                command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
                command.arg(setting("CONNECT_TEST_POSTGRES_URL"));
                command
            }
            Self::MariaDb => {
                let url = setting("CONNECT_TEST_MYSQL_URL");
                let rest = url.strip_prefix("mysql://").unwrap();
                let (user, rest) = rest.split_once(':').unwrap();
                let (password, rest) = rest.split_once('@').unwrap();
                let (host, rest) = rest.split_once(':').unwrap();
                let (port, _) = rest.split_once('/').unwrap();
                let mut command = Command::new("mariadb");
                command
                    .args([
                        "--batch",
                        "--raw",
                        "--skip-column-names",
                        "--local-infile=1",
                    ])
                    .args(["--default-character-set=utf8mb4"])
                    .args(["-u", user, &format!("-p{password}"), "-h", host, "-P", port]);
                command
            }
        }
    }

    /// Runs SQL; gives what it prints.
    pub(crate) fn run(self, sql: &str) -> String {
        let session = match self {
            Self::Postgres => "SET TIME ZONE 'UTC'; SET client_min_messages = warning;\n",
            Self::MariaDb => "SET time_zone = '+00:00';\n",
        };
        let mut client = self
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("the client of {self:?} does not start: {e}"));
        let mut input = client.stdin.take().unwrap();
        let text = format!("{session}{sql}\n");
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = client.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{self:?}: {sql}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The number that a query answers with.
    pub(crate) fn number(self, sql: &str) -> u64 {
        self.run(sql).trim().parse().unwrap()
    }

    /// A schema or database of the test's own.
    pub(crate) fn make_space(self, space: &str) {
        match self {
            Self::Postgres => self.run(&format!("CREATE SCHEMA {space};")),
            Self::MariaDb => self.run(&format!("CREATE DATABASE {space} CHARACTER SET utf8mb4;")),
        };
    }

    /// Takes it away again.
    pub(crate) fn drop_space(self, space: &str) {
        match self {
            Self::Postgres => self.run(&format!("DROP SCHEMA {space} CASCADE;")),
            Self::MariaDb => self.run(&format!("DROP DATABASE {space};")),
        };
    }

    /// The quoted name of a table in a space.
    pub(crate) fn quoted(self, space: &str, table: &str) -> String {
        match self {
            Self::Postgres => format!("\"{space}\".\"{table}\""),
            Self::MariaDb => format!("`{space}`.`{table}`"),
        }
    }

    /// Rows of a table, and for each column the sum of the hashes of key and value over all rows:
    /// it does not depend on their order, and names the column that differs. The first columns are
    /// the key.
    pub(crate) fn checksums(
        self,
        table: &str,
        columns: &[(&str, Form)],
        key: usize,
    ) -> (u64, Vec<(String, u64)>) {
        let parts: Vec<_> = columns
            .iter()
            .map(|(name, form)| self.written(name, *form))
            .collect();
        let rows = match self {
            Self::Postgres => format!(
                "SELECT concat_ws(E'\\x1f', {}) FROM {table};",
                parts.join(", ")
            ),
            Self::MariaDb => format!("SELECT concat_ws(0x1f, {}) FROM {table};", parts.join(", ")),
        };
        let text = self.run(&rows);
        let mut sums = vec![0u64; columns.len()];
        let mut count = 0;
        let mut hashed = Vec::new();
        for line in text.lines() {
            let cells: Vec<_> = line.split(SEPARATOR).collect();
            assert_eq!(cells.len(), columns.len(), "{self:?} {table}: {line}");
            for (i, cell) in cells.iter().enumerate() {
                hashed.clear();
                for part in &cells[..key] {
                    hashed.extend_from_slice(part.as_bytes());
                    hashed.push(0);
                }
                match (columns[i].1, cell.parse::<f64>()) {
                    (Form::Double, Ok(number)) => hashed.extend(number.to_bits().to_le_bytes()),
                    _ => hashed.extend_from_slice(cell.as_bytes()),
                }
                sums[i] = sums[i].wrapping_add(XxHash3_64::oneshot(&hashed));
            }
            count += 1;
        }
        let names = columns.iter().map(|(name, _)| (*name).to_owned());
        (count, names.zip(sums).collect())
    }

    /// A column as text; NULL as `\N`.
    fn written(self, name: &str, form: Form) -> String {
        match self {
            Self::Postgres => {
                let text = match form {
                    Form::Time => format!("to_char(\"{name}\", 'YYYY-MM-DD HH24:MI:SS.US')"),
                    _ => format!("\"{name}\"::text"),
                };
                format!("coalesce({text}, '\\N')")
            }
            Self::MariaDb => {
                let text = match form {
                    Form::Time => format!("date_format(`{name}`, '%Y-%m-%d %H:%i:%s.%f')"),
                    _ => format!("`{name}`"),
                };
                format!("coalesce({text}, '\\\\N')")
            }
        }
    }
}
