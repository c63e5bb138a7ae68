//! Words of a shell's command line.

/// A word that a POSIX shell reads as `value`.
#[must_use]
pub fn word(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:+=@%,".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_are_quoted_where_a_shell_would_read_them() {
        assert_eq!(super::word("abc/+=:1"), "abc/+=:1");
        assert_eq!(super::word("a b"), "'a b'");
        assert_eq!(super::word("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(super::word(""), "''");
    }
}
