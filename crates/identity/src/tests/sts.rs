use ::store::testing::each_backend;

use super::*;
use crate::iam::HolderName;
use crate::iam::policies::NewPolicy;
use crate::iam::roles::NewRole;
use crate::sts::{AssumedRole, RoleAssumption, ServiceAssumption};

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// A deployment with a second account, whose administrator is trusted by nobody yet.
struct Two {
    d: Deployment,
    other: Ctx,
}

impl Two {
    async fn start(store: &Store) -> Self {
        let d = Deployment::start(store).await;
        let (other, _) = d.other_account().await;
        Self { d, other }
    }

    /// A role of the first account that trusts what `statement` says and may do everything.
    async fn role(&self, name: &str, statement: &str) -> String {
        let new = NewRole {
            name: name.to_owned(),
            trust: trust(statement),
            max_session: Some(7_200),
            tags: vec![Tag { key: "team".to_owned(), value: "role".to_owned() }],
            ..NewRole::default()
        };
        let role = self.d.identity.create_role(&self.d.ctx, new).await.unwrap();
        self.d.identity.attach_policy(&self.d.ctx, HolderName::role(name), ADMINISTRATOR).await.unwrap();
        role.arn
    }

    async fn assume(&self, ctx: &Ctx, wish: &RoleAssumption) -> Result<AssumedRole> {
        self.d.identity.assume_role(ctx, wish).await
    }

    async fn session(&self, ctx: &Ctx, wish: &RoleAssumption) -> Ctx {
        let assumed = self.assume(ctx, wish).await.unwrap();
        use_session(&self.d.identity, &assumed).await.unwrap()
    }

    async fn may(&self, ctx: &Ctx, action: &str) -> bool {
        refusal(&self.d, ctx, action, "*").await.is_none()
    }
}

async fn use_session(identity: &Identity, assumed: &AssumedRole) -> Result<Ctx> {
    let credentials = &assumed.credentials;
    use_key(identity, &credentials.access_key_id, Some(credentials.session_token.reveal())).await
}

fn trust(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{statement}}}]}}"#)
}

/// A statement that trusts everyone whom the account's own policies let.
fn trusting(ctx: &Ctx) -> String {
    format!(
        r#""Principal":{{"AWS":"arn:aws:iam::{}:root"}},"Action":["sts:AssumeRole","sts:TagSession"]"#,
        ctx.account()
    )
}

fn wish(role_arn: &str) -> RoleAssumption {
    RoleAssumption { role_arn: role_arn.to_owned(), session_name: "work".to_owned(), ..RoleAssumption::default() }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn an_assumed_role_acts_as_the_role_until_it_ends() {
    each_backend(async |store| {
        let two = Two::start(&store).await;
        let arn = two.role("reader", &trusting(&two.d.ctx)).await;
        let assumed = two.assume(&two.d.ctx, &wish(&arn)).await.unwrap();
        let account = two.d.ctx.account();
        assert!(assumed.credentials.access_key_id.starts_with("ASIA") && assumed.id.starts_with("AROA"));
        assert_eq!(assumed.arn, format!("arn:aws:sts::{account}:assumed-role/reader/work"));
        assert_eq!(assumed.credentials.expires, two.d.clock.now().plus_seconds(3_600));
        assert_eq!(assumed.packed_size, None);
        let ctx = use_session(&two.d.identity, &assumed).await.unwrap();
        assert_eq!((ctx.principal().arn(), ctx.principal().user_id()), (assumed.arn.clone(), assumed.id.clone()));
        assert!(two.may(&ctx, "iam:ListUsers").await && two.may(&ctx, "bedrock:InvokeModel").await);
        let id = &assumed.credentials.access_key_id;
        assert_eq!(use_key(&two.d.identity, id, None).await.unwrap_err(), Error::unauthenticated(INVALID_TOKEN));
        two.d.identity.detach_policy(&two.d.ctx, HolderName::role("reader"), ADMINISTRATOR).await.unwrap();
        assert!(!two.may(&ctx, "iam:ListUsers").await, "the rights are those of the role as they are now");
        two.d.clock.advance(HOUR);
        let over = use_session(&two.d.identity, &assumed).await.unwrap_err();
        assert_eq!(over, Error::unauthenticated(EXPIRED_TOKEN));
    })
    .await;
}

#[tokio::test]
async fn sessions_outlive_their_trust_and_end_with_the_role() {
    each_backend(async |store| {
        let two = Two::start(&store).await;
        let arn = two.role("r", &trusting(&two.d.ctx)).await;
        let assumed = two.assume(&two.d.ctx, &wish(&arn)).await.unwrap();
        let service = trust(r#""Principal":{"Service":"bedrock.amazonaws.com"},"Action":"sts:AssumeRole""#);
        two.d.identity.update_assume_role_policy(&two.d.ctx, "r", &service).await.unwrap();
        assert_eq!(kind(two.assume(&two.d.ctx, &wish(&arn)).await), ErrorKind::Denied);
        use_session(&two.d.identity, &assumed).await.unwrap();
        two.d.identity.detach_policy(&two.d.ctx, HolderName::role("r"), ADMINISTRATOR).await.unwrap();
        two.d.identity.delete_role(&two.d.ctx, "r").await.unwrap();
        assert!(two.d.identity.signing_key(&assumed.credentials.access_key_id).await.unwrap().is_none());
        two.role("r", &trusting(&two.d.ctx)).await;
        assert!(two.d.identity.signing_key(&assumed.credentials.access_key_id).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn both_accounts_must_agree_and_the_other_says_nothing_more() {
    each_backend(async |store| {
        let two = Two::start(&store).await;
        let arn = two.role("shared", &trusting(&two.d.ctx)).await;
        let plain = |ctx: &Ctx, arn: &str| {
            let who = ctx.principal().arn();
            Error::denied(format!("User: {who} is not authorized to perform: sts:AssumeRole on resource: {arn}"))
        };
        let absent = arn.replace("shared", "absent");
        for role in [&arn, &absent, "arn:aws:iam::000000000000:role/x"] {
            assert_eq!(two.assume(&two.other, &wish(role)).await.unwrap_err(), plain(&two.other, role));
        }
        let gone = two.assume(&two.d.ctx, &wish(&absent)).await.unwrap_err();
        assert_eq!(gone, plain(&two.d.ctx, &absent));
        two.d.identity.update_assume_role_policy(&two.d.ctx, "shared", &trust(&trusting(&two.other))).await.unwrap();
        let ctx = two.session(&two.other, &wish(&arn)).await;
        assert_eq!(ctx.account(), two.d.ctx.account());
        let new = NewUser { name: "bob".to_owned(), ..NewUser::default() };
        two.d.identity.create_user(&two.other, new).await.unwrap();
        let key = two.d.identity.create_access_key(&two.other, Some("bob")).await.unwrap();
        let bob = use_key(&two.d.identity, &key.key.id, None).await.unwrap();
        let denied = two.assume(&bob, &wish(&arn)).await.unwrap_err().message;
        assert!(denied.ends_with("because no identity-based policy allows the sts:AssumeRole action"), "{denied}");
        let own = two.assume(&two.d.ctx, &wish(&arn)).await.unwrap_err().message;
        assert!(own.ends_with("because no role trust policy allows the sts:AssumeRole action"), "{own}");
    })
    .await;
}

#[tokio::test]
async fn a_user_whom_the_trust_policy_names_needs_no_policy_of_its_own() {
    each_backend(async |store| {
        let two = Two::start(&store).await;
        let (alice, _) = two.d.user("alice").await;
        let named = format!(r#""Principal":{{"AWS":"{}"}},"Action":"sts:AssumeRole""#, alice.principal().arn());
        let arn = two.role("r", &named).await;
        two.session(&alice, &wish(&arn)).await;
        let root = two.d.root().await;
        let refused = two.assume(&root, &wish(&arn)).await.unwrap_err();
        assert_eq!(
            (refused.kind, refused.message.as_str()),
            (ErrorKind::Denied, "Roles may not be assumed by root accounts.")
        );
    })
    .await;
}

#[tokio::test]
async fn conditions_see_external_id_session_name_and_tags() {
    each_backend(async |store| {
        let two = Two::start(&store).await;
        let statement = format!(
            r#"{},"Condition":{{"StringEquals":{{"sts:ExternalId":"e1","aws:RequestTag/team":"a"}},
               "StringLike":{{"sts:RoleSessionName":"w*"}}}}"#,
            trusting(&two.other)
        );
        let arn = two.role("r", &statement).await;
        let good = RoleAssumption { external_id: Some("e1".to_owned()), tags: pairs(&[("team", "a")]), ..wish(&arn) };
        two.session(&two.other, &good).await;
        for bad in [
            RoleAssumption { external_id: None, ..good.clone() },
            RoleAssumption { external_id: Some("e2".to_owned()), ..good.clone() },
            RoleAssumption { session_name: "other".to_owned(), ..good.clone() },
            RoleAssumption { tags: pairs(&[("team", "b")]), ..good.clone() },
        ] {
            assert_eq!(kind(two.assume(&two.other, &bad).await), ErrorKind::Denied, "{bad:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn tags_need_the_right_to_tag_on_both_sides() {
    each_backend(async |store| {
        let two = Two::start(&store).await;
        let untaggable = format!(r#""Principal":{{"AWS":"{}"}},"Action":"sts:AssumeRole""#, two.other.account());
        let arn = two.role("r", &untaggable).await;
        let tagged = RoleAssumption { tags: pairs(&[("Team", "session"), ("x", "y")]), ..wish(&arn) };
        two.session(&two.other, &wish(&arn)).await;
        let denied = two.assume(&two.other, &tagged).await.unwrap_err().message;
        assert!(denied.contains("is not authorized to perform: sts:TagSession on resource: "), "{denied}");
        two.d.identity.update_assume_role_policy(&two.d.ctx, "r", &trust(&trusting(&two.other))).await.unwrap();
        let ctx = two.session(&two.other, &tagged).await;
        let verdict = two.d.identity.decide(&ctx, &Ask::new("s3:GetObject", "*")).await.unwrap();
        let tag = |name: &str| verdict.request().context().values(name).map(<[String]>::to_vec);
        assert_eq!(tag("aws:PrincipalTag/team"), Some(vec!["session".to_owned()]), "the session's tag wins");
        assert_eq!(tag("aws:PrincipalTag/x"), Some(vec!["y".to_owned()]));
        let plain = two.session(&two.other, &wish(&arn)).await;
        let verdict = two.d.identity.decide(&plain, &Ask::new("s3:GetObject", "*")).await.unwrap();
        let team = verdict.request().context().values("aws:PrincipalTag/team").map(<[String]>::to_vec);
        assert_eq!(team, Some(vec!["role".to_owned()]));
    })
    .await;
}

#[tokio::test]
async fn a_chain_of_roles_lasts_an_hour_and_carries_what_is_transitive() {
    each_backend(async |store| {
        let two = Two::start(&store).await;
        let everyone = format!(
            r#""Principal":{{"AWS":"{}"}},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]"#,
            two.d.ctx.account()
        );
        let (one, next) = (two.role("one", &everyone).await, two.role("next", &everyone).await);
        let start = RoleAssumption {
            tags: pairs(&[("cost", "42"), ("own", "1")]),
            transitive_tag_keys: vec!["cost".to_owned()],
            source_identity: Some("ada".to_owned()),
            duration: Some(7_200),
            ..wish(&one)
        };
        let session = two.session(&two.d.ctx, &start).await;
        let long = RoleAssumption { duration: Some(3_601), ..wish(&next) };
        let refused = two.assume(&session, &long).await.unwrap_err();
        assert!(refused.message.contains("1 hour session limit for roles assumed by role chaining"), "{refused}");
        let overriding = RoleAssumption { tags: pairs(&[("COST", "0")]), ..wish(&next) };
        assert_eq!(kind(two.assume(&session, &overriding).await), ErrorKind::Invalid);
        let another = RoleAssumption { source_identity: Some("bob".to_owned()), ..wish(&next) };
        assert_eq!(kind(two.assume(&session, &another).await), ErrorKind::Denied);
        let assumed = two.assume(&session, &wish(&next)).await.unwrap();
        assert_eq!(assumed.source_identity.as_deref(), Some("ada"));
        let chained = use_session(&two.d.identity, &assumed).await.unwrap();
        let verdict = two.d.identity.decide(&chained, &Ask::new("s3:GetObject", "*")).await.unwrap();
        let value = |name: &str| verdict.request().context().values(name).map(<[String]>::to_vec);
        assert_eq!(value("aws:PrincipalTag/cost"), Some(vec!["42".to_owned()]));
        assert_eq!(value("aws:PrincipalTag/own"), None);
        assert_eq!(value("aws:SourceIdentity"), Some(vec!["ada".to_owned()]));
    })
    .await;
}

#[tokio::test]
async fn session_policies_narrow_and_never_widen() {
    each_backend(async |store| {
        let two = Two::start(&store).await;
        let arn = two.role("r", &trusting(&two.d.ctx)).await;
        let only = |action: &str| {
            format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"{action}","Resource":"*"}}}}"#)
        };
        let managed = NewPolicy { name: "lists".to_owned(), document: only("iam:List*"), ..NewPolicy::default() };
        let managed = two.d.identity.create_policy(&two.d.ctx, managed).await.unwrap().arn;
        let narrowed =
            RoleAssumption { policy: Some(only("bedrock:*")), policy_arns: vec![managed.clone()], ..wish(&arn) };
        let assumed = two.assume(&two.d.ctx, &narrowed).await.unwrap();
        assert!(assumed.packed_size.is_some_and(|percent| (1..=100).contains(&percent)));
        let ctx = use_session(&two.d.identity, &assumed).await.unwrap();
        assert!(two.may(&ctx, "bedrock:InvokeModel").await && two.may(&ctx, "iam:ListUsers").await);
        let denied = refusal(&two.d, &ctx, "iam:CreateUser", "*").await.unwrap().message;
        assert!(denied.ends_with("because no session policy allows the iam:CreateUser action"), "{denied}");
        let nothing = only("iam:GetUser");
        two.d.identity.create_policy_version(&two.d.ctx, &managed, &nothing, true).await.unwrap();
        let next = use_session(&two.d.identity, &assumed).await.unwrap();
        assert!(!two.may(&next, "iam:ListUsers").await, "a narrower version counts from the next request on");
        two.d.identity.detach_policy(&two.d.ctx, HolderName::role("r"), ADMINISTRATOR).await.unwrap();
        assert!(!two.may(&ctx, "bedrock:InvokeModel").await);
        let code = async |wish: RoleAssumption| two.assume(&two.d.ctx, &wish).await.unwrap_err();
        let bad = code(RoleAssumption { policy: Some("{}".to_owned()), ..wish(&arn) }).await;
        assert_eq!((bad.kind, bad.code), (ErrorKind::Invalid, Some("MalformedPolicyDocument")));
        let long = code(RoleAssumption { policy: Some(only(&"x:y".repeat(800))), ..wish(&arn) }).await;
        assert_eq!(long.code, Some("PackedPolicyTooLarge"));
        let tags: Vec<_> = (0..20).map(|i| (format!("k{i}"), "v".repeat(200))).collect();
        let full = code(RoleAssumption { tags, ..wish(&arn) }).await;
        assert_eq!(full.code, Some("PackedPolicyTooLarge"));
        let absent = code(RoleAssumption { policy_arns: vec![format!("{managed}x")], ..wish(&arn) }).await;
        assert_eq!(absent.kind, ErrorKind::Invalid);
        let many = code(RoleAssumption { policy_arns: vec![managed; 11], ..wish(&arn) }).await;
        assert_eq!(many.kind, ErrorKind::Invalid);
    })
    .await;
}

#[tokio::test]
async fn sessions_last_as_long_as_the_role_allows() {
    each_backend(async |store| {
        let two = Two::start(&store).await;
        let arn = two.role("r", &trusting(&two.d.ctx)).await;
        let lasts = async |seconds| {
            let wish = RoleAssumption { duration: Some(seconds), ..wish(&arn) };
            two.assume(&two.d.ctx, &wish).await.map(|assumed| assumed.credentials.expires)
        };
        let error = lasts(899).await.unwrap_err().message;
        assert_eq!(
            error,
            "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must \
             have value greater than or equal to 900"
        );
        assert!(lasts(43_201).await.unwrap_err().message.ends_with("less than or equal to 43200"));
        let error = lasts(7_201).await.unwrap_err().message;
        assert_eq!(error, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
        assert_eq!(lasts(7_200).await.unwrap(), two.d.clock.now().plus_seconds(7_200));
        for bad in ["nonsense", "arn:aws:iam::123456789012:user/x", "arn:aws:s3:::bucket"] {
            assert_eq!(kind(two.assume(&two.d.ctx, &wish(bad)).await), ErrorKind::Invalid, "{bad}");
        }
    })
    .await;
}

#[tokio::test]
async fn old_tokens_are_revoked_by_their_issue_time() {
    each_backend(async |store| {
        let two = Two::start(&store).await;
        let arn = two.role("r", &trusting(&two.d.ctx)).await;
        let old = two.session(&two.d.ctx, &wish(&arn)).await;
        two.d.clock.advance(MINUTE);
        let revoke = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Action":"*","Resource":"*",
                "Condition":{{"DateLessThan":{{"aws:TokenIssueTime":"{}"}}}}}}}}"#,
            two.d.clock.now().to_iso8601()
        );
        let role = HolderName::role("r");
        two.d.identity.put_inline_policy(&two.d.ctx, role, "AWSRevokeOlderSessions", &revoke).await.unwrap();
        let fresh = two.session(&two.d.ctx, &wish(&arn)).await;
        assert!(!two.may(&old, "iam:ListUsers").await && two.may(&fresh, "iam:ListUsers").await);
    })
    .await;
}

#[tokio::test]
async fn a_service_assumes_roles_that_trust_it_for_that_source() {
    each_backend(async |store| {
        let two = Two::start(&store).await;
        let account = two.d.ctx.account().to_string();
        let statement = format!(
            r#""Principal":{{"Service":"bedrock.amazonaws.com"}},"Action":"sts:AssumeRole","Condition":{{
               "StringEquals":{{"aws:SourceAccount":"{account}"}},
               "ArnEquals":{{"aws:SourceArn":"arn:aws:bedrock:us-east-1:{account}:model-import-job/*"}}}}"#
        );
        let arn = two.role("exec", &statement).await;
        let good = ServiceAssumption {
            service: "bedrock.amazonaws.com".to_owned(),
            role_arn: arn.clone(),
            source_arn: Some(format!("arn:aws:bedrock:us-east-1:{account}:model-import-job/abc")),
            session_name: "import".to_owned(),
            region: "us-east-1".parse().unwrap(),
        };
        let ctx = two.d.identity.assume_role_as_service(&good).await.unwrap();
        assert_eq!(ctx.principal().arn(), format!("arn:aws:sts::{account}:assumed-role/exec/import"));
        assert_eq!((ctx.credential(), ctx.source_ip()), (&Credential::Internal, None));
        assert!(two.may(&ctx, "s3:GetObject").await);
        let foreign = two.other.account();
        for bad in [
            ServiceAssumption { service: "lambda.amazonaws.com".to_owned(), ..good.clone() },
            ServiceAssumption { source_arn: None, ..good.clone() },
            ServiceAssumption {
                source_arn: Some(format!("arn:aws:bedrock:us-east-1:{foreign}:model-import-job/abc")),
                ..good.clone()
            },
            ServiceAssumption { role_arn: format!("{arn}x"), ..good.clone() },
        ] {
            let error = two.d.identity.assume_role_as_service(&bad).await.unwrap_err();
            let start = format!("User: {} is not authorized to perform: sts:AssumeRole on resource: ", bad.service);
            assert!(error.kind == ErrorKind::Denied && error.message.starts_with(&start), "{error:?}");
        }
        assert_eq!(kind(two.assume(&two.d.ctx, &wish(&arn)).await), ErrorKind::Denied);
    })
    .await;
}

#[tokio::test]
async fn passing_a_role_needs_a_right_on_it_for_that_service() {
    each_backend(async |store| {
        let two = Two::start(&store).await;
        let arn =
            two.role("exec", r#""Principal":{"Service":"bedrock.amazonaws.com"},"Action":"sts:AssumeRole""#).await;
        let identity = &two.d.identity;
        identity.pass_role(&two.d.ctx, &arn, "bedrock.amazonaws.com").await.unwrap();
        let (alice, _) = two.d.user("alice").await;
        let denied = identity.pass_role(&alice, &arn, "bedrock.amazonaws.com").await.unwrap_err().message;
        let end = format!(
            "is not authorized to perform: iam:PassRole on resource: {arn} because no identity-based policy allows the \
             iam:PassRole action"
        );
        assert!(denied.ends_with(&end), "{denied}");
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"iam:PassRole","Resource":"{arn}",
                "Condition":{{"StringEquals":{{"iam:PassedToService":"bedrock.amazonaws.com"}}}}}}}}"#
        );
        identity.put_inline_policy(&two.d.ctx, HolderName::user("alice"), "pass", &policy).await.unwrap();
        identity.pass_role(&alice, &arn, "bedrock.amazonaws.com").await.unwrap();
        assert_eq!(kind(identity.pass_role(&alice, &arn, "lambda.amazonaws.com").await), ErrorKind::Denied);
        let foreign = identity.pass_role(&two.other, &arn, "bedrock.amazonaws.com").await.unwrap_err();
        assert_eq!(foreign, Error::denied("Cross-account pass role is not allowed."));
        assert_eq!(kind(identity.pass_role(&alice, "nonsense", "x").await), ErrorKind::Invalid);
    })
    .await;
}

#[tokio::test]
async fn a_job_of_a_role_session_keeps_to_its_policies() {
    each_backend(async |store| {
        let two = Two::start(&store).await;
        let arn = two.role("r", &trusting(&two.d.ctx)).await;
        let owner = |ctx: &Ctx| JobOwner {
            account: ctx.account().clone(),
            region: "us-east-1".parse().unwrap(),
            principal_arn: ctx.principal().arn(),
            principal_id: Some(ctx.principal().user_id()),
        };
        let job = async |ctx: &Ctx| two.d.identity.job_ctx(&owner(ctx)).await;
        let only = |action: &str| {
            Some(format!(
                r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"{action}","Resource":"*"}}}}"#
            ))
        };
        let named = |name: &str, policy| RoleAssumption { session_name: name.to_owned(), policy, ..wish(&arn) };
        let free = two.session(&two.d.ctx, &named("free", None)).await;
        let ctx = job(&free).await.unwrap();
        assert_eq!(ctx.principal().arn(), free.principal().arn());
        assert!(two.may(&ctx, "iam:ListUsers").await);
        let narrow = two.session(&two.d.ctx, &named("narrow", only("bedrock:*"))).await;
        two.session(&two.d.ctx, &named("narrow", only("bedrock:*"))).await;
        let ctx = job(&narrow).await.unwrap();
        assert!(two.may(&ctx, "bedrock:InvokeModel").await && !two.may(&ctx, "iam:ListUsers").await);
        two.d.clock.advance(48 * HOUR);
        two.session(&two.d.ctx, &named("other", None)).await;
        assert!(!two.may(&job(&narrow).await.unwrap(), "iam:ListUsers").await);
        two.session(&two.d.ctx, &named("narrow", None)).await;
        assert_eq!(kind(job(&narrow).await), ErrorKind::Denied, "nobody knows which session asked");
        two.d.identity.detach_policy(&two.d.ctx, HolderName::role("r"), ADMINISTRATOR).await.unwrap();
        two.d.identity.delete_role(&two.d.ctx, "r").await.unwrap();
        assert_eq!(kind(job(&free).await), ErrorKind::Denied);
        two.role("r", &trusting(&two.d.ctx)).await;
        assert_eq!(kind(job(&free).await), ErrorKind::Denied, "another role has the name now");
    })
    .await;
}

#[tokio::test]
async fn the_account_of_any_key_is_told() {
    each_backend(async |store| {
        let two = Two::start(&store).await;
        let arn = two.role("r", &trusting(&two.d.ctx)).await;
        let assumed = two.assume(&two.d.ctx, &wish(&arn)).await.unwrap();
        let session = two.d.identity.get_session_token(&two.d.ctx, None).await.unwrap();
        let keys = [&two.d.admin.access_key_id, &assumed.credentials.access_key_id, &session.access_key_id];
        for key in keys {
            let account = two.d.identity.account_of_access_key(key).await.unwrap();
            assert_eq!(account, two.d.ctx.account().as_str());
        }
        assert_eq!(kind(two.d.identity.account_of_access_key("AKIAIOSFODNN7EXAMPLE").await), ErrorKind::Invalid);
    })
    .await;
}

#[tokio::test]
async fn a_decision_is_decoded_by_its_requests_id_for_the_account_alone() {
    each_backend(async |store| {
        let two = Two::start(&store).await;
        let (alice, _) = two.d.user("alice").await;
        let ask = Ask::new("s3:GetObject", "arn:aws:s3:::b/k").owned_by(two.d.ctx.account().clone());
        two.d.identity.permit(&alice, &ask, Access::Read).await.unwrap_err();
        let id = alice.request_id().as_str();
        let decoded = two.d.identity.decode_authorization_message(&two.d.ctx, id).await.unwrap();
        let message: serde_json::Value = serde_json::from_str(&decoded).unwrap();
        assert_eq!((&message["allowed"], &message["explicitDeny"]), (&false.into(), &false.into()));
        assert_eq!(message["context"]["action"], "s3:GetObject");
        assert_eq!(message["context"]["principal"]["arn"], alice.principal().arn());
        for (ctx, text) in [(&two.other, id), (&two.d.ctx, "nonsense"), (&two.d.ctx, "explain-nonsense")] {
            let error = two.d.identity.decode_authorization_message(ctx, text).await.unwrap_err();
            assert_eq!(error.code, Some("InvalidAuthorizationMessageException"));
        }
    })
    .await;
}
