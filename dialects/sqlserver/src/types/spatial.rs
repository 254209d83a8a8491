//! Spatial values: WKB with the reference system in it, as PostGIS has it, and beside it, as SQL
//! Server is given and asked for it.
use dialect_core::ValueError;

pub(crate) const NOT_WKB: ValueError = ValueError("is not WKB");

/// A flag in the type of extended WKB: a reference system follows.
const HAS_SYSTEM: u32 = 0x2000_0000;

/// WKB, extended or not, as its reference system in four bytes, largest first, and plain WKB.
pub(crate) fn placed(wkb: &[u8], default: i32) -> Result<Vec<u8>, ValueError> {
    let [order, a, b, c, d, rest @ ..] = wkb else {
        return Err(NOT_WKB);
    };
    let little = match order {
        0 => false,
        1 => true,
        _ => return Err(NOT_WKB),
    };
    let read = |bytes: [u8; 4]| match little {
        true => u32::from_le_bytes(bytes),
        false => u32::from_be_bytes(bytes),
    };
    let geometry = read([*a, *b, *c, *d]);
    let (system, rest) = match rest {
        [a, b, c, d, rest @ ..] if geometry & HAS_SYSTEM != 0 => {
            (read([*a, *b, *c, *d]).cast_signed(), rest)
        }
        _ if geometry & HAS_SYSTEM != 0 => return Err(NOT_WKB),
        rest => (default, rest),
    };
    let geometry = geometry & !HAS_SYSTEM;
    let mut out = Vec::with_capacity(wkb.len() + 4);
    out.extend_from_slice(&system.to_be_bytes());
    out.push(*order);
    out.extend_from_slice(&match little {
        true => geometry.to_le_bytes(),
        false => geometry.to_be_bytes(),
    });
    out.extend_from_slice(rest);
    Ok(out)
}

/// The same, back: WKB, extended by its reference system unless that is 0.
pub(crate) fn extended(value: &[u8], out: &mut Vec<u8>) -> Result<(), ValueError> {
    let [s1, s2, s3, s4, order @ (0 | 1), a, b, c, d, rest @ ..] = value else {
        return Err(NOT_WKB);
    };
    let system = u32::from_be_bytes([*s1, *s2, *s3, *s4]);
    out.clear();
    out.push(*order);
    if system == 0 {
        out.extend_from_slice(&[*a, *b, *c, *d]);
    } else if *order == 1 {
        let geometry = u32::from_le_bytes([*a, *b, *c, *d]) | HAS_SYSTEM;
        out.extend_from_slice(&geometry.to_le_bytes());
        out.extend_from_slice(&system.to_le_bytes());
    } else {
        let geometry = u32::from_be_bytes([*a, *b, *c, *d]) | HAS_SYSTEM;
        out.extend_from_slice(&geometry.to_be_bytes());
        out.extend_from_slice(&system.to_be_bytes());
    }
    out.extend_from_slice(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spatial_values_give_their_reference_system() {
        let mut wkb = vec![1, 1, 0, 0, 0x20, 0xe6, 0x10, 0, 0];
        wkb.extend_from_slice(&[7; 16]);
        let value = placed(&wkb, 0).unwrap();
        assert_eq!(value[..9], [0, 0, 0x10, 0xe6, 1, 1, 0, 0, 0]);
        let mut back = Vec::new();
        extended(&value, &mut back).unwrap();
        assert_eq!(back, wkb);
        // Largest first, without a system.
        let plain = [0, 0, 0, 0, 1, 7, 7];
        let value = placed(&plain, 4_326).unwrap();
        assert_eq!(value[..4], [0, 0, 0x10, 0xe6]);
        assert_eq!(value[4..], plain);
        assert_eq!(placed(&[2, 0, 0, 0, 1], 0), Err(NOT_WKB));
        assert_eq!(placed(&[1, 1, 0, 0, 0x20, 1], 0), Err(NOT_WKB));
    }
}
