use ::store::testing::each_backend;

use super::*;
use crate::iam::account::{Detail, DetailKind};

#[tokio::test]
async fn an_alias_is_the_accounts_only_one_and_nobody_elses() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (other, _) = d.other_account().await;
        let aliases = async |ctx: &Ctx| d.identity.list_account_aliases(ctx, &first(10)).await.unwrap().items;
        assert_eq!(aliases(&d.ctx).await, [""; 0]);
        d.identity.create_account_alias(&d.ctx, "one").await.unwrap();
        let taken = d.identity.create_account_alias(&other, "one").await;
        assert_eq!(message(taken), "The account alias one already exists.");
        d.identity.create_account_alias(&d.ctx, "two").await.unwrap();
        assert_eq!((aliases(&d.ctx).await, aliases(&other).await.len()), (vec!["two".to_owned()], 0));
        assert_eq!(kind(d.identity.delete_account_alias(&d.ctx, "one").await), ErrorKind::NotFound);
        d.identity.delete_account_alias(&d.ctx, "two").await.unwrap();
        assert_eq!(aliases(&d.ctx).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn the_summary_counts_what_there_is() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        d.role("r", TRUSTS_BEDROCK).await;
        let arn = d.policy("p", &allowing("s3:*")).await.arn;
        d.identity.create_policy_version(&d.ctx, &arn, &allowing("s3:*"), false).await.unwrap();
        d.identity.create_group(&d.ctx, "g", None).await.unwrap();
        let summary = d.identity.account_summary(&d.ctx).await.unwrap();
        let value = |name: &str| summary.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        for (name, count) in [
            ("Users", 1),
            ("Roles", 1),
            ("Groups", 1),
            ("Policies", 1),
            ("PolicyVersionsInUse", 2),
            ("InstanceProfiles", 0),
            ("AccountAccessKeysPresent", 1),
            ("VersionsPerPolicyQuota", 5),
        ] {
            assert_eq!(value(name), Some(count), "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_details_hold_everything_once_over_all_pages() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        d.user("alice").await;
        d.role("r", TRUSTS_BEDROCK).await;
        let arn = d.policy("p", &allowing("s3:*")).await.arn;
        d.identity.create_group(&d.ctx, "g", None).await.unwrap();
        d.identity.add_user_to_group(&d.ctx, "g", "alice").await.unwrap();
        d.identity.put_inline_policy(&d.ctx, HolderName::user("alice"), "i", &allowing("s3:*")).await.unwrap();
        d.identity.attach_policy(&d.ctx, HolderName::role("r"), &arn).await.unwrap();
        let mut names = Vec::new();
        let mut page = first(2);
        loop {
            let found = d.identity.authorization_details(&d.ctx, &[], &page).await.unwrap();
            let token = found.next_token();
            names.extend(found.items.into_iter().map(|detail| match detail {
                Detail::User { user, holding, groups } => {
                    format!("{} {} {} {}", user.name, holding.inline.len(), holding.attached.len(), groups.join(","))
                }
                Detail::Group { group, .. } => group.name,
                Detail::Role { role, holding, .. } => format!("{} {}", role.name, holding.attached[0].name),
                Detail::Policy(policy, versions) => format!("{} {}", policy.name, versions.len()),
            }));
            let Some(token) = token else { break };
            page = PageRequest::from_token(2, Some(&token)).unwrap();
        }
        assert_eq!(names, ["admin 0 1 ", "alice 1 0 g", "g", "r p", "p 1", "AdministratorAccess 1"]);
        let roles = d.identity.authorization_details(&d.ctx, &[DetailKind::Role], &first(9)).await.unwrap();
        assert_eq!(roles.items.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_last_use_of_a_key_is_told() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let new = NewUser { name: "alice".to_owned(), ..NewUser::default() };
        d.identity.create_user(&d.ctx, new).await.unwrap();
        let key = d.identity.create_access_key(&d.ctx, Some("alice")).await.unwrap().key.id;
        let (unused, last) = d.identity.access_key_last_used(&d.ctx, &key).await.unwrap();
        assert_eq!((unused.last_used, last), (None, LastUse::default()));
        let signing = d.identity.signing_key(&key).await.unwrap().unwrap();
        let proven = ProvenKey::new(signing, None).for_service("s3");
        d.identity.authenticate(proven, Some("eu-west-1".parse().unwrap()), origin()).await.unwrap();
        let (used, last) = d.identity.access_key_last_used(&d.ctx, &key).await.unwrap();
        assert_eq!((used.last_used, used.user_name.as_deref()), (Some(d.clock.now()), Some("alice")));
        assert_eq!((last.region.as_deref(), last.service.as_deref()), (Some("eu-west-1"), Some("s3")));
        let (other, _) = d.other_account().await;
        assert_eq!(kind(d.identity.access_key_last_used(&other, &key).await), ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn rules_for_passwords_are_kept() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let none = format!("The Password Policy with domain name {} cannot be found.", d.ctx.account());
        assert_eq!(message(d.identity.password_policy(&d.ctx).await), none);
        d.identity.set_password_policy(&d.ctx, "{\"a\":1}").await.unwrap();
        d.identity.set_password_policy(&d.ctx, "{}").await.unwrap();
        assert_eq!(d.identity.password_policy(&d.ctx).await.unwrap(), "{}");
        d.identity.delete_password_policy(&d.ctx).await.unwrap();
        let absent = "The account policy with name PasswordPolicy cannot be found.";
        assert_eq!(message(d.identity.delete_password_policy(&d.ctx).await), absent);
    })
    .await;
}
