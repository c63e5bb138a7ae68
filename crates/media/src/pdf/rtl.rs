//! Hebrew and Arabic: from the order on the page to the order of reading.

/// Whether most letters are of a script that is written from right to left.
pub(super) fn is_right_to_left(characters: impl Iterator<Item = char>) -> bool {
    let (mut right, mut left) = (0, 0);
    for character in characters.filter(|character| character.is_alphabetic()) {
        match character {
            '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' => right += 1,
            _ => left += 1,
        }
    }
    right > left
}

/// A text as it is read, from one whose characters come from left to right as they stand on the page. Numbers and words
/// of other scripts keep their order.
pub(super) fn logical(text: String) -> String {
    if !is_right_to_left(text.chars()) {
        return text;
    }
    let mut characters: Vec<char> = text.chars().rev().map(mirrored).collect();
    let mut at = 0;
    while at < characters.len() {
        let length = characters[at..].iter().take_while(|character| runs_left_to_right(**character)).count();
        let run = &mut characters[at..at + length];
        // Signs at the ends of a run belong to what surrounds it.
        let from = run.iter().position(|character| character.is_alphanumeric()).unwrap_or(length);
        let to = run.iter().rposition(|character| character.is_alphanumeric()).map_or(from, |last| last + 1);
        run[from..to].reverse();
        at += length.max(1);
    }
    characters.into_iter().collect()
}

/// Letters and digits of scripts written from left to right, and what stands within numbers and between such words.
fn runs_left_to_right(character: char) -> bool {
    let neutral = matches!(character, '.' | ',' | ':' | '/' | '-' | '%' | '+' | '@' | '_');
    neutral
        || character.is_alphanumeric() && !(character.is_alphabetic() && is_right_to_left(std::iter::once(character)))
}

fn mirrored(character: char) -> char {
    match character {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        '<' => '>',
        '>' => '<',
        '«' => '»',
        '»' => '«',
        character => character,
    }
}

#[cfg(test)]
#[path = "rtl_tests.rs"]
mod tests;
