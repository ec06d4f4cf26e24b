//! davit
fn main() {}
