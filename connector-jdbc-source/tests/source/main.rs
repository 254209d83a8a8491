//! The source on real databases.
mod bulk;
mod faults;
mod harness;
mod modes;
