//! What the model is asked: templates with Bedrock's placeholders, and the default ones.

use base::{Error, Result, Timestamp};

#[cfg(test)]
mod tests;

/// What Bedrock says where it has no answer, and models are asked to say.
pub const NO_ANSWER: &str = "Sorry, I am unable to assist you with this request.";

/// The most characters of a template, as Bedrock has it.
pub const LONGEST_TEMPLATE: usize = 4_000;

/// The default template of answers. The question follows as the user's message.
pub(crate) const ANSWER: &str = "\
You answer questions from search results. Use nothing but the search results below. Be brief and exact, keep numbers, names \
and dates as they are written, and do not repeat the question. What a user claims may be wrong: trust the search results.

Search results, each with its number:
$search_results$

$output_format_instructions$";

/// The default template of queries.
pub(crate) const QUERIES: &str = "\
You turn a question into search queries for a document collection. Split a question about several things into one query for \
each; otherwise write one query. Each query must be understood by itself: put in what earlier turns say about `it` or `they`.

Conversation so far:
$conversation_history$

Question: $query$

$output_format_instructions$";

/// What placeholders stand for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Values<'a> {
    pub(crate) search_results: &'a str,
    pub(crate) query: &'a str,
    pub(crate) output_format_instructions: &'a str,
    pub(crate) conversation_history: &'a str,
    pub(crate) current_time: &'a str,
}

impl Values<'_> {
    fn of(&self, placeholder: &str) -> Option<&str> {
        Some(match placeholder {
            "search_results" => self.search_results,
            "query" => self.query,
            "output_format_instructions" => self.output_format_instructions,
            "conversation_history" => self.conversation_history,
            "current_time" => self.current_time,
            _ => return None,
        })
    }
}

/// Puts the values in for their placeholders, once: what a value says is never read as a placeholder. Other text between
/// dollar signs stays.
pub(crate) fn render(template: &str, values: Values<'_>) -> String {
    let mut rendered = String::with_capacity(template.len() + values.search_results.len());
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        rendered.push_str(before);
        let inner = &from[1..];
        match inner.find('$').and_then(|end| Some((values.of(&inner[..end])?, end))) {
            Some((value, end)) => {
                rendered.push_str(value);
                rest = &inner[end + 1..];
            }
            None => {
                rendered.push('$');
                rest = inner;
            }
        }
    }
    rendered.push_str(rest);
    rendered
}

/// Whether a template has a placeholder.
pub(crate) fn has(template: &str, placeholder: &str) -> bool {
    template.contains(&format!("${placeholder}$"))
}

/// Checks a template of the caller's own.
///
/// # Errors
/// Invalid, where it is too long or lacks a placeholder without which it would be of no use.
pub(crate) fn check(template: &str, what: &str, needed: &[&str]) -> Result<()> {
    let characters = template.chars().count();
    if characters > LONGEST_TEMPLATE {
        return Err(Error::invalid(format!("The {what} prompt template has {characters} characters."))
            .with_hint(format!("Keep it within {LONGEST_TEMPLATE}.")));
    }
    match needed.iter().find(|placeholder| !has(template, placeholder)) {
        Some(placeholder) => Err(Error::invalid(format!("The {what} prompt template lacks `${placeholder}$`."))
            .with_hint("Put the placeholder where its value belongs.")),
        None => Ok(()),
    }
}

/// How models are told to cite, and what to say where nothing answers.
pub(crate) fn citing() -> String {
    format!(
        "After each sentence write the number of the search result that it comes from in square brackets, like this: [1]. \
         If the search results do not answer the question, reply with exactly this sentence: {NO_ANSWER}"
    )
}

/// How models are told to write queries.
pub(crate) fn listing(most: usize) -> String {
    format!("Reply with JSON alone: {{\"queries\": [\"...\"]}}, with at most {most} queries.")
}

/// The passages with their numbers.
pub(crate) fn numbered<'a>(passages: impl IntoIterator<Item = &'a str>) -> String {
    let one = |(at, text): (usize, &str)| format!("[{}] {}", at + 1, text.trim());
    passages.into_iter().enumerate().map(one).collect::<Vec<_>>().join("\n\n")
}

/// The time for people: `2027-01-15 08:00 UTC`.
pub(crate) fn time(now: Timestamp) -> String {
    let text = now.to_iso8601();
    match (text.get(..10), text.get(11..16)) {
        (Some(date), Some(time)) => format!("{date} {time} UTC"),
        _ => text,
    }
}
