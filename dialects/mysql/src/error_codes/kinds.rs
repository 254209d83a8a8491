//! What the errors of the servers mean, by their numbers.
use connect_api::ErrorKind;

/// What the errors of the servers mean, by their number.
const KINDS: &[(ErrorKind, &[u16])] = &[
    // Shutdown, killed connections, broken packets; a host that is blocked, a server that has
    // become a replica.
    (
        ErrorKind::Connect,
        &[
            1053, 1077, 1078, 1079, 1080, 1081, 1129, 1152, 1156, 1157, 1158, 1159, 1160, 1161,
            1184, 1290, 1836, 1927, 3169, 4031,
        ],
    ),
    // The server's own limits of time.
    (ErrorKind::Timeout, &[1969, 3024]),
    // Connections, memory, disk, statements, locks; a cluster that is not ready; interrupted.
    (
        ErrorKind::Busy,
        &[
            1021, 1037, 1038, 1040, 1041, 1047, 1114, 1135, 1203, 1206, 1226, 1317, 1461, 1637,
        ],
    ),
    // Deadlocks, waits for locks that took too long, snapshots that are too old.
    (ErrorKind::Conflict, &[1020, 1205, 1213, 1614, 3058, 3572]),
    // Variables of a session that are not there, or not to be set so.
    (ErrorKind::Config, &[1193, 1228, 1229, 1231, 1232, 1238]),
    // Writes of a session that is to read only; tables created in tracked transactions.
    (ErrorKind::Unsupported, &[1785, 1786, 1787, 1792]),
    (
        ErrorKind::Auth,
        &[
            1044, 1045, 1095, 1130, 1131, 1132, 1133, 1142, 1143, 1227, 1251, 1370, 1410, 1524,
            1698, 1820, 1862, 3118, 3159, 3955, 4151,
        ],
    ),
    // Duplicates, NULLs, ranges, lengths, foreign keys, checks, triggers, partitions, JSON.
    (
        ErrorKind::Data,
        &[
            1022, 1048, 1062, 1153, 1162, 1169, 1216, 1217, 1263, 1264, 1265, 1292, 1300, 1301,
            1365, 1366, 1367, 1406, 1411, 1416, 1425, 1441, 1451, 1452, 1526, 1586, 1644, 1690,
            1748, 1859, 3140, 3141, 3143, 3144, 3145, 3146, 3147, 3148, 3149, 3150, 3151, 3152,
            3153, 3154, 3156, 3157, 3158, 3819, 3854, 3988,
        ],
    ),
    // Databases, tables, columns, keys and engines that are not there or not so; syntax.
    (
        ErrorKind::Schema,
        &[
            1007, 1008, 1009, 1036, 1046, 1049, 1050, 1051, 1052, 1054, 1058, 1059, 1060, 1061,
            1063, 1064, 1067, 1068, 1069, 1070, 1071, 1072, 1073, 1074, 1075, 1091, 1094, 1101,
            1103, 1109, 1110, 1113, 1115, 1117, 1118, 1136, 1146, 1166, 1170, 1176, 1215, 1235,
            1267, 1273, 1286, 1288, 1305, 1347, 1348, 1356, 1364, 1470, 1471, 1709, 1822, 1824,
            1906, 1932, 3105, 4161,
        ],
    ),
];

/// What an error of the server means: by its number, else by the class of its SQLSTATE.
pub(crate) fn kind_of(number: u16, state: Option<&str>) -> ErrorKind {
    if let Some((kind, _)) = KINDS.iter().find(|(_, numbers)| numbers.contains(&number)) {
        return *kind;
    }
    match state.and_then(|s| s.get(..2)) {
        Some("08") => ErrorKind::Connect,
        Some("22" | "23") => ErrorKind::Data,
        Some("28") => ErrorKind::Auth,
        Some("40") => ErrorKind::Conflict,
        Some("42") => ErrorKind::Schema,
        _ => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_one_kind() {
        let mut all: Vec<_> = KINDS.iter().flat_map(|(_, n)| n.iter()).collect();
        all.sort();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn numbers_go_before_the_class_of_the_state() {
        assert_eq!(kind_of(1062, Some("23000")), ErrorKind::Data);
        // A lock wait has the state of a general error.
        assert_eq!(kind_of(1205, Some("HY000")), ErrorKind::Conflict);
        // MariaDB's failed CHECK has another meaning in MySQL, distinguished by the state.
        assert_eq!(kind_of(4025, Some("23000")), ErrorKind::Data);
        assert_eq!(kind_of(4025, Some("HY000")), ErrorKind::Internal);
        assert_eq!(kind_of(9999, None), ErrorKind::Internal);
    }
}
