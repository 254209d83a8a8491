//! The sqlite dialect
