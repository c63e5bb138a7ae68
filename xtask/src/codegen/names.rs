//! Rust names for AWS names.

/// `bedrock-runtime` → `bedrock_runtime`.
pub(super) fn module(service: &str) -> String {
    service.replace('-', "_")
}

/// Names of Rust's and of ours that a generated type must not take.
const RESERVED: [&str; 8] = ["String", "Option", "Vec", "Box", "Timestamp", "Event", "Input", "Output"];

/// `userNameType` → `UserNameType`; a name that means something else here gets `Shape` behind it.
pub(super) fn type_name(shape: &str) -> String {
    let name = capitalised(shape);
    if RESERVED.contains(&name.as_str()) { format!("{name}Shape") } else { name }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// `maxTokens`, `UserName`, `modelARN` → `max_tokens`, `user_name`, `model_arn`; keywords become raw identifiers.
pub(super) fn field(member: &str) -> String {
    let name = words(member).join("_");
    match name.as_str() {
        "type" | "match" | "ref" | "use" | "where" | "trait" | "async" | "in" | "mod" => format!("r#{name}"),
        _ => name,
    }
}

/// `ConverseRequest` → `CONVERSE_REQUEST`.
pub(super) fn constant(name: &str) -> String {
    words(name).join("_").to_ascii_uppercase()
}

/// `end_turn`, `ON_DEMAND`, `image/png` → `EndTurn`, `OnDemand`, `ImagePng`; `SELF` → `Self_`, as `Self` is a keyword.
pub(super) fn variant(value: &str) -> String {
    let mut name = String::new();
    for word in value.split(|c: char| !c.is_ascii_alphanumeric()).flat_map(words) {
        name.push_str(&capitalised(&word));
    }
    match name.chars().next() {
        Some(first) if first.is_ascii_digit() => format!("V{name}"),
        _ if name == "Self" => "Self_".to_owned(),
        _ => name,
    }
}

/// Lower-case words of a camel-case name; runs of capitals stay together, digits belong to the word before.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (at, &letter) in letters.iter().enumerate() {
        let after_lower = at > 0 && !letters[at - 1].is_ascii_uppercase() && letters[at - 1] != '_';
        let before_lower = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        let after_upper = at > 0 && letters[at - 1].is_ascii_uppercase();
        let starts = at == 0 || letter.is_ascii_uppercase() && (after_lower || after_upper && before_lower);
        if letter == '_' || letter == '-' {
            words.push(String::new());
            continue;
        }
        if starts && words.last().is_none_or(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
