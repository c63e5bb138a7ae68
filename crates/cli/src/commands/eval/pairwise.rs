//! `craton eval compare --pairwise`: a judge chooses between the answers of two jobs, in both orders.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};

use super::{parts, path_of, text};
use crate::args::Format;
use crate::client::Client;
use crate::commands::{jobs, segment};
use crate::eval_args::Compare;
use crate::output;

/// Starts the comparison, follows it to its end and prints what came of it.
pub(super) async fn run(client: &Client, args: &Compare, format: Format) -> Result<()> {
    let answer = client.craton(Method::POST, &path(args), Some(&body(args))).await?;
    for warning in answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        output::note(warning);
    }
    let broken_off = "the verdicts so far are kept: the same command goes on from them";
    jobs::follow(client, &answer["job"], "comparing", broken_off).await?;
    let path = format!("/pairwise-comparisons/{}", segment(answer["comparisonId"].as_str().unwrap_or_default()));
    match format {
        Format::Json => output::json(&client.craton(Method::GET, &path, None).await?["result"]),
        Format::Text => output::line(text(client, &format!("{path}?format=text")).await?.trim_end()),
    }
}

fn path(args: &Compare) -> String {
    // An ARN's last part is the id.
    let second = args.second.rsplit('/').next().unwrap_or(&args.second);
    format!("{}/pairwise/{}", path_of(&args.first), segment(second))
}

/// The judge, and what is named of the jobs.
fn body(args: &Compare) -> Value {
    let mut body = json!({"judge": args.pairwise});
    for (name, part) in parts(args) {
        body[name] = json!(part);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_judge_is_asked_of_the_parts_that_are_named() {
        let asked = Compare {
            first: "arn:x/abc".to_owned(),
            second: "arn:x/def".to_owned(),
            dataset: Some("dev 2".to_owned()),
            system: None,
            other_dataset: None,
            other_system: Some("1".to_owned()),
            pairwise: Some("judge".to_owned()),
        };
        assert_eq!(path(&asked), "/evaluation-jobs/abc/pairwise/def");
        assert_eq!(body(&asked), json!({"judge": "judge", "dataset": "dev 2", "otherSystem": "1"}));
        let all = Compare { dataset: None, other_system: None, ..asked };
        assert_eq!(body(&all), json!({"judge": "judge"}));
    }
}
