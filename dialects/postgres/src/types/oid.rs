//! Types of the binary protocol, by their OID in `pg_type`.
use connect_api::Kind;

macro_rules! oids {
    ($($name:ident = $oid:literal),* $(,)?) => { $(pub(crate) const $name: u32 = $oid;)* };
}
oids! {
    BOOL = 16, BYTEA = 17, CHAR = 18, NAME = 19, INT8 = 20, INT2 = 21, INT4 = 23, REGPROC = 24,
    TEXT = 25, OID = 26, XID = 28, CID = 29, JSON = 114, XML = 142, POINT = 600,
    LSEG = 601, PATH = 602, BOX = 603, POLYGON = 604, LINE = 628, CIDR = 650, FLOAT4 = 700,
    FLOAT8 = 701, CIRCLE = 718, MACADDR8 = 774, MONEY = 790, MACADDR = 829, INET = 869,
    BPCHAR = 1042, VARCHAR = 1043, DATE = 1082, TIME = 1083, TIMESTAMP = 1114,
    TIMESTAMPTZ = 1184, INTERVAL = 1186, TIMETZ = 1266, BIT = 1560, VARBIT = 1562,
    NUMERIC = 1700, REGPROCEDURE = 2202, REGOPER = 2203, REGOPERATOR = 2204,
    REGCLASS = 2205, REGTYPE = 2206, UUID = 2950, TXID_SNAPSHOT = 2970, PG_LSN = 3220,
    TSVECTOR = 3614, TSQUERY = 3615, REGCONFIG = 3734, REGDICTIONARY = 3769, JSONB = 3802,
    INT4RANGE = 3904, NUMRANGE = 3906, TSRANGE = 3908, TSTZRANGE = 3910, DATERANGE = 3912,
    INT8RANGE = 3926, JSONPATH = 4072, REGNAMESPACE = 4089, REGROLE = 4096, REGCOLLATION = 4191,
    INT4MULTIRANGE = 4451, NUMMULTIRANGE = 4532, TSMULTIRANGE = 4533, TSTZMULTIRANGE = 4534,
    DATEMULTIRANGE = 4535, INT8MULTIRANGE = 4536, PG_SNAPSHOT = 5038, XID8 = 5069,
}
/// The first OID of what is not built in.
pub(crate) const FIRST_USER: u32 = 16_384;

/// Types of arrays, and those of their elements: the ones whose binary form is read.
pub(crate) const ARRAYS: [(u32, u32); 39] = [
    (1000, BOOL),
    (1001, BYTEA),
    (1002, CHAR),
    (1003, NAME),
    (1016, INT8),
    (1005, INT2),
    (1007, INT4),
    (1008, REGPROC),
    (1009, TEXT),
    (1028, OID),
    (1011, XID),
    (1012, CID),
    (199, JSON),
    (143, XML),
    (1021, FLOAT4),
    (1022, FLOAT8),
    (791, MONEY),
    (1014, BPCHAR),
    (1015, VARCHAR),
    (1182, DATE),
    (1183, TIME),
    (1115, TIMESTAMP),
    (1185, TIMESTAMPTZ),
    (1187, INTERVAL),
    (1561, BIT),
    (1231, NUMERIC),
    (2207, REGPROCEDURE),
    (2208, REGOPER),
    (2209, REGOPERATOR),
    (2210, REGCLASS),
    (2211, REGTYPE),
    (2951, UUID),
    (3735, REGCONFIG),
    (3770, REGDICTIONARY),
    (3807, JSONB),
    (4090, REGNAMESPACE),
    (4097, REGROLE),
    (4192, REGCOLLATION),
    (271, XID8),
];

/// The type of the elements of arrays of the type `array`; itself for what is not built in.
pub(crate) fn element(array: u32) -> u32 {
    let known = ARRAYS.iter().find(|(a, _)| *a == array);
    known.map_or(array, |(_, element)| *element)
}

/// The ranges that are built in, their arrays, and the types of their bounds.
pub(crate) const RANGES: [(u32, u32, u32); 6] = [
    (INT4RANGE, 3905, INT4),
    (NUMRANGE, 3907, NUMERIC),
    (TSRANGE, 3909, TIMESTAMP),
    (TSTZRANGE, 3911, TIMESTAMPTZ),
    (DATERANGE, 3913, DATE),
    (INT8RANGE, 3927, INT8),
];

/// The range of the type `oid`, where it is built in, as in [`RANGES`].
pub(crate) fn range(oid: u32) -> Option<(u32, u32, u32)> {
    RANGES.into_iter().find(|(range, ..)| *range == oid)
}

/// The type whose binary form values of a scalar kind have.
pub(crate) fn of_kind(kind: &Kind) -> Option<u32> {
    Some(match kind {
        Kind::Int16 => INT2,
        Kind::Int32 => INT4,
        Kind::Int64 => INT8,
        Kind::UInt32 => OID,
        Kind::Float32 => FLOAT4,
        Kind::Float64 => FLOAT8,
        Kind::Decimal { .. } | Kind::WideDecimal { .. } | Kind::BigDecimal => NUMERIC,
        Kind::Text => TEXT,
        Kind::Bytes => BYTEA,
        Kind::Uuid => UUID,
        Kind::Date => DATE,
        Kind::Time => TIME,
        Kind::Timestamp { utc: false } => TIMESTAMP,
        Kind::Timestamp { utc: true } => TIMESTAMPTZ,
        Kind::Interval => INTERVAL,
        _ => return None,
    })
}

/// Types that are an OID, or another number of 32 bits without a sign, on the wire.
pub(crate) const UNSIGNED: [u32; 14] = [
    OID,
    XID,
    CID,
    REGPROC,
    REGPROCEDURE,
    REGOPER,
    REGOPERATOR,
    REGCLASS,
    REGTYPE,
    REGCONFIG,
    REGDICTIONARY,
    REGNAMESPACE,
    REGROLE,
    REGCOLLATION,
];
/// Types that are text on the wire. Enums and types of extensions are so too.
pub(crate) const TEXTS: [u32; 5] = [TEXT, VARCHAR, BPCHAR, NAME, XML];
