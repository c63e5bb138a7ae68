//! What proves who a caller is: access keys, temporary credentials, API keys and console sessions.

pub(crate) mod access_keys;
pub(crate) mod activity;
pub(crate) mod api_keys;
pub(crate) mod console;
pub(crate) mod formats;
pub(crate) mod sessions;
pub(crate) mod store;
