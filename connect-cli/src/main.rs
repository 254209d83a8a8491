//! The program rocketmq-connect
fn main() {}
