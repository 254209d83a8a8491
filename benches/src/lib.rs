//! Benchmarks of every part and of the whole path
