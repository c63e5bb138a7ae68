//! `craton invoke`: one InvokeModel request.

use std::io::Read as _;

use anyhow::{Context as _, Result};
use http::Method;

use super::segment;
use crate::args::Invoke;
use crate::client::{Client, served_by};
use crate::output;

pub(super) async fn run(client: &Client, args: &Invoke) -> Result<()> {
    let path = format!("/model/{}/invoke", segment(&args.model));
    let response = client.send("bedrock", Method::POST, &path, body(&args.body)?).await?;
    let served_by = served_by(&response);
    let text = response.text().await?;
    output::line(text)?;
    if let Some(name) = served_by {
        output::note(&format!("answered by {name}"));
    }
    Ok(())
}

fn body(argument: &str) -> Result<Vec<u8>> {
    if argument == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok(bytes);
    }
    match argument.strip_prefix('@') {
        Some(path) => std::fs::read(path).with_context(|| format!("cannot read `{path}`")),
        None => Ok(argument.as_bytes().to_vec()),
    }
}
