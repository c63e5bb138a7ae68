use ::store::testing::each_backend;

use super::*;

#[tokio::test]
async fn administrators_may_and_users_may_not() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, _) = d.user("alice").await;
        let resource = format!("arn:aws:iam::{}:user/bob", d.admin.account);
        assert_eq!(refusal(&d, &d.ctx, "iam:CreateUser", &resource).await, None);
        let error = refusal(&d, &alice, "iam:CreateUser", &resource).await.unwrap();
        let text = format!(
            "User: arn:aws:iam::{}:user/alice is not authorized to perform: iam:CreateUser on resource: {resource} \
             because no identity-based policy allows the iam:CreateUser action",
            d.admin.account
        );
        assert_eq!(error, Error::denied(text));
        for free in ["sts:GetCallerIdentity", "sts:GetSessionToken"] {
            assert_eq!(refusal(&d, &alice, free, "*").await, None);
        }
    })
    .await;
}

#[tokio::test]
async fn administrators_have_no_rights_in_other_accounts() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let refused = refusal(&d, &d.ctx, "iam:GetUser", "arn:aws:iam::000000000000:user/x").await.unwrap();
        assert!(refused.message.ends_with("because no resource-based policy allows the iam:GetUser action"));
        for ours in ["*", "arn:aws:bedrock:us-east-1::foundation-model/m", "arn:aws:iam::aws:policy/P"] {
            assert_eq!(refusal(&d, &d.ctx, "bedrock:InvokeModel", ours).await, None);
        }
    })
    .await;
}

#[tokio::test]
async fn credentials_narrow_what_their_owner_may() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let session = d.identity.get_session_token(&d.ctx, None).await.unwrap();
        let token = session.session_token.reveal().as_str();
        let session = use_key(&d.identity, &session.access_key_id, Some(token)).await.unwrap();
        let key = d.identity.create_api_key(&d.ctx, "k", Surface::Both, None).await.unwrap();
        let key = key.secret.reveal();
        let bearer = d.identity.bearer(key, Surface::Bedrock, None, origin()).await.unwrap();
        let may = async |ctx: &Ctx, action: &str| refusal(&d, ctx, action, "*").await.is_none();
        assert!(may(&session, "bedrock:InvokeModel").await && may(&session, "sts:GetCallerIdentity").await);
        assert!(!may(&session, "iam:CreateUser").await && !may(&session, "sts:GetSessionToken").await);
        assert!(!may(&session, "craton:CreateAccount").await && !may(&session, "craton:CreateApiKey").await);
        assert!(!may(&session, "craton:CreateBackup").await, "it holds what lasts");
        assert!(may(&session, "craton:ListApiKeys").await);
        assert!(may(&bearer, "bedrock:InvokeModel").await);
        assert!(!may(&bearer, "iam:CreateUser").await && !may(&bearer, "craton:CreateApiKey").await);
    })
    .await;
}

#[tokio::test]
async fn denials_and_writes_are_recorded_for_the_account() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, _) = d.user("alice").await;
        let (other, _) = d.other_account().await;
        d.identity.permit(&d.ctx, &Ask::new("iam:ListUsers", "*"), Access::Read).await.unwrap();
        d.identity.permit(&d.ctx, &Ask::new("iam:CreateUser", "*"), Access::Write).await.unwrap();
        d.clock.advance(1);
        let later = use_key(&d.identity, &d.admin.access_key_id, None).await.unwrap();
        assert_eq!(
            kind(d.identity.permit(&alice, &Ask::new("iam:ListUsers", "*"), Access::Read).await),
            ErrorKind::Denied
        );
        d.identity.permit(&later, &Ask::new("iam:DeleteUser", "*"), Access::Write).await.unwrap();
        let entries = d.identity.list_audit(&d.ctx, &first(10)).await.unwrap().items;
        assert_eq!(entries.len(), 4);
        assert_eq!((entries[0].action.as_str(), entries[0].time), ("iam:DeleteUser", d.clock.now()));
        let denial = entries.iter().find(|entry| entry.decision == Decision::Denied).unwrap();
        assert_eq!(denial.principal, alice.principal().arn());
        assert_eq!((denial.action.as_str(), denial.resource.as_str()), ("iam:ListUsers", "*"));
        assert_eq!(denial.request_id, request_id().to_string());
        let page = d.identity.list_audit(&d.ctx, &first(2)).await.unwrap();
        let next = PageRequest::from_token(2, page.next_token().as_deref()).unwrap();
        let rest = d.identity.list_audit(&d.ctx, &next).await.unwrap();
        assert_eq!([page.items, rest.items].concat(), entries);
        assert_eq!(d.identity.list_audit(&other, &first(10)).await.unwrap().items, []);
    })
    .await;
}

#[tokio::test]
async fn old_audit_entries_are_removed() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        d.identity.permit(&d.ctx, &Ask::new("iam:CreateUser", "*"), Access::Write).await.unwrap();
        d.clock.advance(90 * 24 * HOUR);
        d.identity.expire_audit().await.unwrap();
        assert_eq!(d.identity.list_audit(&d.ctx, &first(10)).await.unwrap().items.len(), 1);
        d.clock.advance(1);
        d.identity.expire_audit().await.unwrap();
        assert_eq!(d.identity.list_audit(&d.ctx, &first(10)).await.unwrap().items.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_job_runs_as_its_owner_is_now() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, key) = d.user("alice").await;
        let owner = |ctx: &Ctx| JobOwner {
            account: ctx.account().clone(),
            region: "eu-west-1".parse().unwrap(),
            principal_arn: ctx.principal().arn(),
            principal_id: Some(ctx.principal().user_id()),
        };
        let ctx = d.identity.job_ctx(&owner(&alice)).await.unwrap();
        assert_eq!((ctx.principal(), ctx.region().as_str()), (alice.principal(), "eu-west-1"));
        assert_eq!((ctx.credential(), ctx.source_ip()), (&Credential::Internal, None));
        assert!(d.identity.job_ctx(&owner(&d.root().await)).await.unwrap().principal().is_root());
        d.identity.delete_access_key(&alice, None, &key.key.id).await.unwrap();
        d.identity.delete_user(&d.ctx, "alice").await.unwrap();
        assert_eq!(kind(d.identity.job_ctx(&owner(&alice)).await), ErrorKind::Denied);
        let (namesake, _) = d.user("alice").await;
        assert_eq!(namesake.principal().arn(), alice.principal().arn());
        assert_eq!(kind(d.identity.job_ctx(&owner(&alice)).await), ErrorKind::Denied, "another has the name now");
        assert_eq!(d.identity.job_ctx(&owner(&namesake)).await.unwrap().principal(), namesake.principal());
        let nobody_knows = JobOwner { principal_id: None, ..owner(&namesake) };
        assert_eq!(kind(d.identity.job_ctx(&nobody_knows).await), ErrorKind::Denied);
        for arn in ["", "root", "arn:aws:iam::000000000000:root", "arn:aws:s3:::bucket"] {
            let owner = JobOwner { principal_arn: arn.to_owned(), ..owner(&d.ctx) };
            assert_eq!(kind(d.identity.job_ctx(&owner).await), ErrorKind::Denied, "{arn}");
        }
        let service = d.identity.service_ctx(d.admin.account.clone(), "us-east-1".parse().unwrap(), "models");
        assert_eq!(service.principal().arn(), "models.craton.internal");
        assert_eq!(refusal(&d, &service, "iam:ListUsers", "*").await.map(|error| error.kind), Some(ErrorKind::Denied));
    })
    .await;
}
