//! From text to terms: words by Unicode's rules (UAX #29), compatibility forms and letters' case folded (NFKC, then
//! lower case), endings removed by the Snowball stemmer of the language. Scripts that put no spaces between words give
//! every character and every pair of neighbours, which needs no dictionary and finds single characters too.

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

#[cfg(test)]
mod tests;

/// A term keeps at most so many characters; texts that agree on these match.
pub const MAX_TERM_CHARS: usize = 128;

/// The language whose rules a text is analysed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "languages say what they are")]
pub enum Language {
    /// Words as they are, without stemming: for other languages and mixed texts.
    Any,
    Arabic,
    Danish,
    Dutch,
    English,
    Finnish,
    French,
    German,
    Greek,
    Hungarian,
    Italian,
    Norwegian,
    Portuguese,
    Romanian,
    Russian,
    Spanish,
    Swedish,
    Tamil,
    Turkish,
}

/// Every language, its ISO 639-1 code and its stemmer. The order is that of the numbers in files: it only grows.
const LANGUAGES: [(Language, &str, Option<Algorithm>); 19] = [
    (Language::Any, "", None),
    (Language::Arabic, "ar", Some(Algorithm::Arabic)),
    (Language::Danish, "da", Some(Algorithm::Danish)),
    (Language::Dutch, "nl", Some(Algorithm::Dutch)),
    (Language::English, "en", Some(Algorithm::English)),
    (Language::Finnish, "fi", Some(Algorithm::Finnish)),
    (Language::French, "fr", Some(Algorithm::French)),
    (Language::German, "de", Some(Algorithm::German)),
    (Language::Greek, "el", Some(Algorithm::Greek)),
    (Language::Hungarian, "hu", Some(Algorithm::Hungarian)),
    (Language::Italian, "it", Some(Algorithm::Italian)),
    (Language::Norwegian, "no", Some(Algorithm::Norwegian)),
    (Language::Portuguese, "pt", Some(Algorithm::Portuguese)),
    (Language::Romanian, "ro", Some(Algorithm::Romanian)),
    (Language::Russian, "ru", Some(Algorithm::Russian)),
    (Language::Spanish, "es", Some(Algorithm::Spanish)),
    (Language::Swedish, "sv", Some(Algorithm::Swedish)),
    (Language::Tamil, "ta", Some(Algorithm::Tamil)),
    (Language::Turkish, "tr", Some(Algorithm::Turkish)),
];

impl Language {
    /// The language of an ISO 639-1 code, alone or before a region (`pt`, `pt-BR`); [`Language::Any`] for one that has
    /// no stemmer here.
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        let code = code.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let code = if code == "nb" || code == "nn" { "no" } else { &code };
        LANGUAGES.iter().find(|(_, known, _)| *known == code).map_or(Self::Any, |(language, ..)| *language)
    }

    /// Its number in files.
    pub(crate) fn number(self) -> u8 {
        LANGUAGES.iter().position(|(language, ..)| *language == self).map_or(0, |at| at as u8)
    }

    /// The language of a number in a file.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        LANGUAGES.get(usize::from(number)).map(|(language, ..)| *language)
    }

    fn stemmer(self) -> Option<Stemmer> {
        LANGUAGES.iter().find(|(language, ..)| *language == self)?.2.map(Stemmer::create)
    }
}

/// A term, and where in the text it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The term, as it is indexed.
    pub term: String,
    /// The first byte of its text.
    pub start: usize,
    /// The byte after its text.
    pub end: usize,
    /// Its text with what was elided before it: the same bytes in every language.
    pub(crate) whole: (usize, usize),
}

/// The terms of a text, in its order.
#[must_use]
pub fn tokens(text: &str, language: Language) -> Vec<Token> {
    let analyser = Analyser { language, stemmer: language.stemmer() };
    let mut found = Vec::new();
    let mut run: Vec<(usize, usize)> = Vec::new();
    for (start, word) in text.unicode_word_indices() {
        let end = start + word.len();
        if !word.chars().next().is_some_and(is_unspaced) {
            analyser.finish_run(text, &mut run, &mut found);
            analyser.word(start, word, &mut found);
            continue;
        }
        if run.last().is_some_and(|(_, last)| *last != start) {
            analyser.finish_run(text, &mut run, &mut found);
        }
        let mut at = start;
        for cluster in word.graphemes(true) {
            run.push((at, at + cluster.len()));
            at += cluster.len();
        }
        debug_assert_eq!(at, end);
    }
    analyser.finish_run(text, &mut run, &mut found);
    found
}

struct Analyser {
    language: Language,
    stemmer: Option<Stemmer>,
}

impl Analyser {
    fn word(&self, start: usize, word: &str, found: &mut Vec<Token>) {
        let skipped = self.elided(word);
        let folded = self.fold(self.unsuffixed(&word[skipped..]));
        let term = match &self.stemmer {
            Some(stemmer) => stemmer.stem(&folded).into_owned(),
            None => folded,
        };
        // A stemmer may leave nothing of a very short word.
        if !term.is_empty() {
            let end = start + word.len();
            found.push(Token { term, start: start + skipped, end, whole: (start, end) });
        }
    }

    /// Every character of a run of an unspaced script, and every pair of neighbours.
    fn finish_run(&self, text: &str, run: &mut Vec<(usize, usize)>, found: &mut Vec<Token>) {
        let mut push = |start, end| {
            found.push(Token { term: self.fold(&text[start..end]), start, end, whole: (start, end) });
        };
        for (at, (start, end)) in run.iter().enumerate() {
            push(*start, *end);
            if let Some((_, next)) = run.get(at + 1) {
                push(*start, *next);
            }
        }
        run.clear();
    }

    fn fold(&self, word: &str) -> String {
        // Nearly all words of most texts; nothing else would change in them.
        if word.is_ascii() && self.language != Language::Turkish {
            return word.get(..MAX_TERM_CHARS).unwrap_or(word).to_ascii_lowercase();
        }
        let turkish = self.language == Language::Turkish;
        let lower = word.nfkc().take(MAX_TERM_CHARS).flat_map(|c| match c {
            'I' if turkish => 'ı'.to_lowercase(),
            'İ' => 'i'.to_lowercase(),
            '\u{2019}' => '\''.to_lowercase(),
            c => c.to_lowercase(),
        });
        // Lower case may decompose what NFKC composed.
        lower.nfc().collect()
    }

    /// The word without what Turkish puts behind names after an apostrophe: `Ankara` of `Ankara'nın`.
    fn unsuffixed<'a>(&self, word: &'a str) -> &'a str {
        match word.split_once(['\'', '\u{2019}']) {
            Some((name, _)) if self.language == Language::Turkish && !name.is_empty() => name,
            _ => word,
        }
    }

    /// The bytes of an elided article or pronoun before the word proper: `l'` of `l'eau`.
    fn elided(&self, word: &str) -> usize {
        if !matches!(self.language, Language::French | Language::Italian) {
            return 0;
        }
        let Some((article, rest)) = word.split_once(['\'', '\u{2019}']) else { return 0 };
        let known = match self.language {
            Language::French => ["c", "d", "j", "l", "m", "n", "qu", "s", "t"].as_slice(),
            _ => ["all", "d", "dall", "dell", "l", "nell", "quell", "sull", "un"].as_slice(),
        };
        let elides = !rest.is_empty() && known.contains(&article.to_lowercase().as_str());
        if elides { word.len() - rest.len() } else { 0 }
    }
}

/// Whether the character belongs to a script that puts no spaces between words, or puts them between phrases only.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}' // Thai, Lao
        | '\u{0F00}'..='\u{0FFF}' // Tibetan
        | '\u{1000}'..='\u{109F}' // Myanmar
        | '\u{1100}'..='\u{11FF}' // Hangul letters
        | '\u{1780}'..='\u{17FF}' // Khmer
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' // kana
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}' // Han
        | '\u{AC00}'..='\u{D7FF}' // Hangul syllables
        | '\u{FF66}'..='\u{FF9F}') // narrow kana
}
