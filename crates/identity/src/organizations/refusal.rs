//! Why an operation of AWS Organizations is refused.

use base::{Error, ErrorKind};

/// The result of an operation of AWS Organizations.
pub type Result<T> = std::result::Result<T, Refusal>;

/// A refusal under AWS's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What some exceptions say in their `Reason`.
    pub reason: Option<&'static str>,
    /// What is wrong; its code is the exception of AWS Organizations, if it is none that every service has.
    pub error: Error,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { reason: None, error }
    }
}

impl Refusal {
    fn new(exception: &'static str, kind: ErrorKind, message: &str) -> Self {
        Self { reason: None, error: Error::new(kind, message).with_code(exception) }
    }

    fn absent(exception: &'static str, what: &str) -> Self {
        Self::new(exception, ErrorKind::NotFound, &format!("You specified {what} that doesn't exist."))
    }

    /// Adds what the caller may do about it.
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.error = self.error.with_hint(hint);
        self
    }

    pub(super) fn not_in_use() -> Self {
        let message = "Your account is not a member of an organization.";
        Self::new("AWSOrganizationsNotInUseException", ErrorKind::NotFound, message)
    }

    pub(super) fn management_only() -> Self {
        Self::from(Error::denied("You don't have permissions to access this resource."))
            .with_hint("Only the organization's management account may call this operation.")
    }

    pub(super) fn already_in_organization() -> Self {
        let message = "The AWS account is already a member of an organization.";
        Self::new("AlreadyInOrganizationException", ErrorKind::Conflict, message)
    }

    pub(super) fn organization_not_empty() -> Self {
        let message = "To delete an organization, you must first remove all member accounts (except the management \
                       account).";
        Self::new("OrganizationNotEmptyException", ErrorKind::Conflict, message)
    }

    pub(super) fn no_account() -> Self {
        Self::absent("AccountNotFoundException", "an account")
    }

    pub(super) fn no_root() -> Self {
        Self::absent("RootNotFoundException", "a root")
    }

    pub(super) fn no_unit() -> Self {
        Self::absent("OrganizationalUnitNotFoundException", "an organizational unit")
    }

    pub(super) fn no_parent() -> Self {
        Self::absent("ParentNotFoundException", "a parent")
    }

    pub(super) fn no_child() -> Self {
        Self::absent("ChildNotFoundException", "a child")
    }

    pub(super) fn no_source_parent() -> Self {
        Self::absent("SourceParentNotFoundException", "a source parent")
    }

    pub(super) fn no_destination_parent() -> Self {
        Self::absent("DestinationParentNotFoundException", "a destination parent")
    }

    pub(super) fn no_policy() -> Self {
        Self::absent("PolicyNotFoundException", "a policy")
    }

    /// The same, where the policy was to be changed.
    pub(super) fn no_policy_to_change() -> Self {
        let message = "We can't find a policy with the PolicyId that you specified.";
        Self::new("PolicyNotFoundException", ErrorKind::NotFound, message)
    }

    pub(super) fn no_target() -> Self {
        Self::absent("TargetNotFoundException", "a target")
    }

    pub(super) fn no_request() -> Self {
        Self::absent("CreateAccountStatusNotFoundException", "an account creation request")
    }

    pub(super) fn no_handshake() -> Self {
        Self::absent("HandshakeNotFoundException", "a handshake")
    }

    pub(super) fn duplicate_account() -> Self {
        let message = "You specified a destination parent that already has that account.";
        Self::new("DuplicateAccountException", ErrorKind::AlreadyExists, message)
    }

    pub(super) fn duplicate_unit() -> Self {
        let message = "An OU with the same name already exists.";
        Self::new("DuplicateOrganizationalUnitException", ErrorKind::AlreadyExists, message)
    }

    pub(super) fn unit_not_empty() -> Self {
        let message = "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all \
                       child OUs, and try the operation again.";
        Self::new("OrganizationalUnitNotEmptyException", ErrorKind::Conflict, message)
    }

    pub(super) fn duplicate_policy() -> Self {
        let message = "A policy with the specified name and type already exists.";
        Self::new("DuplicatePolicyException", ErrorKind::AlreadyExists, message)
    }

    pub(super) fn malformed_policy() -> Self {
        let message = "The provided policy document does not meet the requirements of the specified policy type.";
        Self::new("MalformedPolicyDocumentException", ErrorKind::Invalid, message)
    }

    pub(super) fn policy_in_use() -> Self {
        let message = "The policy is attached to one or more entities. You must detach it from all roots, OUs, and \
                       accounts before performing this operation.";
        Self::new("PolicyInUseException", ErrorKind::Conflict, message)
    }

    pub(super) fn duplicate_attachment() -> Self {
        let message = "The selected policy is already attached to the specified target.";
        Self::new("DuplicatePolicyAttachmentException", ErrorKind::AlreadyExists, message)
    }

    pub(super) fn not_attached() -> Self {
        let message = "The policy isn't attached to the specified target in the specified root.";
        Self::new("PolicyNotAttachedException", ErrorKind::NotFound, message)
    }

    pub(super) fn type_not_enabled() -> Self {
        let message = "This operation can be performed only for enabled policy types.";
        Self::new("PolicyTypeNotEnabledException", ErrorKind::Conflict, message)
    }

    pub(super) fn type_enabled() -> Self {
        let message = "The specified policy type is already enabled.";
        Self::new("PolicyTypeAlreadyEnabledException", ErrorKind::Conflict, message)
    }

    pub(super) fn type_not_available() -> Self {
        let message = "You can't use the specified policy type with the feature set currently enabled for this \
                       organization.";
        Self::new("PolicyTypeNotAvailableForOrganizationException", ErrorKind::Conflict, message)
    }

    pub(super) fn management_stays() -> Self {
        let message = "You can't remove a management account from an organization. If you want the management account \
                       to become a member account in another organization, you must first delete the current \
                       organization of the management account.";
        Self::new("MasterCannotLeaveOrganizationException", ErrorKind::Conflict, message)
    }

    pub(super) fn already_closed() -> Self {
        let message = "The specified account is already closed.";
        Self::new("AccountAlreadyClosedException", ErrorKind::Conflict, message)
    }

    pub(super) fn duplicate_handshake() -> Self {
        let message = "A handshake with the same action and target already exists.";
        Self::new("DuplicateHandshakeException", ErrorKind::AlreadyExists, message)
    }

    pub(super) fn handshake_in_state() -> Self {
        let message = "The specified handshake is already in the requested state.";
        Self::new("HandshakeAlreadyInStateException", ErrorKind::Conflict, message)
    }

    pub(super) fn handshake_over() -> Self {
        let message = "You can't perform the operation on the handshake in its current state.";
        Self::new("InvalidHandshakeTransitionException", ErrorKind::Conflict, message)
    }

    pub(super) fn handshake_constraint(reason: &'static str, message: &str) -> Self {
        let exception = "HandshakeConstraintViolationException";
        Self { reason: Some(reason), ..Self::new(exception, ErrorKind::Conflict, message) }
    }

    /// A quota or a rule of AWS Organizations.
    pub(super) fn constraint(reason: &'static str, message: &str) -> Self {
        Self { reason: Some(reason), ..Self::new("ConstraintViolationException", ErrorKind::Conflict, message) }
    }

    /// A parameter that cannot be.
    pub(super) fn input(reason: &'static str, message: &str) -> Self {
        Self { reason: Some(reason), ..Self::new("InvalidInputException", ErrorKind::Invalid, message) }
    }
}
