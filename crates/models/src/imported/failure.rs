//! Why an import failed, in AWS's words where it has words for it, and then what is missing.

use base::{Error, ErrorKind};
use checkpoint::Report;

use super::location::Location;

/// The longest `failureMessage`.
const LONGEST: usize = 2048;

/// The role may not read the checkpoint, or use the key that it is encrypted under.
pub(super) fn no_access(source_uri: &str, error: Error) -> Error {
    let uri = Location::parse(source_uri).map_or_else(|_| source_uri.to_owned(), |location| location.in_messages());
    let message = format!(
        "Amazon Bedrock does not have access to the S3 location ({uri}). Update the permissions and try again."
    );
    because(message, error)
}

/// The role may not be assumed for the job.
pub(super) fn no_role(role_arn: &str, error: Error) -> Error {
    because(
        format!("Amazon Bedrock could not assume the role {role_arn}. Update its trust policy and try again."),
        error,
    )
}

/// The imported model cannot be encrypted under the customer's key.
pub(super) fn no_key(key: &str, error: Error) -> Error {
    because(
        format!(
            "Amazon Bedrock could not use the KMS key {key} to encrypt the imported model. Update the permissions and try again."
        ),
        error,
    )
}

/// What the examination found.
pub(super) fn unfit(report: &Report) -> Error {
    let found: Vec<String> = report.errors().map(ToString::to_string).collect();
    let count = found.len();
    let mut message = "The model cannot be imported. ".to_owned();
    for (number, finding) in found.iter().enumerate() {
        if message.len() + finding.len() > LONGEST - 80 {
            message.push_str(&format!("… and {} more: `craton import doctor` lists all.", count - number));
            break;
        }
        message.push_str(finding);
        message.push(' ');
    }
    Error::invalid(message.trim_end().to_owned())
}

/// `message`, and what was refused. Other faults than refusals are what they are, so that they are tried again.
fn because(message: String, error: Error) -> Error {
    if is_fault(&error) {
        return error;
    }
    let hint = error.hint.map(|hint| format!(" {hint}")).unwrap_or_default();
    Error::new(ErrorKind::Denied, cut(format!("{message} {}{hint}", error.message)))
}

/// Whether an error says nothing of what was asked for, but of the server.
pub(super) fn is_fault(error: &Error) -> bool {
    use ErrorKind::{Damaged, Internal, Throttled, Timeout, Unavailable};
    matches!(error.kind, Throttled | Unavailable | Timeout | Damaged | Internal)
}

/// At most as long as AWS allows.
pub(super) fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST - 4).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}
