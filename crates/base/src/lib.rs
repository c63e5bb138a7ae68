//! Ids, ARNs, error kinds, pagination, clock, randomness, secrets: no I/O, no async runtime.

mod arn;
mod clock;
mod error;
mod ids;
mod page;
mod random;
mod secret;

pub use arn::Arn;
pub use clock::{Clock, FixedClock, SystemClock, Timestamp};
pub use error::{Error, ErrorKind, Result};
pub use ids::{AccountId, Region, RequestId};
pub use page::{Page, PageRequest};
pub use random::{Random, SeededRandom, SystemRandom};
pub use secret::Secret;

#[cfg(test)]
mod tests;
