use std::time::Duration;

use anyhow::anyhow;
use clap::Parser as _;

use super::*;
use crate::args::{Cli, Command};
use crate::fake;

fn answer(tokens: u32, texts: Option<(u64, u64)>, served_by: &str) -> Answer {
    Answer {
        text: "Granite.".to_owned(),
        metadata: json!({ "usage": { "outputTokens": tokens } }),
        stop: "end_turn".into(),
        served_by: Some(served_by.to_owned()),
        texts: texts.map(|(first, last)| (Duration::from_millis(first), Duration::from_millis(last))),
    }
}

fn parsed(line: &str) -> Result<Chat, clap::Error> {
    match Cli::try_parse_from(line.split_whitespace())?.command {
        Command::Chat(chat) => Ok(*chat),
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_are_compared_and_the_rest_is_the_question() {
    let chat = parsed("craton chat --compare one two Why is it blue?").unwrap();
    assert_eq!(
        (chat.compare, chat.question.join(" ")),
        (vec!["one".to_owned(), "two".to_owned()], "Why is it blue?".to_owned())
    );
    assert!(parsed("craton chat --compare one").is_err(), "there is nothing to compare it with");
    assert!(parsed("craton chat --compare one two --model three").is_err());
}

#[test]
fn a_speed_is_that_of_the_tokens_after_the_first() {
    assert_eq!(answer(21, Some((100, 600)), "m").tokens_per_second(), Some(40.0));
    assert_eq!(answer(1, Some((100, 600)), "m").tokens_per_second(), None);
    assert_eq!(answer(9, Some((100, 100)), "m").tokens_per_second(), None);
    assert_eq!(answer(0, None, "m").tokens_per_second(), None);
}

#[test]
fn figures_stand_beside_each_other_and_name_who_stood_in_and_who_failed() {
    let answers = [
        Ok(answer(21, Some((100, 600)), "small; substituted=true")),
        Err(anyhow!("it is not pulled")),
        Ok(answer(0, None, "own; substituted=false")),
    ];
    assert_eq!(
        figures(["claude", "big", "own"].into_iter().zip(&answers)),
        "\
MODEL                                     FIRST TOKEN  TOKENS/S  WHOLE ANSWER  TOKENS  ENDED
claude (answered by small, a substitute)  100 ms       40.0      600 ms        21      end_turn
big                                       -            -         -             -       failed
own                                       -            -         -             0       end_turn"
    );
}

#[tokio::test]
async fn an_endpoint_is_meant_by_its_name_and_a_model_otherwise() {
    let arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/chat";
    let (client, asked) = fake::server(&[
        (200, r#"{"EndpointArn":"arn:aws:sagemaker:us-east-1:123456789012:endpoint/chat"}"#),
        (400, r#"{"message":"Could not find endpoint"}"#),
    ]);
    assert_eq!(side(&client, "chat").await.model, arn);
    assert_eq!(side(&client, "own").await.model, "own");
    let asked = asked.join().unwrap();
    assert_eq!(asked[0].json()["EndpointName"], "chat");
    // What has a colon is an id already.
    assert_eq!(side(&client, arn).await.model, arn);
}

#[tokio::test]
async fn what_one_fails_at_is_told_by_name() {
    let (client, asked) =
        fake::server(&[(404, r#"{"message":"It is not pulled."}"#), (404, r#"{"message":"It is not pulled."}"#)]);
    let chat = parsed("craton chat --compare one two Why?").unwrap();
    let mut sides = ["one", "two"].map(|name| Side { name, model: name.to_owned(), history: Vec::new() });
    let error = both(&client, &chat, &mut sides, "Why?", Format::Json).await.unwrap_err();
    assert_eq!(error.to_string(), "`one` and `two` did not answer");
    let mut lines: Vec<String> = asked.join().unwrap().into_iter().map(|asked| asked.line).collect();
    lines.sort();
    assert_eq!(lines, ["POST /model/one/converse-stream HTTP/1.1", "POST /model/two/converse-stream HTTP/1.1"]);
    assert!(sides.iter().all(|side| side.history.is_empty()));
}
