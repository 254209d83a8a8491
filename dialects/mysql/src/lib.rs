//! The mysql dialect
