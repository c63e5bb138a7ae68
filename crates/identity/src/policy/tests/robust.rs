//! Nothing that a client sends makes the parser fail in another way than by refusing; what it takes it prints.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::reference::document;
use super::*;

const KINDS: [Kind; 11] = [
    Kind::Managed,
    Kind::InlineUser,
    Kind::InlineGroup,
    Kind::InlineRole,
    Kind::Session,
    Kind::ServiceControl,
    Kind::Trust,
    Kind::Bucket,
    Kind::Key,
    Kind::Secret,
    Kind::Resource,
];

/// Words of the language and of its values, right and wrong.
const WORDS: [&str; 40] = [
    "Version",
    "2012-10-17",
    "2008-10-17",
    "Id",
    "Statement",
    "Sid",
    "Effect",
    "Allow",
    "Deny",
    "Principal",
    "NotPrincipal",
    "AWS",
    "Service",
    "Federated",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
    "*",
    "s3:GetObject",
    "sts:AssumeRole",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::${aws:username}",
    "arn:aws:iam::111122223333:root",
    "arn:aws:sts::111122223333:role/x",
    "StringEquals",
    "DateLessThan",
    "ForAllValues:StringLikeIfExists",
    "Null",
    "IpAddress",
    "aws:SourceIp",
    "${",
    "${a",
    "${a, 'b",
    "}",
    "::::::",
    "é$*?",
    "",
    "true",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![9 => select(&WORDS[..]).prop_map(str::to_owned), 1 => any::<String>()]
}

/// JSON made of those words.
fn json_of_words() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        8 => word().prop_map(Value::String),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(Value::from),
            4 => vec((word(), inner), 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// A statement with each element in its place and words as their values.
fn almost_a_document() -> impl Strategy<Value = Value> {
    let element = || prop_oneof![3 => word().prop_map(Value::String), 1 => json_of_words()];
    (element(), element(), element(), element()).prop_map(|(effect, principal, action, resource)| {
        let mut statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
        if effect != json!("Allow") {
            statement["Condition"] = json!({"StringLike": {"k": effect}});
        }
        if principal != json!("*") {
            statement["Principal"] = json!({"AWS": principal});
        }
        json!({"Version": "2012-10-17", "Statement": [statement]})
    })
}

/// Parses; and what is taken is printed, parsed to the same, and decides without a panic.
fn exercise(kind: Kind, text: &[u8]) -> Result<(), TestCaseError> {
    let Ok(document) = Document::parse(kind, text) else { return Ok(()) };
    let printed = document.to_string();
    let again = Document::parse(kind, &printed);
    prop_assert_eq!(Ok(&document), again.as_ref(), "{}", printed);
    prop_assert_eq!(document.to_string(), again.unwrap().to_string());
    let mut policies = Policies::default();
    if kind.is_identity_based() {
        policies.identity.push(attached("x", document));
    } else {
        policies.resource = Some(attached("x", document));
    }
    let request = get_object().key("k", "v").build();
    let decision = decide(&request, &policies);
    prop_assert_eq!(decision.allowed, decision.denial(&request).is_none());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn bytes_are_refused_or_taken(kind in select(&KINDS[..]), bytes in vec(any::<u8>(), 0..200)) {
        exercise(kind, &bytes)?;
    }

    #[test]
    fn json_of_the_languages_words_is_refused_or_taken(kind in select(&KINDS[..]), json in json_of_words()) {
        exercise(kind, json.to_string().as_bytes())?;
    }

    #[test]
    fn documents_that_are_almost_right_are_refused_or_taken(kind in select(&KINDS[..]), json in almost_a_document()) {
        exercise(kind, json.to_string().as_bytes())?;
    }

    #[test]
    fn documents_print_as_they_were_read(
        (kind, json) in select(&[Kind::Managed, Kind::Trust, Kind::Resource][..])
            .prop_flat_map(|kind| document(kind).prop_map(move |json| (kind, json))),
    ) {
        prop_assert!(Document::parse(kind, json.to_string()).is_ok());
        exercise(kind, json.to_string().as_bytes())?;
    }

    #[test]
    fn a_document_cut_short_is_refused(json in document(Kind::Managed), at in 0.0..1.0_f64) {
        let text = json.to_string();
        let cut = (text.len() as f64 * at) as usize;
        prop_assert!(Document::parse(Kind::Managed, &text.as_bytes()[..cut]).is_err());
    }
}
