//! The dialect against a real server: what is common to all dialects, and what PostgreSQL has of
//! its own.
mod server;
mod sessions;
mod tables;
mod writes;
