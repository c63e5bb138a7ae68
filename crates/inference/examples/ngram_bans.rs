//! Tells the tokens that the control of repeated n-grams bans, for `bench/ngram_exactness.py`, which compares them with
//! Transformers'.
//!
//! Each line of standard input is `{"size": 3, "scope": "output", "prompt": [1, 2], "answer": [3]}`; each line of standard
//! output lists what is banned before the first token of the answer, before the second, …, and after the last.

#![allow(clippy::expect_used, clippy::print_stdout)]

use std::io::{self, BufRead as _};

use inference::sampling::NgramIndex;
use inference::{NgramScope, NoRepeatNgram, Token};
use serde_json::{Value, json};

fn main() {
    for line in io::stdin().lock().lines() {
        let case: Value = serde_json::from_str(&line.expect("standard input is text")).expect("a line is JSON");
        let scope = if case["scope"] == "output" { NgramScope::Output } else { NgramScope::PromptAndOutput };
        let size = u32::try_from(case["size"].as_u64().expect("a size")).expect("a small size");
        let mut index = NgramIndex::new(NoRepeatNgram { size, scope }, &tokens(&case["prompt"]));
        let mut steps = vec![banned(&index)];
        for token in tokens(&case["answer"]) {
            index.push(token);
            steps.push(banned(&index));
        }
        println!("{}", json!(steps));
    }
}

fn tokens(list: &Value) -> Vec<Token> {
    let token = |item: &Value| item.as_u64().and_then(|token| Token::try_from(token).ok()).expect("a token");
    list.as_array().expect("a list of tokens").iter().map(token).collect()
}

fn banned(index: &NgramIndex) -> Vec<Token> {
    let mut banned: Vec<Token> = index.banned().collect();
    banned.sort_unstable();
    banned
}
