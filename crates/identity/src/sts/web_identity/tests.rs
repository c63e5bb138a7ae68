mod issuer_keys;
mod remote;

use base::{ErrorKind, Secret, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::WebIdentityAssumption;
use super::keys::Keys;
use super::token::Token;

struct Issuer {
    pair: EcdsaKeyPair,
}

impl Issuer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        Self { pair }
    }

    fn key(&self, kid: &str) -> Value {
        let point = self.pair.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y})
    }

    fn keys(&self, kid: &str) -> Keys {
        key_set(&[json!({"kty": "oct", "kid": "other", "k": "AA"}), self.key(kid)])
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

fn key_set(keys: &[Value]) -> Keys {
    serde_json::from_value(json!({"keys": keys})).unwrap()
}

fn claims() -> Value {
    json!({"iss": "https://issuer.example", "sub": "build", "aud": ["one", "two"], "exp": 2_000, "nbf": 1_000})
}

fn token(issuer: &Issuer, claims: &Value) -> Token {
    Token::parse(&issuer.sign(&json!({"alg": "ES256", "kid": "k"}), claims)).unwrap()
}

#[test]
fn only_the_issuers_own_signature_counts() {
    let (issuer, stranger) = (Issuer::new(), Issuer::new());
    let token = token(&issuer, &claims());
    issuer.keys("k").verify(&token).unwrap();
    for keys in [stranger.keys("k"), issuer.keys("another")] {
        assert_eq!(keys.verify(&token).unwrap_err().code, Some("InvalidIdentityToken"));
    }
    let text = issuer.sign(&json!({"alg": "ES256"}), &claims());
    issuer.keys("k").verify(&Token::parse(&text).unwrap()).unwrap();
    let (signed, signature) = text.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let other =
        URL_SAFE_NO_PAD.encode(json!({"iss": "https://issuer.example", "sub": "root", "exp": 2_000}).to_string());
    let forged = Token::parse(&format!("{header}.{other}.{signature}")).unwrap();
    assert_eq!(issuer.keys("k").verify(&forged).unwrap_err().code, Some("InvalidIdentityToken"));
    for alg in ["none", "HS256", "RS256", "ES384"] {
        let text = issuer.sign(&json!({"alg": alg, "kid": "k"}), &claims());
        assert!(issuer.keys("k").verify(&Token::parse(&text).unwrap()).is_err(), "{alg}");
    }
}

#[test]
fn a_key_signs_what_it_is_for() {
    let issuer = Issuer::new();
    let token = token(&issuer, &claims());
    let with = |name: &str, value: &str| {
        let mut key = issuer.key("k");
        key[name] = json!(value);
        key
    };
    for key in [with("use", "sig"), with("alg", "ES256")] {
        key_set(&[key]).verify(&token).unwrap();
    }
    for key in [with("use", "enc"), with("alg", "RS256")] {
        assert_eq!(key_set(&[key]).verify(&token).unwrap_err().code, Some("InvalidIdentityToken"));
    }
    key_set(&[with("use", "enc"), with("use", "sig")]).verify(&token).unwrap();
}

#[test]
fn a_key_that_is_not_understood_leaves_the_others() {
    let issuer = Issuer::new();
    let token = token(&issuer, &claims());
    let others =
        [json!({"kid": "k"}), json!({"kty": 1, "kid": "k"}), json!("key"), json!({"kty": "EC", "kid": "k", "x": 1})];
    for other in others {
        key_set(&[other, issuer.key("k")]).verify(&token).unwrap();
    }
}

#[test]
fn critical_headers_that_nobody_understands_are_refused() {
    let issuer = Issuer::new();
    for critical in [json!(["b64"]), json!([]), Value::Null] {
        let text = issuer.sign(&json!({"alg": "ES256", "kid": "k", "b64": true, "crit": critical}), &claims());
        assert_eq!(Token::parse(&text).unwrap_err().code, Some("InvalidIdentityToken"), "{critical}");
    }
}

#[test]
fn a_token_is_for_one_of_the_providers_clients() {
    let issuer = Issuer::new();
    let known = ["two".to_owned(), "three".to_owned()];
    assert_eq!(token(&issuer, &claims()).audience(&known).unwrap(), "two");
    assert!(token(&issuer, &claims()).audience(&known[1..]).is_err());
    let mut with_azp = claims();
    with_azp["azp"] = json!("three");
    assert_eq!(token(&issuer, &with_azp).audience(&known).unwrap(), "three");
    assert!(token(&issuer, &with_azp).audience(&known[..1]).is_err());
}

#[test]
fn a_token_holds_for_its_time() {
    let issuer = Issuer::new();
    let token = token(&issuer, &claims());
    token.check_time(Timestamp(1_999_999)).unwrap();
    assert_eq!(token.check_time(Timestamp(2_000_000)).unwrap_err().code, Some("ExpiredTokenException"));
    token.check_time(Timestamp(700_000)).unwrap();
    assert_eq!(token.check_time(Timestamp(699_999)).unwrap_err().code, Some("InvalidIdentityToken"));
}

#[test]
fn what_is_no_token_is_refused() {
    let issuer = Issuer::new();
    let header = json!({"alg": "ES256"});
    let without_subject = issuer.sign(&header, &json!({"iss": "https://issuer.example", "exp": 2_000}));
    for text in ["", "a.b", "a.b.c", "e30.e30.", &without_subject, &format!("{}!", issuer.sign(&header, &claims()))] {
        assert_eq!(Token::parse(text).unwrap_err().code, Some("InvalidIdentityToken"), "{text}");
    }
    let mut tagged = claims();
    tagged["https://aws.amazon.com/tags"] = json!({"principal_tags": {"team": ["search"]}});
    let error = Token::parse(&issuer.sign(&header, &tagged)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotImplemented);
}

#[test]
fn tokens_do_not_print() {
    let text = Issuer::new().sign(&json!({"alg": "ES256"}), &claims());
    let wish = WebIdentityAssumption {
        role_arn: "arn:aws:iam::111122223333:role/Builds".to_owned(),
        session_name: "build".to_owned(),
        token: Secret::new(text.clone()),
        policy: None,
        policy_arns: Vec::new(),
        duration: None,
    };
    let printed = format!("{wish:?} {:?}", Token::parse(&text).unwrap());
    let (_, signature) = text.rsplit_once('.').unwrap();
    assert!(!printed.contains(signature), "{printed}");
    assert!(!printed.contains(&format!("{:?}", URL_SAFE_NO_PAD.decode(signature).unwrap())), "{printed}");
}
