//! Whether a text is a certificate: PEM around DER of the outer form that X.509 gives.

use base::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// DER's tags of a SEQUENCE and a BIT STRING.
const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

/// Refuses what is no certificate.
///
/// # Errors
/// Invalid, `MalformedCertificate`.
pub(super) fn check_certificate(body: &str) -> Result<()> {
    let encoded = body.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
    let der = encoded.and_then(|text| {
        let text: String = text.split_whitespace().collect();
        STANDARD.decode(text).ok()
    });
    if der.is_some_and(|der| is_certificate(&der)) {
        return Ok(());
    }
    Err(Error::invalid("The certificate is malformed.")
        .with_hint("It is one X.509 certificate in PEM format.")
        .with_code("MalformedCertificate"))
}

/// `Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE, signature BIT STRING }` (RFC 5280).
fn is_certificate(der: &[u8]) -> bool {
    let Some((SEQUENCE, certificate, [])) = element(der) else { return false };
    let Some((SEQUENCE, _, rest)) = element(certificate) else { return false };
    let Some((SEQUENCE, _, rest)) = element(rest) else { return false };
    matches!(element(rest), Some((BIT_STRING, _, [])))
}

/// The tag and the content of the first element, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(der: &[u8]) -> String {
        format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(der))
    }

    #[test]
    fn only_the_outer_form_of_x509_is_a_certificate() {
        let certificate = [SEQUENCE, 7, SEQUENCE, 0, SEQUENCE, 0, BIT_STRING, 1, 0];
        check_certificate(&pem(&certificate)).unwrap();
        check_certificate(&pem(&[&[SEQUENCE, 0x81, 7], &certificate[2..]].concat())).unwrap();
        let short = &certificate[..8];
        let trailing = [&certificate[..], &[0]].concat();
        let no_signature = [SEQUENCE, 4, SEQUENCE, 0, SEQUENCE, 0];
        for wrong in [&[][..], short, &trailing, &no_signature, &[SEQUENCE, 0x85, 0, 0, 0, 0, 1]] {
            assert_eq!(check_certificate(&pem(wrong)).unwrap_err().code, Some("MalformedCertificate"), "{wrong:?}");
        }
        for text in ["notacert", "", &pem(&certificate).replace("CERTIFICATE", "KEY")] {
            check_certificate(text).unwrap_err();
        }
    }
}
