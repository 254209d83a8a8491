//! Databases behind one interface: read and write Arrow columns
