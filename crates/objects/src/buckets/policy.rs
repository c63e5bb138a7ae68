//! Bucket policies.

use base::ErrorKind;
use identity::iam::PrincipalIds;
use identity::policy::{Document, Kind};
use identity::{Access, Ask, Ctx};

use super::BucketRef;
pub(crate) use super::policy_status::is_public;
use super::store::{self, BucketRow};
use crate::error::{Code, Error, Result};
use crate::open::Objects;

impl Objects {
    /// Sets the bucket's policy; `text` is kept as it is. The root user of the owner's account may do this whatever the
    /// present policy says.
    ///
    /// # Errors
    /// MalformedPolicy, where `text` is no bucket policy, is about other resources or names principals that do not
    /// exist; AccessDenied, also where the policy is public and the bucket blocks that; NoSuchBucket.
    pub async fn put_bucket_policy(&self, ctx: &Ctx, bucket: &BucketRef, text: &str) -> Result<()> {
        let row = self.bucket_of_policy(ctx, bucket, "s3:PutBucketPolicy", Access::Write).await?;
        let document = Document::parse(Kind::Bucket, text).map_err(|malformed| {
            let hint = malformed.advice();
            let error = Error::new(Code::MalformedPolicy, malformed.message);
            match hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            }
        })?;
        check(&document, &row.bucket.name)?;
        let principals = self.check_principals(&document).await?;
        if row.public_access()?.block_public_policy && is_public(&document) {
            return Err(Error::new(
                Code::AccessDenied,
                format!(
                    "User: {} is not authorized to perform: s3:PutBucketPolicy on resource: \"{}\" because public policies \
                     are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
                    ctx.principal().arn(),
                    row.bucket.arn()
                ),
            )
            .with_hint("Name principals or conditions in the policy, or take the bucket's public access block away."));
        }
        store::set_policy(self.store(), &row.bucket.name, Some((text, &principals))).await
    }

    /// The bucket's policy, as it was set; users and roles that it names and that were deleted since stand there under
    /// their ids.
    ///
    /// # Errors
    /// NoSuchBucketPolicy, NoSuchBucket, AccessDenied.
    pub async fn bucket_policy(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<String> {
        let row = self.bucket_of_policy(ctx, bucket, "s3:GetBucketPolicy", Access::Read).await?;
        row.policy.ok_or_else(no_policy)
    }

    /// Removes the bucket's policy. The root user of the owner's account may do this whatever the policy says.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied.
    pub async fn delete_bucket_policy(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<()> {
        let row = self.bucket_of_policy(ctx, bucket, "s3:DeleteBucketPolicy", Access::Write).await?;
        store::set_policy(self.store(), &row.bucket.name, None).await
    }

    /// Whether the bucket's policy is public (S3 User Guide, "The meaning of public").
    ///
    /// # Errors
    /// NoSuchBucketPolicy, NoSuchBucket, AccessDenied.
    pub async fn bucket_policy_status(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<bool> {
        let row = self.bucket(ctx, bucket, "s3:GetBucketPolicyStatus", Access::Read).await?;
        let text = row.policy.ok_or_else(no_policy)?;
        Ok(is_public(&self.compiled(&row.bucket.name, &text)?.document))
    }

    /// As [`Objects::bucket`], but without the bucket's policy where the owner's root user asks, who cannot lock itself
    /// out.
    async fn bucket_of_policy(&self, ctx: &Ctx, bucket: &BucketRef, action: &str, access: Access) -> Result<BucketRow> {
        let row = self.known_bucket(ctx, bucket, action).await?;
        let ask = if ctx.principal().is_root() && ctx.account() == &row.bucket.owner {
            Ask::new(action, row.bucket.arn()).owned_by(row.bucket.owner.clone()).resource_tags(&row.tags()?)
        } else {
            self.ask_bucket(ctx, &row, action)?
        };
        self.identity().permit(ctx, &ask, access).await?;
        self.check_owner(&row, bucket)?;
        Ok(row)
    }

    /// Whom the document names, to be stored with it.
    ///
    /// # Errors
    /// MalformedPolicy, where it names users, roles or accounts that do not exist.
    async fn check_principals(&self, document: &Document) -> Result<String> {
        let ids = self.identity().check_principals(document).await.map_err(|error| match error.kind {
            ErrorKind::Invalid => malformed("Invalid principal in policy", error.public_text()),
            _ => error.into(),
        })?;
        Ok(ids.to_text()?)
    }

    /// The row with the policy as it is to be shown and decided with now: what it gave to a user or a role does not go
    /// over to another one of the same name.
    pub(crate) async fn with_present_principals(&self, mut row: BucketRow) -> Result<BucketRow> {
        if let (Some(text), Some(principals)) = (&row.policy, &row.principals) {
            let ids = PrincipalIds::from_text(principals)?;
            row.policy = Some(self.identity().present_principals(text, &ids).await?);
        }
        Ok(row)
    }
}

fn no_policy() -> Error {
    Error::new(Code::NoSuchBucketPolicy, "The bucket policy does not exist")
}

fn malformed(message: &str, hint: String) -> Error {
    Error::new(Code::MalformedPolicy, message).with_hint(hint)
}

/// What S3 asks of a policy besides its language: that it is about this bucket and its objects, and that each action
/// fits one of the resources.
fn check(document: &Document, bucket: &str) -> Result<()> {
    for statement in document.statements() {
        let Some((resources, negated)) = statement.resources() else { continue };
        for resource in resources {
            if !is_about(resource, bucket) {
                let hint = format!("`{resource}` is neither `arn:aws:s3:::{bucket}` nor one of its objects.");
                return Err(malformed("Policy has invalid resource", hint));
            }
        }
        let (actions, other_actions) = statement.actions();
        if negated || other_actions {
            continue;
        }
        for action in actions.iter().filter(|action| !action.contains(['*', '?'])) {
            let fits = if is_on_objects(action) { reaches_objects } else { reaches_bucket };
            if !resources.iter().any(|resource| fits(resource)) {
                let hint = if is_on_objects(action) {
                    format!("`{action}` is about objects: add `arn:aws:s3:::{bucket}/*`.")
                } else {
                    format!("`{action}` is about the bucket: add `arn:aws:s3:::{bucket}`.")
                };
                return Err(malformed("Action does not apply to any resource(s) in statement", hint));
            }
        }
    }
    Ok(())
}

/// Whether the resource is the bucket, or objects of it.
fn is_about(resource: &str, bucket: &str) -> bool {
    if resource == "*" {
        return true;
    }
    let Some(rest) = resource.strip_prefix("arn:").and_then(|rest| rest.split_once(":s3:")).map(|(_, rest)| rest)
    else {
        return false;
    };
    // The region and the account are empty, or stand for anything.
    let Some(name) = rest.splitn(3, ':').nth(2) else { return false };
    let pattern = name.split_once('/').map_or(name, |(bucket, _)| bucket);
    pattern.contains("${") || glob(pattern, bucket)
}

fn reaches_objects(resource: &str) -> bool {
    resource.contains('/') || resource.ends_with('*') || resource.contains("${")
}

fn reaches_bucket(resource: &str) -> bool {
    !resource.contains('/') || resource.contains("${")
}

/// Whether the action is on objects, and not on the bucket (Service Authorization Reference, the table of S3's
/// actions).
fn is_on_objects(action: &str) -> bool {
    let name = action.to_lowercase();
    let name = name.strip_prefix("s3:").unwrap_or(&name);
    let others = [
        "abortmultipartupload",
        "listmultipartuploadparts",
        "bypassgovernanceretention",
        "replicatedelete",
        "replicatetags",
    ];
    others.contains(&name) || (name.contains("object") && !name.contains("bucket"))
}

/// Whether `text` is `pattern`, in which `*` stands for anything and `?` for one character.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p + 1, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == b'?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((after, at)) = star {
            p = after;
            t = at + 1;
            star = Some((after, at + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(action: &str, resource: &str) -> Result<()> {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": "*", "Action": {action}, "Resource": {resource}}}]}}"#
        );
        check(&Document::parse(Kind::Bucket, text).unwrap(), "notes")
    }

    #[test]
    fn a_policy_is_about_its_own_bucket() {
        for good in ["arn:aws:s3:::notes/*", "arn:aws:s3:::notes/a/b", "*", "arn:aws:s3:::n*/x", "arn:aws:s3:::*/*"] {
            checked(r#""s3:GetObject""#, &format!("\"{good}\"")).unwrap();
        }
        for bad in ["arn:aws:s3:::note/*", "arn:aws:s3:::notes2/*", "arn:aws:sqs:us-east-1:111122223333:notes"] {
            let error = checked(r#""s3:GetObject""#, &format!("\"{bad}\"")).unwrap_err();
            assert_eq!(error.error.message, "Policy has invalid resource", "{bad}");
        }
    }

    #[test]
    fn an_action_on_objects_needs_a_resource_with_objects() {
        let error = checked(r#"["s3:ListBucket", "s3:GetObject"]"#, r#""arn:aws:s3:::notes""#).unwrap_err();
        assert_eq!(error.error.message, "Action does not apply to any resource(s) in statement");
        assert!(error.error.hint.unwrap().contains("arn:aws:s3:::notes/*"));
        let error = checked(r#"["s3:ListBucket", "s3:GetObject"]"#, r#""arn:aws:s3:::notes/*""#).unwrap_err();
        assert!(error.error.hint.unwrap().contains("add `arn:aws:s3:::notes`"));
        checked(r#"["s3:ListBucket", "s3:GetObject"]"#, r#"["arn:aws:s3:::notes", "arn:aws:s3:::notes/*"]"#).unwrap();
        checked(r#""s3:*""#, r#""arn:aws:s3:::notes""#).unwrap();
        checked(r#""s3:GetObject""#, r#""arn:aws:s3:::notes*""#).unwrap();
    }
}
