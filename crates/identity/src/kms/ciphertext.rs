//! The form of a ciphertext, and AES-256-GCM under a backing key.
//!
//! A ciphertext is: the format byte 1; the key's id and the backing key's id, 16 bytes each; a salt of 16 bytes; a nonce
//! of 12 bytes; the encrypted bytes; a tag of 16 bytes. Each is encrypted under a key of its own, derived from the
//! backing key and the salt (HMAC-SHA-256 in counter mode, NIST SP 800-108r1), as KMS does: however much is encrypted
//! under one backing key, no nonce comes twice. What stands before the encrypted bytes, and the encryption context, are
//! the additional data.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use base::Random;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::context::EncryptionContext;

/// The length of a backing key in bytes.
pub(super) const KEY_BYTES: usize = 32;

/// A backing key in the clear, wiped when dropped.
pub(super) type Material = Zeroizing<[u8; KEY_BYTES]>;

const FORMAT: u8 = 1;
const ID_BYTES: usize = 16;
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const HEADER_BYTES: usize = 1 + 2 * ID_BYTES + SALT_BYTES + NONCE_BYTES;

/// What a ciphertext says before its encrypted bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// The id of the key.
    pub(super) key_id: String,
    /// The id of its backing key.
    pub(super) backing_id: String,
}

/// Reads the header; `None` for what is no ciphertext of ours.
pub(super) fn header(ciphertext: &[u8]) -> Option<Header> {
    if ciphertext.len() < HEADER_BYTES + TAG_BYTES || ciphertext[0] != FORMAT {
        return None;
    }
    let id = |start: usize| uuid_text(&ciphertext[start..start + ID_BYTES]);
    Some(Header { key_id: id(1), backing_id: id(1 + ID_BYTES) })
}

/// Encrypts. `None`, where an id is no UUID or the plaintext is longer than the cipher allows.
pub(super) fn encrypt(
    random: &dyn Random,
    material: &Material,
    header: &Header,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(HEADER_BYTES + plaintext.len() + TAG_BYTES);
    out.push(FORMAT);
    out.extend_from_slice(&uuid_bytes(&header.key_id)?);
    out.extend_from_slice(&uuid_bytes(&header.backing_id)?);
    let mut drawn = [0; SALT_BYTES + NONCE_BYTES];
    random.fill(&mut drawn);
    out.extend_from_slice(&drawn);
    let aad = additional_data(&out, context);
    let payload = Payload { msg: plaintext, aad: &aad };
    let encrypted = cipher(material, &drawn[..SALT_BYTES]).encrypt(Nonce::from_slice(&drawn[SALT_BYTES..]), payload);
    out.extend_from_slice(&encrypted.ok()?);
    Some(out)
}

/// Decrypts; `None` where the ciphertext was changed, or was made under another backing key or context.
pub(super) fn decrypt(
    material: &Material,
    context: &EncryptionContext,
    ciphertext: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    header(ciphertext)?;
    let (head, encrypted) = ciphertext.split_at(HEADER_BYTES);
    let (salt, nonce) = head[1 + 2 * ID_BYTES..].split_at(SALT_BYTES);
    let aad = additional_data(head, context);
    let payload = Payload { msg: encrypted, aad: &aad };
    cipher(material, salt).decrypt(Nonce::from_slice(nonce), payload).ok().map(Zeroizing::new)
}

fn additional_data(head: &[u8], context: &EncryptionContext) -> Vec<u8> {
    let mut aad = b"craton kms".to_vec();
    aad.extend_from_slice(head);
    context.write_canonical(&mut aad);
    aad
}

/// The cipher under the key derived for `salt`.
fn cipher(material: &Material, salt: &[u8]) -> Aes256Gcm {
    let mut derive = Zeroizing::new([0; KEY_BYTES]);
    // One block is the whole key: the counter is 1, the length 256 bits.
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(material.as_slice()).expect("any length");
    mac.update(&1u32.to_be_bytes());
    mac.update(b"craton kms ciphertext\0");
    mac.update(salt);
    mac.update(&256u32.to_be_bytes());
    derive.copy_from_slice(&mac.finalize().into_bytes());
    Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(derive.as_slice()))
}

/// The 16 bytes of a UUID.
fn uuid_bytes(text: &str) -> Option<[u8; ID_BYTES]> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let number = u128::from_str_radix(&digits, 16).ok()?;
    (digits.len() == 2 * ID_BYTES).then(|| number.to_be_bytes())
}

fn uuid_text(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use base::SeededRandom;
    use proptest::prelude::*;

    use super::*;

    fn material(byte: u8) -> Material {
        Zeroizing::new([byte; KEY_BYTES])
    }

    fn head() -> Header {
        Header {
            key_id: "0f1e2d3c-4b5a-4968-8776-655443322110".to_owned(),
            backing_id: "00000000-0000-4000-8000-0000000000ff".to_owned(),
        }
    }

    fn context() -> impl Strategy<Value = EncryptionContext> {
        proptest::collection::btree_map("[a-z:]{0,6}", "[a-zA-Z0-9é]{0,6}", 0..4)
            .prop_map(EncryptionContext::from_pairs)
    }

    proptest! {
        #[test]
        fn what_was_encrypted_decrypts(seed: u64, text in proptest::collection::vec(any::<u8>(), 0..200), context in context()) {
            let sealed = encrypt(&SeededRandom::new(seed), &material(7), &head(), &context, &text).unwrap();
            prop_assert_eq!(sealed.len(), HEADER_BYTES + text.len() + TAG_BYTES);
            prop_assert_eq!(header(&sealed), Some(head()));
            let opened = decrypt(&material(7), &context, &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), text.as_slice());
            prop_assert!(decrypt(&material(8), &context, &sealed).is_none());
        }

        #[test]
        fn every_flipped_bit_is_noticed(seed: u64, text in proptest::collection::vec(any::<u8>(), 0..64), at: prop::sample::Index) {
            let mut sealed = encrypt(&SeededRandom::new(seed), &material(7), &head(), &EncryptionContext::empty(), &text).unwrap();
            let bit = at.index(sealed.len() * 8);
            sealed[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(decrypt(&material(7), &EncryptionContext::empty(), &sealed).is_none());
        }

        #[test]
        fn another_context_does_not_decrypt(seed: u64, one in context(), other in context()) {
            let sealed = encrypt(&SeededRandom::new(seed), &material(7), &head(), &one, b"text").unwrap();
            prop_assert_eq!(decrypt(&material(7), &other, &sealed).is_some(), one == other);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = header(&bytes);
            prop_assert!(decrypt(&material(7), &EncryptionContext::empty(), &bytes).is_none());
        }
    }

    #[test]
    fn a_cut_ciphertext_does_not_decrypt() {
        let sealed =
            encrypt(&SeededRandom::new(1), &material(7), &head(), &EncryptionContext::empty(), b"some text").unwrap();
        for length in 0..sealed.len() {
            assert!(decrypt(&material(7), &EncryptionContext::empty(), &sealed[..length]).is_none(), "{length}");
        }
    }

    #[test]
    fn boundaries_between_names_and_values_count() {
        let (one, other) = (EncryptionContext::from_pairs([("ab", "c")]), EncryptionContext::from_pairs([("a", "bc")]));
        let sealed = encrypt(&SeededRandom::new(1), &material(7), &head(), &one, b"text").unwrap();
        assert!(decrypt(&material(7), &one, &sealed).is_some() && decrypt(&material(7), &other, &sealed).is_none());
    }

    #[test]
    fn equal_plaintexts_have_unequal_ciphertexts() {
        let random = SeededRandom::new(1);
        let seal = || encrypt(&random, &material(7), &head(), &EncryptionContext::empty(), b"text").unwrap();
        let (one, other) = (seal(), seal());
        assert_ne!(one, other);
    }
}
