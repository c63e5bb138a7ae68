//! What the server says when it is ready.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use base::Result;
use identity::Ctx;
use models::{CardState, Models, Target};

use crate::settings::Settings;

/// Prints where the server is and who stands behind the AWS model ids, to standard output.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn print(url: &str, models: &Models, ctx: &Ctx, settings: &Settings, took: Duration) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let mut lines = vec![
        format!("Craton {version} is ready at {url} ({:.2} s)", took.as_secs_f64()),
        format!("  console      {url}/console/"),
        format!("  credentials  eval \"$(craton env --data-dir {})\"", settings.data_dir.display()),
    ];
    lines.extend(who_answers(models, ctx).await?);
    // A closed standard output is no reason to stop.
    drop(writeln!(std::io::stdout().lock(), "{}", lines.join("\n")));
    Ok(())
}

/// One line for each model that stands behind AWS model ids, and one for the largest that would fit.
async fn who_answers(models: &Models, ctx: &Ctx) -> Result<Vec<String>> {
    let mut behind: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for alias in models.aliases(ctx).await? {
        let target = match &alias.target {
            Target::Local { name } => name.clone(),
            Target::Remote { base_url, model, .. } => format!("{model} at {base_url}"),
        };
        behind.entry(target).or_default().push(alias.model_id);
    }
    let mut lines = Vec::new();
    for (target, ids) in behind {
        let example = ids.first().map(String::as_str).unwrap_or_default();
        let missing = match models.get(ctx, &target).await {
            Ok(card) if card.state != CardState::Ready => format!(", once it is pulled: craton models pull {target}"),
            _ => String::new(),
        };
        let ids =
            if ids.len() == 1 { example.to_owned() } else { format!("{} AWS model ids ({example} …)", ids.len()) };
        lines.push(format!("  model        {target} answers {ids}{missing}"));
    }
    if let Some(name) = models.recommended_model() {
        lines.push(format!(
            "  better       the largest model that fits here: craton models pull {name}, then craton models alias set"
        ));
    }
    Ok(lines)
}
