//! What the errors of the server mean, by their numbers.
use connect_api::ErrorKind;

/// What the errors of the server mean, by their number.
const KINDS: &[(ErrorKind, &[u32])] = &[
    // Shutdown, killed sessions, databases and replicas that are not there yet or not any more.
    (
        ErrorKind::Connect,
        &[
            233, 596, 615, 921, 922, 923, 924, 927, 976, 978, 979, 982, 983, 988, 4804, 6001, 6005,
            6006, 10_053, 10_054, 10_060, 10_061, 17_142, 17_148, 17_188, 40_197, 40_613, 40_914,
            42_108, 42_109,
        ],
    ),
    // Memory, disk, log, workers; the limits of Azure.
    (
        ErrorKind::Busy,
        &[
            701, 802, 1101, 1105, 1121, 4846, 5039, 5149, 7987, 8628, 8645, 8651, 9002, 10_922,
            10_928, 10_929, 17_189, 17_810, 17_830, 17_883, 40_501, 40_544, 40_549, 40_550, 40_551,
            40_552, 40_553, 49_918, 49_919, 49_920,
        ],
    ),
    // Deadlocks, waits for locks, changes under snapshot isolation and in memory; transactions and
    // savepoints that the server gave up; a table that changed, or a plan of it, while it was loaded.
    (
        ErrorKind::Conflict,
        &[
            628, 1205, 1211, 1222, 3902, 3903, 3928, 3930, 3931, 4891, 4892, 6401, 3960, 3961,
            3966, 41_301, 41_302, 41_305, 41_325, 41_839,
        ],
    ),
    (
        ErrorKind::Auth,
        &[
            229, 230, 262, 297, 300, 371, 378, 916, 3704, 4060, 4064, 4834, 5011, 10_011, 15_151,
            15_247, 18_401, 18_450, 18_451, 18_452, 18_456, 18_458, 18_459, 18_461, 18_463, 18_464,
            18_465, 18_466, 18_467, 18_468, 18_470, 18_471, 18_486, 18_487, 18_488, 40_615, 47_073,
        ],
    ),
    // A database that cannot be written.
    (ErrorKind::Config, &[3906, 3908]),
    // Duplicates, NULLs, ranges, lengths, references, conversions, XML, JSON, row sizes, triggers.
    (
        ErrorKind::Data,
        &[
            220, 232, 241, 242, 245, 248, 295, 296, 409, 511, 515, 517, 547, 550, 1007, 1505, 1946,
            2601, 2627, 2628, 3609, 4815, 4819, 4863, 4864, 4865, 4866, 4867, 4869, 4896, 6522,
            7339, 8114, 8115, 8134, 8152, 8169, 9807, 13_608, 13_609, 13_610, 42_203, 42_204,
        ],
    ),
    // Tables, columns, schemas and types that are not there or not so; syntax.
    (
        ErrorKind::Schema,
        &[
            102, 103, 105, 109, 110, 120, 121, 137, 156, 157, 170, 195, 201, 206, 207, 208, 213,
            252, 257, 264, 266, 270, 271, 272, 273, 305, 306, 317, 319, 402, 403, 421, 468, 529,
            544, 545, 911, 1033, 1088, 1701, 1702, 1750, 1753, 1759, 1767, 1769, 1770, 1779, 1785,
            1902, 1904, 1911, 1913, 1919, 1927, 1934, 1944, 1945, 2003, 2014, 2702, 2705, 2714,
            2715, 2716, 2717, 2721, 2744, 2749, 2751, 2760, 3701, 3726, 3727, 3728, 3729, 4104,
            4113, 4145, 4403, 4405, 4406, 4413, 4421, 4425, 4501, 4502, 4506, 4511, 4512, 4816,
            4835, 4837, 4838, 4875, 4901, 4902, 4917, 4922, 4924, 4925, 4928, 4929, 5074, 5308,
            5309, 8003, 8004, 8101, 8102, 8106, 8107, 8110, 8111, 8117, 8155, 8156, 8160, 8161,
            8180, 8181, 11_501, 11_502, 11_503, 11_508, 11_509, 11_510, 11_511, 11_512, 11_513,
            11_514, 11_515, 11_516, 11_517, 11_518, 11_519, 11_520, 11_521, 11_525, 11_526, 11_527,
            11_528, 11_529,
        ],
    ),
];

/// What an error of the server means: by its number, else by its severity.
pub(crate) fn kind_of(number: u32, severity: u8) -> ErrorKind {
    if let Some((kind, _)) = KINDS.iter().find(|(_, numbers)| numbers.contains(&number)) {
        return *kind;
    }
    match (number, severity) {
        // XML; and the numbers of THROW and RAISERROR, which are triggers' and procedures'.
        (9400..=9499 | 50_000.., ..=19) => ErrorKind::Data,
        (_, 13) => ErrorKind::Conflict,
        (_, 14) => ErrorKind::Auth,
        (_, 17 | 19) => ErrorKind::Busy,
        // The server ends the connection.
        (_, 20..) => ErrorKind::Connect,
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
        for pair in all.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
    }

    #[test]
    fn the_numbers_of_the_reference_have_its_kinds() {
        for (kind, numbers) in [
            (ErrorKind::Busy, &[10_928, 10_929, 49_918][..]),
            (ErrorKind::Conflict, &[1205, 1222, 3960]),
            (
                ErrorKind::Data,
                &[2627, 2601, 515, 547, 245, 8115, 8152, 2628],
            ),
            (ErrorKind::Schema, &[207, 208]),
            (ErrorKind::Auth, &[18_456, 229]),
            // Of bulk loads.
            (
                ErrorKind::Data,
                &[4815, 4819, 4863, 4864, 4866, 4867, 4869, 4896, 7339],
            ),
            (ErrorKind::Conflict, &[4891, 4892, 628, 3903, 3931, 6401]),
            (ErrorKind::Schema, &[4816, 4835, 4875]),
            (ErrorKind::Connect, &[4804]),
        ] {
            for number in numbers {
                assert_eq!(kind_of(*number, 16), kind, "{number}");
            }
        }
    }

    #[test]
    fn numbers_that_are_not_known_go_by_severity() {
        for (number, severity, kind) in [
            (99, 20, ErrorKind::Connect),
            (99, 17, ErrorKind::Busy),
            (99, 14, ErrorKind::Auth),
            (99, 13, ErrorKind::Conflict),
            (99, 16, ErrorKind::Internal),
            (50_000, 16, ErrorKind::Data),
            (51_234, 16, ErrorKind::Data),
            (9413, 16, ErrorKind::Data),
        ] {
            assert_eq!(kind_of(number, severity), kind, "{number}");
        }
    }
}
