//! Backups: one consistent copy of a deployment while it serves; verified and restored without a server.
//!
//! A backup is a folder: `manifest.json`, `SHA256SUMS` over all its files, the rows of the database in a form that every
//! database takes ([`store::Store::dump`]), and the files of every [`Part`]. [`Backups::create`] submits a job that makes one;
//! [`verify`] compares a folder with its manifest; [`restore`] makes a data directory of it.
//!
//! What makes it consistent: first every part is held, so that it removes nothing; then the rows are read in one snapshot;
//! then the parts' files are copied. A file that the rows name is there, as it is never changed and not removed meanwhile.

mod create;
mod folder;
mod manifest;
mod part;
mod restore;
mod verify;

pub use create::{Backups, NewBackup, Setup};
pub use folder::Folder;
pub use manifest::{FileEntry, KeyPlace, Manifest};
pub use part::Part;
pub use restore::{Finish, Target, restore};
pub use verify::verify;

#[cfg(test)]
mod tests;
