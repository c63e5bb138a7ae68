//! Why a model could not be loaded, and whether its files are at fault.

use std::path::Path;

use base::Error;

/// Why a model could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Whether the model's files are at fault, so that it stays broken until they are fetched again.
    pub(crate) is_damage: bool,
}

impl Failure {
    /// The failure of files that are at fault.
    pub(crate) fn damage(error: Error) -> Self {
        Self { error, is_damage: true }
    }

    /// The failure of a blob that is not as long as it must be.
    pub(super) fn missing_bytes(name: &str, blob: &Path, has: u64, wanted: u64) -> Self {
        let blob = blob.display();
        Self::damage(
            Error::unavailable(format!(
                "The model `{name}` cannot be loaded: model file `{blob}`: it has {has} of {wanted} bytes."
            ))
            .with_hint(format!("Run `craton models pull {name}` to fetch it again.")),
        )
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, is_damage: false }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}
