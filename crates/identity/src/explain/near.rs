//! Texts of policies that are nearly what a request has.

use super::edit::Mistake;

/// What a near miss is, and the text that would match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Near {
    pub(super) mistake: Mistake,
    /// What should stand there.
    pub(super) text: String,
    /// Whether it belongs in the place of the other, as against beside it.
    pub(super) instead: bool,
    pub(super) finding: String,
}

/// How the pattern `text` of a statement nearly names `resource`.
pub(super) fn resource(text: &str, resource: &str) -> Option<Near> {
    let is_s3 = resource.starts_with("arn:aws:s3:::");
    let near = |mistake, text: String, instead, finding| Some(Near { mistake, text, instead, finding });
    if is_s3 && let Some(rest) = resource.strip_prefix(text) {
        if rest.starts_with('/') && !text["arn:aws:s3:::".len()..].contains('/') {
            let finding = format!("`{text}` names the bucket; its objects are `{text}/*`.");
            return near(Mistake::MissingObjectWildcard, format!("{text}/*"), false, finding);
        }
        if text.ends_with('/') {
            let finding = format!("`{text}` names no object: the trailing `*` is missing.");
            return near(Mistake::MissingObjectWildcard, format!("{text}*"), true, finding);
        }
    }
    if is_s3 && text.strip_suffix("/*") == Some(resource) {
        let finding = format!("`{text}` names the bucket's objects; the bucket itself is `{resource}`.");
        return near(Mistake::MissingBucketArn, resource.to_owned(), false, finding);
    }
    arn(text, resource)
}

/// How the ARN or pattern `text` differs from `actual` in its region or its account alone.
pub(super) fn arn(text: &str, actual: &str) -> Option<Near> {
    let wanted: Vec<&str> = text.splitn(6, ':').collect();
    let given: Vec<&str> = actual.splitn(6, ':').collect();
    let ([a0, a1, a2, region, account, rest], [b0, b1, b2, own_region, own_account, own_rest]) =
        (wanted.as_slice(), given.as_slice())
    else {
        return None;
    };
    if (a0, a1, a2) != (b0, b1, b2) || !glob(rest, own_rest) {
        return None;
    }
    let corrected = |region: &str, account: &str| format!("{a0}:{a1}:{a2}:{region}:{account}:{rest}");
    match (glob(region, own_region), glob(account, own_account)) {
        (false, true) => Some(Near {
            mistake: Mistake::WrongRegion,
            text: corrected(own_region, account),
            instead: true,
            finding: format!("`{text}` is in the region `{region}`; the request is about `{own_region}`."),
        }),
        (true, false) => Some(Near {
            mistake: Mistake::WrongAccount,
            text: corrected(region, own_account),
            instead: true,
            finding: format!("`{text}` is of the account `{account}`; the request is about `{own_account}`."),
        }),
        _ => None,
    }
}

/// Whether `text` matches `pattern`, in which `*` and `?` are wildcards.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((behind, from)) => {
                    (p, t) = (behind, from + 1);
                    star = Some((behind, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}
