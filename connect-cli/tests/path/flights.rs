//! The data set nycflights13, loaded by the databases' own clients.
use crate::{
    client::{Database, Form},
    setting,
};

/// A table of the data set.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) rows: u64,
    /// The key's columns come first.
    columns: &'static [(&'static str, Form)],
    /// Columns of the CSV file, in its order.
    file: &'static [&'static str],
    /// The key is a number that the database counts up, not a column of the file.
    counted: bool,
}

use Form::{Double, Integer, Text, Time};

/// All five.
pub(crate) const TABLES: [Table; 5] = [
    Table {
        name: "flights",
        rows: 336_776,
        columns: &[
            ("id", Integer),
            ("year", Integer),
            ("month", Integer),
            ("day", Integer),
            ("dep_time", Integer),
            ("sched_dep_time", Integer),
            ("dep_delay", Integer),
            ("arr_time", Integer),
            ("sched_arr_time", Integer),
            ("arr_delay", Integer),
            ("carrier", Text),
            ("flight", Integer),
            ("tailnum", Text),
            ("origin", Text),
            ("dest", Text),
            ("air_time", Integer),
            ("distance", Integer),
            ("hour", Integer),
            ("minute", Integer),
            ("time_hour", Time),
            ("updated_at", Time),
        ],
        file: &[
            "year",
            "month",
            "day",
            "dep_time",
            "sched_dep_time",
            "dep_delay",
            "arr_time",
            "sched_arr_time",
            "arr_delay",
            "carrier",
            "flight",
            "tailnum",
            "origin",
            "dest",
            "air_time",
            "distance",
            "hour",
            "minute",
            "time_hour",
        ],
        counted: true,
    },
    Table {
        name: "weather",
        rows: 26_115,
        columns: &[
            ("id", Integer),
            ("origin", Text),
            ("year", Integer),
            ("month", Integer),
            ("day", Integer),
            ("hour", Integer),
            ("temp", Double),
            ("dewp", Double),
            ("humid", Double),
            ("wind_dir", Integer),
            ("wind_speed", Double),
            ("wind_gust", Double),
            ("precip", Double),
            ("pressure", Double),
            ("visib", Double),
            ("time_hour", Time),
            ("updated_at", Time),
        ],
        file: &[
            "origin",
            "year",
            "month",
            "day",
            "hour",
            "temp",
            "dewp",
            "humid",
            "wind_dir",
            "wind_speed",
            "wind_gust",
            "precip",
            "pressure",
            "visib",
            "time_hour",
        ],
        counted: true,
    },
    Table {
        name: "airlines",
        rows: 16,
        columns: &[("carrier", Text), ("name", Text), ("updated_at", Time)],
        file: &["carrier", "name"],
        counted: false,
    },
    Table {
        name: "airports",
        rows: 1_458,
        columns: &[
            ("faa", Text),
            ("name", Text),
            ("lat", Double),
            ("lon", Double),
            ("alt", Integer),
            ("tz", Integer),
            ("dst", Text),
            ("tzone", Text),
            ("updated_at", Time),
        ],
        file: &["faa", "name", "lat", "lon", "alt", "tz", "dst", "tzone"],
        counted: false,
    },
    Table {
        name: "planes",
        rows: 3_322,
        columns: &[
            ("tailnum", Text),
            ("year", Integer),
            ("type", Text),
            ("manufacturer", Text),
            ("model", Text),
            ("engines", Integer),
            ("seats", Integer),
            ("speed", Integer),
            ("engine", Text),
            ("updated_at", Time),
        ],
        file: &[
            "tailnum",
            "year",
            "type",
            "manufacturer",
            "model",
            "engines",
            "seats",
            "speed",
            "engine",
        ],
        counted: false,
    },
];

impl Table {
    /// Creates the table and loads the file.
    pub(crate) fn load(&self, database: Database, space: &str) {
        let table = database.quoted(space, self.name);
        database.run(&self.ddl(database, &table));
        let file = format!("{}/{}.csv", setting("CONNECT_TEST_FLIGHTS"), self.name);
        match database {
            Database::Postgres => {
                let columns = self.file.join(", ");
                database.run(&format!(
                    "\\copy {table} ({columns}) FROM '{file}' WITH (FORMAT csv, HEADER, NULL 'NA')"
                ));
            }
            Database::MariaDb => {
                let variables: Vec<_> = self.file.iter().map(|c| format!("@{c}")).collect();
                let values: Vec<_> = self
                    .file
                    .iter()
                    .map(|c| match self.form(c) {
                        // The client writes times with T and Z, which a DATETIME does not take.
                        Time => format!("`{c}` = replace(replace(@{c}, 'T', ' '), 'Z', '')"),
                        _ => format!("`{c}` = nullif(@{c}, 'NA')"),
                    })
                    .collect();
                database.run(&format!(
                    "LOAD DATA LOCAL INFILE '{file}' INTO TABLE {table} FIELDS TERMINATED BY ',' \
                     IGNORE 1 LINES ({}) SET {};",
                    variables.join(", "),
                    values.join(", ")
                ));
            }
        }
        let rows = database.number(&format!("SELECT count(*) FROM {table};"));
        assert_eq!(rows, self.rows, "{}", self.name);
    }

    fn form(&self, column: &str) -> Form {
        let known = self.columns.iter().find(|(name, _)| *name == column);
        known.map_or(Text, |(_, form)| *form)
    }

    fn ddl(&self, database: Database, table: &str) -> String {
        let quote = |name: &str| match database {
            Database::Postgres => format!("\"{name}\""),
            Database::MariaDb => format!("`{name}`"),
        };
        let lines: Vec<_> = self
            .columns
            .iter()
            .enumerate()
            .map(|(i, (name, form))| {
                let name = quote(name);
                match (database, form, i) {
                    (Database::Postgres, Integer, 0) => {
                        format!("{name} bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY")
                    }
                    (Database::MariaDb, Integer, 0) => {
                        format!("{name} bigint AUTO_INCREMENT PRIMARY KEY")
                    }
                    (_, _, 0) => format!("{name} varchar(20) NOT NULL PRIMARY KEY"),
                    (_, Integer, _) => format!("{name} integer"),
                    (_, Text, _) => format!("{name} varchar(80)"),
                    (_, Double, _) => format!("{name} double precision"),
                    (Database::Postgres, Time, _) if name == "\"updated_at\"" => {
                        format!("{name} timestamptz NOT NULL DEFAULT clock_timestamp()")
                    }
                    (Database::MariaDb, Time, _) if name == "`updated_at`" => {
                        format!("{name} timestamp(6) NOT NULL DEFAULT current_timestamp(6)")
                    }
                    (Database::Postgres, Time, _) => format!("{name} timestamptz"),
                    (Database::MariaDb, Time, _) => format!("{name} datetime"),
                }
            })
            .collect();
        let index = match database {
            Database::Postgres => String::new(),
            Database::MariaDb => ", KEY by_update (updated_at)".to_owned(),
        };
        let mut ddl = format!("CREATE TABLE {table} ({}{index});", lines.join(", "));
        if database == Database::Postgres {
            let key = quote(self.columns[0].0);
            ddl.push_str(&format!("CREATE INDEX ON {table} (updated_at, {key});"));
        }
        ddl
    }

    /// The key is a number that the database counts up.
    pub(crate) fn is_counted(&self) -> bool {
        self.counted
    }

    /// Name of the key's column.
    pub(crate) fn key(&self) -> &'static str {
        self.columns[0].0
    }

    /// Rows and checksums by column.
    pub(crate) fn checksums(&self, database: Database, table: &str) -> (u64, Vec<(String, u64)>) {
        database.checksums(table, self.columns, 1)
    }
}
