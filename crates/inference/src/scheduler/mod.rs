//! Many requests on one model: a bounded queue, continuous batching, one thread.

pub(crate) mod mailbox;
