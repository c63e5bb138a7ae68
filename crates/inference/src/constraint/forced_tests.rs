use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::fake::FakeVocabulary;
use crate::sampling::{Sampler, Sampling};

/// All bytes, words of several, and an end. Its tokenizer takes the longest word each time.
struct Words;

const WORDS: [&str; 16] = [
    "{\"", "\":", " \"", "\",", "\"}", "label", "name", "score", "true", "false", "null", "ab", "[]", "]}", "10", ": ",
];
const END: Token = 256 + WORDS.len() as Token;

impl Vocabulary for Words {
    fn size(&self) -> u32 {
        END + 1
    }
    fn tokenize(&self, text: &str, _: bool) -> Result<Vec<Token>> {
        let mut rest = text.as_bytes();
        let mut tokens = Vec::new();
        while let Some(byte) = rest.first() {
            let best = (256..END).filter(|token| rest.starts_with(self.bytes(*token)));
            let token = best.max_by_key(|token| self.bytes(*token).len()).unwrap_or(Token::from(*byte));
            rest = &rest[self.bytes(token).len()..];
            tokens.push(token);
        }
        Ok(tokens)
    }
    fn bytes(&self, token: Token) -> &[u8] {
        match WORDS.get((token as usize).wrapping_sub(256)) {
            Some(word) => word.as_bytes(),
            None => FakeVocabulary.bytes(if token < 256 { token } else { Token::MAX }),
        }
    }
    fn special(&self, token: Token) -> Option<&str> {
        self.ends(token).then_some("<end>")
    }
    fn ends(&self, token: Token) -> bool {
        token == END
    }
    fn eos(&self) -> Option<Token> {
        Some(END)
    }
    fn bos(&self) -> Option<Token> {
        None
    }
    fn longest(&self) -> usize {
        5
    }
}

/// Writes an answer of noise under the constraint; whether what is forced is taken at once. Returns it with the number of
/// tokens that were forced.
fn answer(vocabulary: Arc<dyn Vocabulary>, schema: &Value, seed: u64, at_once: bool) -> (String, usize) {
    let compiler = Compiler::new(vocabulary.clone()).unwrap();
    let mut follower = compiler.compile(&Constraint::JsonSchema(schema.clone())).unwrap();
    let mut sampler = Sampler::new(Sampling { seed: Some(seed), ..Sampling::default() }, 0, &[]);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut bytes, mut count) = (Vec::new(), 0);
    while !follower.is_complete() {
        let forced = if at_once { follower.forced() } else { Vec::new() };
        if !forced.is_empty() {
            forced.iter().for_each(|token| bytes.extend(vocabulary.bytes(*token)));
            count += forced.len();
            follower.accept_all(&forced).unwrap();
            continue;
        }
        let logits: Vec<f32> = (0..vocabulary.size()).map(|_| random.random::<f32>() * 4.0).collect();
        let token = sampler.sample(&logits, Some(follower.mask().unwrap().bits())).unwrap();
        if vocabulary.ends(token) {
            break;
        }
        bytes.extend(vocabulary.bytes(token));
        follower.accept(token).unwrap();
    }
    (String::from_utf8(bytes).unwrap(), count)
}

/// A label and a score.
fn labelled() -> Value {
    json!({
        "type": "object",
        "properties": {"label": {"enum": ["yes", "no"]}, "score": {"type": "integer", "minimum": 0, "maximum": 9}},
        "required": ["label", "score"],
        "additionalProperties": false,
    })
}

fn set_bits(mask: &Mask) -> Vec<Token> {
    let set = |at: &Token| mask.bits()[*at as usize / 32] >> (at % 32) & 1 == 1;
    (0..mask.bits().len() as Token * 32).filter(set).collect()
}

#[test]
fn what_is_forced_is_what_the_masks_leave_no_choice_about() {
    for vocabulary in [Arc::new(FakeVocabulary) as Arc<dyn Vocabulary>, Arc::new(Words)] {
        let compiler = Compiler::new(vocabulary.clone()).unwrap();
        let constraint = Constraint::JsonSchema(labelled());
        let mut fast = compiler.compile(&constraint).unwrap();
        let mut slow = compiler.compile(&constraint).unwrap();
        let mut text = String::new();
        while !fast.is_complete() {
            let forced = fast.forced();
            for token in &forced {
                assert_eq!(set_bits(&slow.mask().unwrap()), [*token], "after {text}");
                slow.accept(*token).unwrap();
                text += str::from_utf8(vocabulary.bytes(*token)).unwrap();
            }
            fast.accept_all(&forced).unwrap();
            let choice = set_bits(&fast.mask().unwrap());
            assert_eq!(choice, set_bits(&slow.mask().unwrap()), "after {text}");
            if vocabulary.ends(choice[0]) {
                break;
            }
            text += str::from_utf8(vocabulary.bytes(choice[0])).unwrap();
            fast.accept(choice[0]).unwrap();
            slow.accept(choice[0]).unwrap();
        }
        assert_eq!(text, r#"{"label": "no", "score": 0}"#);
    }
}

#[test]
fn keys_are_forced_in_the_tokenizers_own_tokens() {
    let compiler = Compiler::new(Arc::new(Words)).unwrap();
    let mut follower = compiler.compile(&Constraint::JsonSchema(labelled())).unwrap();
    let mut own = Words.tokenize(r#"{"label":"#, false).unwrap();
    assert_eq!(own.len(), 3);
    let forced = follower.forced();
    own.extend(&forced[3..]);
    assert_eq!(forced, own);
    follower.accept_all(&forced).unwrap();
    assert!(follower.forced().is_empty(), "yes or no");
}

#[test]
fn a_text_that_is_certain_is_forced_to_its_end() {
    let compiler = Compiler::new(Arc::new(Words)).unwrap();
    let mut follower = compiler.compile(&Constraint::JsonSchema(json!({"const": {"name": [true, null]}}))).unwrap();
    let mut text = Vec::new();
    loop {
        let forced = follower.forced();
        if forced.is_empty() {
            break;
        }
        forced.iter().for_each(|token| text.extend(Words.bytes(*token)));
        follower.accept_all(&forced).unwrap();
    }
    assert_eq!(String::from_utf8_lossy(&text), r#"{"name": [true, null]}"#);
    assert!(follower.is_complete() && follower.forced().is_empty());
}

/// A tokenizer that opens each text with a space.
struct Spaced;

impl Vocabulary for Spaced {
    fn size(&self) -> u32 {
        Words.size()
    }
    fn tokenize(&self, text: &str, special: bool) -> Result<Vec<Token>> {
        Words.tokenize(&format!(" {text}"), special)
    }
    fn bytes(&self, token: Token) -> &[u8] {
        match WORDS.get((token as usize).wrapping_sub(256)) {
            Some(word) => word.as_bytes(),
            None => FakeVocabulary.bytes(if token < 256 { token } else { Token::MAX }),
        }
    }
    fn special(&self, token: Token) -> Option<&str> {
        self.ends(token).then_some("<end>")
    }
    fn ends(&self, token: Token) -> bool {
        token == END
    }
    fn eos(&self) -> Option<Token> {
        Some(END)
    }
    fn bos(&self) -> Option<Token> {
        None
    }
    fn longest(&self) -> usize {
        5
    }
}

#[test]
fn a_tokenizer_that_adds_a_space_adds_none_to_what_is_forced() {
    let (text, forced) = answer(Arc::new(Spaced), &labelled(), 3, true);
    assert!(text.starts_with(r#"{"label": ""#) && forced > 0, "{text}");
}

/// Schemas of bounded answers.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "boolean"})),
        Just(json!({"type": "null"})),
        (-20_i64..20, 0_i64..30)
            .prop_map(|(low, more)| json!({"type": "integer", "minimum": low, "maximum": low + more})),
        (0_usize..3, 0_usize..4)
            .prop_map(|(least, more)| json!({"type": "string", "minLength": least, "maxLength": least + more})),
        prop::collection::vec("[a-c\"\\\\é]{0,3}", 1..4).prop_map(|texts| json!({ "enum": texts })),
        (0_i64..5).prop_map(|value| json!({ "const": value })),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), 0_usize..2, 0_usize..3).prop_map(|(items, least, more)| {
                json!({"type": "array", "items": items, "minItems": least, "maxItems": least + more})
            }),
            (prop::collection::btree_map("[a-e]{1,2}|label|name", inner.clone(), 0..4), any::<bool>()).prop_map(
                |(properties, all)| {
                    let required: Vec<&String> = properties.keys().filter(|key| all || key.len() > 1).collect();
                    let required = json!(required);
                    json!({
                        "type": "object",
                        "properties": properties,
                        "required": required,
                        "additionalProperties": false,
                    })
                }
            ),
            prop::collection::vec(inner, 1..3).prop_map(|any| json!({ "anyOf": any })),
        ]
    })
}

/// Whether the value satisfies a schema of those above.
fn satisfies(value: &Value, schema: &Value) -> bool {
    let bound = |name: &str| schema[name].as_i64().unwrap();
    let within = |length: usize, kind: &str| {
        (bound(&format!("min{kind}"))..=bound(&format!("max{kind}"))).contains(&(length as i64))
    };
    if let Some(any) = schema["anyOf"].as_array() {
        return any.iter().any(|one| satisfies(value, one));
    }
    if let Some(texts) = schema["enum"].as_array() {
        return texts.contains(value);
    }
    match schema["type"].as_str() {
        None => *value == schema["const"],
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        Some("integer") => {
            // `-0` is a whole number too.
            let number = value.as_i64().or_else(|| (value.as_f64() == Some(0.0)).then_some(0));
            number.is_some_and(|number| (bound("minimum")..=bound("maximum")).contains(&number))
        }
        Some("string") => value.as_str().is_some_and(|text| within(text.chars().count(), "Length")),
        Some("array") => value.as_array().is_some_and(|items| {
            within(items.len(), "Items") && items.iter().all(|item| satisfies(item, &schema["items"]))
        }),
        Some(_) => value.as_object().is_some_and(|members| {
            let required = schema["required"].as_array().unwrap();
            required.iter().all(|key| members.contains_key(key.as_str().unwrap()))
                && members.iter().all(|(key, value)| {
                    schema["properties"].get(key).is_some_and(|property| satisfies(value, property))
                })
        }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn noise_under_a_schema_satisfies_it(schema in schema(), seed in any::<u64>()) {
        for (vocabulary, at_once) in [
            (Arc::new(FakeVocabulary) as Arc<dyn Vocabulary>, true),
            (Arc::new(Words), true),
            (Arc::new(Words), false),
        ] {
            let (text, _) = answer(vocabulary, &schema, seed, at_once);
            let value: std::result::Result<Value, _> = serde_json::from_str(&text);
            prop_assert!(value.as_ref().is_ok_and(|value| satisfies(value, &schema)), "{} of {}", text, schema);
        }
    }
}
