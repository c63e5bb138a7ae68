//! The cost of choosing one token of a vocabulary of 49,152, without and with a constraint.

#![allow(clippy::expect_used, missing_docs)]

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use inference::backend::Vocabulary;
use inference::constraint::{Compiler, Constraint};
use inference::sampling::{Sampler, Sampling, logprobs};
use inference::{Result, Token};
use serde_json::json;

const SIZE: u32 = 49_152;

/// Logits as models make them: most near the middle, few far above.
fn logits() -> Vec<f32> {
    let mut state = 1_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..SIZE).map(|_| (0..12).map(|_| uniform()).sum::<f32>() * 2.5 - 5.0).collect()
}

/// All single bytes, then words of two to five letters.
struct Words(Vec<Vec<u8>>);

impl Words {
    fn new() -> Self {
        let word = |at: u32| match u8::try_from(at) {
            Ok(byte) => vec![byte],
            Err(_) => {
                let letter = |shift: u32| b'a' + (at.wrapping_mul(2_654_435_761) >> shift) as u8 % 26;
                let length = 2 + at as usize % 4;
                [vec![b' '; (at.is_multiple_of(3)).into()], (0..length as u32).map(|place| letter(place * 5)).collect()]
                    .concat()
            }
        };
        Self((0..SIZE).map(word).collect())
    }
}

impl Vocabulary for Words {
    fn size(&self) -> u32 {
        SIZE
    }
    fn tokenize(&self, text: &str, _: bool) -> Result<Vec<Token>> {
        Ok(text.bytes().map(Token::from).collect())
    }
    fn bytes(&self, token: Token) -> &[u8] {
        &self.0[token as usize]
    }
    fn special(&self, token: Token) -> Option<&str> {
        self.ends(token).then_some("<end>")
    }
    fn ends(&self, token: Token) -> bool {
        token == SIZE - 1
    }
    fn eos(&self) -> Option<Token> {
        Some(SIZE - 1)
    }
    fn bos(&self) -> Option<Token> {
        None
    }
    fn longest(&self) -> usize {
        8
    }
}

fn choose(criterion: &mut Criterion) {
    let logits = logits();
    let mut run = |name: &str, sampling: Sampling| {
        let mut sampler = Sampler::new(sampling, 1, &[]);
        criterion.bench_function(name, |bencher| bencher.iter(|| sampler.sample(&logits, None)));
    };
    run("greedy", Sampling::greedy());
    run("temperature 1", Sampling::default());
    run("temperature 1, top-p 0.9", Sampling { top_p: 0.9, ..Sampling::default() });
    run(
        "temperature 0.7, top-k 40, top-p 0.95, min-p 0.05",
        Sampling { temperature: 0.7, top_k: 40, top_p: 0.95, min_p: 0.05, ..Sampling::default() },
    );
    criterion.bench_function("5 log-probabilities", |bencher| bencher.iter(|| logprobs(&logits, 7, 5)));
}

fn constrain(criterion: &mut Criterion) {
    let logits = logits();
    let words = Arc::new(Words::new());
    let compiler = Compiler::new(words.clone()).expect("the vocabulary has an end");
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}}}, "required": ["name", "age", "tags"]});
    let constraint = Constraint::JsonSchema(schema);
    let mut owner = 0;
    criterion.bench_function("compile a JSON schema", |bencher| {
        bencher.iter(|| {
            owner += 1;
            compiler.compile_for(owner, &constraint)
        });
    });
    criterion.bench_function("compile a JSON schema again", |bencher| bencher.iter(|| compiler.compile(&constraint)));
    criterion.bench_function("64 tokens of JSON (forced, or mask, choose, follow)", |bencher| {
        bencher.iter(|| {
            let mut follower = compiler.compile(&constraint).expect("the schema is sound");
            let mut sampler = Sampler::new(Sampling::default(), 1, &[]);
            let mut written = 0;
            while written < 64 {
                let forced = follower.forced();
                if !forced.is_empty() {
                    follower.accept_all(&forced).expect("the tokens are forced");
                    written += forced.len();
                    continue;
                }
                written += 1;
                let mask = follower.mask().expect("the answer follows the mask");
                let token = sampler.sample(&logits, Some(mask.bits())).expect("a token is allowed");
                if words.ends(token) {
                    break;
                }
                follower.accept(token).expect("the token is of the mask");
            }
        });
    });
}

criterion_group!(benches, choose, constrain);
criterion_main!(benches);
