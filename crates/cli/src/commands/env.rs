//! `craton env`: the lines that point AWS clients at the server.

use anyhow::Result;
use serde_json::json;

use crate::args::{Format, Global};
use crate::connection::Connection;
use crate::{output, shell};

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
        output::line(format!("export {name}={}", shell::word(&value)))?;
    }
    // A session token of another service would be sent along with the new key.
    output::line("unset AWS_SESSION_TOKEN AWS_PROFILE")
}
