//! What each operation asks of its caller's policies: the resource with its stored path and tags, and IAM's condition
//! keys (Service Authorization Reference, "Actions, resources, and condition keys for AWS IAM").

use aws_wire::generated::iam::{
    CreateInstanceProfileRequest, CreateOpenIDConnectProviderRequest, CreatePolicyRequest, CreateRoleRequest,
    CreateUserRequest, Tag, TagInstanceProfileRequest, TagOpenIDConnectProviderRequest, TagPolicyRequest,
    TagRoleRequest, TagUserRequest, UntagInstanceProfileRequest, UntagOpenIDConnectProviderRequest, UntagPolicyRequest,
    UntagRoleRequest, UntagUserRequest,
};
use base::{Error, ErrorKind, Result};
use futures::future::FutureExt as _;
use identity::Ask;
use identity::iam::oidc_providers::oidc_provider_arn;

use crate::call::Asked;
use crate::dispatch::AwsCall;
use crate::errors::Failure;

/// What is known of the thing that a request is about.
struct Target {
    arn: String,
    tags: Vec<(String, String)>,
    boundary: Option<String>,
}

/// On the user that the request names, or on the caller.
pub(super) fn user(call: &AwsCall) -> Asked<'_> {
    async move {
        let target = match call.parameter("UserName") {
            Some(name) => named_user(call, &name).await?,
            None => match call.ctx.principal().user_name() {
                Some(name) => named_user(call, name).await?,
                None => plain(call.ctx.principal().arn()),
            },
        };
        one(call, target).await
    }
    .boxed()
}

/// On the role that the request names.
pub(super) fn role(call: &AwsCall) -> Asked<'_> {
    async move {
        let target = named_role(call, &parameter(call, "RoleName")).await?;
        one(call, target).await
    }
    .boxed()
}

/// On the group that the request names.
pub(super) fn group(call: &AwsCall) -> Asked<'_> {
    async move {
        let name = parameter(call, "GroupName");
        let found = found(call.api.identity().get_group(&call.ctx, &name).await)?;
        one(call, plain(found.map_or_else(|| arn(call, "group", "/", &name), |group| group.arn))).await
    }
    .boxed()
}

/// On the policy that the request names.
pub(super) fn policy(call: &AwsCall) -> Asked<'_> {
    async move {
        let arn = parameter(call, "PolicyArn");
        let found = match call.api.identity().get_policy(&call.ctx, &arn).await {
            Err(error) if error.kind == ErrorKind::Invalid => None,
            other => found(other)?,
        };
        let tags = found.map(|policy| pairs(policy.tags)).unwrap_or_default();
        one(call, Target { arn, tags, boundary: None }).await
    }
    .boxed()
}

/// On the instance profile that the request names.
pub(super) fn instance_profile(call: &AwsCall) -> Asked<'_> {
    async move {
        let target = named_profile(call).await?;
        one(call, target).await
    }
    .boxed()
}

/// On the instance profile, and that the role may be passed to machines.
pub(super) fn role_into_profile(call: &AwsCall) -> Asked<'_> {
    async move {
        let mut asks = one(call, named_profile(call).await?).await?;
        let role = named_role(call, &parameter(call, "RoleName")).await?;
        let pass = Ask::new("iam:PassRole", role.arn).resource_tags(&role.tags);
        asks.push(pass.key("iam:PassedToService", "ec2.amazonaws.com"));
        Ok(asks)
    }
    .boxed()
}

/// On the OpenID Connect provider that the request names.
pub(super) fn oidc_provider(call: &AwsCall) -> Asked<'_> {
    async move {
        let arn = parameter(call, "OpenIDConnectProviderArn");
        let found = found(call.api.identity().get_oidc_provider(&call.ctx, &arn).await)?;
        let tags = found.map(|provider| pairs(provider.tags)).unwrap_or_default();
        one(call, Target { arn, tags, boundary: None }).await
    }
    .boxed()
}

/// On the OpenID Connect provider that is to be made.
pub(super) fn new_oidc_provider(call: &AwsCall) -> Asked<'_> {
    async move { one(call, plain(oidc_provider_arn(call.ctx.account().as_str(), &parameter(call, "Url")))).await }
        .boxed()
}

/// See [`users`].
pub(super) fn oidc_providers(call: &AwsCall) -> Asked<'_> {
    all(call, arn(call, "oidc-provider", "/", ""))
}

/// On the user that is to be made.
pub(super) fn new_user(call: &AwsCall) -> Asked<'_> {
    new(call, "user", "UserName")
}

/// On the role that is to be made.
pub(super) fn new_role(call: &AwsCall) -> Asked<'_> {
    new(call, "role", "RoleName")
}

/// On the group that is to be made.
pub(super) fn new_group(call: &AwsCall) -> Asked<'_> {
    new(call, "group", "GroupName")
}

/// On the policy that is to be made.
pub(super) fn new_policy(call: &AwsCall) -> Asked<'_> {
    new(call, "policy", "PolicyName")
}

/// On the instance profile that is to be made.
pub(super) fn new_profile(call: &AwsCall) -> Asked<'_> {
    new(call, "instance-profile", "InstanceProfileName")
}

/// On the role of a service that is to be made.
pub(super) fn new_linked_role(call: &AwsCall) -> Asked<'_> {
    async move {
        let service = parameter(call, "AWSServiceName");
        let arn = arn(call, "role", &format!("/aws-service-role/{service}/"), "*");
        Ok(vec![Ask::new(action(call), arn).key("iam:AWSServiceName", service)])
    }
    .boxed()
}

/// On the role of a service whose deletion the request names.
pub(super) fn deletion(call: &AwsCall) -> Asked<'_> {
    async move {
        let task = parameter(call, "DeletionTaskId");
        let parts: Vec<&str> = task.split('/').collect();
        let arn = match parts.as_slice() {
            ["task", "aws-service-role", service, name, _] => {
                arn(call, "role", &format!("/aws-service-role/{service}/"), name)
            }
            _ => arn(call, "role", "/", "*"),
        };
        Ok(vec![Ask::new(action(call), arn)])
    }
    .boxed()
}

/// On the user whose access key the request names.
pub(super) fn key_owner(call: &AwsCall) -> Asked<'_> {
    async move {
        let id = parameter(call, "AccessKeyId");
        let owner = found(call.api.identity().access_key_last_used(&call.ctx, &id).await)?;
        let target = match owner.and_then(|(key, _)| key.user_name) {
            Some(name) => named_user(call, &name).await?,
            None => plain(arn(call, "user", "/", "*")),
        };
        one(call, target).await
    }
    .boxed()
}

/// On all of a kind, for lists.
pub(super) fn users(call: &AwsCall) -> Asked<'_> {
    all(call, arn(call, "user", "/", ""))
}

/// See [`users`].
pub(super) fn roles(call: &AwsCall) -> Asked<'_> {
    all(call, arn(call, "role", "/", ""))
}

/// See [`users`].
pub(super) fn groups(call: &AwsCall) -> Asked<'_> {
    all(call, arn(call, "group", "/", ""))
}

/// See [`users`].
pub(super) fn instance_profiles(call: &AwsCall) -> Asked<'_> {
    all(call, arn(call, "instance-profile", "/", ""))
}

/// See [`users`]; AWS's and the account's policies have no ARN in common.
pub(super) fn policies(call: &AwsCall) -> Asked<'_> {
    all(call, "policy path /".to_owned())
}

/// On the account as a whole.
pub(super) fn account(call: &AwsCall) -> Asked<'_> {
    all(call, "*".to_owned())
}

fn all(call: &AwsCall, resource: String) -> Asked<'_> {
    async move { Ok(vec![Ask::new(action(call), resource)]) }.boxed()
}

fn new<'a>(call: &'a AwsCall, kind: &'static str, name: &'static str) -> Asked<'a> {
    async move {
        let path = call.parameter("Path").unwrap_or_else(|| "/".to_owned());
        one(call, plain(arn(call, kind, &path, &parameter(call, name)))).await
    }
    .boxed()
}

/// The ask on `target`, with all that the request says.
async fn one(call: &AwsCall, target: Target) -> Result<Vec<Ask>, Failure> {
    let mut ask = Ask::new(action(call), target.arn)
        .resource_tags(&target.tags)
        .key_if("iam:PolicyARN", call.parameter("PolicyArn").filter(|_| is_attachment(call)))
        .key_if("iam:PermissionsBoundary", boundary(call, target.boundary));
    for (key, value) in target.tags {
        ask = ask.key(format!("iam:ResourceTag/{key}"), value);
    }
    match tags_of_request(call)? {
        Requested::Tags(tags) => ask = ask.request_tags(&pairs_of(tags)),
        Requested::Keys(keys) => ask = ask.keys("aws:TagKeys", keys),
        Requested::Nothing => {}
    }
    Ok(vec![ask])
}

/// What a request says of tags.
enum Requested {
    Tags(Vec<Tag>),
    Keys(Vec<String>),
    Nothing,
}

fn tags_of_request(call: &AwsCall) -> Result<Requested, Failure> {
    let given = |tags: Option<Vec<Tag>>| tags.map_or(Requested::Nothing, Requested::Tags);
    Ok(match call.route.operation.name {
        "CreateUser" => given(call.decode::<CreateUserRequest>()?.tags),
        "CreateRole" => given(call.decode::<CreateRoleRequest>()?.tags),
        "CreatePolicy" => given(call.decode::<CreatePolicyRequest>()?.tags),
        "CreateInstanceProfile" => given(call.decode::<CreateInstanceProfileRequest>()?.tags),
        "CreateOpenIDConnectProvider" => given(call.decode::<CreateOpenIDConnectProviderRequest>()?.tags),
        "TagOpenIDConnectProvider" => Requested::Tags(call.decode::<TagOpenIDConnectProviderRequest>()?.tags),
        "UntagOpenIDConnectProvider" => Requested::Keys(call.decode::<UntagOpenIDConnectProviderRequest>()?.tag_keys),
        "TagUser" => Requested::Tags(call.decode::<TagUserRequest>()?.tags),
        "TagRole" => Requested::Tags(call.decode::<TagRoleRequest>()?.tags),
        "TagPolicy" => Requested::Tags(call.decode::<TagPolicyRequest>()?.tags),
        "TagInstanceProfile" => Requested::Tags(call.decode::<TagInstanceProfileRequest>()?.tags),
        "UntagUser" => Requested::Keys(call.decode::<UntagUserRequest>()?.tag_keys),
        "UntagRole" => Requested::Keys(call.decode::<UntagRoleRequest>()?.tag_keys),
        "UntagPolicy" => Requested::Keys(call.decode::<UntagPolicyRequest>()?.tag_keys),
        "UntagInstanceProfile" => Requested::Keys(call.decode::<UntagInstanceProfileRequest>()?.tag_keys),
        _ => Requested::Nothing,
    })
}

/// The boundary that the request sets, or else the one that limits whom it changes: only changes of what users and roles
/// may do have this key.
fn boundary(call: &AwsCall, present: Option<String>) -> Option<String> {
    const CHANGES: [&str; 14] = [
        "AttachRolePolicy",
        "AttachUserPolicy",
        "CreateRole",
        "CreateUser",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DeleteUserPermissionsBoundary",
        "DeleteUserPolicy",
        "DetachRolePolicy",
        "DetachUserPolicy",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
        "PutUserPermissionsBoundary",
        "PutUserPolicy",
    ];
    let given = call.parameter("PermissionsBoundary").or(present);
    given.filter(|_| CHANGES.contains(&call.route.operation.name))
}

fn is_attachment(call: &AwsCall) -> bool {
    let name = call.route.operation.name;
    name.starts_with("Attach") || name.starts_with("Detach")
}

async fn named_user(call: &AwsCall, name: &str) -> Result<Target, Failure> {
    let found = found(call.api.identity().get_user(&call.ctx, Some(name)).await)?;
    Ok(match found {
        Some(user) => Target { arn: user.arn, tags: pairs(user.tags), boundary: user.boundary },
        None => plain(arn(call, "user", "/", name)),
    })
}

async fn named_role(call: &AwsCall, name: &str) -> Result<Target, Failure> {
    let found = found(call.api.identity().get_role(&call.ctx, name).await)?;
    Ok(match found {
        Some(role) => Target { arn: role.arn, tags: pairs(role.tags), boundary: role.boundary },
        None => plain(arn(call, "role", "/", name)),
    })
}

async fn named_profile(call: &AwsCall) -> Result<Target, Failure> {
    let name = parameter(call, "InstanceProfileName");
    let found = found(call.api.identity().get_instance_profile(&call.ctx, &name).await)?;
    Ok(match found {
        Some(profile) => Target { arn: profile.arn, tags: pairs(profile.tags), boundary: None },
        None => plain(arn(call, "instance-profile", "/", &name)),
    })
}

/// What does not exist is asked for all the same: only who may see it learns that it does not.
fn found<T>(result: Result<T>) -> Result<Option<T>, Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn plain(arn: String) -> Target {
    Target { arn, tags: Vec::new(), boundary: None }
}

fn action(call: &AwsCall) -> String {
    format!("iam:{}", call.route.operation.name)
}

fn parameter(call: &AwsCall, name: &str) -> String {
    call.parameter(name).unwrap_or_default()
}

fn arn(call: &AwsCall, kind: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{}:{kind}{path}{name}", call.ctx.account())
}

fn pairs(tags: Vec<identity::Tag>) -> Vec<(String, String)> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

fn pairs_of(tags: Vec<Tag>) -> Vec<(String, String)> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}
