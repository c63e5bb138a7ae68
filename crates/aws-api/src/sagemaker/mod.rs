//! `sagemaker`: the hub and its contents.

mod hubs;

pub(crate) use hubs::ROWS as HUB_ROWS;
