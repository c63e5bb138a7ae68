//! `craton kb ask`, `search` and `explain`.

use anyhow::{Context as _, Result};
use http::Method;
use serde_json::{Value, json};

use super::aws;
use crate::args::Format;
use crate::client::Client;
use crate::commands::segment;
use crate::fields::text;
use crate::kb_args::{By, Query};
use crate::output;

/// The longest text that is shown of a passage, in characters.
const SHOWN: usize = 300;
/// What of it stands before the first word that it was found by.
const BEFORE: usize = 60;

pub(super) async fn ask(
    client: &Client,
    query: &Query,
    model: Option<&str>,
    session: Option<&str>,
    format: Format,
) -> Result<()> {
    let mut input = asked(query)?;
    input["mode"] = if model.is_some() { "generate" } else { "extractive" }.into();
    for (name, value) in [("modelId", model), ("sessionId", session)] {
        if let Some(value) = value {
            input[name] = value.into();
        }
    }
    let answer = own(client, query, "ask", &input).await?;
    if format == Format::Json {
        return output::json(&answer);
    }
    let (text, sources) = cited(&answer);
    output::line(text)?;
    for source in sources {
        output::line(format!("\n{source}"))?;
    }
    if answer["voice"] == "passages-instead" {
        output::note("nothing that the model wrote stands in the documents: their own sentences answer");
    }
    if let Some(name) = answer["served"]["name"].as_str() {
        output::note(&format!("written by {name}"));
    }
    Ok(())
}

pub(super) async fn search(client: &Client, query: &Query, format: Format) -> Result<()> {
    let found = own(client, query, "explain", &asked(query)?).await?;
    if format == Format::Json {
        return output::json(&found);
    }
    for (at, one) in results(&found).iter().enumerate() {
        output::line(format!("{}. {:.3}  {}\n   {}", at + 1, score(one), place(one), short(one)))?;
    }
    Ok(())
}

pub(super) async fn explain(client: &Client, query: &Query, format: Format) -> Result<()> {
    let found = own(client, query, "explain", &asked(query)?).await?;
    if format == Format::Json {
        return output::json(&found);
    }
    let filter = found["filter"]
        .as_str()
        .map_or_else(String::new, |filter| format!(", {} of them meet {filter}", found["matching"]));
    output::line(format!(
        "{} chunks may be read{filter}; ranked {}",
        found["visible"],
        text(&found, "searchType").to_lowercase()
    ))?;
    for (at, one) in results(&found).iter().enumerate() {
        output::line(format!("\n{}. {:.3}  {}", at + 1, score(one), place(one)))?;
        for (title, side) in [("words", &one["lexical"]), ("meaning", &one["vector"])] {
            if !side.is_null() {
                let rank = side["rank"].as_u64().map_or_else(|| "not ranked".to_owned(), |rank| format!("rank {rank}"));
                output::line(format!("   {title:<8} {rank}, score {:.3}", side["score"].as_f64().unwrap_or(0.0)))?;
            }
        }
        let terms: Vec<String> = one["terms"].as_array().map_or(&[][..], Vec::as_slice).iter().map(term).collect();
        if !terms.is_empty() {
            output::line(format!("   terms    {}", terms.join(", ")))?;
        }
        output::line(format!("   {}", short(one)))?;
    }
    Ok(())
}

/// Calls Craton's own API of a knowledge base.
async fn own(client: &Client, query: &Query, what: &str, input: &Value) -> Result<Value> {
    let id = aws::find(client, &query.base).await?;
    client.craton(Method::POST, &format!("/knowledge-bases/{}/{what}", segment(&id)), Some(input)).await
}

fn asked(query: &Query) -> Result<Value> {
    let by = match query.by {
        By::Hybrid => "HYBRID",
        By::Semantic => "SEMANTIC",
        By::Lexical => "LEXICAL",
    };
    let mut input = json!({ "text": query.text, "numberOfResults": query.results, "searchType": by });
    if let Some(filter) = &query.filter {
        input["filter"] = serde_json::from_str(filter).with_context(|| {
            format!("`{filter}` is not JSON\nhint: write {{\"equals\": {{\"key\": …, \"value\": …}}}}")
        })?;
    }
    if let Some(user) = &query.user {
        input["userId"] = user.as_str().into();
    }
    if let Some(neighbours) = query.neighbours {
        input["neighbours"] = neighbours.into();
    }
    if query.keep_duplicates {
        input["nearDuplicates"] = true.into();
    }
    if let Some(model) = &query.rerank {
        input["rerankingModelId"] = model.as_str().into();
    }
    Ok(input)
}

/// The answer with the numbers of its sources behind what they say, and the sources.
fn cited(answer: &Value) -> (String, Vec<String>) {
    let (mut marks, mut sources, mut known) = (Vec::new(), Vec::new(), Vec::new());
    for citation in answer["citations"].as_array().map_or(&[][..], Vec::as_slice) {
        let mut numbers = Vec::new();
        for reference in citation["references"].as_array().map_or(&[][..], Vec::as_slice) {
            let said = quoted(reference);
            let key = (place(reference), said.clone());
            let number = known.iter().position(|other| *other == key).unwrap_or_else(|| {
                sources.push(format!("[{}] {}\n    {said}", known.len() + 1, place(reference)));
                known.push(key);
                known.len() - 1
            });
            numbers.push(format!("[{}]", number + 1));
        }
        marks.push((citation["span"]["end"].as_u64().unwrap_or(0), numbers.join("")));
    }
    let mut text = String::new();
    for (at, letter) in answer["answer"].as_str().unwrap_or_default().chars().enumerate() {
        text.push(letter);
        for (_, numbers) in marks.iter().filter(|(end, _)| *end == at as u64) {
            text.push_str(&format!(" {numbers}"));
        }
    }
    (text, sources)
}

/// What a reference points at.
fn quoted(reference: &Value) -> String {
    let span = &reference["sourceSpan"];
    let place = |name: &str| span[name].as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
    let (start, end) = (place("start"), place("end"));
    let text: String =
        reference["text"].as_str().unwrap_or_default().chars().skip(start).take(end + 1 - start.min(end)).collect();
    flat(&text)
}

/// Where a passage stands.
fn place(one: &Value) -> String {
    let document = text(one, "documentId");
    one["page"].as_u64().map_or_else(|| document.clone(), |page| format!("{document}, page {page}"))
}

fn results(found: &Value) -> &[Value] {
    found["results"].as_array().map_or(&[], Vec::as_slice)
}

fn score(one: &Value) -> f64 {
    one["score"].as_f64().unwrap_or(0.0)
}

fn term(term: &Value) -> String {
    format!("{} {:.2}", text(term, "term"), term["score"].as_f64().unwrap_or(0.0))
}

/// A passage in one line, where it is long from shortly before the first word on that it was found by; such words stand between
/// asterisks.
fn short(one: &Value) -> String {
    let letters: Vec<char> = one["text"].as_str().unwrap_or_default().chars().collect();
    let place = |span: &Value, name: &str| span[name].as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
    let spans = one["highlights"].as_array().map_or(&[][..], Vec::as_slice);
    let words: Vec<(usize, usize)> = spans.iter().map(|span| (place(span, "start"), place(span, "end"))).collect();
    let first = words.first().map_or(0, |(start, _)| *start);
    let last = letters.len().saturating_sub(SHOWN);
    let from = if first + BEFORE > SHOWN { (first - BEFORE).min(last) } else { 0 };
    let to = letters.len().min(from + SHOWN);
    let mut text = String::new();
    for (at, letter) in letters.iter().enumerate().take(to).skip(from) {
        // A word that is cut at the end stands without.
        let marked = words.iter().any(|(start, end)| *end <= to && (*start == at || *end == at));
        text.push_str(if marked { "*" } else { "" });
        text.push(*letter);
    }
    if words.iter().any(|(_, end)| *end == to) {
        text.push('*');
    }
    let (before, after) = (if from > 0 { "…" } else { "" }, if to < letters.len() { "…" } else { "" });
    format!("{before}{}{after}", flat(&text))
}

/// A text in one line.
pub(super) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_were_found_stand_between_asterisks() {
        let one = json!({ "text": "Für die\nErstattung: fünf Tage", "highlights": [{ "start": 8, "end": 18 }, { "start": 25, "end": 29 }] });
        assert_eq!(short(&one), "Für die *Erstattung*: fünf *Tage*");
        assert_eq!(short(&json!({ "text": "as it is" })), "as it is");
    }

    #[test]
    fn a_long_passage_is_shown_from_before_the_first_word_that_was_found() {
        let text = format!("{} fee {}", "a".repeat(400), "b".repeat(400));
        let shown = short(&json!({ "text": text, "highlights": [{ "start": 401, "end": 404 }] }));
        assert!(shown.starts_with("…aaa") && shown.ends_with("bbb…") && shown.contains(" *fee* "), "{shown}");
        assert_eq!(shown.chars().count(), SHOWN + 4);
        // Near the end as much is shown as elsewhere.
        let shown = short(&json!({ "text": text, "highlights": [{ "start": 790, "end": 793 }] }));
        assert!(shown.starts_with('…') && shown.ends_with("*bbb*bbbbbbbbbbbb"), "{shown}");
        assert_eq!(shown.chars().count(), SHOWN + 3);
        // A word that does not end within what is shown is not marked.
        let shown = short(&json!({ "text": text, "highlights": [{ "start": 10, "end": 700 }] }));
        assert!(!shown.contains('*'), "{shown}");
    }

    #[test]
    fn a_passage_that_fits_is_shown_whole_wherever_it_was_found() {
        let text = format!("{}fee{}", "a".repeat(250), "b".repeat(40));
        let shown = short(&json!({ "text": text, "highlights": [{ "start": 250, "end": 253 }] }));
        assert_eq!(shown, format!("{}*fee*{}", "a".repeat(250), "b".repeat(40)));
    }

    #[test]
    fn sources_are_numbered_behind_what_they_say() {
        let reference = json!({ "documentId": "s3://b/a.md", "page": 2, "text": "Für Vans. Fünf Tage. Mehr.", "sourceSpan": { "start": 10, "end": 19 } });
        let answer = json!({
            "answer": "Fünf Tage. Ja.",
            "citations": [{ "span": { "start": 0, "end": 9 }, "references": [reference] }],
        });
        let (text, sources) = cited(&answer);
        assert_eq!(text, "Fünf Tage. [1] Ja.");
        assert_eq!(sources, ["[1] s3://b/a.md, page 2\n    Fünf Tage."]);
    }
}
