//! The keys of an issuer: a JSON Web Key Set (RFC 7517), and signatures made with them (RFC 7518).

use base::Result;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, EcdsaVerificationAlgorithm, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;

use super::invalid_token;
use super::token::Token;

/// The keys that an issuer signs with.
#[derive(Debug, Deserialize)]
#[serde(from = "KeySet")]
pub(crate) struct Keys {
    keys: Vec<Key>,
}

/// A set as it is published. What is no key that is understood is passed over (RFC 7517, section 5).
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl From<KeySet> for Keys {
    fn from(set: KeySet) -> Self {
        let read = |key| serde_json::from_value(key).ok();
        Self { keys: set.keys.into_iter().filter_map(read).filter(Key::is_for_signatures).collect() }
    }
}

#[derive(Debug, Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Checks that one of the keys made the token's signature: the one that it names, or any where it names none.
    ///
    /// # Errors
    /// Invalid (`InvalidIdentityToken`).
    pub(super) fn verify(&self, token: &Token) -> Result<()> {
        let named = |key: &&Key| token.header.kid.is_none() || key.kid == token.header.kid;
        let mut named = self.keys.iter().filter(named).peekable();
        if named.peek().is_none() {
            return Err(invalid_token(
                "Couldn't retrieve verification key from your identity provider, please reference \
                 AssumeRoleWithWebIdentity documentation for requirements",
            ));
        }
        if named.any(|key| key.signed(token)) {
            return Ok(());
        }
        Err(invalid_token("The signature of the token is not one of its issuer's keys.")
            .with_hint("RS256, RS384, RS512, ES256 and ES384 are understood."))
    }
}

impl Key {
    fn is_for_signatures(&self) -> bool {
        self.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
    }

    fn signed(&self, token: &Token) -> bool {
        if self.alg.as_ref().is_some_and(|alg| *alg != token.header.alg) {
            return false;
        }
        match (self.kty.as_str(), token.header.alg.as_str()) {
            ("RSA", "RS256") => self.rsa(&RSA_PKCS1_2048_8192_SHA256, token),
            ("RSA", "RS384") => self.rsa(&RSA_PKCS1_2048_8192_SHA384, token),
            ("RSA", "RS512") => self.rsa(&RSA_PKCS1_2048_8192_SHA512, token),
            ("EC", "ES256") => self.crv.as_deref() == Some("P-256") && self.ec(&ECDSA_P256_SHA256_FIXED, token),
            ("EC", "ES384") => self.crv.as_deref() == Some("P-384") && self.ec(&ECDSA_P384_SHA384_FIXED, token),
            _ => false,
        }
    }

    fn rsa(&self, parameters: &'static RsaParameters, token: &Token) -> bool {
        let (Some(n), Some(e)) = (bytes(self.n.as_ref()), bytes(self.e.as_ref())) else { return false };
        RsaPublicKeyComponents { n, e }.verify(parameters, token.signed.as_bytes(), token.signature.reveal()).is_ok()
    }

    fn ec(&self, algorithm: &'static EcdsaVerificationAlgorithm, token: &Token) -> bool {
        let (Some(x), Some(y)) = (bytes(self.x.as_ref()), bytes(self.y.as_ref())) else { return false };
        // The form of a point that is not compressed (SEC 1).
        let point = [&[4][..], &x, &y].concat();
        UnparsedPublicKey::new(algorithm, point).verify(token.signed.as_bytes(), token.signature.reveal()).is_ok()
    }
}

fn bytes(text: Option<&String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok()
}
