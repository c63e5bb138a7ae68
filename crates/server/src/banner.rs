//! What the server says when it is ready.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use base::Result;
use identity::Ctx;
use models::{Card, CardState, Models, Recommended, Target};

use crate::settings::Settings;

/// The id that the advice puts a better model behind.
const EXAMPLE: &str = "anthropic.claude-3-haiku-20240307-v1:0";

/// Prints where the server is and who stands behind the AWS model ids, to standard output.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn print(url: &str, models: &Models, ctx: &Ctx, settings: &Settings, took: Duration) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let here = cli::shell_word(&settings.data_dir.display().to_string());
    let mut lines = vec![
        format!("Craton {version} is ready at {url} ({:.2} s)", took.as_secs_f64()),
        format!("  console      {url}/console/"),
        format!("  credentials  eval \"$(craton env --data-dir {here})\""),
    ];
    lines.extend(who_answers(models, ctx, &format!(" --data-dir {here}")).await?);
    // A closed standard output is no reason to stop.
    drop(writeln!(std::io::stdout().lock(), "{}", lines.join("\n")));
    Ok(())
}

/// One line for each model that stands behind AWS model ids, and how to get the largest that would fit.
async fn who_answers(models: &Models, ctx: &Ctx, here: &str) -> Result<Vec<String>> {
    let mut behind: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for alias in models.aliases(ctx).await? {
        let target = match &alias.target {
            Target::Local { name } => name.clone(),
            Target::Pool { name } => format!("the pool {name}"),
            Target::Routed { profile, .. } => profile.clone(),
            Target::Imported { model } => model.name.clone(),
            Target::Endpoint(target) => target.endpoint.clone(),
            Target::Remote { base_url, model, .. } => format!("{model} at {base_url}"),
        };
        behind.entry(target).or_default().push(alias.model_id);
    }
    let better = models.recommended().filter(|better| !behind.contains_key(&better.name));
    let mut lines = Vec::new();
    for (target, ids) in behind {
        let example = ids.first().map(String::as_str).unwrap_or_default();
        let missing = models.get(ctx, &target).await.ok().and_then(|card| missing(&card, here)).unwrap_or_default();
        let ids =
            if ids.len() == 1 { example.to_owned() } else { format!("{} AWS model ids ({example} …)", ids.len()) };
        lines.push(format!("  model        {target} answers {ids}{missing}"));
    }
    lines.extend(better.iter().flat_map(|better| advice(better, here)));
    Ok(lines)
}

fn missing(card: &Card, here: &str) -> Option<String> {
    let pull = pull(&card.name, card.licence.terms_must_be_accepted, here);
    (card.state != CardState::Ready).then(|| format!(", once it is pulled: {pull}"))
}

fn advice(better: &Recommended, here: &str) -> [String; 3] {
    let (name, pull) = (&better.name, pull(&better.name, better.terms_must_be_accepted, here));
    [
        format!("  better       {name} is the largest chat model of the catalogue that fits here:"),
        format!("               {pull}"),
        format!("               craton models alias set {EXAMPLE} {name}{here}"),
    ]
}

fn pull(name: &str, terms_must_be_accepted: bool, here: &str) -> String {
    let terms = if terms_must_be_accepted { " --accept-terms" } else { "" };
    format!("craton models pull {name}{terms}{here}")
}

#[cfg(test)]
#[path = "banner/tests.rs"]
mod tests;
