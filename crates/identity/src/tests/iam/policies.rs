use ::store::testing::each_backend;

use super::*;
use crate::iam::policies::{EntityFilter, PolicyFilter, Scope, Usage};

#[tokio::test]
async fn an_attached_policy_decides_at_once_and_no_longer_than_it_is_attached() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, _) = d.user("alice").await;
        let policy = d.policy("models", &allowing("bedrock:Invoke*")).await;
        assert_eq!(policy.arn, format!("arn:aws:iam::{}:policy/models", d.ctx.account()));
        assert!(policy.id.starts_with("ANPA") && !d.may(&alice, "bedrock:InvokeModel").await);
        let holder = HolderName::user("alice");
        d.identity.attach_policy(&d.ctx, holder, &policy.arn).await.unwrap();
        d.identity.attach_policy(&d.ctx, holder, &policy.arn).await.unwrap();
        assert!(d.may(&alice, "bedrock:InvokeModel").await && !d.may(&alice, "bedrock:GetGuardrail").await);
        assert_eq!(d.identity.get_policy(&d.ctx, &policy.arn).await.unwrap().attachments, 1);
        d.identity.detach_policy(&d.ctx, holder, &policy.arn).await.unwrap();
        assert!(!d.may(&alice, "bedrock:InvokeModel").await);
        let again = d.identity.detach_policy(&d.ctx, holder, &policy.arn).await;
        assert_eq!(message(again), format!("Policy {} was not found.", policy.arn));
    })
    .await;
}

#[tokio::test]
async fn the_default_version_decides() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, _) = d.user("alice").await;
        let arn = d.policy("p", &allowing("s3:ListBucket")).await.arn;
        d.identity.attach_policy(&d.ctx, HolderName::user("alice"), &arn).await.unwrap();
        let second = d.identity.create_policy_version(&d.ctx, &arn, &allowing("s3:GetObject"), false).await.unwrap();
        assert_eq!((second.id.as_str(), second.default), ("v2", false));
        assert!(d.may(&alice, "s3:ListBucket").await && !d.may(&alice, "s3:GetObject").await);
        d.identity.set_default_policy_version(&d.ctx, &arn, "v2").await.unwrap();
        assert!(!d.may(&alice, "s3:ListBucket").await && d.may(&alice, "s3:GetObject").await);
        d.identity.create_policy_version(&d.ctx, &arn, &denying("*"), true).await.unwrap();
        assert!(!d.may(&alice, "s3:GetObject").await);
        let newest_first = d.identity.list_policy_versions(&d.ctx, &arn, &first(2)).await.unwrap();
        assert_eq!(newest_first.items.iter().map(|v| v.id.as_str()).collect::<Vec<_>>(), ["v3", "v2"]);
        let next = PageRequest::from_token(2, newest_first.next_token().as_deref()).unwrap();
        let rest = d.identity.list_policy_versions(&d.ctx, &arn, &next).await.unwrap();
        assert_eq!((rest.items[0].id.as_str(), rest.next_after), ("v1", None));
        let refused = d.identity.delete_policy_version(&d.ctx, &arn, "v3").await;
        assert_eq!(message(refused), "Cannot delete the default version of a policy.");
        d.identity.delete_policy_version(&d.ctx, &arn, "v1").await.unwrap();
        let gone = d.identity.get_policy_version(&d.ctx, &arn, "v1").await;
        assert_eq!(message(gone), format!("Policy {arn} version v1 does not exist or is not attachable."));
        let fourth = d.identity.create_policy_version(&d.ctx, &arn, &allowing("s3:*"), false).await.unwrap();
        assert_eq!(fourth.id, "v4", "numbers are not used again");
        d.identity.create_policy_version(&d.ctx, &arn, &allowing("s3:*"), false).await.unwrap();
        d.identity.create_policy_version(&d.ctx, &arn, &allowing("s3:*"), false).await.unwrap();
        let sixth = d.identity.create_policy_version(&d.ctx, &arn, &allowing("s3:*"), false).await;
        assert_eq!(code(sixth), (ErrorKind::Conflict, Some("LimitExceeded")));
    })
    .await;
}

#[tokio::test]
async fn a_policy_that_is_used_is_not_deleted() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        d.user("alice").await;
        let arn = d.policy("p", &allowing("s3:*")).await.arn;
        let holder = HolderName::user("alice");
        d.identity.put_permissions_boundary(&d.ctx, holder, &arn).await.unwrap();
        assert_eq!(code(d.identity.delete_policy(&d.ctx, &arn).await), (ErrorKind::Conflict, Some("DeleteConflict")));
        d.identity.delete_permissions_boundary(&d.ctx, holder).await.unwrap();
        d.identity.attach_policy(&d.ctx, holder, &arn).await.unwrap();
        let refused = d.identity.delete_policy(&d.ctx, &arn).await;
        assert_eq!(message(refused), "Cannot delete a policy attached to entities.");
        d.identity.detach_policy(&d.ctx, holder, &arn).await.unwrap();
        d.identity.create_policy_version(&d.ctx, &arn, &allowing("s3:*"), false).await.unwrap();
        let refused = d.identity.delete_policy(&d.ctx, &arn).await;
        assert!(message(refused).starts_with("This policy has more than one version."));
        d.identity.delete_policy_version(&d.ctx, &arn, "v2").await.unwrap();
        d.identity.delete_policy(&d.ctx, &arn).await.unwrap();
        assert_eq!(message(d.identity.get_policy(&d.ctx, &arn).await), format!("Policy {arn} was not found."));
    })
    .await;
}

#[tokio::test]
async fn policies_of_aws_can_be_attached_and_read_but_not_changed() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, _) = d.user("alice").await;
        let arn = "arn:aws:iam::aws:policy/AmazonBedrockReadOnly";
        d.identity.attach_policy(&d.ctx, HolderName::user("alice"), arn).await.unwrap();
        assert!(d.may(&alice, "bedrock:GetGuardrail").await && !d.may(&alice, "bedrock:InvokeModel").await);
        let version = d.identity.get_policy_version(&d.ctx, arn, "v1").await.unwrap();
        assert!(version.default && version.document.contains("bedrock:Get*"));
        assert_eq!(kind(d.identity.delete_policy(&d.ctx, arn).await), ErrorKind::Denied);
        let version = d.identity.create_policy_version(&d.ctx, arn, &allowing("*"), true).await;
        assert_eq!(kind(version), ErrorKind::Denied);
        let unknown = d.identity.attach_policy(&d.ctx, HolderName::user("alice"), "arn:aws:iam::aws:policy/None").await;
        assert_eq!(message(unknown), "Policy arn:aws:iam::aws:policy/None does not exist or is not attachable.");
    })
    .await;
}

#[tokio::test]
async fn malformed_and_long_documents_are_refused_by_their_names() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let create = async |name: &str, document: &str| {
            let new = NewPolicy { name: name.to_owned(), document: document.to_owned(), ..NewPolicy::default() };
            d.identity.create_policy(&d.ctx, new).await
        };
        assert_eq!(code(create("p", "{").await), (ErrorKind::Invalid, Some("MalformedPolicyDocument")));
        let long = allowing(&format!("s3:{}", "x".repeat(6_144)));
        assert_eq!(code(create("p", &long).await), (ErrorKind::Conflict, Some("LimitExceeded")));
        create("Team", &allowing("s3:*")).await.unwrap();
        let twice = create("tEAM", &allowing("s3:*")).await;
        assert_eq!(message(twice), "A policy called tEAM already exists. Duplicate names are not allowed.");
        assert_eq!(kind(create("a b", &allowing("s3:*")).await), ErrorKind::Invalid);
        assert_eq!(code(d.identity.get_policy(&d.ctx, "nonsense").await), (ErrorKind::Invalid, Some("InvalidInput")));
    })
    .await;
}

#[tokio::test]
async fn policies_are_listed_by_scope_use_and_path() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        d.user("alice").await;
        let new = NewPolicy {
            name: "one".to_owned(),
            path: Some("/team/".to_owned()),
            document: allowing("s3:*"),
            ..NewPolicy::default()
        };
        let one = d.identity.create_policy(&d.ctx, new).await.unwrap().arn;
        let two = d.policy("two", &allowing("s3:*")).await.arn;
        d.identity.put_permissions_boundary(&d.ctx, HolderName::user("alice"), &two).await.unwrap();
        let list = async |filter: PolicyFilter| {
            let page = d.identity.list_policies(&d.ctx, &filter, &first(1_000)).await.unwrap();
            page.items.into_iter().map(|policy| policy.arn).collect::<Vec<_>>()
        };
        let local = PolicyFilter { scope: Scope::Local, ..PolicyFilter::default() };
        assert_eq!(list(local.clone()).await.len(), 2);
        assert_eq!(
            list(PolicyFilter { path_prefix: Some("/team/".to_owned()), ..local.clone() }).await,
            [one.as_str()]
        );
        assert_eq!(
            list(PolicyFilter { usage: Some(Usage::Boundary), ..PolicyFilter::default() }).await,
            [two.as_str()]
        );
        let attached = PolicyFilter { only_attached: true, ..PolicyFilter::default() };
        assert_eq!(list(attached).await, [ADMINISTRATOR], "the administrator has it");
        let of_aws = list(PolicyFilter { scope: Scope::Aws, ..PolicyFilter::default() }).await;
        assert_eq!(list(PolicyFilter::default()).await.len(), of_aws.len() + 2);
        let page = d.identity.list_policies(&d.ctx, &local, &first(1)).await.unwrap();
        let next = PageRequest::from_token(1, page.next_token().as_deref()).unwrap();
        let rest = d.identity.list_policies(&d.ctx, &local, &next).await.unwrap();
        assert_eq!((rest.items.len(), rest.next_after), (1, None));
        let entities = async |arn: &str| {
            let filter = EntityFilter::default();
            d.identity.list_entities_for_policy(&d.ctx, arn, &filter, &first(10)).await.unwrap().items
        };
        assert_eq!(entities(&two).await[0].name, "alice");
        assert_eq!(entities(ADMINISTRATOR).await[0].name, "admin");
    })
    .await;
}

#[tokio::test]
async fn another_accounts_policies_do_not_exist() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let arn = d.policy("p", &allowing("s3:*")).await.arn;
        let (other, _) = d.other_account().await;
        assert_eq!(kind(d.identity.get_policy(&other, &arn).await), ErrorKind::NotFound);
        assert_eq!(kind(d.identity.delete_policy(&other, &arn).await), ErrorKind::NotFound);
        assert_eq!(kind(d.identity.get_policy_version(&other, &arn, "v1").await), ErrorKind::NotFound);
        let attached = d.identity.attach_policy(&other, HolderName::user("admin"), &arn).await;
        assert_eq!(kind(attached), ErrorKind::NotFound);
    })
    .await;
}
