//! What the lists of hosting have in common.

use aws_wire::Timestamp;
use aws_wire::generated::sagemaker::OrderKey;
use base::{PageRequest, Result};
use models::HostingFilter;

/// What SageMaker lists at once where nothing is said.
const PAGE: u32 = 10;

/// # Errors
/// Invalid, for a token that no listing gave.
pub(super) fn page(most: Option<i32>, token: Option<&str>) -> Result<PageRequest> {
    let limit = most.and_then(|most| u32::try_from(most).ok()).unwrap_or(PAGE);
    PageRequest::from_token(limit, token)
}

/// The filter that all lists have: part of a name, and times after and before which things were made.
pub(super) fn filter(
    name_contains: Option<String>,
    (after, before): (Option<Timestamp>, Option<Timestamp>),
    order: Option<OrderKey>,
) -> HostingFilter {
    HostingFilter {
        name_contains,
        created: (after.map(Into::into), before.map(Into::into)),
        ascending: order == Some(OrderKey::Ascending),
        ..HostingFilter::default()
    }
}
