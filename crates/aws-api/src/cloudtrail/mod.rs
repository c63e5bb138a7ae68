//! `cloudtrail`: the audit record as CloudTrail's event history. One event for each permission that was checked.

pub(crate) mod errors;
mod lookup_events;

use futures::future::FutureExt as _;
use identity::Access;

use crate::call::{Check, Row};

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[Row {
    operation: "LookupEvents",
    action: "cloudtrail:LookupEvents",
    access: Access::Read,
    check: Check::Arn(|_| "*".to_owned()),
    handler: |call| lookup_events::lookup_events(call).boxed(),
}];
