//! Upserts by `UPDATE` first: how its statements are run.
use crate::{plan::update_first::Replace, session::Session, write::Writing};
use connect_api::Result;
use std::ops::Range;

impl Session {
    /// Changes the rows that are there, and then takes those that are not.
    pub(crate) async fn replace(
        &mut self,
        replace: &Replace,
        writing: &Writing<'_>,
        rows: Range<usize>,
    ) -> Result<u64> {
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let there = self.merge(&replace.update, writing).await?;
        replace.note(there, count);
        if there == count {
            return Ok(count);
        }
        if there == 0 {
            // Nothing was updated: what is of this transaction is of an earlier write.
            return self.merge(&writing.detail().stage.merge, writing).await;
        }
        let rest = self.merge(&replace.rest, writing).await?;
        if there + rest != count {
            // Of two rows with one key `UPDATE` took any; else a trigger passed over some.
            writing.check_distinct(rows)?;
        }
        Ok(there + rest)
    }
}
