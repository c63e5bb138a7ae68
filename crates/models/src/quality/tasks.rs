//! Label tasks: short texts, each with labels of which the likeliest continuation is the model's answer.
//!
//! The fixed ones are made from sentences and words below, each time the same. Whether an answer is right does not matter
//! here, only whether it stays the same; that they are of many kinds does.

use base::{Error, Result};
use inference::Passage;
use serde::{Deserialize, Serialize};

/// Tasks that may be brought at most.
pub const MOST_TASKS: usize = 10_000;
/// Bytes that texts and labels together may have at most.
const MOST_BYTES: usize = 4 << 20;
/// Bytes of a task's text and longest label; at a byte a token, still within the reader's context.
const LONGEST_TASK: usize = 4000;
/// Labels of a task.
const MOST_LABELS: usize = 64;

/// A text, and the labels of which one is to be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelTask {
    /// What stands before the label, without the space that follows.
    pub text: String,
    /// At least two, all different.
    pub labels: Vec<String>,
}

impl LabelTask {
    pub(super) fn passage(&self) -> Passage {
        Passage {
            prompt: self.text.trim_end().to_owned(),
            endings: self.labels.iter().map(|label| format!(" {}", label.trim())).collect(),
        }
    }

    /// Bytes of the text with its longest label.
    pub(super) fn longest(&self) -> usize {
        self.text.len() + 1 + self.labels.iter().map(String::len).max().unwrap_or(0)
    }
}

/// Checks tasks that somebody brings.
///
/// # Errors
/// Invalid, naming the first bad one by its number.
pub(crate) fn check(tasks: &[LabelTask]) -> Result<()> {
    let refuse = |message: String| {
        Err(Error::invalid(message).with_hint("Each line is `{\"text\": \"…\", \"labels\": [\"…\", \"…\"]}`."))
    };
    if tasks.is_empty() || tasks.len() > MOST_TASKS {
        return refuse(format!("There are {} tasks; 1 to {MOST_TASKS} can be measured.", tasks.len()));
    }
    for (number, task) in (1..).zip(tasks) {
        let mut labels: Vec<&str> = task.labels.iter().map(|label| label.trim()).collect();
        labels.sort_unstable();
        labels.dedup();
        if task.text.trim().is_empty() {
            return refuse(format!("Task {number} has no text."));
        }
        if labels.len() != task.labels.len() || !(2..=MOST_LABELS).contains(&labels.len()) || labels[0].is_empty() {
            return refuse(format!("Task {number} needs 2 to {MOST_LABELS} labels that differ and are not empty."));
        }
        if task.longest() > LONGEST_TASK {
            return refuse(format!("Task {number} has {} bytes; {LONGEST_TASK} can be read.", task.longest()));
        }
    }
    let bytes: usize =
        tasks.iter().map(|task| task.text.len() + task.labels.iter().map(String::len).sum::<usize>()).sum();
    match bytes > MOST_BYTES {
        true => refuse(format!("The tasks have {bytes} bytes; {MOST_BYTES} can be kept.")),
        false => Ok(()),
    }
}

/// Tasks of each kind.
const EACH: usize = 80;

/// Labels, and the text of the task of a number.
type Kind = (&'static [&'static str], fn(usize) -> String);

/// The fixed tasks.
pub(crate) fn fixed() -> Vec<LabelTask> {
    let kinds: [Kind; 6] = [
        (&["sports", "food", "weather", "travel", "money", "health"], topic),
        (&["good", "bad"], opinion),
        (&["cancel", "pay", "order", "complain", "ask"], wish),
        (&["yes", "no"], question),
        (&["English", "French", "German", "Spanish", "Italian"], language),
        (&["animal", "fruit", "tool", "vehicle", "colour"], kind),
    ];
    let tasks = kinds.iter().flat_map(|(labels, text)| {
        (0..EACH).map(move |at| LabelTask {
            text: text(at),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        })
    });
    tasks.collect()
}

/// The `at`-th pick of a list that is gone through again and again.
fn pick<'a>(list: &[&'a str], at: usize) -> &'a str {
    list[at % list.len()]
}

fn topic(at: usize) -> String {
    const WHO: [&str; 7] = [
        "My neighbour",
        "The teacher",
        "An old friend",
        "Her brother",
        "The reporter",
        "Our guest",
        "The girl next door",
    ];
    const WHAT: [&str; 16] = [
        "scored twice in the last match",
        "bakes bread with rye flour",
        "packed an umbrella for the storm",
        "missed the night train to the coast",
        "opened a savings account",
        "has a sore throat again",
        "ran the marathon in three hours",
        "put too much salt into the soup",
        "says it will snow tonight",
        "booked a small hotel near the port",
        "borrowed ten thousand from the bank",
        "sleeps badly since the operation",
        "plays tennis every Saturday",
        "prefers tea with lemon",
        "lost the passport at the airport",
        "sold the shares too early",
    ];
    format!("{} {}.\nThe topic of this sentence is", pick(&WHO, at), pick(&WHAT, at))
}

fn opinion(at: usize) -> String {
    const THING: [&str; 9] =
        ["phone", "hotel", "film", "chair", "restaurant", "book", "coat", "concert", "coffee machine"];
    const SAID: [&str; 10] = [
        "I would buy it again at once",
        "it broke on the second day",
        "we laughed and cried and stayed to the end",
        "nobody answered when we asked for help",
        "it does what it promises, and quietly",
        "never again, not even for free",
        "everybody was friendly and it was worth the price",
        "it looked much better in the pictures",
        "a little dear, yet I enjoy it every day",
        "I waited an hour and then gave up",
    ];
    format!("Review of the {}: {}.\nThe review is", pick(&THING, at), pick(&SAID, at))
}

fn wish(at: usize) -> String {
    const OPENING: [&str; 7] = [
        "Hello,",
        "Good morning,",
        "Dear team,",
        "Hi there,",
        "Excuse me,",
        "To whom it may concern,",
        "Good evening,",
    ];
    const TEXT: [&str; 12] = [
        "please end my contract by the end of the month",
        "where can I transfer the amount of the last invoice",
        "send me two more boxes of the green pens",
        "this is the third time that my parcel came open",
        "do you open on public holidays",
        "I do not want the newspaper any longer",
        "my card was refused, may I use another one",
        "I would like the large table in oak",
        "your driver was rude and left the door open",
        "how long does the battery last",
        "stop my subscription today",
        "the bill is due tomorrow and I want to settle it now",
    ];
    format!("{} {}.\nThe customer wants to", pick(&OPENING, at), pick(&TEXT, at))
}

fn question(at: usize) -> String {
    const SMALL: [&str; 9] =
        ["an ant", "a coin", "a mouse", "a pea", "a key", "a button", "a bee", "a grape", "a stamp"];
    const LARGE: [&str; 10] = [
        "a house",
        "a whale",
        "a mountain",
        "a bus",
        "a horse",
        "a ship",
        "a bridge",
        "an elephant",
        "a tree",
        "a castle",
    ];
    let (small, large) = (pick(&SMALL, at), pick(&LARGE, at));
    let (first, second) = if (at / 2).is_multiple_of(2) { (small, large) } else { (large, small) };
    let word = if at.is_multiple_of(2) { "larger" } else { "smaller" };
    format!("Question: Is {first} {word} than {second}? Answer yes or no.\nAnswer:")
}

fn language(at: usize) -> String {
    const SENTENCES: [&str; 20] = [
        "The garden is behind the house",
        "Le jardin est derrière la maison",
        "Der Garten liegt hinter dem Haus",
        "El jardín está detrás de la casa",
        "Il giardino è dietro la casa",
        "We will meet at the station at noon",
        "Nous nous verrons à la gare à midi",
        "Wir treffen uns mittags am Bahnhof",
        "Nos veremos en la estación al mediodía",
        "Ci vediamo alla stazione a mezzogiorno",
        "My sister works in a small library",
        "Ma sœur travaille dans une petite bibliothèque",
        "Meine Schwester arbeitet in einer kleinen Bücherei",
        "Mi hermana trabaja en una pequeña biblioteca",
        "Mia sorella lavora in una piccola biblioteca",
        "It has been raining since this morning",
        "Il pleut depuis ce matin",
        "Es regnet seit heute Morgen",
        "Llueve desde esta mañana",
        "Piove da questa mattina",
    ];
    const ASKED: [&str; 4] = [
        "This sentence is written in",
        "The language of this is",
        "Whoever wrote this speaks",
        "To read this one must know",
    ];
    format!("\"{}.\"\n{}", pick(&SENTENCES, at), ASKED[at / SENTENCES.len() % ASKED.len()])
}

fn kind(at: usize) -> String {
    const WORDS: [&str; 20] = [
        "horse",
        "pear",
        "hammer",
        "lorry",
        "purple",
        "otter",
        "plum",
        "saw",
        "ferry",
        "crimson",
        "goat",
        "cherry",
        "chisel",
        "tram",
        "turquoise",
        "heron",
        "apricot",
        "spanner",
        "bicycle",
        "beige",
    ];
    const ASKED: [&str; 4] = [
        "In this list of words, the next one is explained.\nThe word \"{}\" is the name of a kind of",
        "Of all words that begin like \"{}\", this one stands for a",
        "A child asks what \"{}\" means. One says: it is a",
        "Dictionary. {}: a certain",
    ];
    ASKED[at / WORDS.len() % ASKED.len()].replace("{}", pick(&WORDS, at))
}
