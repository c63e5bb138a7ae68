//! Whether a template renders the golden conversations of its model's family.

use std::sync::Arc;

use base::Clock;
use inference::template::{ChatTemplate, Tokens};
use inference::{CONTROL_TOKENS, Prompting};

use super::family::Family;
use super::golden::{ANY, Golden, conversations};
use super::{TemplateReport, TemplateVerdict};

/// What stands between the pieces of a rendering.
const BETWEEN: &str = "\u{1}";
/// The most text of a rendering that is quoted.
const QUOTED: usize = 120;

/// What is to be said of a model's template. `declared` is the family that the catalogue knows it to be of.
pub(super) fn verify(
    declared: Option<Family>,
    architecture: &str,
    prompting: &Prompting,
    clock: Arc<dyn Clock>,
) -> TemplateReport {
    let family = declared.or_else(|| Family::of_file(architecture, prompting));
    let report = |verdict, detail: String| TemplateReport {
        verdict,
        family: family.map(|family| family.name().to_owned()),
        detail,
        allowed_by: None,
    };
    let Some(source) = prompting.template.as_deref() else {
        return report(TemplateVerdict::None, "The file has no chat template.".to_owned());
    };
    let foreign = foreign(source, family, prompting);
    if !foreign.is_empty() {
        let tokens = foreign.iter().map(|token| format!("`{token}`")).collect::<Vec<_>>().join(", ");
        let whose = super::family::of_prompt(foreign[0]).map_or("another model", Family::name);
        let detail =
            format!("It writes {tokens}, of the format `{whose}`, which this model's vocabulary does not hold.");
        return report(TemplateVerdict::Contradicts, detail);
    }
    let Some(family) = family else {
        return report(TemplateVerdict::Unknown, "The model's family is not known.".to_owned());
    };
    let (bos, eos) = family.bounds();
    let template = match ChatTemplate::new(source, Tokens { bos: bos.to_owned(), eos: eos.to_owned() }, clock) {
        Ok(template) => template,
        Err(error) => return report(TemplateVerdict::Differs, format!("It cannot be read: {error}.")),
    };
    match conversations(family).iter().find_map(|golden| difference(&template, family, golden)) {
        Some(detail) => report(TemplateVerdict::Differs, detail),
        None => report(TemplateVerdict::Verified, format!("It renders as `{}` is documented.", family.name())),
    }
}

/// The control tokens of other families that a template writes, in the order of the table. A token of the vocabulary is the
/// model's own, whatever its family; where neither the vocabulary nor the family is known, nothing can be said.
fn foreign(source: &str, family: Option<Family>, prompting: &Prompting) -> Vec<&'static str> {
    if family.is_none() && prompting.control_tokens.is_empty() {
        return Vec::new();
    }
    let own = |token: &str| {
        prompting.control_tokens.iter().any(|known| known == token)
            || family.is_some_and(|family| family.tokens().contains(&token))
    };
    CONTROL_TOKENS.into_iter().filter(|token| source.contains(token) && !own(token) && tells(token)).collect()
}

/// Whether a token is of one format alone: that of a text's end is written by templates of several.
fn tells(token: &str) -> bool {
    token != "<|endoftext|>"
}

/// Where a rendering differs from what is documented.
fn difference(template: &ChatTemplate, family: Family, golden: &Golden) -> Option<String> {
    let rendered = match template.render(&golden.prompt) {
        Ok(rendered) => rendered,
        Err(error) => return Some(format!("With {}, it cannot be rendered: {error}.", golden.what)),
    };
    let found = pieces(&rendered, family);
    let expected = pieces(&golden.rendering, family);
    let (wanted, rest) = mismatch(&expected, &found)?;
    Some(format!("With {}, `{wanted}` is documented where it writes `{rest}`.", golden.what))
}

fn quote(text: &str) -> String {
    let short: String = text.chars().take(QUOTED).collect();
    if short.is_empty() { "nothing".to_owned() } else { short }
}

/// A text in its control tokens and what stands between them, without the spaces at both ends of that.
fn pieces(text: &str, family: Family) -> Vec<String> {
    let (bos, eos) = family.bounds();
    let mut tokens: Vec<&str> = family.tokens().to_vec();
    tokens.extend([bos, eos, ANY].iter().filter(|token| !token.is_empty()));
    // The longest first: one may be the end of another.
    tokens.sort_by_key(|token| std::cmp::Reverse(token.len()));
    let (mut pieces, mut text, mut plain) = (Vec::new(), text, String::new());
    while let Some(letter) = text.chars().next() {
        if let Some(token) = tokens.iter().find(|token| text.starts_with(**token)) {
            close(&mut pieces, &mut plain);
            pieces.push((*token).to_owned());
            text = &text[token.len()..];
        } else {
            plain.push(letter);
            text = &text[letter.len_utf8()..];
        }
    }
    close(&mut pieces, &mut plain);
    // The opening token may be left to the engine, which adds it.
    if !bos.is_empty() && bos != "<|im_start|>" && pieces.first().is_some_and(|first| first == bos) {
        pieces.remove(0);
    }
    pieces
}

fn close(pieces: &mut Vec<String>, plain: &mut String) {
    let text = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if !text.is_empty() {
        pieces.push(text);
    }
    plain.clear();
}

/// What is expected where something else stands, and what that is. Between two [`ANY`]s stands a run of pieces: the first is
/// at the beginning, the last at the end, and each of the others somewhere after the one before.
fn mismatch(expected: &[String], found: &[String]) -> Option<(String, String)> {
    let joined = found.join(BETWEEN);
    let mut rest = joined.as_str();
    let runs: Vec<String> = expected.split(|piece| piece == ANY).map(|run| run.join(BETWEEN)).collect();
    let last = runs.len() - 1;
    for (at, run) in runs.iter().enumerate() {
        let place = match (at == 0, at == last) {
            (true, true) => (rest == run).then_some(0),
            (true, false) => rest.starts_with(run.as_str()).then_some(0),
            (false, true) => rest.ends_with(run.as_str()).then(|| rest.len() - run.len()),
            (false, false) => rest.find(run.as_str()),
        };
        let Some(place) = place else {
            // What both have in common is of no interest.
            let common = if at == 0 { common_beginning(run, rest) } else { 0 };
            return Some((shown(&run[common..]), shown(&rest[common..])));
        };
        rest = &rest[place + run.len()..];
    }
    None
}

/// The bytes that two texts begin with alike.
fn common_beginning(a: &str, b: &str) -> usize {
    a.char_indices()
        .zip(b.chars())
        .find(|((_, one), other)| one != other)
        .map_or(a.len().min(b.len()), |((at, _), _)| at)
}

fn shown(text: &str) -> String {
    quote(&text.replace(BETWEEN, ""))
}
