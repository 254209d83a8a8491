//! Types of the binary protocol, by their OID in `pg_type`.
macro_rules! oids {
    ($($name:ident = $oid:literal),* $(,)?) => { $(pub(crate) const $name: u32 = $oid;)* };
}
oids! {
    BOOL = 16, BYTEA = 17, NAME = 19, INT8 = 20, INT2 = 21, INT4 = 23, REGPROC = 24, TEXT = 25,
    OID = 26, XID = 28, CID = 29, JSON = 114, XML = 142, FLOAT4 = 700, FLOAT8 = 701,
    BPCHAR = 1042, VARCHAR = 1043, DATE = 1082, TIME = 1083, TIMESTAMP = 1114,
    TIMESTAMPTZ = 1184, NUMERIC = 1700, REGPROCEDURE = 2202, REGOPER = 2203,
    REGOPERATOR = 2204, REGCLASS = 2205, REGTYPE = 2206, UUID = 2950, JSONB = 3802,
    REGNAMESPACE = 4089, REGROLE = 4096,
}
/// Types that are an OID, or another number of 32 bits without a sign, on the wire.
pub(crate) const UNSIGNED: [u32; 11] = [
    OID,
    XID,
    CID,
    REGPROC,
    REGPROCEDURE,
    REGOPER,
    REGOPERATOR,
    REGCLASS,
    REGTYPE,
    REGNAMESPACE,
    REGROLE,
];
/// Types that are text on the wire. Enums and types of extensions are so too.
pub(crate) const TEXTS: [u32; 5] = [TEXT, VARCHAR, BPCHAR, NAME, XML];
/// The first OID of what is not built in.
pub(crate) const FIRST_USER: u32 = 16_384;
