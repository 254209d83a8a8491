//! The dialect against a real server: the suite of all dialects, and what only this one has.
mod place;
mod reading;
mod refusing;
mod writing;
