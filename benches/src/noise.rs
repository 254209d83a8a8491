//! Numbers without a pattern that are the same on every machine.

/// A number below `limit`.
pub(crate) fn small(noise: u64, limit: u32) -> i32 {
    i32::try_from(noise % u64::from(limit)).unwrap_or_default()
}

/// SplitMix64's finaliser: numbers without a pattern, the same on every machine.
pub(crate) fn scatter(id: i64) -> u64 {
    let mut z = id.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
