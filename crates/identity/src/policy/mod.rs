//! The policy language of AWS, and what policies of all types together decide.
//!
//! Pure computation: no clock, no store. A [`Document`] is read and compiled once ([`Document::parse`]); a [`Request`]
//! is built from what is known of a call ([`Request::builder`]); [`decide`] puts all [`Policies`] together and gives a
//! [`Decision`] with its reason and a trace of every statement that was looked at.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use identity::policy::{Attached, Caller, Document, Kind, Policies, Request, User, decide};
//!
//! let text = r#"{"Version": "2012-10-17", "Statement": [{
//!     "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::notes/${aws:username}/*"}]}"#;
//! let document = Arc::new(Document::parse(Kind::Managed, text)?);
//! let policies = Policies {
//!     identity: vec![Attached { id: "notes".into(), document }],
//!     ..Policies::default()
//! };
//! let ada = User {
//!     account: "111122223333".parse()?,
//!     id: "AIDAEXAMPLE".to_owned(),
//!     name: "ada".to_owned(),
//!     path: "/".to_owned(),
//!     tags: Vec::new(),
//! };
//! let ask = |action, key: &str| {
//!     let arn = format!("arn:aws:s3:::notes/{key}");
//!     Request::builder(Caller::User(ada.clone()), action, arn).build()
//! };
//! assert!(decide(&ask("s3:GetObject", "ada/1"), &policies).allowed);
//! let request = ask("s3:PutObject", "ada/1");
//! assert_eq!(
//!     decide(&request, &policies).denial(&request).as_deref(),
//!     Some(
//!         "User: arn:aws:iam::111122223333:user/ada is not authorized to perform: s3:PutObject on resource: \
//!          arn:aws:s3:::notes/ada/1 because no identity-based policy allows the s3:PutObject action"
//!     )
//! );
//! # Ok(())
//! # }
//! ```

mod arn;
mod assume;
mod caller;
mod condition;
mod context;
mod decision;
mod document;
mod engine;
mod grant;
mod json;
mod kind;
mod malformed;
mod parse;
mod pattern;
mod principals;
mod request;
mod span;
mod statement;

pub use assume::Assumed;
pub use caller::{Caller, RoleSession, User};
pub use condition::{Comparison, Condition, Operator, Qualifier};
pub use context::Context;
pub use decision::{Decision, PolicyTrace, PolicyType, Reason, StatementId, StatementTrace};
pub use document::{Document, Version};
pub use engine::{Attached, Policies, decide};
pub use grant::{Grant, GrantConstraint};
pub use kind::Kind;
pub use malformed::{Fault, Malformed};
pub use principals::{Coverage, Principals};
pub use request::{Request, RequestBuilder};
pub use span::{Position, Span, position_of};
pub use statement::{Effect, FailedCondition, Outcome, Statement};

#[cfg(test)]
mod tests;
