//! `craton kb delete`.

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result, bail, ensure};
use http::Method;
use serde_json::json;

use super::aws;
use crate::args::Format;
use crate::client::Client;
use crate::fields::text;
use crate::output;

/// What has to be typed, as Bedrock's console asks.
const WORD: &str = "delete";

pub(super) async fn run(client: &Client, base: &str, yes: bool, format: Format) -> Result<()> {
    let id = aws::find(client, base).await?;
    if !yes {
        ask(base)?;
    }
    for source in aws::sources(client, &id).await? {
        let path = aws::source_path(&id, &text(&source, "dataSourceId"));
        aws::bedrock(client, Method::DELETE, &path, None).await?;
    }
    aws::bedrock(client, Method::DELETE, &aws::path(&id), None).await?;
    if format == Format::Json {
        return output::json(&json!({ "deleting": id }));
    }
    output::line(format!("{base} is being deleted"))
}

fn ask(base: &str) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("nothing was deleted: nobody is here to confirm it\nhint: --yes deletes without asking");
    }
    output::piece(&format!("Nobody can ask {base} any more. To delete it, type {WORD}: "))?;
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).context("cannot read the terminal")?;
    ensure!(typed.trim() == WORD, "nothing was deleted: `{}` is not `{WORD}`", typed.trim());
    Ok(())
}
