use std::sync::Arc;

use base::{FixedClock, Timestamp};
use inference::Prompting;

use super::family::{Family, of_prompt};
use super::verify::verify;
use super::*;

const CHATML: &str = "{% if messages[0].role != 'system' %}<|im_start|>system\nBe kind.<|im_end|>\n{% endif %}\
{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
const LLAMA: &str = "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n\
{% if loop.first and tools %}{{ tools }}{% endif %}{{ m.content }}<|eot_id|>{% endfor %}\
{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}";
const MISTRAL_7: &str = "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}[SYSTEM_PROMPT]{{ m.content }}\
[/SYSTEM_PROMPT]{% elif m.role == 'user' %}[INST]{{ m.content }}[/INST]{% else %}{{ m.content }}{{ eos_token }}{% endif %}\
{% endfor %}";
const MISTRAL_3: &str = "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('none') }}\
{% elif m.role == 'user' %}{% if tools and loop.last %}[AVAILABLE_TOOLS] {{ tools }}[/AVAILABLE_TOOLS]{% endif %}\
[INST] {{ m.content }}[/INST]{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}";
const GEMMA: &str = "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('none') }}{% endif %}\
<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content }}<end_of_turn>\n{% endfor %}\
{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}";
const PHI: &str = "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}\
{% if add_generation_prompt %}<|assistant|>\n{% endif %}";
const DEEPSEEK: &str = "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}\
{% elif m.role == 'user' %}<｜User｜>{{ m.content }}{% else %}<｜Assistant｜>{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}\
{% if add_generation_prompt %}<｜Assistant｜><think>\n{% endif %}";

fn prompting(template: &str, tokens: &[&str]) -> Prompting {
    Prompting {
        template: Some(template.to_owned()),
        pre_tokenizer: String::new(),
        control_tokens: tokens.iter().map(|token| (*token).to_owned()).collect(),
    }
}

fn report(family: Option<Family>, template: &str, tokens: &[&str]) -> TemplateReport {
    let clock = Arc::new(FixedClock::new(Timestamp(1_800_000_000_000)));
    verify(family, "llama", &prompting(template, tokens), clock)
}

#[test]
fn what_renders_as_the_family_documents_is_verified() {
    let templates = [
        (Family::ChatMl, CHATML),
        (Family::Llama3, LLAMA),
        (Family::MistralV7, MISTRAL_7),
        (Family::MistralV3, MISTRAL_3),
        (Family::Gemma, GEMMA),
        (Family::Phi3, PHI),
        (Family::DeepSeek, DEEPSEEK),
    ];
    for (family, template) in templates {
        let report = report(Some(family), template, family.tokens());
        let ours = if family == Family::Llama3 { TemplateVerdict::Differs } else { TemplateVerdict::Verified };
        // Llama's own has the tools beside the question, in a system message's company.
        assert_eq!(report.verdict, ours, "{}: {}", family.name(), report.detail);
        assert_eq!(report.family.as_deref(), Some(family.name()));
        if family == Family::Llama3 {
            assert!(report.detail.starts_with("With tools"), "{}", report.detail);
        }
    }
}

#[test]
fn the_template_of_another_vendor_contradicts() {
    for declared in [Some(Family::MistralV7), None] {
        let report = report(declared, DEEPSEEK, Family::MistralV7.tokens());
        assert_eq!(report.verdict, TemplateVerdict::Contradicts, "{}", report.detail);
        assert!(report.detail.contains("<｜User｜>") && report.detail.contains("`deepseek`"), "{}", report.detail);
    }
    let plain = "<|begin▁of▁sentence|>{% for m in messages %}<|User|>{{ m.content }}<|Assistant|>{% endfor %}";
    assert_eq!(report(Some(Family::MistralV7), plain, &[]).verdict, TemplateVerdict::Contradicts);
}

#[test]
fn every_family_is_told_from_every_other_one() {
    let templates =
        [(Family::ChatMl, CHATML), (Family::MistralV7, MISTRAL_7), (Family::Gemma, GEMMA), (Family::Phi3, PHI)];
    for (own, template) in templates {
        for other in [Family::Llama3, Family::DeepSeek] {
            let report = report(Some(other), template, other.tokens());
            assert_eq!(report.verdict, TemplateVerdict::Contradicts, "{} as {}", own.name(), other.name());
        }
    }
}

#[test]
fn a_difference_is_told_where_it_is() {
    let backwards = CHATML.replace("{{ m.content }}", "{{ m.content | reverse }}");
    let report = report(Some(Family::ChatMl), &backwards, Family::ChatMl.tokens());
    assert_eq!(report.verdict, TemplateVerdict::Differs);
    assert!(report.detail.starts_with("With one question"), "{}", report.detail);
    let forgetful = "{% set m = messages[-1] %}<|im_start|>user\n{{ m.content }}<|im_end|>\n<|im_start|>assistant\n";
    let report = self::report(Some(Family::ChatMl), forgetful, Family::ChatMl.tokens());
    assert_eq!(report.verdict, TemplateVerdict::Differs, "{}", report.detail);
}

#[test]
fn what_cannot_be_read_or_rendered_differs_and_what_is_unknown_says_so() {
    assert_eq!(report(Some(Family::Gemma), "{% for %}", &[]).verdict, TemplateVerdict::Differs);
    assert_eq!(report(None, "{{ messages }}", &[]).verdict, TemplateVerdict::Unknown);
    let clock = Arc::new(FixedClock::new(Timestamp(0)));
    assert_eq!(verify(None, "llama", &Prompting::default(), clock).verdict, TemplateVerdict::None);
}

#[test]
fn the_vocabulary_tells_the_family() {
    for family in Family::ALL {
        let architecture = if family == Family::Qwen25 { "qwen2" } else { "llama" };
        let found = Family::of_file(architecture, &prompting("", family.tokens()));
        assert_eq!(found, Some(family), "{}", family.name());
        assert_eq!(Family::named(family.name()), Some(family));
    }
    assert_eq!(Family::of_file("llama", &Prompting::default()), None);
}

#[test]
fn every_family_of_the_catalogue_is_one() {
    for entry in Catalogue::built_in().unwrap().entries() {
        let family = entry.family.as_deref();
        assert!(family.is_none_or(|name| Family::named(name).is_some()), "{family:?}");
        assert!(!entry.chats || family.is_some(), "`{}` chats in no family's format", entry.name);
    }
}

#[test]
fn a_prompt_tells_the_format_that_it_is_written_in() {
    let deepseek = "<|begin▁of▁sentence|><|User|>Hello<|Assistant|>";
    assert_eq!(of_prompt(deepseek), Some(Family::DeepSeek));
    assert_eq!(of_prompt("[INST] Hello [/INST]"), Some(Family::MistralV3));
    assert_eq!(of_prompt("<start_of_turn>user"), Some(Family::Gemma));
    assert_eq!(of_prompt("Once upon a time<|endoftext|>"), None);
}

#[test]
fn a_contradicting_template_is_refused_unless_someone_puts_up_with_it() {
    let contradicting = report(Some(Family::MistralV7), DEEPSEEK, &[]);
    let error = admit("m", contradicting.clone(), None).unwrap_err();
    assert!(error.message.contains("another model's") && error.hint.unwrap().contains("--allow-template"));
    let admitted = admit("m", contradicting, Some("arn:aws:iam::1:user/ann")).unwrap();
    assert_eq!(admitted.allowed_by.as_deref(), Some("arn:aws:iam::1:user/ann"));
    assert!(admit("m", report(Some(Family::ChatMl), CHATML, &[]), None).is_ok());
}
