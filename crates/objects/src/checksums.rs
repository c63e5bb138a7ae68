//! Checksums of objects and parts: what is computed while bytes arrive, what callers give, what is stored.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest as Crc, checksum_combine};
use md5::{Digest as _, Md5};
use ring::digest;

use crate::error::{Code, Error, Result};

/// The algorithms that S3 checks objects with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChecksumAlgorithm {
    /// CRC-32 (ISO-HDLC).
    Crc32,
    /// CRC-32C (iSCSI).
    Crc32c,
    /// CRC-64/NVME.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// What a multipart object's checksum is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChecksumType {
    /// Of the checksums of its parts.
    Composite,
    /// Of its bytes.
    FullObject,
}

/// A stored checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// The algorithm.
    pub algorithm: ChecksumAlgorithm,
    /// Base64; for a composite one followed by `-` and the number of parts.
    pub value: String,
    /// What it is of.
    pub kind: ChecksumType,
}

/// Checksums that a caller gives: base64, as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checksums {
    /// `x-amz-checksum-crc32`
    pub crc32: Option<String>,
    /// `x-amz-checksum-crc32c`
    pub crc32c: Option<String>,
    /// `x-amz-checksum-crc64nvme`
    pub crc64nvme: Option<String>,
    /// `x-amz-checksum-sha1`
    pub sha1: Option<String>,
    /// `x-amz-checksum-sha256`
    pub sha256: Option<String>,
}

impl ChecksumAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// S3's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The bytes of a checksum.
    const fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// What multipart uploads have by default (S3 User Guide, "Checking object integrity").
    #[must_use]
    pub const fn default_type(self) -> ChecksumType {
        match self {
            Self::Crc64Nvme => ChecksumType::FullObject,
            _ => ChecksumType::Composite,
        }
    }

    /// Whether multipart objects may have a checksum of that type (the same page's table).
    #[must_use]
    pub const fn allows(self, kind: ChecksumType) -> bool {
        match kind {
            ChecksumType::Composite => !matches!(self, Self::Crc64Nvme),
            ChecksumType::FullObject => matches!(self, Self::Crc32 | Self::Crc32c | Self::Crc64Nvme),
        }
    }

    const fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }
}

impl FromStr for ChecksumAlgorithm {
    type Err = Error;

    /// # Errors
    /// InvalidRequest, for a name that S3 does not know; NotImplemented for those that it knows and this crate does
    /// not.
    fn from_str(name: &str) -> Result<Self> {
        if let Some(found) = Self::ALL.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name)) {
            return Ok(found);
        }
        if ["SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(Error::not_implemented(format!("The checksum algorithm `{name}`")));
        }
        Err(Error::new(
            Code::InvalidRequest,
            "Checksum algorithm provided is unsupported. Please try again with any of the \
             valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
        ))
    }
}

impl ChecksumType {
    /// S3's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Composite => "COMPOSITE",
            Self::FullObject => "FULL_OBJECT",
        }
    }
}

impl FromStr for ChecksumType {
    type Err = Error;

    /// # Errors
    /// InvalidRequest, for a name that S3 does not know.
    fn from_str(name: &str) -> Result<Self> {
        match name {
            "COMPOSITE" => Ok(Self::Composite),
            "FULL_OBJECT" => Ok(Self::FullObject),
            _ => Err(Error::new(Code::InvalidRequest, "Value for x-amz-checksum-type header is invalid.")),
        }
    }
}

impl fmt::Display for ChecksumAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Checksums {
    /// Those that were given.
    pub fn given(&self) -> impl Iterator<Item = (ChecksumAlgorithm, &str)> {
        ChecksumAlgorithm::ALL.into_iter().filter_map(|algorithm| Some((algorithm, self.get(algorithm)?)))
    }

    /// That of `algorithm`, if it was given.
    #[must_use]
    pub fn get(&self, algorithm: ChecksumAlgorithm) -> Option<&str> {
        match algorithm {
            ChecksumAlgorithm::Crc32 => self.crc32.as_deref(),
            ChecksumAlgorithm::Crc32c => self.crc32c.as_deref(),
            ChecksumAlgorithm::Crc64Nvme => self.crc64nvme.as_deref(),
            ChecksumAlgorithm::Sha1 => self.sha1.as_deref(),
            ChecksumAlgorithm::Sha256 => self.sha256.as_deref(),
        }
    }

    /// Sets that of `algorithm`.
    pub fn set(&mut self, algorithm: ChecksumAlgorithm, value: impl Into<String>) {
        let slot = match algorithm {
            ChecksumAlgorithm::Crc32 => &mut self.crc32,
            ChecksumAlgorithm::Crc32c => &mut self.crc32c,
            ChecksumAlgorithm::Crc64Nvme => &mut self.crc64nvme,
            ChecksumAlgorithm::Sha1 => &mut self.sha1,
            ChecksumAlgorithm::Sha256 => &mut self.sha256,
        };
        *slot = Some(value.into());
    }

    /// The one algorithm that the caller checks with, if any.
    ///
    /// # Errors
    /// InvalidRequest, for several, and for values that are not of their algorithm's form.
    pub(crate) fn check(&self) -> Result<Option<ChecksumAlgorithm>> {
        let mut given = self.given();
        let Some((algorithm, value)) = given.next() else { return Ok(None) };
        if given.next().is_some() {
            return Err(Error::new(
                Code::InvalidRequest,
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
        check_form(algorithm, value)?;
        Ok(Some(algorithm))
    }
}

/// # Errors
/// InvalidRequest, where `value` is not base64 of the algorithm's length.
pub(crate) fn check_form(algorithm: ChecksumAlgorithm, value: &str) -> Result<Vec<u8>> {
    match BASE64.decode(value) {
        Ok(bytes) if bytes.len() == algorithm.length() => Ok(bytes),
        _ => Err(Error::new(
            Code::InvalidRequest,
            format!("Value for x-amz-checksum-{} header is invalid.", algorithm.as_str().to_lowercase()),
        )),
    }
}

/// Computes MD5, and one of the checksums where it is asked for, over bytes as they arrive.
pub(crate) struct Digester {
    md5: Md5,
    extra: Option<(ChecksumAlgorithm, Extra)>,
}

enum Extra {
    Crc(Box<Crc>),
    Sha(Box<digest::Context>),
}

/// What a [`Digester`] computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digests {
    pub(crate) md5: [u8; 16],
    pub(crate) checksum: Option<(ChecksumAlgorithm, Vec<u8>)>,
}

impl Digester {
    pub(crate) fn new(algorithm: Option<ChecksumAlgorithm>) -> Self {
        let extra = algorithm.map(|algorithm| {
            let extra = match (algorithm.crc(), algorithm) {
                (Some(crc), _) => Extra::Crc(Box::new(Crc::new(crc))),
                (None, ChecksumAlgorithm::Sha1) => {
                    Extra::Sha(Box::new(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY)))
                }
                (None, _) => Extra::Sha(Box::new(digest::Context::new(&digest::SHA256))),
            };
            (algorithm, extra)
        });
        Self { md5: Md5::new(), extra }
    }

    pub(crate) fn update(&mut self, chunks: &[Bytes]) {
        for chunk in chunks {
            self.md5.update(chunk);
            match &mut self.extra {
                Some((_, Extra::Crc(crc))) => crc.update(chunk),
                Some((_, Extra::Sha(sha))) => sha.update(chunk),
                None => {}
            }
        }
    }

    pub(crate) fn finish(self) -> Digests {
        let checksum = self.extra.map(|(algorithm, extra)| {
            let bytes = match extra {
                Extra::Crc(crc) => crc_bytes(algorithm, crc.finalize()),
                Extra::Sha(sha) => sha.finish().as_ref().to_vec(),
            };
            (algorithm, bytes)
        });
        Digests { md5: self.md5.finalize().into(), checksum }
    }
}

impl Digests {
    /// The ETag of what came in one piece: MD5 in hexadecimal.
    pub(crate) fn etag(&self) -> String {
        hex(&self.md5)
    }

    /// The checksum as it is stored for what came in one piece.
    pub(crate) fn stored(&self) -> Option<Checksum> {
        let (algorithm, bytes) = self.checksum.as_ref()?;
        Some(Checksum { algorithm: *algorithm, value: BASE64.encode(bytes), kind: ChecksumType::FullObject })
    }

    /// Compares with what the caller said that it sends.
    ///
    /// # Errors
    /// BadDigest, InvalidDigest.
    pub(crate) fn verify(&self, content_md5: Option<&str>, given: &Checksums) -> Result<()> {
        if let Some(text) = content_md5
            && decode_md5(text)? != self.md5
        {
            return Err(Error::new(Code::BadDigest, "The Content-MD5 you specified did not match what we received."));
        }
        for (algorithm, value) in given.given() {
            let expected = check_form(algorithm, value)?;
            let computed = self.checksum.as_ref().filter(|(own, _)| *own == algorithm);
            if computed.is_none_or(|(_, bytes)| *bytes != expected) {
                return Err(Error::new(
                    Code::BadDigest,
                    format!("The {algorithm} you specified did not match the calculated checksum."),
                ));
            }
        }
        Ok(())
    }
}

/// Verifies a document by what its request says of it, as it arrives.
pub struct BodyDigest {
    md5: Option<String>,
    given: Checksums,
    digester: Digester,
}

impl BodyDigest {
    /// Verifies with `md5` and `given`; `None` where nothing is said.
    ///
    /// # Errors
    /// InvalidDigest, InvalidRequest, where what is said is of no digest's form.
    pub fn new(md5: Option<&str>, given: Checksums) -> Result<Option<Self>> {
        let algorithm = given.check()?;
        md5.map(decode_md5).transpose()?;
        if md5.is_none() && algorithm.is_none() {
            return Ok(None);
        }
        Ok(Some(Self { md5: md5.map(str::to_owned), given, digester: Digester::new(algorithm) }))
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &Bytes) {
        self.digester.update(std::slice::from_ref(bytes));
    }

    /// Compares, at the end.
    ///
    /// # Errors
    /// BadDigest.
    pub fn finish(self) -> Result<()> {
        self.digester.finish().verify(self.md5.as_deref(), &self.given)
    }
}

/// # Errors
/// InvalidDigest, where the text is not the base64 of an MD5.
pub(crate) fn decode_md5(text: &str) -> Result<[u8; 16]> {
    let invalid = || Error::new(Code::InvalidDigest, "The Content-MD5 you specified was invalid.");
    BASE64.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(invalid)
}

/// MD5 of a text, as some operations want of their documents.
#[must_use]
pub(crate) fn multipart_etag(parts: impl ExactSizeIterator<Item = [u8; 16]>) -> String {
    let count = parts.len();
    let mut md5 = Md5::new();
    parts.for_each(|part| md5.update(part));
    let digest: [u8; 16] = md5.finalize().into();
    format!("{}-{count}", hex(&digest))
}

/// The checksum of a multipart object from those of its parts, which are pairs of value and size.
///
/// # Errors
/// Internal, where a part's value is not of the algorithm's form.
pub(crate) fn combine(algorithm: ChecksumAlgorithm, kind: ChecksumType, parts: &[(String, u64)]) -> Result<Checksum> {
    let decoded = |text: &String| check_form(algorithm, text).map_err(|_| base::Error::internal("a part's checksum"));
    match (kind, algorithm.crc()) {
        (ChecksumType::FullObject, Some(crc)) => {
            let mut combined = 0;
            for (index, (text, size)) in parts.iter().enumerate() {
                let value = decoded(text)?.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
                combined = if index == 0 { value } else { checksum_combine(crc, combined, value, *size) };
            }
            Ok(Checksum { algorithm, value: BASE64.encode(crc_bytes(algorithm, combined)), kind })
        }
        _ => {
            let mut digester = Digester::new(Some(algorithm));
            for (text, _) in parts {
                digester.update(&[Bytes::from(decoded(text)?)]);
            }
            let digests = digester.finish();
            let bytes = digests.checksum.map(|(_, bytes)| bytes).unwrap_or_default();
            let value = format!("{}-{}", BASE64.encode(bytes), parts.len());
            Ok(Checksum { algorithm, value, kind: ChecksumType::Composite })
        }
    }
}

/// The last bytes of a CRC, the most significant first.
fn crc_bytes(algorithm: ChecksumAlgorithm, value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    bytes[bytes.len() - algorithm.length()..].to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes that `text` writes in hexadecimal; `None` where it does not.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}
