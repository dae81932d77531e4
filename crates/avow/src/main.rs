//! avow.
fn main() {}
