//! Service control policies, and where they are attached.

use base::{Page, PageRequest, Timestamp};

use super::change::{Change, PolicyText};
use super::refusal::{Refusal, Result};
use super::tree::{FULL_ACCESS, Organization, PlaceKind, PlaceName, PolicySummary};
use super::{Intent, Tags, by_age, control, page, store, tags};
use crate::credentials::formats::LOWER_ALPHANUMERIC;
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::policy::{Document, Fault, Kind};

/// The most policies of an organization, as in AWS.
const POLICIES: usize = 10_000;
/// The most service control policies attached to one root, unit or account, as in AWS.
const PER_TARGET: usize = 5;

/// The policy that is to be made.
#[derive(Debug, Clone, Default)]
pub struct NewPolicy {
    /// Unique in the organization.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its text, a service control policy.
    pub content: String,
    /// Its tags.
    pub tags: Tags,
}

/// What is to be another in a policy.
#[derive(Debug, Clone, Default)]
pub struct PolicyChange {
    /// The name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The text.
    pub content: Option<String>,
}

/// A policy with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWithText {
    /// What is known of it.
    pub summary: PolicySummary,
    /// Its text, as it was given.
    pub content: String,
}

impl Identity {
    /// Makes a service control policy.
    ///
    /// # Errors
    /// Denied. `MalformedPolicyDocumentException`, `DuplicatePolicyException`; `ConstraintViolationException`, where it
    /// is longer than 5,120 bytes or there are 10,000 policies; `PolicyTypeNotAvailableForOrganizationException`.
    pub async fn create_control_policy(&self, ctx: &Ctx, new: NewPolicy) -> Result<PolicyWithText> {
        let now = self.0.clock.now();
        let id = format!("p-{}", self.0.random.text(LOWER_ALPHANUMERIC, 8));
        let intent = Intent::write("organizations:CreatePolicy", &[]).tagged(&new.tags);
        self.change(ctx, intent, |organization| {
            if !organization.all_features {
                return Err(Refusal::type_not_available());
            }
            check(&new.content)?;
            unused(organization, &new.name)?;
            tags::check(&[], &new.tags)?;
            if organization.policies.len() >= POLICIES {
                let message = "You have reached the maximum number of policies.";
                return Err(Refusal::constraint("POLICY_NUMBER_LIMIT_EXCEEDED", message));
            }
            let text = PolicyText {
                id: id.clone(),
                name: new.name.clone(),
                description: new.description.clone(),
                content: new.content.clone(),
                now,
            };
            let made = described(organization, &text);
            let mut changes = vec![Change::AddPolicy(text)];
            if !new.tags.is_empty() {
                changes.push(Change::PutTags { resource: id.clone(), tags: new.tags.clone() });
            }
            Ok((changes, made))
        })
        .await
    }

    /// Changes a policy; what it allows changes at once wherever it is attached.
    ///
    /// # Errors
    /// Denied. As [`Identity::create_control_policy`], `PolicyNotFoundException`, and `InvalidInputException` for AWS's
    /// own.
    pub async fn update_control_policy(&self, ctx: &Ctx, id: &str, change: PolicyChange) -> Result<PolicyWithText> {
        let now = self.0.clock.now();
        let on = [id];
        let organization = self.manage(ctx, Intent::write("organizations:UpdatePolicy", &on)).await?;
        changeable(&organization, id)?;
        let present = store::policy_text(&self.0.store, id).await?.ok_or_else(Refusal::no_policy)?;
        self.apply(&organization.id, |organization| {
            let summary = changeable(organization, id)?;
            let name = change.name.clone().unwrap_or_else(|| summary.name.clone());
            if name != summary.name {
                unused(organization, &name)?;
            }
            change.content.as_deref().map(check).transpose()?;
            let text = PolicyText {
                id: id.to_owned(),
                name,
                description: change.description.clone().unwrap_or(summary.description),
                content: change.content.clone().unwrap_or_else(|| present.clone()),
                now,
            };
            let made = described(organization, &text);
            Ok((vec![Change::ReplacePolicy(text)], made))
        })
        .await
    }

    /// The policy `id` with its text.
    ///
    /// # Errors
    /// Denied. `PolicyNotFoundException`.
    pub async fn describe_control_policy(&self, ctx: &Ctx, id: &str) -> Result<PolicyWithText> {
        let organization = self.manage(ctx, Intent::read("organizations:DescribePolicy", &[id])).await?;
        let summary = organization.policy(id)?;
        let content = match id {
            FULL_ACCESS => control::FULL_ACCESS_TEXT.to_owned(),
            _ => store::policy_text(&self.0.store, id).await?.ok_or_else(Refusal::no_policy)?,
        };
        Ok(PolicyWithText { summary, content })
    }

    /// The service control policies of the organization, AWS's own included.
    ///
    /// # Errors
    /// Denied. `AWSOrganizationsNotInUseException`.
    pub async fn list_control_policies(&self, ctx: &Ctx, request: &PageRequest) -> Result<Page<PolicySummary>> {
        let organization = self.manage(ctx, Intent::read("organizations:ListPolicies", &[])).await?;
        let ids = std::iter::once(FULL_ACCESS).chain(organization.policies.keys().map(String::as_str));
        let policies = ids.filter_map(|id| organization.policy(id).ok());
        Ok(page(request, policies, |policy| by_age(made(&organization, &policy.id), &policy.id)))
    }

    /// Removes a policy that is attached nowhere.
    ///
    /// # Errors
    /// Denied. `PolicyNotFoundException`, `PolicyInUseException`; `InvalidInputException` for AWS's own.
    pub async fn delete_control_policy(&self, ctx: &Ctx, id: &str) -> Result<()> {
        let on = [id];
        self.change(ctx, Intent::write("organizations:DeletePolicy", &on), |organization| {
            changeable(organization, id)?;
            if organization.targets_of(id).next().is_some() {
                return Err(Refusal::policy_in_use());
            }
            Ok((vec![Change::RemovePolicy { id: id.to_owned() }], ()))
        })
        .await
    }

    /// Attaches a policy to a root, unit or account; it holds there and below at once.
    ///
    /// # Errors
    /// Denied. `PolicyNotFoundException`, `TargetNotFoundException`, `PolicyTypeNotEnabledException`,
    /// `DuplicatePolicyAttachmentException`; `ConstraintViolationException`, where the target has five.
    pub async fn attach_control_policy(&self, ctx: &Ctx, id: &str, target: &str) -> Result<()> {
        let on = [id, target];
        self.change(ctx, Intent::write("organizations:AttachPolicy", &on), |organization| {
            organization.policy(id)?;
            if !organization.nodes.contains_key(target) {
                return Err(Refusal::no_target());
            }
            if !organization.service_control {
                return Err(Refusal::type_not_enabled());
            }
            if organization.attached_to(target).any(|attached| attached == id) {
                return Err(Refusal::duplicate_attachment());
            }
            if organization.attached_to(target).count() >= PER_TARGET {
                let message = "You have attached the maximum number of policies to the specified target.";
                return Err(Refusal::constraint("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", message));
            }
            Ok((vec![Change::Attach { policy: id.to_owned(), target: target.to_owned() }], ()))
        })
        .await
    }

    /// Detaches a policy from a root, unit or account, which must keep another.
    ///
    /// # Errors
    /// Denied. `PolicyNotFoundException`, `TargetNotFoundException`, `PolicyNotAttachedException`;
    /// `ConstraintViolationException`, where it is the target's last one.
    pub async fn detach_control_policy(&self, ctx: &Ctx, id: &str, target: &str) -> Result<()> {
        let on = [id, target];
        self.change(ctx, Intent::write("organizations:DetachPolicy", &on), |organization| {
            organization.policy(id)?;
            if !organization.nodes.contains_key(target) {
                return Err(Refusal::no_target());
            }
            if !organization.attached_to(target).any(|attached| attached == id) {
                return Err(Refusal::not_attached());
            }
            if organization.attached_to(target).count() == 1 {
                let message = "You cannot remove the last policy attached to the specified target. You must have at \
                               least one attached at all times.";
                return Err(Refusal::constraint("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", message)
                    .with_hint("Attach the policy that shall hold instead first."));
            }
            Ok((vec![Change::Detach { policy: id.to_owned(), target: target.to_owned() }], ()))
        })
        .await
    }

    /// The policies attached to a root, unit or account itself.
    ///
    /// # Errors
    /// Denied. `TargetNotFoundException`.
    pub async fn list_control_policies_of(
        &self,
        ctx: &Ctx,
        target: &str,
        request: &PageRequest,
    ) -> Result<Page<PolicySummary>> {
        let organization = self.manage(ctx, Intent::read("organizations:ListPoliciesForTarget", &[target])).await?;
        if !organization.nodes.contains_key(target) {
            return Err(Refusal::no_target());
        }
        let policies = organization.attached_to(target).filter_map(|id| organization.policy(id).ok());
        Ok(page(request, policies, |policy| by_age(made(&organization, &policy.id), &policy.id)))
    }

    /// The roots, units and accounts that a policy is attached to.
    ///
    /// # Errors
    /// Denied. `PolicyNotFoundException`.
    pub async fn list_targets_of(&self, ctx: &Ctx, id: &str, request: &PageRequest) -> Result<Page<PlaceName>> {
        let organization = self.manage(ctx, Intent::read("organizations:ListTargetsForPolicy", &[id])).await?;
        organization.policy(id)?;
        let targets = organization.targets_of(id).map(|node| organization.named(node));
        Ok(page(request, targets, |target| target.id.clone()))
    }

    /// Enables service control policies in the root: AWS's own that allows everything is attached everywhere.
    ///
    /// # Errors
    /// Denied. `RootNotFoundException`, `PolicyTypeAlreadyEnabledException`,
    /// `PolicyTypeNotAvailableForOrganizationException`.
    pub async fn enable_control_policies(&self, ctx: &Ctx, root: &str) -> Result<PlaceName> {
        let on = [root];
        self.change(ctx, Intent::write("organizations:EnablePolicyType", &on), |organization| {
            let root = organization.node(root, &[PlaceKind::Root]).ok_or_else(Refusal::no_root)?;
            if organization.service_control {
                return Err(Refusal::type_enabled());
            }
            if !organization.all_features {
                return Err(Refusal::type_not_available());
            }
            let attach = |target: &String| Change::Attach { policy: FULL_ACCESS.to_owned(), target: target.clone() };
            let mut changes = vec![Change::SetServiceControl { enabled: true }];
            changes.extend(organization.nodes.keys().map(attach));
            Ok((changes, organization.named(root)))
        })
        .await
    }

    /// Disables service control policies in the root: all are detached everywhere, and nothing is limited any more.
    ///
    /// # Errors
    /// Denied. `RootNotFoundException`, `PolicyTypeNotEnabledException`.
    pub async fn disable_control_policies(&self, ctx: &Ctx, root: &str) -> Result<PlaceName> {
        let on = [root];
        self.change(ctx, Intent::write("organizations:DisablePolicyType", &on), |organization| {
            let root = organization.node(root, &[PlaceKind::Root]).ok_or_else(Refusal::no_root)?;
            if !organization.service_control {
                return Err(Refusal::type_not_enabled());
            }
            let detach = |(target, policy): (&String, &String)| Change::Detach {
                policy: policy.clone(),
                target: target.clone(),
            };
            let attached = &organization.attachments;
            let pairs = attached.iter().flat_map(|(target, ids)| ids.iter().map(move |id| (target, id)));
            let mut changes = vec![Change::SetServiceControl { enabled: false }];
            changes.extend(pairs.map(detach));
            Ok((changes, organization.named(root)))
        })
        .await
    }
}

fn described(organization: &Organization, text: &PolicyText) -> PolicyWithText {
    let summary = PolicySummary {
        id: text.id.clone(),
        arn: organization.arn_of(&text.id),
        name: text.name.clone(),
        description: text.description.clone(),
        aws_managed: false,
    };
    PolicyWithText { summary, content: text.content.clone() }
}

/// When a policy was made; AWS's own came before all others.
fn made(organization: &Organization, id: &str) -> Timestamp {
    organization.policies.get(id).map_or(Timestamp(0), |policy| policy.created)
}

fn changeable(organization: &Organization, id: &str) -> Result<PolicySummary> {
    let summary = organization.policy(id).map_err(|_| Refusal::no_policy_to_change())?;
    if summary.aws_managed {
        let message = "You specified a policy that is managed by AWS and can't be modified.";
        return Err(Refusal::input("IMMUTABLE_POLICY", message));
    }
    Ok(summary)
}

fn unused(organization: &Organization, name: &str) -> Result<()> {
    let taken = organization.policies.values().any(|policy| policy.name == name) || name == "FullAWSAccess";
    if taken { Err(Refusal::duplicate_policy()) } else { Ok(()) }
}

/// Refuses what is no service control policy.
fn check(content: &str) -> Result<()> {
    match Document::parse(Kind::ServiceControl, content) {
        Ok(_) => Ok(()),
        Err(malformed) if malformed.fault == Fault::TooLarge => {
            let message = "You have exceeded the maximum policy size.";
            Err(Refusal::constraint("POLICY_CONTENT_LIMIT_EXCEEDED", message))
        }
        Err(malformed) => Err(Refusal::malformed_policy()
            .with_hint(format!("{} {}", malformed.message, malformed.advice().unwrap_or_default()).trim_end())),
    }
}
