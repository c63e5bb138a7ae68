//! `Range` headers that S3 does not understand: it ignores them, and s3s refuses them.

use base::Timestamp;
use http::header;
use http::request::Parts;
use identity::{Ctx, Identity, Origin};
use objects::ByteRange;

use super::errors::{self, Told};
use crate::authentication::{self, Refusal};

/// Whether a request has a `Range` that is of no form that S3 knows.
pub(crate) fn is_odd(parts: &Parts) -> bool {
    let Some(range) = parts.headers.get(header::RANGE) else { return false };
    range.to_str().ok().is_none_or(|range| range.parse::<ByteRange>().is_err())
}

/// Takes the header away. Where it is signed, the signature is proved before, and the caller is given.
pub(crate) async fn remove(
    parts: &mut Parts,
    signed: Option<&aws_wire::sigv4::Signed>,
    identity: &Identity,
    now: Timestamp,
    origin: Origin,
) -> Result<Option<Ctx>, Told> {
    let signed = signed.filter(|signed| signed.signed_headers.iter().any(|name| name == "range"));
    let caller = match signed {
        Some(signed) => {
            let claim = authentication::claim(identity, signed.clone()).await.map_err(told)?;
            let ctx = authentication::prove(identity, claim, parts, &[], now, origin).await.map_err(told)?;
            parts.headers.remove(header::AUTHORIZATION);
            Some(ctx)
        }
        None => None,
    };
    parts.headers.remove(header::RANGE);
    Ok(caller)
}

fn told(refusal: Refusal) -> Told {
    match refusal {
        Refusal::Signature(error) => super::of_signature(&error, false),
        Refusal::Other(error) => errors::of_domain(error),
    }
}
