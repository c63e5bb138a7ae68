//! An answer while a model writes it: the markers taken out, each sentence attributed as soon as it is whole.

use super::answer::{AnswerEvent, Citation, Reference};
use super::markers::{Markers, Piece};
use super::sentences::sentences;
use super::support::{Source, supports};

#[cfg(test)]
mod tests;

/// The draft of an answer.
pub(crate) struct Draft {
    sources: Vec<Source>,
    markers: Markers,
    text: String,
    /// The markers of sentences that are not attributed yet: where in the text, and the passages.
    marks: Vec<(usize, Vec<usize>)>,
    citations: Vec<Citation>,
    /// Up to where the sentences are attributed.
    attributed: usize,
    /// Up to where the text was given.
    given: usize,
    /// Whether text is given before a sentence of it is supported.
    gives_unsupported: bool,
}

impl Draft {
    /// An answer from these sources; with `gives_unsupported` its text is given as it comes, otherwise from the first
    /// sentence on that is supported.
    pub(crate) fn new(sources: Vec<Source>, gives_unsupported: bool) -> Self {
        let markers = Markers::new(sources.len());
        Self {
            sources,
            markers,
            text: String::new(),
            marks: Vec::new(),
            citations: Vec::new(),
            attributed: 0,
            given: 0,
            gives_unsupported,
        }
    }

    /// More of what the model writes; gives what can be told by now.
    pub(crate) fn push(&mut self, piece: &str) -> Vec<AnswerEvent> {
        let pieces = self.markers.push(piece);
        self.take(pieces);
        let pending = sentences(&self.text[self.attributed..]);
        let whole = pending.len().saturating_sub(1);
        self.tell(&pending[..whole])
    }

    /// What is left to tell when the model has ended.
    pub(crate) fn finish(&mut self) -> Vec<AnswerEvent> {
        let markers = std::mem::replace(&mut self.markers, Markers::new(self.sources.len()));
        self.take(markers.finish());
        self.text.truncate(self.text.trim_end().len());
        let pending = sentences(&self.text[self.attributed..]);
        self.tell(&pending)
    }

    /// The text and its citations.
    pub(crate) fn into_parts(self) -> (String, Vec<Citation>) {
        (self.text, self.citations)
    }

    /// The sources again, where nothing of the draft is used.
    pub(crate) fn into_sources(self) -> Vec<Source> {
        self.sources
    }

    /// Whether a sentence is supported.
    pub(crate) fn is_supported(&self) -> bool {
        !self.citations.is_empty()
    }

    /// The text so far.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn take(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            match piece {
                Piece::Text(text) if self.text.is_empty() => self.text.push_str(text.trim_start()),
                Piece::Text(text) => self.text.push_str(&text),
                Piece::Mark(passages) => self.marks.push((self.text.len(), passages)),
            }
        }
    }

    /// Attributes sentences, whose places are counted from where the last ended, and gives what is new.
    fn tell(&mut self, whole: &[std::ops::Range<usize>]) -> Vec<AnswerEvent> {
        let from = self.attributed;
        let mut new = Vec::new();
        for sentence in whole {
            let span = from + sentence.start..from + sentence.end;
            let named: Vec<usize> = {
                let of_it = self.marks.iter().take_while(|(at, _)| *at <= span.end);
                of_it.flat_map(|(_, passages)| passages.iter().copied()).collect()
            };
            self.marks.retain(|(at, _)| *at > span.end);
            let found = supports(&self.text[span.clone()], &named, &self.sources);
            if !found.is_empty() {
                let reference =
                    |support: super::support::Support| Reference { passage: support.passage, span: support.span };
                new.push(Citation { span: span.clone(), references: found.into_iter().map(reference).collect() });
            }
            self.attributed = span.end;
        }
        self.citations.extend(new.iter().cloned());
        let mut events = Vec::new();
        if self.gives_unsupported || !self.citations.is_empty() {
            let text = &self.text[self.given..];
            if !text.is_empty() {
                events.push(AnswerEvent::Text(text.to_owned()));
            }
            self.given = self.text.len();
        }
        events.extend(new.into_iter().map(AnswerEvent::Citation));
        events
    }
}
