//! The whole program: the real `craton` binary over loopback, with the fake engine and folders of its own.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should fail")]

mod auth;
mod backups;
mod cli;
mod crash;
mod damage;
mod dashboard;
mod data_directories;
mod databases;
mod disk;
mod harness;
mod lifecycle;
mod limits;
mod observe;
#[cfg(target_os = "linux")]
mod plain_weights;
mod prefixes;
mod refusals;
mod root_keys;
mod streams;
mod tls;

/// Made-up checkpoints.
#[path = "../../../checkpoint/tests/support/samples.rs"]
mod samples;
