//! Multi-step work over models and knowledge.
//!
//! [`answers`]: questions answered from knowledge bases, with citations. [`assistants`]: the applications of Q Business.
//! [`evaluations`]: evaluation jobs, their judges and reports.

pub mod answers;
pub mod assistants;
pub mod evaluations;
