//! Multi-step work over models and knowledge.
//!
//! [`answers`]: questions answered from knowledge bases, with citations. [`assistants`]: the applications of Q Business.

pub mod answers;
pub mod assistants;
