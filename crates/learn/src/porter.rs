//! Porter's stemmer (Porter, 1980) with the changes that NLTK makes to it by default, as `rouge-score` uses it.

/// Words whose stems the rules would get wrong.
const IRREGULAR: &[(&str, &str)] = &[
    ("cannings", "canning"),
    ("canning", "canning"),
    ("dying", "die"),
    ("exceed", "exceed"),
    ("howe", "howe"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("lying", "lie"),
    ("news", "news"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("proceed", "proceed"),
    ("skies", "sky"),
    ("sky", "sky"),
    ("succeed", "succeed"),
    ("tying", "tie"),
];

/// What a rule asks of the word without the suffix.
type Condition = fn(&str) -> bool;
/// A suffix, what takes its place, and when.
type Rule = (&'static str, &'static str, Condition);

const ALWAYS: Condition = |_| true;
const SOME: Condition = |stem| measure(stem) > 0;
const MORE: Condition = |stem| measure(stem) > 1;

const PLURALS: &[Rule] = &[("sses", "ss", ALWAYS), ("ies", "i", ALWAYS), ("ss", "ss", ALWAYS), ("s", "", ALWAYS)];

const DOUBLE_SUFFIXES: &[Rule] = &[
    ("ational", "ate", SOME),
    ("tional", "tion", SOME),
    ("enci", "ence", SOME),
    ("anci", "ance", SOME),
    ("izer", "ize", SOME),
    ("bli", "ble", SOME),
    ("alli", "al", SOME),
    ("entli", "ent", SOME),
    ("eli", "e", SOME),
    ("ousli", "ous", SOME),
    ("ization", "ize", SOME),
    ("ation", "ate", SOME),
    ("ator", "ate", SOME),
    ("alism", "al", SOME),
    ("iveness", "ive", SOME),
    ("fulness", "ful", SOME),
    ("ousness", "ous", SOME),
    ("aliti", "al", SOME),
    ("iviti", "ive", SOME),
    ("biliti", "ble", SOME),
    ("fulli", "ful", SOME),
    // The l that stays counts: of `geologi`, `geol` is measured.
    ("logi", "log", |stem| measure(&format!("{stem}l")) > 0),
];

const ADJECTIVES: &[Rule] = &[
    ("icate", "ic", SOME),
    ("ative", "", SOME),
    ("alize", "al", SOME),
    ("iciti", "ic", SOME),
    ("ical", "ic", SOME),
    ("ful", "", SOME),
    ("ness", "", SOME),
];

const SUFFIXES: &[Rule] = &[
    ("al", "", MORE),
    ("ance", "", MORE),
    ("ence", "", MORE),
    ("er", "", MORE),
    ("ic", "", MORE),
    ("able", "", MORE),
    ("ible", "", MORE),
    ("ant", "", MORE),
    ("ement", "", MORE),
    ("ment", "", MORE),
    ("ent", "", MORE),
    ("ion", "", |stem| MORE(stem) && stem.ends_with(['s', 't'])),
    ("ou", "", MORE),
    ("ism", "", MORE),
    ("ate", "", MORE),
    ("iti", "", MORE),
    ("ous", "", MORE),
    ("ive", "", MORE),
    ("ize", "", MORE),
];

/// The stem of an English word in lower case: `hopefulness` → `hope`. Words of one or two letters are their own, as is
/// whatever is not made of ASCII letters and digits alone.
#[must_use]
pub fn stem(word: &str) -> String {
    if let Some((_, stem)) = IRREGULAR.iter().find(|(irregular, _)| *irregular == word) {
        return (*stem).to_owned();
    }
    if word.len() <= 2 || !word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        return word.to_owned();
    }
    let word = without_plural(word);
    let word = without_participle(&word);
    let word = y_to_i(word);
    let word = without_double_suffix(word);
    let word = apply(&word, ADJECTIVES);
    let word = apply(&word, SUFFIXES);
    let word = without_e(word);
    if word.ends_with("ll") && measure(&word[..word.len() - 1]) > 1 {
        return word[..word.len() - 1].to_owned();
    }
    word
}

/// The first rule whose suffix the word has decides, also against a change.
fn apply(word: &str, rules: &[Rule]) -> String {
    for (suffix, replacement, condition) in rules {
        if let Some(stem) = word.strip_suffix(suffix) {
            return if condition(stem) { format!("{stem}{replacement}") } else { word.to_owned() };
        }
    }
    word.to_owned()
}

fn without_plural(word: &str) -> String {
    match word.strip_suffix("ies") {
        Some(stem) if stem.len() == 1 => format!("{stem}ie"),
        _ => apply(word, PLURALS),
    }
}

fn without_participle(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ied") {
        return format!("{stem}{}", if stem.len() == 1 { "ie" } else { "i" });
    }
    if let Some(stem) = word.strip_suffix("eed") {
        return if measure(stem) > 0 { format!("{stem}ee") } else { word.to_owned() };
    }
    let stem = ["ed", "ing"].into_iter().find_map(|suffix| word.strip_suffix(suffix).filter(|stem| has_vowel(stem)));
    let Some(stem) = stem else { return word.to_owned() };
    if ["at", "bl", "iz"].iter().any(|end| stem.ends_with(end)) {
        return format!("{stem}e");
    }
    if ends_with_double_consonant(stem) {
        let kept = if stem.ends_with(['l', 's', 'z']) { stem.len() } else { stem.len() - 1 };
        return stem[..kept].to_owned();
    }
    if measure(stem) == 1 && ends_short(stem) { format!("{stem}e") } else { stem.to_owned() }
}

fn y_to_i(word: String) -> String {
    match word.strip_suffix('y') {
        Some(stem) if stem.len() > 1 && consonants(stem).last() == Some(&true) => format!("{stem}i"),
        _ => word,
    }
}

fn without_double_suffix(mut word: String) -> String {
    while let Some(stem) = word.strip_suffix("alli").filter(|stem| measure(stem) > 0) {
        word = format!("{stem}al");
    }
    apply(&word, DOUBLE_SUFFIXES)
}

fn without_e(word: String) -> String {
    match word.strip_suffix('e') {
        Some(stem) if measure(stem) > 1 || (measure(stem) == 1 && !ends_short(stem)) => stem.to_owned(),
        _ => word,
    }
}

/// Which letters are consonants: all but a, e, i, o, u, and y after a consonant.
fn consonants(word: &str) -> Vec<bool> {
    let mut flags = Vec::with_capacity(word.len());
    for byte in word.bytes() {
        let consonant = match byte {
            b'a' | b'e' | b'i' | b'o' | b'u' => false,
            b'y' => !flags.last().copied().unwrap_or(false),
            _ => true,
        };
        flags.push(consonant);
    }
    flags
}

/// How often a vowel is followed by a consonant.
fn measure(stem: &str) -> usize {
    consonants(stem).windows(2).filter(|pair| !pair[0] && pair[1]).count()
}

fn has_vowel(stem: &str) -> bool {
    consonants(stem).contains(&false)
}

fn ends_with_double_consonant(word: &str) -> bool {
    let bytes = word.as_bytes();
    matches!(bytes, [.., a, b] if a == b) && consonants(word).last() == Some(&true)
}

/// Does it end like `hop`, with a last letter other than w, x and y, or is it like `up`?
fn ends_short(word: &str) -> bool {
    match consonants(word).as_slice() {
        [false, true] => true,
        [.., true, false, true] => !word.ends_with(['w', 'x', 'y']),
        _ => false,
    }
}
