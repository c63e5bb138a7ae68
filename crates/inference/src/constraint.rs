//! Answers that must have a form: JSON of a schema, a regular expression, a grammar.

mod cache;
mod depth;
mod tokenizer;

use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::{Matcher, ParserFactory};
use serde_json::{Value, json};
use toktrie::{SimpleVob, TokEnv};

use cache::{Cache, Key};
use tokenizer::Tokenizer;

use crate::backend::Vocabulary;
use crate::{Error, Result, Token};

/// What an answer must look like. JSON is written on one line with a space after each colon and each comma, as Python's
/// `json` does: so the keys of an object, and all between its values, need not be chosen by the model.
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
    cache: Cache,
}

impl Compiler {
    /// A compiler for the vocabulary.
    ///
    /// # Errors
    /// Constraint, where no token ends an answer.
    pub fn new(vocabulary: Arc<dyn Vocabulary>) -> Result<Self> {
        let environment: TokEnv = Arc::new(Tokenizer::new(vocabulary)?);
        let mut factory = ParserFactory::new_simple(&environment).map_err(failed)?;
        factory.quiet();
        factory.limits_mut().verbose_errors = false;
        Ok(Self { factory, cache: Cache::default() })
    }

    /// A follower of one answer.
    ///
    /// # Errors
    /// Constraint, where it is malformed, too big or not to be enforced, or where no answer can begin under it.
    pub fn compile(&self, constraint: &Constraint) -> Result<Follower> {
        self.compile_for(0, constraint)
    }

    /// A follower of one answer to this owner. A constraint that the owner had before is not compiled again.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub fn compile_for(&self, owner: u128, constraint: &Constraint) -> Result<Follower> {
        let key = Key::new(owner, constraint);
        if let Some(matcher) = self.cache.get(&key) {
            return Ok(Follower { matcher });
        }
        let mut matcher = self.parse(constraint)?;
        // Fills the automaton that all copies begin with, and finds what nothing can satisfy.
        if let Err(error) = matcher.compute_mask_or_eos() {
            return Err(failed(format!("no answer satisfies it ({error})")));
        }
        self.cache.put(key, &matcher);
        Ok(Follower { matcher })
    }

    fn parse(&self, constraint: &Constraint) -> Result<Matcher> {
        let parse = |grammar| self.factory.create_parser(grammar).map_err(failed);
        let parse_schema = |schema: &Value, options| {
            let grammar = TopLevelGrammar::from_json_schema(with_options(schema, options));
            depth::with_room_for(schema, || parse(grammar))
        };
        let parser = match constraint {
            Constraint::JsonSchema(schema) => parse_schema(schema, false),
            Constraint::JsonSchemaLeniently(schema) => parse_schema(schema, true),
            Constraint::Regex(regex) => depth::with_room_for_regex(regex, || parse(TopLevelGrammar::from_regex(regex))),
            Constraint::Lark(lark) => {
                depth::with_room_for_grammar(lark, || parse(TopLevelGrammar::from_lark(lark.clone())))
            }
        };
        Ok(Matcher::new(Ok(parser?)))
    }
}

/// The schema with options for its compiler, and none of the schema's author's.
fn with_options(schema: &Value, lenient: bool) -> Value {
    let mut schema = schema.clone();
    if let Some(keywords) = schema.as_object_mut() {
        let options = json!({
            "whitespace_flexible": false,
            "item_separator": ", ",
            "key_separator": ": ",
            "lenient": lenient,
            "coerce_one_of": lenient,
        });
        keywords.insert("x-guidance".to_owned(), options);
    }
    schema
}

impl std::fmt::Debug for Compiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiler").finish_non_exhaustive()
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

    /// The tokens that must come next, whatever the model says: the model's own for the text that is certain, but for those
    /// at its end that could be others once more text follows. Empty where the model has a choice, and where the answer is
    /// whole.
    pub fn forced(&mut self) -> Vec<Token> {
        match self.is_complete() {
            true => Vec::new(),
            false => self.matcher.compute_ff_tokens(),
        }
    }

    /// Takes tokens that were forced.
    ///
    /// # Errors
    /// Constraint, where they are not admitted.
    pub fn accept_all(&mut self, tokens: &[Token]) -> Result<()> {
        self.matcher.consume_tokens(tokens).map_err(failed)
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
mod forced_tests;
#[cfg(test)]
mod tests;
