//! The worker: tasks, positions, source and sink loops
