//! Tables to records
