//! Databases behind one interface: read and write Arrow columns
pub use dialect_core::*;
