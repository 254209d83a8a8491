//! The interface of a database dialect
