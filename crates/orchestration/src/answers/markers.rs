//! The numbers of search results that models write behind what rests on them: `[1]`, `[2, 3]`.

#[cfg(test)]
mod tests;

/// The longest text that may yet become a marker, in bytes.
const LONGEST: usize = 32;

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text of the answer.
    Text(String),
    /// What was written just before rests on these results, counted from 0.
    Mark(Vec<usize>),
}

/// Takes the markers out of a text that comes in pieces. White space before a marker goes with it.
#[derive(Debug)]
pub(crate) struct Markers {
    /// How many results there are.
    results: usize,
    /// What may yet become a marker.
    held: String,
}

impl Markers {
    /// For an answer from so many results.
    pub(crate) fn new(results: usize) -> Self {
        Self { results, held: String::new() }
    }

    /// More text; gives what is settled by it.
    pub(crate) fn push(&mut self, text: &str) -> Vec<Piece> {
        self.held.push_str(text);
        let mut pieces = Vec::new();
        loop {
            let at = marker_start(&self.held);
            add(&mut pieces, &self.held[..at]);
            self.held.drain(..at);
            let space = self.held.len() - self.held.trim_start().len();
            let bracket = &self.held[space..];
            let taken = match bracket.find(']') {
                _ if bracket.is_empty() => return pieces,
                Some(end) if end <= LONGEST => {
                    match self.numbers(&bracket[1..end]) {
                        Some(results) => pieces.push(Piece::Mark(results)),
                        None => add(&mut pieces, &self.held[..=space + end]),
                    }
                    space + end + 1
                }
                None if bracket.len() <= LONGEST => return pieces,
                _ => {
                    add(&mut pieces, &self.held[..=space]);
                    space + 1
                }
            };
            self.held.drain(..taken);
        }
    }

    /// The end of the text.
    pub(crate) fn finish(self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        add(&mut pieces, &self.held);
        pieces
    }

    /// What `1, 2` names; nothing where it names what is no result.
    fn numbers(&self, text: &str) -> Option<Vec<usize>> {
        let number =
            |part: &str| part.trim().parse::<usize>().ok().filter(|number| (1..=self.results).contains(number));
        text.split(',').map(|part| number(part).map(|number| number - 1)).collect()
    }
}

/// Where what may become a marker begins: the text's length where there is nothing such.
fn marker_start(text: &str) -> usize {
    let from = text.find('[').unwrap_or(text.len());
    text[..from].trim_end().len()
}

fn add(pieces: &mut Vec<Piece>, text: &str) {
    if text.is_empty() {
        return;
    }
    match pieces.last_mut() {
        Some(Piece::Text(last)) => last.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}
