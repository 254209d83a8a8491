//! The postgres dialect
