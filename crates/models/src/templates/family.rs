//! Families of chat formats, and which of them a model is of.

use inference::Prompting;

/// A family of chat formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// ChatML, as SmolLM2 and many others write it.
    ChatMl,
    /// Llama 3 and its later versions.
    Llama3,
    /// Mistral's third format, and the tokens of the second.
    MistralV3,
    /// Mistral's seventh format, with a system prompt of its own.
    MistralV7,
    /// Gemma.
    Gemma,
    /// Phi 3 and 3.5.
    Phi3,
    /// Qwen2.5: ChatML with a system message of its own and Hermes' tools.
    Qwen25,
    /// DeepSeek V2.5, V3 and R1.
    DeepSeek,
}

impl Family {
    pub(crate) const ALL: [Self; 8] = [
        Self::ChatMl,
        Self::Llama3,
        Self::MistralV3,
        Self::MistralV7,
        Self::Gemma,
        Self::Phi3,
        Self::Qwen25,
        Self::DeepSeek,
    ];

    /// Its name, as the catalogue writes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ChatMl => "chatml",
            Self::Llama3 => "llama3",
            Self::MistralV3 => "mistral-v3",
            Self::MistralV7 => "mistral-v7",
            Self::Gemma => "gemma",
            Self::Phi3 => "phi3",
            Self::Qwen25 => "qwen2.5",
            Self::DeepSeek => "deepseek",
        }
    }

    /// The family of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }

    /// The control tokens that only its conversations are written with.
    pub(crate) const fn tokens(self) -> &'static [&'static str] {
        match self {
            Self::ChatMl | Self::Qwen25 => &["<|im_start|>", "<|im_end|>", "<|endoftext|>"],
            Self::Llama3 => &[
                "<|begin_of_text|>",
                "<|start_header_id|>",
                "<|end_header_id|>",
                "<|eot_id|>",
                "<|eom_id|>",
                "<|python_tag|>",
            ],
            Self::MistralV3 => &[
                "[INST]",
                "[/INST]",
                "[AVAILABLE_TOOLS]",
                "[/AVAILABLE_TOOLS]",
                "[TOOL_CALLS]",
                "[TOOL_RESULTS]",
                "[/TOOL_RESULTS]",
            ],
            Self::MistralV7 => &[
                "[INST]",
                "[/INST]",
                "[SYSTEM_PROMPT]",
                "[/SYSTEM_PROMPT]",
                "[AVAILABLE_TOOLS]",
                "[/AVAILABLE_TOOLS]",
                "[TOOL_CALLS]",
                "[TOOL_RESULTS]",
                "[/TOOL_RESULTS]",
            ],
            Self::Gemma => &["<start_of_turn>", "<end_of_turn>"],
            Self::Phi3 => &["<|user|>", "<|assistant|>", "<|system|>", "<|end|>", "<|endoftext|>"],
            Self::DeepSeek => &["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"],
        }
    }

    /// The opening and the closing token, as templates are given them.
    pub(crate) const fn bounds(self) -> (&'static str, &'static str) {
        match self {
            Self::ChatMl => ("<|im_start|>", "<|im_end|>"),
            Self::Qwen25 => ("", "<|im_end|>"),
            Self::Llama3 => ("<|begin_of_text|>", "<|eot_id|>"),
            Self::MistralV3 | Self::MistralV7 => ("<s>", "</s>"),
            Self::Gemma => ("<bos>", "<eos>"),
            Self::Phi3 => ("<s>", "<|endoftext|>"),
            Self::DeepSeek => ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
        }
    }

    /// The family of a model of which nothing but its file is known: what its vocabulary holds tells. None where it holds
    /// no control token of a family, or its own words do not say which.
    pub(crate) fn of_file(architecture: &str, prompting: &Prompting) -> Option<Self> {
        let has = |token: &str| prompting.control_tokens.iter().any(|known| known == token);
        // Some vocabularies hold the tokens of what they were derived from, too: those of the later format count.
        if has("<｜User｜>") {
            Some(Self::DeepSeek)
        } else if has("<|start_header_id|>") {
            Some(Self::Llama3)
        } else if has("<start_of_turn>") {
            Some(Self::Gemma)
        } else if has("[SYSTEM_PROMPT]") {
            Some(Self::MistralV7)
        } else if has("[INST]") {
            Some(Self::MistralV3)
        } else if has("<|im_start|>") {
            Some(if architecture.starts_with("qwen2") { Self::Qwen25 } else { Self::ChatMl })
        } else if has("<|assistant|>") && has("<|end|>") {
            Some(Self::Phi3)
        } else {
            None
        }
    }
}

/// The family that a raw prompt is written for, by the first control token that stands in it and in one family alone, or
/// in one of formats that are told apart no further.
pub(crate) fn of_prompt(prompt: &str) -> Option<Family> {
    // With plain bars, as the tokens are often copied.
    if ["<|begin▁of▁sentence|>", "<|User|>", "<|Assistant|>"].iter().any(|token| prompt.contains(token)) {
        return Some(Family::DeepSeek);
    }
    // That of a text's end is written in many formats.
    let tells = |token: &&&str| **token != "<|endoftext|>";
    let written = |family: &Family| family.tokens().iter().filter(tells).any(|token| prompt.contains(token));
    Family::ALL.into_iter().find(written)
}
