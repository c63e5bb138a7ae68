//! Multi-step work over models and knowledge.
//!
//! [`assistants`]: the applications of Q Business.

pub mod assistants;
