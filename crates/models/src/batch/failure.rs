//! Why a batch failed: AWS's words where it has some, and then what was refused.

use base::{Error, ErrorKind};

/// The longest `message` of a job.
const LONGEST: usize = 2048;

/// The role may not be assumed for the job.
pub(super) fn no_role(role_arn: &str, error: Error) -> Error {
    because(
        format!("Amazon Bedrock could not assume the role {role_arn}. Update its trust policy and try again."),
        error,
    )
}

/// The role may not read the input, or use the key that it is encrypted under.
pub(super) fn no_input(uri: &str, error: Error) -> Error {
    because(format!("Amazon Bedrock could not validate the GetObject permission for {uri}."), error)
}

/// The role may not write the results, or not use the key that they are to be encrypted under.
pub(super) fn no_output(uri: &str, error: Error) -> Error {
    because(format!("Amazon Bedrock could not validate the PutObject permission for {uri}."), error)
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
fn is_fault(error: &Error) -> bool {
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
