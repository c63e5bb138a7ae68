//! Documents that come with a question: their text, cut into passages, the best of which the prompt is given.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use base::{Error, Result};
use futures::stream::StreamExt as _;
use identity::Ctx;
use knowledge::{Location, Passage};
use media::Limits;
use objects::{GetObject, ObjectRef};
use search::analysis::Language;

use super::Answers;
use super::ask::Document;
use super::sentences::sentences;
use super::support::{language_of, terms};

#[cfg(test)]
mod tests;

/// The largest document, as Bedrock has it.
const MOST_BYTES: u64 = 10 << 20;
/// How long it may take to read its text.
const LONGEST: Duration = Duration::from_secs(30);
/// The bytes of text of a passage: some 300 tokens.
const PASSAGE: usize = 1_200;
/// How many passages are given.
const MOST_PASSAGES: usize = 20;

impl Answers {
    /// The passages of a document, those first that have most of the question's words; all of them where they are few.
    ///
    /// # Errors
    /// Invalid, where the document is too large, or no text can be read from it; those of S3.
    pub(crate) async fn passages_of(&self, ctx: &Ctx, document: &Document, question: &str) -> Result<Vec<Passage>> {
        let (name, media_type, bytes, location) = match document {
            Document::Bytes { name, media_type, bytes } => {
                (name.clone(), Some(media_type.clone()), bytes.to_vec(), Location::Custom { id: name.clone() })
            }
            Document::S3 { uri } => {
                let (media_type, bytes) = self.object(ctx, uri).await?;
                (uri.clone(), media_type, bytes, Location::S3 { uri: uri.clone() })
            }
        };
        let limits = Limits { bytes: MOST_BYTES, time: LONGEST, ..Limits::default() };
        let named = name.clone();
        let read = move || media::extract(&named, media_type.as_deref(), &bytes, &limits);
        let extracted = tokio::task::spawn_blocking(read).await.map_err(Error::internal)?;
        let text =
            extracted.map_err(|error| Error::invalid(format!("The document `{name}` cannot be read: {error}.")))?.text;
        let language = language_of(&text);
        let parts = ranked(question, &text, language).into_iter();
        Ok(parts.map(|span| passage(&name, &location, &text, span, language)).collect())
    }

    /// An object's media type and bytes, read as the caller.
    async fn object(&self, ctx: &Ctx, uri: &str) -> Result<(Option<String>, Vec<u8>)> {
        let place = uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        let (bucket, key) = place
            .ok_or_else(|| Error::invalid(format!("`{uri}` is no object.")).with_hint("Write `s3://BUCKET/KEY`."))?;
        let get = GetObject::new(ObjectRef::new(bucket, key));
        let mut got = self.inner.objects.get_object(&ctx.via("bedrock"), &get).await?;
        if got.length > MOST_BYTES {
            return Err(Error::invalid(format!("The document `{uri}` has {} bytes.", got.length))
                .with_hint(format!("A document that comes with a question has at most {MOST_BYTES}.")));
        }
        let mut bytes = Vec::new();
        while let Some(piece) = got.body.next().await {
            bytes.extend_from_slice(&piece?);
        }
        Ok((got.object.headers.content_type, bytes))
    }
}

/// The parts of a text that are given, the best first: whole sentences, up to [`PASSAGE`] bytes each.
fn ranked(question: &str, text: &str, language: Language) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    for sentence in sentences(text) {
        match parts.last_mut() {
            Some(part) if sentence.end - part.start <= PASSAGE => part.end = sentence.end,
            _ => parts.push(sentence),
        }
    }
    if parts.len() > 1 {
        let asked = terms(question, language);
        let shared = |part: &Range<usize>| terms(&text[part.clone()], language).intersection(&asked).count();
        let mut scored: Vec<(usize, Range<usize>)> = parts.into_iter().map(|part| (shared(&part), part)).collect();
        scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.start.cmp(&b.1.start)));
        parts = scored.into_iter().map(|(_, part)| part).collect();
    }
    parts.truncate(MOST_PASSAGES);
    parts
}

fn passage(name: &str, location: &Location, text: &str, span: Range<usize>, language: Language) -> Passage {
    Passage {
        chunk: format!("{name}/{}", span.start),
        document: name.to_owned(),
        data_source: String::new(),
        location: location.clone(),
        text: text[span.clone()].to_owned(),
        span,
        page: None,
        score: 0.0,
        metadata: BTreeMap::new(),
        explanation: search::Explanation { lexical: None, vector: None, terms: Vec::new() },
        language,
    }
}
