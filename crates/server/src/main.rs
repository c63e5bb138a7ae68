//! Craton: the AWS AI APIs with real engines, in one program.

fn main() {}
