use super::*;
use crate::evaluations::prompts::Wording;

fn prompt(user: &str) -> JudgePrompt {
    let system = preambles().next().unwrap().to_owned();
    JudgePrompt { system, user: user.to_owned() }
}

/// As many tokens as bytes, as the fake has them.
fn usage(prompt: &JudgePrompt, more: usize) -> Usage {
    let input = (prompt.system.len() + BETWEEN.len() + prompt.user.len() + more) as u32;
    Usage { input, output: 3, cached: 1, cache_written: 0 }
}

#[test]
fn a_prompt_shares_the_preamble_and_then_what_another_on_the_record_began_with() {
    let (seen, preamble) = (Seen::default(), prompt("").system.len() as u64 + 1);
    let first = prompt("passage, response: one?");
    let told = seen.note("m", &first, &[], usage(&first, 0));
    assert_eq!((told.shared, told.cached, told.output), (preamble, 1, 3));
    let second = prompt("passage, response: two?");
    assert_eq!(seen.note("m", &second, &[], usage(&second, 0)).shared, preamble + "passage, response: ".len() as u64);
    let more = [Message::assistant("Yes"), Message::user("Why?")];
    let told = seen.note("m", &first, &more, usage(&first, "\0Yes\0Why?".len()));
    assert_eq!(told.shared, preamble + first.user.len() as u64);
    assert_eq!(Seen::default().note("m", &second, &[], usage(&second, 0)).shared, preamble, "another record");
    assert_eq!(seen.note("other", &second, &[], usage(&second, 0)).shared, preamble, "another model read none of it");
    assert_eq!(preambles().count() * 2, Wording::ALL.len());
}
