//! Answers that must have a form: JSON of a schema, a regular expression, a grammar.

mod depth;

use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::{Matcher, ParserFactory};
use serde_json::{Value, json};
use toktrie::{ApproximateTokEnv, SimpleVob, TokEnv, TokRxInfo, TokTrie};

use crate::backend::Vocabulary;
use crate::{Error, Result, Token};

/// What an answer must look like.
#[derive(Debug, Clone, PartialEq)]
pub enum Constraint {
    /// JSON that the schema admits. A schema with a keyword that cannot be enforced is refused.
    JsonSchema(Value),
    /// JSON that the schema admits as far as it can be enforced: `oneOf` is taken for `anyOf`, and what the compiler does
    /// not know (`not`, `if`, `contains`, `uniqueItems`, `propertyNames`, `dependentRequired`, unknown formats and their
    /// like) is passed over.
    JsonSchemaLeniently(Value),
    /// Text that the regular expression matches as a whole (Rust's `regex` syntax). Its length is bounded.
    Regex(String),
    /// Text of the Lark grammar, in llguidance's dialect without `%json`, `%lark`, `%llguidance` and `%if`. Its length and
    /// the number of its definitions are bounded.
    Lark(String),
}

/// Compiles constraints for one vocabulary. Made once for a model: it builds a trie of all tokens.
pub struct Compiler {
    factory: ParserFactory,
}

impl Compiler {
    /// A compiler for the vocabulary.
    pub fn new(vocabulary: &dyn Vocabulary) -> Result<Self> {
        let size = vocabulary.size();
        let words: Vec<Vec<u8>> = (0..size).map(|token| word(vocabulary, token)).collect();
        let mut ends: Vec<Token> = vocabulary.eos().into_iter().collect();
        ends.extend((0..size).filter(|token| vocabulary.ends(*token) && Some(*token) != vocabulary.eos()));
        let Some(eos) = ends.first() else {
            return Err(failed("the model has no token that ends an answer"));
        };
        let trie = TokTrie::from(&TokRxInfo::new(size, *eos), &words).with_eos_tokens(&ends);
        let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let mut factory = ParserFactory::new_simple(&environment).map_err(failed)?;
        factory.quiet();
        factory.limits_mut().verbose_errors = false;
        Ok(Self { factory })
    }

    /// A follower of one answer.
    pub fn compile(&self, constraint: &Constraint) -> Result<Follower> {
        let parse = |grammar| self.factory.create_parser(grammar).map_err(failed);
        let parse_schema = |schema: &Value, options| {
            let grammar = TopLevelGrammar::from_json_schema(with_options(schema, options));
            depth::with_room_for(schema, || parse(grammar))
        };
        let parser = match constraint {
            Constraint::JsonSchema(schema) => parse_schema(schema, None),
            Constraint::JsonSchemaLeniently(schema) => {
                parse_schema(schema, Some(json!({"lenient": true, "coerce_one_of": true})))
            }
            Constraint::Regex(regex) => depth::with_room_for_regex(regex, || parse(TopLevelGrammar::from_regex(regex))),
            Constraint::Lark(lark) => {
                depth::with_room_for_grammar(lark, || parse(TopLevelGrammar::from_lark(lark.clone())))
            }
        };
        Ok(Follower { matcher: Matcher::new(Ok(parser?)) })
    }
}

/// The schema with these options for its compiler, and none of the schema's author's.
fn with_options(schema: &Value, options: Option<Value>) -> Value {
    const OPTIONS: &str = "x-guidance";
    let mut schema = schema.clone();
    if let Some(keywords) = schema.as_object_mut() {
        keywords.remove(OPTIONS);
        keywords.extend(options.map(|options| (OPTIONS.to_owned(), options)));
    }
    schema
}

impl std::fmt::Debug for Compiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiler").finish_non_exhaustive()
    }
}

/// A control token is spelled with a leading byte that no text holds, so that no grammar admits it as text.
fn word(vocabulary: &dyn Vocabulary, token: Token) -> Vec<u8> {
    match vocabulary.special(token) {
        Some(name) => [&[TokTrie::SPECIAL_TOKEN_MARKER], name.as_bytes()].concat(),
        None => vocabulary.bytes(token).to_vec(),
    }
}

fn failed(reason: impl std::fmt::Display) -> Error {
    /// The compiler repeats the grammar in what it says of it.
    const LONGEST: usize = 2000;
    Error::Constraint { reason: reason.to_string().chars().take(LONGEST).collect() }
}

/// Follows one answer and says which tokens may come next.
pub struct Follower {
    matcher: Matcher,
}

impl Follower {
    /// The tokens that may come next; those that end the answer once it is whole.
    pub fn mask(&mut self) -> Result<Mask> {
        self.matcher.compute_mask_or_eos().map(Mask).map_err(failed)
    }

    /// Takes the token that was chosen from the mask.
    pub fn accept(&mut self, token: Token) -> Result<()> {
        self.matcher.consume_token(token).map_err(failed)
    }

    /// Whether the answer is whole and nothing can be added to it.
    pub fn is_complete(&self) -> bool {
        self.matcher.is_stopped()
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("complete", &self.is_complete()).finish_non_exhaustive()
    }
}

/// A set of tokens.
#[derive(Debug)]
pub struct Mask(SimpleVob);

impl Mask {
    /// One bit for each token, the lowest first.
    pub fn bits(&self) -> &[u32] {
        self.0.as_slice()
    }
}

#[cfg(test)]
mod tests;
