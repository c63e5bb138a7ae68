//! The actions that explanations and simulations try when they tell what else a policy allows. Names of AWS; actions that
//! are not here are decided like all others.

/// By service.
pub(super) const ACTIONS: &[(&str, &[&str])] = &[
    (
        "s3",
        &[
            "AbortMultipartUpload",
            "CreateBucket",
            "DeleteBucket",
            "DeleteBucketPolicy",
            "DeleteObject",
            "DeleteObjectTagging",
            "DeleteObjectVersion",
            "GetBucketCORS",
            "GetBucketLocation",
            "GetBucketPolicy",
            "GetBucketPolicyStatus",
            "GetBucketPublicAccessBlock",
            "GetBucketTagging",
            "GetBucketVersioning",
            "GetEncryptionConfiguration",
            "GetObject",
            "GetObjectAttributes",
            "GetObjectTagging",
            "GetObjectVersion",
            "ListAllMyBuckets",
            "ListBucket",
            "ListBucketMultipartUploads",
            "ListBucketVersions",
            "ListMultipartUploadParts",
            "PutBucketCORS",
            "PutBucketPolicy",
            "PutBucketPublicAccessBlock",
            "PutBucketTagging",
            "PutBucketVersioning",
            "PutEncryptionConfiguration",
            "PutObject",
            "PutObjectTagging",
        ],
    ),
    (
        "kms",
        &[
            "CancelKeyDeletion",
            "CreateAlias",
            "CreateGrant",
            "Decrypt",
            "DeleteAlias",
            "DescribeKey",
            "DisableKey",
            "DisableKeyRotation",
            "EnableKey",
            "EnableKeyRotation",
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "GetKeyPolicy",
            "GetKeyRotationStatus",
            "ListGrants",
            "ListKeyPolicies",
            "ListResourceTags",
            "PutKeyPolicy",
            "ReEncryptFrom",
            "ReEncryptTo",
            "RetireGrant",
            "RevokeGrant",
            "ScheduleKeyDeletion",
            "TagResource",
            "UntagResource",
            "UpdateAlias",
            "UpdateKeyDescription",
        ],
    ),
    (
        "secretsmanager",
        &[
            "CreateSecret",
            "DeleteResourcePolicy",
            "DeleteSecret",
            "DescribeSecret",
            "GetResourcePolicy",
            "GetSecretValue",
            "ListSecretVersionIds",
            "ListSecrets",
            "PutResourcePolicy",
            "PutSecretValue",
            "RestoreSecret",
            "TagResource",
            "UntagResource",
            "UpdateSecret",
            "UpdateSecretVersionStage",
        ],
    ),
    (
        "iam",
        &[
            "AddUserToGroup",
            "AttachGroupPolicy",
            "AttachRolePolicy",
            "AttachUserPolicy",
            "CreateAccessKey",
            "CreateGroup",
            "CreatePolicy",
            "CreatePolicyVersion",
            "CreateRole",
            "CreateUser",
            "DeleteAccessKey",
            "DeletePolicy",
            "DeleteRole",
            "DeleteRolePolicy",
            "DeleteUser",
            "DeleteUserPolicy",
            "DetachRolePolicy",
            "DetachUserPolicy",
            "GetGroup",
            "GetPolicy",
            "GetPolicyVersion",
            "GetRole",
            "GetRolePolicy",
            "GetUser",
            "GetUserPolicy",
            "ListAttachedRolePolicies",
            "ListPolicies",
            "ListRoles",
            "ListUsers",
            "PassRole",
            "PutGroupPolicy",
            "PutRolePermissionsBoundary",
            "PutRolePolicy",
            "PutUserPermissionsBoundary",
            "PutUserPolicy",
            "TagRole",
            "TagUser",
            "UpdateAccessKey",
            "UpdateAssumeRolePolicy",
        ],
    ),
    ("sts", &["AssumeRole", "DecodeAuthorizationMessage", "GetCallerIdentity", "GetSessionToken", "TagSession"]),
    (
        "bedrock",
        &[
            "ApplyGuardrail",
            "Converse",
            "CreateModelImportJob",
            "CreateModelInvocationJob",
            "DeleteImportedModel",
            "GetFoundationModel",
            "GetImportedModel",
            "GetModelImportJob",
            "GetModelInvocationJob",
            "InvokeModel",
            "InvokeModelWithResponseStream",
            "ListFoundationModels",
            "ListImportedModels",
            "ListModelImportJobs",
            "ListModelInvocationJobs",
            "StopModelInvocationJob",
        ],
    ),
    (
        "organizations",
        &[
            "AttachPolicy",
            "CreateAccount",
            "CreateOrganization",
            "CreatePolicy",
            "DescribeOrganization",
            "DescribePolicy",
            "DetachPolicy",
            "ListAccounts",
            "ListPolicies",
            "UpdatePolicy",
        ],
    ),
    ("cloudtrail", &["LookupEvents"]),
    ("craton", &["CreateAccount", "ExplainRequest", "ListRequests", "PullModel", "WhoCan"]),
];

/// Whether `action` is done on objects, as against their bucket. Of services other than S3 every action fits every
/// resource.
pub(super) fn fits(service: &str, name: &str, resource: &str) -> bool {
    let Some(rest) = resource.strip_prefix("arn:aws:s3:::") else { return service != "s3" || resource == "*" };
    let is_object_action = (name.contains("Object") && !name.contains("Bucket"))
        || ["AbortMultipartUpload", "ListMultipartUploadParts"].contains(&name);
    service == "s3" && is_object_action == rest.contains('/')
}

/// The known action that `action` is a misspelling of: one character more, less or other, or two that changed places.
/// `None` for known ones, and for those that are like none.
pub(crate) fn known_action_like(action: &str) -> Option<String> {
    let (service, name) = action.split_once(':')?;
    let (service, names) = ACTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(service))?;
    if name.contains(['*', '?']) || names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return None;
    }
    let name = name.to_lowercase();
    names.iter().find(|known| is_near(&known.to_lowercase(), &name)).map(|known| format!("{service}:{known}"))
}

/// Whether `action`, if it is one that is known, is done on what `resource` names; one with wildcards names both.
pub(crate) fn reaches(action: &str, resource: &str) -> Option<bool> {
    let (service, name) = action.split_once(':')?;
    let (service, names) = ACTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(service))?;
    let known = names.iter().find(|known| known.eq_ignore_ascii_case(name))?;
    let path = resource.strip_prefix("arn:aws:s3:::").unwrap_or(resource);
    let is_open = path.ends_with('*') && !path.contains('/') || path.contains("${");
    Some(is_open || fits(service, known, resource))
}

/// Whether one edit makes `b` of `a`: an insertion, a deletion, a change, or an exchange of neighbours.
fn is_near(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[same..], &b[same..]);
    match (a, b) {
        ([], [_]) | ([_], []) => true,
        ([], _) | (_, []) => false,
        ([x, y, rest @ ..], [p, q, others @ ..]) if (x, y) == (q, p) && rest == others => true,
        ([_, rest @ ..], [_, others @ ..]) => rest == others || rest == b || a == others,
    }
}
