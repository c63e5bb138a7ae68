//! `craton env`: the lines that point AWS clients at the server.

use anyhow::Result;
use serde_json::json;

use crate::args::{Format, Global};
use crate::connection::Connection;
use crate::output;

pub(super) fn run(global: &Global) -> Result<()> {
    // The data folder alone decides: the variables that this prints must not depend on those that it printed before.
    let found = Connection::find(global, |_| None)?;
    let mut variables = vec![
        ("AWS_ENDPOINT_URL", found.url.clone()),
        ("AWS_DEFAULT_REGION", found.region.clone()),
        ("AWS_ACCESS_KEY_ID", found.credentials.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", found.credentials.secret_access_key.clone()),
    ];
    if let Some(certificate) = &found.certificate {
        variables.push(("AWS_CA_BUNDLE", certificate.display().to_string()));
    }
    if global.output == Format::Json {
        return output::json(&json!(variables.into_iter().collect::<std::collections::BTreeMap<_, _>>()));
    }
    for (name, value) in variables {
        output::line(format!("export {name}={}", quoted(&value)))?;
    }
    // A session token of another service would be sent along with the new key.
    output::line("unset AWS_SESSION_TOKEN AWS_PROFILE")
}

/// A word that a POSIX shell reads as `value`.
fn quoted(value: &str) -> String {
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
        assert_eq!(super::quoted("abc/+=:1"), "abc/+=:1");
        assert_eq!(super::quoted("a b"), "'a b'");
        assert_eq!(super::quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(super::quoted(""), "''");
    }
}
