//! Every operation: permission row, decode, one domain call, encode.
//!
//! [`Api::call`] takes one HTTP request to its answer: who asks ([`authentication`]), what is asked ([`dispatch`] for
//! AWS, [`rest`] for OpenAI's API and Craton's own), whether they may ([`call::Row`]), and the answer in the dialect of
//! the asking.

mod answered;
mod api;
mod authentication;
mod bedrock;
mod bedrock_agent;
mod bedrock_agent_runtime;
mod bedrock_runtime;
mod body;
mod call;
mod cloudtrail;
mod craton;
mod dialect;
mod dispatch;
mod errors;
mod iam;
mod json_fields;
mod jumpstart;
mod kms;
mod observe;
mod openai;
mod organizations;
mod qbusiness;
mod recent;
mod rest;
mod s3;
mod sagemaker;
mod sagemaker_runtime;
mod secretsmanager;
mod sts;
mod surface;

pub use api::{Api, Deployment, Limits, Setup};
pub use bedrock_runtime::record_dialects;
pub use body::ResponseBody;
pub use craton::{describe_checkpoint, resident_bytes};
pub use surface::is_signed;

#[cfg(test)]
mod tests;
