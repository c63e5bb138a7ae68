//! What a GGUF header says of a model's sizes and of how prompts are written for it.

use std::collections::BTreeMap;

use inference::{CONTROL_TOKENS, Matrices, Prompting, Shape};

use super::{Gguf, VOCABULARY, Value};

/// The matrix of which a token reads one row.
const EMBEDDINGS: &str = "token_embd.weight";
/// The matrix that every token is multiplied with in the end, where it is another than that of the embeddings.
const OUTPUT: &str = "output.weight";

impl Gguf {
    /// The sizes, and what one token reads.
    pub(super) fn shape(&self, architecture: &str, dimensions: u32) -> Shape {
        let number = |key: &str| {
            let number = self.number(&format!("{architecture}.{key}"));
            number.and_then(|number| u32::try_from(number).ok())
        };
        let heads = self.most(&format!("{architecture}.attention.head_count")).unwrap_or(1).max(1);
        let experts = (number("expert_count").unwrap_or(0), number("expert_used_count").unwrap_or(0));
        Shape {
            layers: number("block_count").unwrap_or(0),
            heads,
            kv_heads: self.most(&format!("{architecture}.attention.head_count_kv")).unwrap_or(heads),
            head_size: number("attention.key_length").unwrap_or(dimensions / heads),
            window: number("attention.sliding_window").filter(|window| *window > 0),
            experts,
            matrices: self.matrices(experts),
            output: self.output(),
        }
    }

    /// A number, or the largest of a list with one for each layer.
    fn most(&self, key: &str) -> Option<u32> {
        let most = match self.metadata.get(key)? {
            Value::Array(values, _) => values.iter().filter_map(Value::unsigned).max()?,
            value => value.unsigned()?,
        };
        u32::try_from(most).ok()
    }

    /// The matrix that the next token is told from: that of the embeddings, where there is no other.
    fn output(&self) -> Matrices {
        let named = |name: &str| self.tensors.iter().find(|tensor| tensor.name == name);
        let output = named(OUTPUT).or_else(|| named(EMBEDDINGS));
        output.map_or_else(Matrices::default, |tensor| Matrices {
            format: tensor.format.to_owned(),
            bytes: tensor.bytes,
            numbers: tensor.elements,
            activations: tensor.activations,
        })
    }

    /// What one token is multiplied with in the layers. Of experts, those count that it is sent to.
    fn matrices(&self, (experts, used): (u32, u32)) -> Vec<Matrices> {
        let mut formats: BTreeMap<&str, Matrices> = BTreeMap::new();
        let of_layers = |name: &str| name != EMBEDDINGS && name != OUTPUT;
        for tensor in self.tensors.iter().filter(|tensor| tensor.is_matrix && of_layers(&tensor.name)) {
            let share = |count: u64| match experts > 0 && tensor.name.contains("_exps.") {
                true => count / u64::from(experts) * u64::from(used.max(1)),
                false => count,
            };
            let format = formats.entry(tensor.format).or_default();
            format.bytes += share(tensor.bytes);
            format.numbers += share(tensor.elements);
            format.activations += share(tensor.activations);
        }
        let named = |(format, matrices): (&str, Matrices)| Matrices { format: format.to_owned(), ..matrices };
        let mut matrices: Vec<Matrices> = formats.into_iter().map(named).collect();
        matrices.sort_by_key(|matrices| std::cmp::Reverse(matrices.bytes));
        matrices
    }

    /// How prompts are written for it.
    pub(super) fn prompting(&self) -> Prompting {
        let mut control_tokens = self.control_tokens.clone();
        // A short list is kept whole.
        if let Some(Value::Array(tokens, _)) = self.metadata.get(VOCABULARY) {
            let known = tokens.iter().filter_map(|token| match token {
                Value::String(text) if CONTROL_TOKENS.contains(&text.as_str()) => Some(text.clone()),
                _ => None,
            });
            control_tokens.extend(known);
        }
        Prompting {
            template: self.chat_template().map(str::to_owned),
            pre_tokenizer: self.string("tokenizer.ggml.pre").unwrap_or_default().to_owned(),
            control_tokens,
        }
    }
}
