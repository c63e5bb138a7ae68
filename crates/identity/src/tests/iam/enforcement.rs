use ::store::testing::each_backend;

use super::*;
use crate::policy::RoleSession as PolicySession;

/// A session of the role, as assuming it gives.
fn session(role: &Role) -> Principal {
    Principal::Role(Box::new(RoleSession {
        role: PolicySession {
            account: role.account.clone(),
            role_id: role.id.clone(),
            role_name: role.name.clone(),
            path: role.path.clone(),
            session_name: "s".to_owned(),
            tags: Vec::new(),
            service_linked: false,
        },
        access_key_id: None,
        issued: Timestamp(0),
        expires: Timestamp(i64::MAX),
        policies: None,
        transitive_tags: Vec::new(),
        source_identity: None,
        chained: false,
    }))
}

async fn role_allows(d: &Deployment, role: &Role, action: &str) -> bool {
    let rights = d.identity.rights(&session(role)).await.unwrap();
    let request = policy::Request::builder(session(role).caller(&[]), action, "*").build();
    let policies = policy::Policies {
        identity: rights.identity.clone(),
        boundary: rights.boundary.clone(),
        ..policy::Policies::default()
    };
    policy::decide(&request, &policies).allowed
}

#[tokio::test]
async fn a_boundary_limits_and_gives_nothing() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, _) = d.user("alice").await;
        let holder = HolderName::user("alice");
        let boundary = d.policy("boundary", &allowing("s3:Get*")).await.arn;
        d.identity.put_permissions_boundary(&d.ctx, holder, &boundary).await.unwrap();
        assert!(!d.may(&alice, "s3:GetObject").await, "a boundary alone allows nothing");
        d.identity.put_inline_policy(&d.ctx, holder, "p", &allowing("s3:*")).await.unwrap();
        assert!(d.may(&alice, "s3:GetObject").await);
        let refused = refusal(&d, &alice, "s3:PutObject", "*").await.unwrap();
        assert!(refused.message.contains("no permissions boundary allows the s3:PutObject action"), "{refused:?}");
        assert_eq!(d.identity.get_user(&d.ctx, Some("alice")).await.unwrap().boundary, Some(boundary));
        d.identity.delete_permissions_boundary(&d.ctx, holder).await.unwrap();
        assert!(d.may(&alice, "s3:PutObject").await);
        let unknown = format!("arn:aws:iam::{}:policy/none", d.ctx.account());
        let refused = d.identity.put_permissions_boundary(&d.ctx, holder, &unknown).await;
        assert_eq!(message(refused), format!("Scope ARN: {unknown} does not exist or is not attachable."));
        let new = NewUser { name: "bob".to_owned(), boundary: Some(unknown), ..NewUser::default() };
        assert_eq!(kind(d.identity.create_user(&d.ctx, new).await), ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_session_has_its_roles_policies_and_boundary_until_the_role_is_gone() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let role = d.role("r", TRUSTS_BEDROCK).await;
        let holder = HolderName::role("r");
        d.identity.put_inline_policy(&d.ctx, holder, "p", &allowing("s3:*")).await.unwrap();
        assert!(role_allows(&d, &role, "s3:PutObject").await);
        let boundary = d.policy("boundary", &allowing("s3:Get*")).await.arn;
        d.identity.put_permissions_boundary(&d.ctx, holder, &boundary).await.unwrap();
        assert!(!role_allows(&d, &role, "s3:PutObject").await && role_allows(&d, &role, "s3:GetObject").await);
        d.identity.delete_inline_policy(&d.ctx, holder, "p").await.unwrap();
        d.identity.attach_policy(&d.ctx, holder, ADMINISTRATOR).await.unwrap();
        assert!(role_allows(&d, &role, "s3:GetObject").await);
        d.identity.detach_policy(&d.ctx, holder, ADMINISTRATOR).await.unwrap();
        d.identity.delete_role(&d.ctx, "r").await.unwrap();
        d.role("r", TRUSTS_BEDROCK).await;
        d.identity.attach_policy(&d.ctx, holder, ADMINISTRATOR).await.unwrap();
        assert!(!role_allows(&d, &role, "s3:GetObject").await, "the role of the same name is another");
    })
    .await;
}

#[tokio::test]
async fn policies_are_named_in_traces_by_holder_and_name_or_by_arn() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, _) = d.user("alice").await;
        d.identity.create_group(&d.ctx, "devs", None).await.unwrap();
        d.identity.add_user_to_group(&d.ctx, "devs", "alice").await.unwrap();
        d.identity.put_inline_policy(&d.ctx, HolderName::user("alice"), "own", &allowing("s3:*")).await.unwrap();
        d.identity.put_inline_policy(&d.ctx, HolderName::group("devs"), "g", &allowing("s3:*")).await.unwrap();
        d.identity.attach_policy(&d.ctx, HolderName::group("devs"), ADMINISTRATOR).await.unwrap();
        let rights = d.identity.rights(alice.principal()).await.unwrap();
        let mut ids: Vec<&str> = rights.identity.iter().map(|attached| &*attached.id).collect();
        ids.sort_unstable();
        assert_eq!(ids, [ADMINISTRATOR, "group/devs/g", "user/alice/own"]);
    })
    .await;
}

#[tokio::test]
async fn a_renamed_user_keeps_its_rights_and_tags_decide() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (_, key) = d.user("alice").await;
        let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*",
            "Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}]}"#;
        d.identity.put_inline_policy(&d.ctx, HolderName::user("alice"), "p", text).await.unwrap();
        d.identity.update_user(&d.ctx, "alice", Some("Alicia"), Some("/x/")).await.unwrap();
        let ctx = use_key(&d.identity, &key.key.id, None).await.unwrap();
        assert_eq!(ctx.principal().arn(), format!("arn:aws:iam::{}:user/x/Alicia", d.ctx.account()));
        assert!(!d.may(&ctx, "s3:GetObject").await);
        let tag = Tag { key: "team".to_owned(), value: "red".to_owned() };
        d.identity.tag(&d.ctx, crate::iam::tags::Tagged::User("Alicia"), &[tag]).await.unwrap();
        assert!(d.may(&ctx, "s3:GetObject").await);
        let taken = d.identity.update_user(&d.ctx, "Alicia", Some("ADMIN"), None).await;
        assert_eq!(message(taken), "User with name ADMIN already exists.");
        assert_eq!(kind(d.identity.update_user(&d.ctx, "alice", None, None).await), ErrorKind::NotFound);
    })
    .await;
}
