//! Which language a text is in.

use whatlang::Lang;

use crate::Language;

/// Bytes of a text that are looked at.
const SAMPLE: usize = 16 << 10;
/// Letters below which nothing can be told.
const FEWEST_LETTERS: usize = 16;
/// The confidence below which a guess is not given.
const LEAST_CONFIDENCE: f64 = 0.3;

/// The language of most of a text's beginning; none, where the text is too short to tell.
#[must_use]
pub fn detect(text: &str) -> Option<Language> {
    let sample = text.get(..text.floor_char_boundary(SAMPLE))?;
    if sample.chars().filter(|c| c.is_alphabetic()).take(FEWEST_LETTERS).count() < FEWEST_LETTERS {
        return None;
    }
    let info = whatlang::detect(sample)?;
    let likely = info.is_reliable() || info.confidence() >= LEAST_CONFIDENCE;
    likely.then(|| Language { code: code(info.lang()).to_owned(), confidence: info.confidence() })
}

/// ISO 639-1 where the language is in it.
fn code(language: Lang) -> &'static str {
    match language.code() {
        "epo" => "eo",
        "eng" => "en",
        "rus" => "ru",
        "cmn" => "zh",
        "spa" => "es",
        "por" => "pt",
        "ita" => "it",
        "ben" => "bn",
        "fra" => "fr",
        "deu" => "de",
        "ukr" => "uk",
        "kat" => "ka",
        "ara" => "ar",
        "hin" => "hi",
        "jpn" => "ja",
        "heb" => "he",
        "yid" => "yi",
        "pol" => "pl",
        "amh" => "am",
        "jav" => "jv",
        "kor" => "ko",
        "nob" => "nb",
        "dan" => "da",
        "swe" => "sv",
        "fin" => "fi",
        "tur" => "tr",
        "nld" => "nl",
        "hun" => "hu",
        "ces" => "cs",
        "ell" => "el",
        "bul" => "bg",
        "bel" => "be",
        "mar" => "mr",
        "kan" => "kn",
        "ron" => "ro",
        "slv" => "sl",
        "hrv" => "hr",
        "srp" => "sr",
        "mkd" => "mk",
        "lit" => "lt",
        "lav" => "lv",
        "est" => "et",
        "tam" => "ta",
        "vie" => "vi",
        "urd" => "ur",
        "tha" => "th",
        "guj" => "gu",
        "uzb" => "uz",
        "pan" => "pa",
        "aze" => "az",
        "ind" => "id",
        "tel" => "te",
        "pes" => "fa",
        "mal" => "ml",
        "ori" => "or",
        "mya" => "my",
        "nep" => "ne",
        "sin" => "si",
        "khm" => "km",
        "tuk" => "tk",
        "aka" => "ak",
        "zul" => "zu",
        "sna" => "sn",
        "afr" => "af",
        "lat" => "la",
        "slk" => "sk",
        "cat" => "ca",
        "tgl" => "tl",
        "hye" => "hy",
        "cym" => "cy",
        other => other,
    }
}

#[cfg(test)]
#[path = "language_tests.rs"]
mod tests;
