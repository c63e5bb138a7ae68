//! What CloudTrail calls a resource.

/// The type and the name of the resource with this ARN; empty where it has none.
pub(super) fn describe(arn: &str) -> (&'static str, &str) {
    let mut fields = arn.splitn(6, ':');
    let (Some(service), Some(rest)) = (fields.nth(2), fields.nth(2)) else { return ("", "") };
    let kind = rest.split(['/', ':']).next().unwrap_or_default();
    let name = rest.rsplit('/').next().unwrap_or(rest);
    match (service, kind) {
        ("s3", _) if rest.contains('/') => ("AWS::S3::Object", rest),
        ("s3", _) => ("AWS::S3::Bucket", rest),
        ("iam", "user") => ("AWS::IAM::User", name),
        ("iam", "role") => ("AWS::IAM::Role", name),
        ("iam", "group") => ("AWS::IAM::Group", name),
        ("iam", "policy") => ("AWS::IAM::Policy", name),
        ("kms", "key") => ("AWS::KMS::Key", name),
        ("kms", "alias") => ("AWS::KMS::Alias", rest),
        ("secretsmanager", _) => ("AWS::SecretsManager::Secret", rest.strip_prefix("secret:").unwrap_or(rest)),
        ("organizations", "policy") => ("AWS::Organizations::Policy", name),
        ("bedrock", _) => ("AWS::Bedrock::Resource", rest),
        _ => ("", rest),
    }
}
