//! Which kind of error a state and a number of the vendor are.
use crate::server::Profile;
use connect_api::ErrorKind;

/// What an SQLSTATE means; the longest beginning that is named decides.
const KINDS: &[(ErrorKind, &[&str])] = &[
    // Connections; psqlodbc's dead ones; shutdown, crash, an ended session; a login's timeout.
    (
        ErrorKind::Connect,
        &["08", "57P01", "57P02", "57P03", "01002", "IM004", "25P03"],
    ),
    (
        ErrorKind::Timeout,
        &["HYT00", "HYT01", "57014", "70100", "S1T00"],
    ),
    (ErrorKind::Busy, &["53", "55006", "HY001", "HY013", "HY014"]),
    (ErrorKind::Conflict, &["40", "55P03"]),
    (
        ErrorKind::Data,
        &["21", "22", "23", "44", "0A000D", "P0001"],
    ),
    (
        ErrorKind::Schema,
        &["42", "3D", "3F", "S0", "2BP01", "07", "HY090"],
    ),
    (ErrorKind::Auth, &["28", "42501", "25006"]),
    // The driver is not there, or has no such thing.
    (ErrorKind::Config, &["IM", "01000"]),
    (ErrorKind::Unsupported, &["0A", "HYC00", "HY092"]),
];

/// MySQL's numbers where its driver has no state of their own, and those whose state says less.
const MYSQL: &[(ErrorKind, &[i32])] = &[
    (
        ErrorKind::Connect,
        &[
            1053, 1077, 1079, 1080, 1129, 1152, 1184, 1927, 2002, 2003, 2006, 2013, 2055, 3169,
            4031,
        ],
    ),
    (ErrorKind::Timeout, &[1969, 3024]),
    (
        ErrorKind::Busy,
        &[1021, 1037, 1038, 1040, 1041, 1114, 1135, 1203, 1206, 1226],
    ),
    (ErrorKind::Conflict, &[1020, 1205, 1213]),
    (
        ErrorKind::Auth,
        &[1044, 1045, 1142, 1143, 1227, 1290, 1698, 1792],
    ),
    (
        ErrorKind::Data,
        &[
            1048, 1062, 1118, 1153, 1216, 1217, 1242, 1264, 1265, 1292, 1366, 1406, 1451, 1452,
            1526, 1644, 1690, 3140, 3819, 4025,
        ],
    ),
    (
        ErrorKind::Schema,
        &[1049, 1050, 1051, 1054, 1060, 1064, 1091, 1146, 1364],
    ),
];

/// SQLite's primary codes: its driver says HY000 of them all.
const SQLITE: &[(ErrorKind, &[i32])] = &[
    (ErrorKind::Auth, &[3, 8, 14, 23]),
    (ErrorKind::Conflict, &[4, 17]),
    (ErrorKind::Busy, &[5, 6, 7, 13, 15]),
    (ErrorKind::Timeout, &[9]),
    (ErrorKind::Connect, &[10]),
    (ErrorKind::Config, &[11, 26]),
    (ErrorKind::Data, &[18, 19, 20]),
    (ErrorKind::Schema, &[1]),
];

/// What an error means: by the database's own number where it is known, else by the state.
pub(crate) fn kind_of(profile: Profile, state: &str, native: i32, message: &str) -> ErrorKind {
    let by_number = |table: &[(ErrorKind, &[i32])], number: i32| {
        let found = table.iter().find(|(_, numbers)| numbers.contains(&number));
        found.map(|(kind, _)| *kind)
    };
    let own = match profile {
        Profile::MySql { .. } => by_number(MYSQL, native),
        Profile::Sqlite if state == "HY000" => by_number(SQLITE, native & 0xff),
        // A privilege that is missing has the class of syntax.
        Profile::Postgres if state == "42501" => Some(ErrorKind::Auth),
        _ => None,
    };
    if let Some(kind) = own {
        return kind;
    }
    let states = KINDS
        .iter()
        .flat_map(|(kind, states)| states.iter().map(move |s| (*kind, *s)));
    let found = states
        .filter(|(_, beginning)| state.starts_with(beginning))
        .max_by_key(|(_, beginning)| beginning.len());
    match found {
        Some((kind, _)) => kind,
        None if message.contains("connection dead") || message.contains("Could not send") => {
            ErrorKind::Connect
        }
        None => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_their_kinds() {
        for (state, kind) in [
            ("08S01", ErrorKind::Connect),
            ("HYT00", ErrorKind::Timeout),
            ("40001", ErrorKind::Conflict),
            ("22003", ErrorKind::Data),
            ("23505", ErrorKind::Data),
            ("42S02", ErrorKind::Schema),
            ("42S22", ErrorKind::Schema),
            ("42501", ErrorKind::Auth),
            ("28000", ErrorKind::Auth),
            ("IM002", ErrorKind::Config),
            ("HY000", ErrorKind::Internal),
        ] {
            assert_eq!(kind_of(Profile::Generic, state, 0, ""), kind, "{state}");
        }
        let mysql = Profile::MySql { mariadb: true };
        assert_eq!(kind_of(mysql, "HY000", 1205, ""), ErrorKind::Conflict);
        assert_eq!(kind_of(Profile::Sqlite, "HY000", 1555, ""), ErrorKind::Data);
    }
}
