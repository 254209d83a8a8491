//! Ranges of rows cut into statements of few shapes.
use std::ops::Range;

/// Cuts `rows` into ranges of `full` rows, then of falling powers of two: whatever the batch, a
/// connection's statement cache meets few shapes of a statement with many rows.
pub fn chunks(rows: Range<usize>, full: usize) -> impl Iterator<Item = Range<usize>> {
    let (mut start, full) = (rows.start, full.max(1));
    std::iter::from_fn(move || {
        let left = rows.end.checked_sub(start).filter(|left| *left > 0)?;
        let size = if left >= full {
            full
        } else {
            1 << left.ilog2()
        };
        let chunk = start..start + size;
        start = chunk.end;
        Some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_row_is_in_one_chunk_of_few_shapes(start in 0usize..1000, len in 0usize..3000, full in 0usize..600) {
            let mut next = start;
            for chunk in chunks(start..start + len, full) {
                prop_assert_eq!(chunk.start, next);
                prop_assert!(chunk.len() == full.max(1) || chunk.len().is_power_of_two());
                prop_assert!(chunk.len() <= full.max(1));
                next = chunk.end;
            }
            prop_assert_eq!(next, start + len);
        }
    }
}
