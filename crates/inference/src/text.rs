//! Text from tokens: whole UTF-8 characters, and stop sequences that never leak.
