//! What a model is built of, as far as its memory, its speed and its prompts follow from it.

use serde::{Deserialize, Serialize};

/// The sizes of a model and the work of one token.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shape {
    /// Layers.
    pub layers: u32,
    /// Heads of attention that ask, in each layer.
    pub heads: u32,
    /// Heads that the cache holds, in each layer; the most of all layers.
    pub kv_heads: u32,
    /// Numbers of each head.
    pub head_size: u32,
    /// The tokens that most layers look back; none where all look at everything.
    pub window: Option<u32>,
    /// Experts of each layer, and those of them that a token is sent to; 0 where a layer is one.
    pub experts: (u32, u32),
    /// The matrices of the layers, which every token is multiplied with, by how they are stored: the largest share first.
    pub matrices: Vec<Matrices>,
    /// The matrix that the next token is told from: of a prompt, only its last token is multiplied with it.
    pub output: Matrices,
}

impl Shape {
    /// What the speed of attention depends on.
    #[must_use]
    pub fn heads(&self) -> Heads {
        Heads { size: self.head_size, sharing: (self.heads / self.kv_heads.max(1)).max(1) }
    }
}

/// Heads of attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    /// Numbers of each.
    pub size: u32,
    /// How many ask one and the same head of the cache; its keys and values are read once for all of them.
    pub sharing: u32,
}

/// The matrices of one format.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrices {
    /// The format, such as `Q4_K`.
    pub format: String,
    /// The bytes of them that one token reads.
    pub bytes: u64,
    /// The numbers in those bytes: as many are multiplied and added for each token.
    pub numbers: u64,
    /// The numbers of a token that go into these matrices and come out of them: the sum of their rows and columns.
    pub activations: u64,
}

/// How fast an engine multiplies on this machine.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Speeds {
    /// By format.
    pub rates: Vec<Rate>,
    /// What a step of a computation costs beside its work, in seconds.
    pub step_seconds: ByThreads,
    /// How fast attention is computed in one pass.
    pub in_one_pass: AttentionRate,
    /// How fast attention is computed in steps.
    pub in_steps: AttentionRate,
}

/// A figure of computing one token: by one thread, and by as many as the options allow, which wait for each other at each step.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ByThreads {
    /// By one.
    pub one: f64,
    /// By all.
    pub all: f64,
}

impl ByThreads {
    /// What becomes of both.
    #[must_use]
    pub fn map(self, change: impl Fn(f64) -> f64) -> Self {
        Self { one: change(self.one), all: change(self.all) }
    }
}

/// How fast attention to what was read before is computed: multiplications a second, of which a token does two for each
/// number of its heads and each token that it looks at. 0 where that was not measured.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct AttentionRate {
    /// For one token, as answers are written.
    pub alone_per_second: ByThreads,
    /// For many tokens at once, as prompts are read.
    pub together_per_second: f64,
}

/// How fast weights of one format are multiplied.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Rate {
    /// The format, such as `Q4_K`.
    pub format: String,
    /// Bytes of the weights a second that one row is multiplied with, as answers are written.
    pub bytes_per_second: ByThreads,
    /// Multiplications a second where many rows are, as prompts are read.
    pub numbers_per_second: f64,
    /// Numbers a second that go into such matrices and come out of them beside that, as norms, roundings and additions: they are
    /// more of a narrow model than of a wide one. For one row; 0 where they cost too little to tell.
    pub activations_alone_per_second: ByThreads,
    /// The same where many rows are multiplied.
    pub activations_together_per_second: f64,
}

/// What a model file says of how prompts are written for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prompting {
    /// Its chat template.
    pub template: Option<String>,
    /// How its tokenizer cuts text, such as `llama-bpe`; empty where the file does not say.
    pub pre_tokenizer: String,
    /// The control tokens of known families that its vocabulary holds, by their spellings.
    pub control_tokens: Vec<String>,
}

/// Spellings of control tokens by which chat formats are known. Where one stands in a template and not in the vocabulary, the
/// template is another model's.
pub const CONTROL_TOKENS: [&str; 35] = [
    "<|im_start|>",
    "<|im_end|>",
    "<|begin_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|python_tag|>",
    "[INST]",
    "[/INST]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_CALLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "<start_of_turn>",
    "<end_of_turn>",
    "<|user|>",
    "<|assistant|>",
    "<|system|>",
    "<|end|>",
    "<|endoftext|>",
    "<｜begin▁of▁sentence｜>",
    "<｜end▁of▁sentence｜>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<|START_OF_TURN_TOKEN|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|CHATBOT_TOKEN|>",
    "<|USER_TOKEN|>",
    // As people write DeepSeek's, with plain bars.
    "<|begin▁of▁sentence|>",
    "<|User|>",
    "<|Assistant|>",
];
