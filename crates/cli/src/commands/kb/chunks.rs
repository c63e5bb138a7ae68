//! `craton kb chunks`.

use anyhow::{Result, bail};
use http::Method;
use serde_json::Value;

use super::ask::flat;
use super::{aws, documents};
use crate::args::Format;
use crate::client::Client;
use crate::commands::segment;
use crate::output;

/// The longest text that is shown of a chunk, in characters.
const SHOWN: usize = 60;

pub(super) async fn run(
    client: &Client,
    (base, document): (&str, &str),
    source: Option<&str>,
    format: Format,
    here: &str,
) -> Result<()> {
    let id = aws::find(client, base).await?;
    let names = [document.to_owned()];
    let placed = documents::placed(client, (&id, base), (&names, source), here).await?;
    let Some(place) = placed.first() else { bail!("there is no document `{document}` in `{base}`") };
    let (base, document, source) = (segment(&id), segment(document), segment(&place.source));
    let path = format!("/knowledge-bases/{base}/documents/{document}/chunks?dataSourceId={source}");
    let cut = client.craton(Method::GET, &path, None).await?;
    if format == Format::Json {
        return output::json(&cut);
    }
    output::line(table(&cut))?;
    for warning in cut["warnings"].as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_str) {
        output::note(warning);
    }
    Ok(())
}

/// The chunks, a line each. A dash stands where there is no page, or no larger chunk around one.
fn table(cut: &Value) -> String {
    let number = |value: &Value| value.as_u64().map_or_else(|| "-".to_owned(), |number| number.to_string());
    let span = |of: &Value| format!("{}-{}", number(&of["start"]), number(&of["end"]));
    let row = |(at, chunk): (usize, &Value)| {
        let parent = &chunk["parent"];
        [
            at.to_string(),
            span(chunk),
            if parent.is_null() { "-".to_owned() } else { span(parent) },
            number(&chunk["page"]),
            number(&chunk["tokens"]),
            short(chunk["text"].as_str().unwrap_or_default()),
        ]
    };
    let chunks = cut["chunks"].as_array().map_or(&[][..], Vec::as_slice);
    let rows: Vec<[String; 6]> = chunks.iter().enumerate().map(row).collect();
    output::table(["CHUNK", "CHARACTERS", "WITHIN", "PAGE", "TOKENS", "TEXT"], &rows)
}

fn short(text: &str) -> String {
    let text = flat(text);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn chunks_are_shown_with_their_places() {
        let long = "x ".repeat(80);
        let cut = json!({ "text": "…", "chunks": [
            { "start": 0, "end": 12, "parent": { "start": 0, "end": 40 }, "page": 1, "tokens": 3, "text": "Two\n euros." },
            { "start": 12, "end": 172, "parent": null, "page": null, "tokens": 80, "text": long },
        ] });
        let shown = table(&cut);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "CHUNK  CHARACTERS  WITHIN  PAGE  TOKENS  TEXT");
        assert_eq!(lines[1], "0      0-12        0-40    1     3       Two euros.");
        assert!(
            lines[2].starts_with("1      12-172      -       -     80      x x x") && lines[2].ends_with('…'),
            "{shown}"
        );
    }
}
