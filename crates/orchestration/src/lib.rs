//! Multi-step work over models and knowledge.
//!
//! [`assistants`]: the applications of Q Business.
//! [`evaluations`]: evaluation jobs, their judges and reports.

pub mod assistants;
pub mod evaluations;
