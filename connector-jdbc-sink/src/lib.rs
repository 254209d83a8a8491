//! Records to tables
