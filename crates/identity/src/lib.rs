//! Accounts, principals, access keys, sessions and authorisation; makes the request context.
