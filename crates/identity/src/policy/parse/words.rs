//! AWS's words for faults of syntax. IAM's parser of identity policies says the same to almost everything; trust
//! policies and the policies of resources get more. The hint always says what it was.

use super::super::kind::Kind;
use super::super::malformed::Malformed;
use super::super::span::Position;

/// A fault of syntax that AWS has no more particular words for.
pub(super) fn syntax(kind: Kind, hint: impl Into<String>) -> Malformed {
    let message = match kind {
        Kind::Bucket => "Invalid policy syntax.",
        _ => "Syntax errors in policy.",
    };
    Malformed::new(message).with_hint(hint)
}

pub(super) fn not_json(kind: Kind, detail: &str) -> Malformed {
    let hint = format!("The policy is not a JSON object: {detail}.");
    match kind {
        _ if kind.is_identity_based() => syntax(kind, hint),
        Kind::Bucket => Malformed::new("Policies must be valid JSON and the first byte must be '{'").with_hint(hint),
        _ => Malformed::new("This policy contains invalid Json").with_hint(hint),
    }
}

/// As [`not_json`], with the place where reading stopped.
pub(super) fn not_json_at(kind: Kind, error: &serde_json::Error) -> Malformed {
    let (line, column) = (error.line(), error.column().max(1));
    let detail = error.to_string();
    let detail = detail.split(" at line ").next().unwrap_or(&detail);
    let at = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    not_json(kind, detail).at_position(Position { line: at(line), column: at(column) })
}

pub(super) fn wrong_type(kind: Kind, name: &str) -> Malformed {
    syntax(kind, format!("`{name}` has a value of the wrong type.")).at(name)
}

pub(super) fn unknown_element(kind: Kind, name: &str) -> Malformed {
    let hint = format!("`{name}` is not an element of a policy; names are case-sensitive.");
    let malformed = match kind {
        _ if kind.is_identity_based() => syntax(kind, hint),
        _ => Malformed::new(format!("Unknown field {name}")).with_hint(hint),
    };
    malformed.at(name)
}

pub(super) fn no_statement(kind: Kind) -> Malformed {
    match kind {
        _ if kind.is_identity_based() => syntax(kind, "The policy has no statement."),
        _ => Malformed::new("Could not parse the policy: Statement is empty!"),
    }
}

pub(super) fn unknown_version(kind: Kind, version: &str) -> Malformed {
    let hint = format!("`{version}` is not a version of the policy language; the present one is `2012-10-17`.");
    let malformed = match kind {
        _ if kind.is_identity_based() => syntax(kind, hint),
        _ => Malformed::new("The policy must contain a valid version string").with_hint(hint),
    };
    malformed.at(version)
}

pub(super) fn no_effect(kind: Kind) -> Malformed {
    match kind {
        _ if kind.is_identity_based() => syntax(kind, "A statement has no `Effect`."),
        _ => Malformed::new("Missing required field Effect"),
    }
}

pub(super) fn unknown_effect(kind: Kind, effect: &str) -> Malformed {
    let hint = format!("`{effect}` is not an effect: `Allow` or `Deny`.");
    let malformed = match kind {
        _ if kind.is_identity_based() => syntax(kind, hint),
        _ => Malformed::new(format!("Invalid effect: {effect}")).with_hint(hint),
    };
    malformed.at(effect)
}

pub(super) fn unknown_operator(kind: Kind, name: &str) -> Malformed {
    let hint = format!("Invalid condition operator `{name}`.");
    let malformed = match kind {
        Kind::Bucket => Malformed::new(format!("Invalid Condition type : {name}")).with_hint(hint),
        _ => syntax(kind, hint),
    };
    malformed.at(name)
}
