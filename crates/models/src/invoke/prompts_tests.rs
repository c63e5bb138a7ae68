use super::*;
use proptest::prelude::*;

fn turns(parsed: &Parsed) -> Vec<(char, String)> {
    let text = |message: &Message| match message.content.as_slice() {
        [Content::Text(text)] => text.clone(),
        other => panic!("{other:?}"),
    };
    let letter = |role| if role == Role::User { 'u' } else { 'a' };
    parsed.messages.iter().map(|message| (letter(message.role), text(message))).collect()
}

fn read(prompt: &str) -> (Vec<String>, Vec<(char, String)>) {
    let parsed = parse(prompt);
    (parsed.system.clone(), turns(&parsed))
}

fn expect(system: &[&str], messages: &[(char, &str)]) -> (Vec<String>, Vec<(char, String)>) {
    let messages = messages.iter().map(|(role, text)| (*role, (*text).to_owned())).collect();
    (system.iter().map(|text| (*text).to_owned()).collect(), messages)
}

#[test]
fn llama_3_prompts_become_messages() {
    let prompt = "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>\
        <|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>\
        <|start_header_id|>user<|end_header_id|>\n\nWho?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n";
    assert_eq!(format_of(prompt), PromptFormat::Llama3);
    assert_eq!(read(prompt), expect(&["Be brief."], &[('u', "Hi"), ('a', "Hello"), ('u', "Who?")]));
}

#[test]
fn the_beginning_of_an_answer_is_kept_to_be_continued() {
    let prompt = "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n{\"a\":";
    assert_eq!(read(prompt), expect(&[], &[('u', "Hi"), ('a', "{\"a\":")]));
    assert_eq!(read("[INST] Hi [/INST] Well,"), expect(&[], &[('u', "Hi"), ('a', "Well,")]));
    assert_eq!(read("\n\nHuman: Hi\n\nAssistant: Well,"), expect(&[], &[('u', "Hi"), ('a', "Well,")]));
}

#[test]
fn llama_2_prompts_have_a_system_prompt_inside() {
    let prompt = "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello </s><s>[INST] Who? [/INST]";
    assert_eq!(format_of(prompt), PromptFormat::Inst);
    assert_eq!(read(prompt), expect(&["Be brief."], &[('u', "Hi"), ('a', "Hello"), ('u', "Who?")]));
}

#[test]
fn mistral_prompts_become_messages() {
    assert_eq!(read("<s>[INST] Hi [/INST]"), expect(&[], &[('u', "Hi")]));
    assert_eq!(
        read("<s>[INST] Hi [/INST] Hello</s>[INST] Who? [/INST]"),
        expect(&[], &[('u', "Hi"), ('a', "Hello"), ('u', "Who?")])
    );
}

#[test]
fn chatml_prompts_become_messages() {
    let prompt = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(format_of(prompt), PromptFormat::ChatMl);
    assert_eq!(read(prompt), expect(&["Be brief."], &[('u', "Hi")]));
}

#[test]
fn anthropic_text_completions_become_messages() {
    let prompt = "\n\nHuman: Hi\nthere\n\nAssistant: Hello\n\nHuman: Who?\n\nAssistant:";
    assert_eq!(format_of(prompt), PromptFormat::HumanAssistant);
    assert_eq!(read(prompt), expect(&[], &[('u', "Hi\nthere"), ('a', "Hello"), ('u', "Who?")]));
}

#[test]
fn titan_conversations_become_messages() {
    let prompt = "User: Hi\nBot: Hello\nUser: Who?\nBot:";
    assert_eq!(format_of(prompt), PromptFormat::UserBot);
    assert_eq!(read(prompt), expect(&[], &[('u', "Hi"), ('a', "Hello"), ('u', "Who?")]));
}

#[test]
fn plain_text_is_one_user_message_as_it_stands() {
    for prompt in ["Write a haiku.", "  leading", "User: alone", "Human: alone", "[INST] open", "a <|eot_id|> b"] {
        assert_eq!(format_of(prompt), PromptFormat::Plain, "{prompt}");
        assert_eq!(read(prompt), expect(&[], &[('u', prompt)]));
    }
}

#[test]
fn what_only_looks_like_a_template_is_plain_text() {
    for prompt in [
        "text first <|start_header_id|>user<|end_header_id|>\n\nHi",
        "<|start_header_id|>wizard<|end_header_id|>\n\nHi",
        "<|start_header_id|>assistant<|end_header_id|>\n\nHi",
        "see [INST] and [/INST] in the docs",
        "<|im_start|>system\nonly<|im_end|>",
    ] {
        assert_eq!(read(prompt), expect(&[], &[('u', prompt)]), "{prompt}");
    }
}

proptest! {
    #[test]
    fn no_prompt_breaks_the_reader(pieces in prop::collection::vec(prop::sample::select(vec![
        "<s>", "</s>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<|start_header_id|>", "<|end_header_id|>",
        "<|eot_id|>", "<|im_start|>", "<|im_end|>", "user", "assistant", "system", "\n\n", "\n", "Human:", "Assistant:",
        "User:", "Bot:", "ä", " ", "text",
    ]), 0..24)) {
        let prompt = pieces.concat();
        let parsed = parse(&prompt);
        prop_assert!(!parsed.messages.is_empty());
    }
}
