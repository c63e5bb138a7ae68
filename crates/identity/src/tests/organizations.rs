use ::store::testing::each_backend;

use super::*;
use crate::organizations::{
    HandshakeState, Member, NewAccount, NewPolicy, PlaceKind, PolicyChange, Refusal, Result as Outcome,
};

const DENY_IAM: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:*","Resource":"*"}]}"#;
const ALLOW_IAM: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}"#;
const FULL: &str = "p-FullAWSAccess";

/// A deployment whose management account has an organization with one invited account.
struct Org {
    d: Deployment,
    root: String,
    member: Ctx,
}

impl Org {
    async fn start(store: &Store) -> Self {
        let d = Deployment::start(store).await;
        d.identity.create_organization(&d.ctx, true).await.unwrap();
        let root = d.identity.list_roots(&d.ctx).await.unwrap().0.id;
        let (member, _) = d.other_account().await;
        let invited = d.identity.invite_account(&d.ctx, member.account().as_str(), "", Vec::new()).await.unwrap();
        d.identity.accept_handshake(&member, &invited.id).await.unwrap();
        Self { d, root, member }
    }

    async fn policy(&self, name: &str, content: &str) -> String {
        let new = NewPolicy { name: name.to_owned(), content: content.to_owned(), ..NewPolicy::default() };
        self.d.identity.create_control_policy(&self.d.ctx, new).await.unwrap().summary.id
    }

    async fn attach(&self, policy: &str, target: &str) -> Outcome<()> {
        self.d.identity.attach_control_policy(&self.d.ctx, policy, target).await
    }

    async fn detach(&self, policy: &str, target: &str) -> Outcome<()> {
        self.d.identity.detach_control_policy(&self.d.ctx, policy, target).await
    }

    async fn unit(&self, parent: &str, name: &str) -> Outcome<String> {
        let made = self.d.identity.create_unit(&self.d.ctx, parent, name, Vec::new()).await;
        made.map(|unit| unit.id)
    }

    /// Why the member's administrator may not list users.
    async fn denial(&self) -> Option<String> {
        refusal(&self.d, &self.member, "iam:ListUsers", "*").await.map(|error| error.message)
    }
}

fn exception<T>(result: Outcome<T>) -> &'static str {
    result.err().expect("a refusal").error.code.expect("an exception")
}

fn reason<T>(result: Outcome<T>) -> (&'static str, &'static str) {
    let Refusal { error, reason } = result.err().expect("a refusal");
    (error.code.expect("an exception"), reason.expect("a reason"))
}

#[tokio::test]
async fn an_organization_has_its_maker_as_management_account() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let identity = &d.identity;
        assert_eq!(exception(identity.describe_organization(&d.ctx).await), "AWSOrganizationsNotInUseException");
        let made = identity.create_organization(&d.ctx, true).await.unwrap();
        let account = d.ctx.account();
        assert!(made.id.len() == 12 && made.id.starts_with("o-"), "{}", made.id);
        assert_eq!(made.arn(), format!("arn:aws:organizations::{account}:organization/{}", made.id));
        assert_eq!(made.management_arn(), format!("arn:aws:organizations::{account}:account/{}/{account}", made.id));
        assert_eq!(exception(identity.create_organization(&d.ctx, true).await), "AlreadyInOrganizationException");
        let (root, enabled) = identity.list_roots(&d.ctx).await.unwrap();
        assert!(enabled && root.kind == PlaceKind::Root && root.id.starts_with("r-"), "{root:?}");
        let accounts = identity.list_member_accounts(&d.ctx, &first(20)).await.unwrap().items;
        assert_eq!(accounts.iter().map(|member| member.id.as_str()).collect::<Vec<_>>(), [account.as_str()]);
        identity.delete_organization(&d.ctx).await.unwrap();
        assert_eq!(exception(identity.list_roots(&d.ctx).await), "AWSOrganizationsNotInUseException");
    })
    .await;
}

#[tokio::test]
async fn only_the_management_account_manages() {
    each_backend(async |store| {
        let org = Org::start(&store).await;
        let identity = &org.d.identity;
        let refused = identity.list_member_accounts(&org.member, &first(20)).await.unwrap_err();
        assert_eq!((refused.error.code, refused.error.kind), (None, ErrorKind::Denied));
        assert!(identity.create_unit(&org.member, &org.root, "x", Vec::new()).await.is_err());
        assert!(identity.describe_organization(&org.member).await.is_ok());
        let new = NewUser { name: "bob".to_owned(), ..NewUser::default() };
        identity.create_user(&org.d.ctx, new).await.unwrap();
        let key = identity.create_access_key(&org.d.ctx, Some("bob")).await.unwrap();
        let bob = use_key(identity, &key.key.id, None).await.unwrap();
        let refused = identity.create_unit(&bob, &org.root, "x", Vec::new()).await.unwrap_err().error;
        let resource = format!("organizations::{}:root/", org.d.ctx.account());
        assert!(refused.kind == ErrorKind::Denied && refused.message.contains(&resource), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn accounts_are_made_in_the_organization() {
    each_backend(async |store| {
        let org = Org::start(&store).await;
        let identity = &org.d.identity;
        let new = |email: &str| NewAccount {
            email: email.to_owned(),
            name: "dev".to_owned(),
            tags: vec![("team".to_owned(), "a".to_owned())],
            ..NewAccount::default()
        };
        let request = identity.create_member_account(&org.d.ctx, new("dev@example.com")).await.unwrap();
        let id = request.outcome.clone().unwrap();
        assert!(request.id.starts_with("car-"));
        assert_eq!(identity.describe_account_request(&org.d.ctx, &request.id).await.unwrap(), request);
        let member = identity.describe_member_account(&org.d.ctx, id.as_str()).await.unwrap();
        assert_eq!((member.email.as_str(), member.name.as_str(), member.invited), ("dev@example.com", "dev", false));
        let tags = identity.list_organization_tags(&org.d.ctx, id.as_str()).await.unwrap();
        assert_eq!(tags, [("team".to_owned(), "a".to_owned())]);
        assert!(identity.list_accounts(&org.d.ctx, &first(9)).await.unwrap().items.iter().any(|item| item.id == id));
        let again = identity.create_member_account(&org.d.ctx, new("Dev@example.com")).await.unwrap();
        assert_eq!(again.outcome, Err("EMAIL_ALREADY_EXISTS".to_owned()));
        let failed = identity.list_account_requests(&org.d.ctx, Some(false), &first(9)).await.unwrap().items;
        assert_eq!(failed, [again]);
    })
    .await;
}

#[tokio::test]
async fn invitations_are_answered_once_and_in_time() {
    each_backend(async |store| {
        let org = Org::start(&store).await;
        let (identity, ctx) = (&org.d.identity, &org.d.ctx);
        let (guest, _) = org.d.other_account().await;
        let invite = async || identity.invite_account(ctx, guest.account().as_str(), "come", Vec::new()).await;
        let first_one = invite().await.unwrap();
        assert_eq!(exception(invite().await), "DuplicateHandshakeException");
        let declined = identity.decline_handshake(&guest, &first_one.id).await.unwrap();
        assert_eq!(declined.state, HandshakeState::Declined);
        assert_eq!(
            exception(identity.decline_handshake(&guest, &first_one.id).await),
            "HandshakeAlreadyInStateException"
        );
        assert_eq!(
            exception(identity.accept_handshake(&guest, &first_one.id).await),
            "InvalidHandshakeTransitionException"
        );
        let withdrawn = invite().await.unwrap();
        assert_eq!(
            exception(identity.accept_handshake(&org.member, &withdrawn.id).await),
            "HandshakeNotFoundException"
        );
        identity.cancel_handshake(ctx, &withdrawn.id).await.unwrap();
        let late = invite().await.unwrap();
        org.d.clock.advance(15 * 24 * HOUR);
        let listed = identity.list_handshakes_for_account(&guest, &first(9)).await.unwrap().items;
        let state = listed.iter().find(|item| item.id == late.id).map(|item| item.state);
        assert_eq!((listed.len(), state), (3, Some(HandshakeState::Expired)));
        assert!(identity.accept_handshake(&guest, &late.id).await.is_err());
        let good = invite().await.unwrap();
        assert_eq!(identity.accept_handshake(&guest, &good.id).await.unwrap().state, HandshakeState::Accepted);
        let member = identity.describe_member_account(ctx, guest.account().as_str()).await.unwrap();
        assert!(member.invited);
        assert_eq!(reason(invite().await).1, "ALREADY_IN_AN_ORGANIZATION");
        assert_eq!(
            reason(identity.invite_account(ctx, "000000000000", "", Vec::new()).await).0,
            "InvalidInputException"
        );
    })
    .await;
}

#[tokio::test]
async fn a_control_policy_limits_administrators_of_members_alone() {
    each_backend(async |store| {
        let org = Org::start(&store).await;
        assert_eq!(org.denial().await, None);
        let deny = org.policy("deny-iam", DENY_IAM).await;
        org.attach(&deny, &org.root).await.unwrap();
        let message = format!(
            "User: {} is not authorized to perform: iam:ListUsers on resource: * with an explicit deny in a service \
             control policy",
            org.member.principal().arn()
        );
        assert_eq!(org.denial().await, Some(message));
        assert_eq!(refusal(&org.d, &org.d.ctx, "iam:ListUsers", "*").await, None, "the management account is free");
        org.detach(&deny, &org.root).await.unwrap();
        assert_eq!(org.denial().await, None);
        let allow = org.policy("allow-iam", ALLOW_IAM).await;
        let account = org.member.account().as_str();
        org.attach(&allow, account).await.unwrap();
        org.detach(FULL, account).await.unwrap();
        assert_eq!(org.denial().await, None);
        let lacking = refusal(&org.d, &org.member, "bedrock:ListFoundationModels", "*").await.unwrap().message;
        assert!(lacking.ends_with("with an explicit deny in a service control policy"), "{lacking}");
        org.d.identity.disable_control_policies(&org.d.ctx, &org.root).await.unwrap();
        assert_eq!(refusal(&org.d, &org.member, "bedrock:ListFoundationModels", "*").await, None);
    })
    .await;
}

#[tokio::test]
async fn moving_an_account_puts_it_under_other_policies_at_once() {
    each_backend(async |store| {
        let org = Org::start(&store).await;
        let (identity, ctx) = (&org.d.identity, &org.d.ctx);
        let outer = org.unit(&org.root, "outer").await.unwrap();
        let inner = org.unit(&outer, "inner").await.unwrap();
        let deny = org.policy("deny-iam", DENY_IAM).await;
        org.attach(&deny, &outer).await.unwrap();
        let account = org.member.account().as_str();
        assert_eq!(org.denial().await, None);
        identity.move_account(ctx, account, &org.root, &inner).await.unwrap();
        assert!(org.denial().await.is_some(), "the unit above counts too");
        assert_eq!(identity.parent_of(ctx, account).await.unwrap().id, inner);
        assert_eq!(exception(identity.move_account(ctx, account, &inner, &inner).await), "DuplicateAccountException");
        assert_eq!(
            exception(identity.move_account(ctx, account, &outer, &org.root).await),
            "SourceParentNotFoundException"
        );
        assert_eq!(
            exception(identity.move_account(ctx, account, &inner, "r-zzzz").await),
            "DestinationParentNotFoundException"
        );
        let text = ALLOW_IAM.replace("iam:*", "*");
        let change = PolicyChange { content: Some(text), ..PolicyChange::default() };
        identity.update_control_policy(ctx, &deny, change).await.unwrap();
        assert_eq!(org.denial().await, None);
        assert_eq!(exception(identity.delete_unit(ctx, &inner).await), "OrganizationalUnitNotEmptyException");
        identity.remove_account(ctx, account).await.unwrap();
        identity.delete_unit(ctx, &inner).await.unwrap();
        assert_eq!(exception(identity.describe_organization(&org.member).await), "AWSOrganizationsNotInUseException");
    })
    .await;
}

#[tokio::test]
async fn every_target_keeps_one_to_five_policies() {
    each_backend(async |store| {
        let org = Org::start(&store).await;
        let account = org.member.account().as_str();
        assert_eq!(
            reason(org.detach(FULL, account).await),
            ("ConstraintViolationException", "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
        );
        for i in 0..4 {
            let id = org.policy(&format!("p{i}"), ALLOW_IAM).await;
            org.attach(&id, account).await.unwrap();
            assert_eq!(exception(org.attach(&id, account).await), "DuplicatePolicyAttachmentException");
        }
        let sixth = org.policy("p5", ALLOW_IAM).await;
        assert_eq!(reason(org.attach(&sixth, account).await).1, "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED");
        assert_eq!(exception(org.attach("p-none1234", account).await), "PolicyNotFoundException");
        assert_eq!(exception(org.attach(&sixth, "r-none").await), "TargetNotFoundException");
        assert_eq!(exception(org.detach(&sixth, account).await), "PolicyNotAttachedException");
    })
    .await;
}

#[tokio::test]
async fn policies_are_checked_and_kept_as_they_were_written() {
    each_backend(async |store| {
        let org = Org::start(&store).await;
        let (identity, ctx) = (&org.d.identity, &org.d.ctx);
        let create = async |name: &str, content: &str| {
            let new = NewPolicy { name: name.to_owned(), content: content.to_owned(), ..NewPolicy::default() };
            identity.create_control_policy(ctx, new).await
        };
        for bad in
            ["", "{}", r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*"}]}"#]
        {
            assert_eq!(exception(create("bad", bad).await), "MalformedPolicyDocumentException", "{bad}");
        }
        let long = DENY_IAM.replace("iam:*", &format!("iam:{}", "x".repeat(5_120)));
        assert_eq!(reason(create("long", &long).await).1, "POLICY_CONTENT_LIMIT_EXCEEDED");
        let spaced = format!(" {DENY_IAM} ");
        let made = create("one", &spaced).await.unwrap();
        assert_eq!(exception(create("one", DENY_IAM).await), "DuplicatePolicyException");
        let id = &made.summary.id;
        assert_eq!(identity.describe_control_policy(ctx, id).await.unwrap().content, spaced);
        let organization = identity.describe_organization(ctx).await.unwrap();
        let arn =
            format!("arn:aws:organizations::{}:policy/{}/service_control_policy/{id}", ctx.account(), organization.id);
        assert_eq!(made.summary.arn, arn);
        org.attach(id, &org.root).await.unwrap();
        assert_eq!(exception(identity.delete_control_policy(ctx, id).await), "PolicyInUseException");
        let targets = identity.list_targets_of(ctx, id, &first(9)).await.unwrap().items;
        assert_eq!(targets.iter().map(|target| target.id.as_str()).collect::<Vec<_>>(), [org.root.as_str()]);
        org.detach(id, &org.root).await.unwrap();
        identity.delete_control_policy(ctx, id).await.unwrap();
        assert_eq!(reason(identity.delete_control_policy(ctx, FULL).await).1, "IMMUTABLE_POLICY");
        let listed = identity.list_control_policies(ctx, &first(9)).await.unwrap().items;
        assert_eq!(listed.iter().map(|policy| policy.name.as_str()).collect::<Vec<_>>(), ["FullAWSAccess"]);
    })
    .await;
}

#[tokio::test]
async fn units_lie_five_deep_at_most_and_are_named_once() {
    each_backend(async |store| {
        let org = Org::start(&store).await;
        let (identity, ctx) = (&org.d.identity, &org.d.ctx);
        let mut parent = org.root.clone();
        for depth in 0..5 {
            parent = org.unit(&parent, &format!("u{depth}")).await.unwrap();
        }
        assert_eq!(reason(org.unit(&parent, "u5").await).1, "OU_DEPTH_LIMIT_EXCEEDED");
        assert_eq!(exception(org.unit(&org.root, "u0").await), "DuplicateOrganizationalUnitException");
        assert_eq!(exception(org.unit("ou-none-12345678", "x").await), "ParentNotFoundException");
        let other = org.unit(&org.root, "other").await.unwrap();
        assert_eq!(
            exception(identity.rename_unit(ctx, &other, Some("u0")).await),
            "DuplicateOrganizationalUnitException"
        );
        assert_eq!(identity.rename_unit(ctx, &other, Some("new")).await.unwrap().name, "new");
        let listed = identity.list_units(ctx, &org.root, &first(1)).await.unwrap();
        let next = PageRequest::from_token(1, listed.next_token().as_deref()).unwrap();
        let rest = identity.list_units(ctx, &org.root, &next).await.unwrap();
        assert_eq!((listed.items.len(), rest.items.len(), rest.next_token()), (1, 1, None));
    })
    .await;
}

#[tokio::test]
async fn a_closed_account_stays_and_its_keys_prove_nothing() {
    each_backend(async |store| {
        let org = Org::start(&store).await;
        let (identity, ctx) = (&org.d.identity, &org.d.ctx);
        let (guest, admin) = org.d.other_account().await;
        let session = identity.get_session_token(&guest, None).await.unwrap();
        let id = guest.account().as_str();
        let invited = identity.invite_account(ctx, id, "", Vec::new()).await.unwrap();
        identity.accept_handshake(&guest, &invited.id).await.unwrap();
        let told = told(identity);
        assert_eq!(identity.closed_accounts().await.unwrap(), []);
        identity.close_account(ctx, id).await.unwrap();
        assert_eq!(*told.lock().unwrap(), [Removal::Account(guest.account().clone())]);
        assert_eq!(identity.closed_accounts().await.unwrap(), [guest.account().clone()]);
        let member: Member = identity.describe_member_account(ctx, id).await.unwrap();
        assert_eq!(member.closed, Some(org.d.clock.now()));
        assert_eq!(kind(use_key(identity, &admin.access_key_id, None).await), ErrorKind::Unauthenticated);
        let token = Some(session.session_token.reveal().as_str());
        assert_eq!(kind(use_key(identity, &session.access_key_id, token).await), ErrorKind::Unauthenticated);
        let denied = refusal(&org.d, &guest, "iam:ListUsers", "*").await.unwrap().message;
        assert!(denied.ends_with("because the account is closed"), "work that goes on inside ends too: {denied}");
        assert_eq!(exception(identity.close_account(ctx, id).await), "AccountAlreadyClosedException");
        assert_eq!(exception(identity.remove_account(ctx, id).await), "AccountAlreadyClosedException");
        assert_eq!(kind(use_key(identity, &admin.access_key_id, None).await), ErrorKind::Unauthenticated);
        let own = ctx.account().as_str();
        assert_eq!(reason(identity.close_account(ctx, own).await).1, "CANNOT_CLOSE_MANAGEMENT_ACCOUNT");
        assert_eq!(exception(identity.remove_account(ctx, own).await), "MasterCannotLeaveOrganizationException");
        assert_eq!(exception(identity.delete_organization(ctx).await), "OrganizationNotEmptyException");
    })
    .await;
}

#[tokio::test]
async fn tags_are_limited_and_replaced_by_key() {
    each_backend(async |store| {
        let org = Org::start(&store).await;
        let (identity, ctx) = (&org.d.identity, &org.d.ctx);
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let root = org.root.as_str();
        identity.tag_organization_resource(ctx, root, pairs(&[("b", "1"), ("a", "1")])).await.unwrap();
        identity.tag_organization_resource(ctx, root, pairs(&[("b", "2")])).await.unwrap();
        let tags = identity.list_organization_tags(ctx, root).await.unwrap();
        assert_eq!(tags, pairs(&[("a", "1"), ("b", "2")]));
        identity.untag_organization_resource(ctx, root, &["a".to_owned()]).await.unwrap();
        let many = (0..50).map(|i| (format!("k{i}"), String::new())).collect();
        assert_eq!(reason(identity.tag_organization_resource(ctx, root, many).await).1, "MAX_TAG_LIMIT_EXCEEDED");
        let reserved = pairs(&[("aws:x", "")]);
        assert_eq!(reason(identity.tag_organization_resource(ctx, root, reserved).await).0, "InvalidInputException");
        let absent = identity.list_organization_tags(ctx, "p-none1234").await;
        assert_eq!(exception(absent), "TargetNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn policies_know_the_organization_of_caller_and_resource() {
    each_backend(async |store| {
        let org = Org::start(&store).await;
        let (identity, ctx) = (&org.d.identity, &org.d.ctx);
        let unit = org.unit(&org.root, "u").await.unwrap();
        identity.move_account(ctx, org.member.account().as_str(), &org.root, &unit).await.unwrap();
        let (outsider, _) = org.d.other_account().await;
        let id = identity.describe_organization(ctx).await.unwrap().id;
        let values = async |ctx: &Ctx, owner: &Ctx, key: &str| {
            let ask = Ask::new("s3:GetObject", "arn:aws:s3:::b/k").owned_by(owner.account().clone());
            let verdict = identity.decide(ctx, &ask).await.unwrap();
            verdict.request().context().values(key).map(<[String]>::to_vec)
        };
        assert_eq!(values(&org.member, ctx, "aws:PrincipalOrgID").await, Some(vec![id.clone()]));
        let path = format!("{id}/{}/{unit}/", org.root);
        assert_eq!(values(&org.member, ctx, "aws:PrincipalOrgPaths").await, Some(vec![path]));
        assert_eq!(values(&outsider, ctx, "aws:PrincipalOrgID").await, None);
        assert_eq!(values(&outsider, ctx, "aws:ResourceOrgID").await, Some(vec![id]));
        assert_eq!(values(ctx, &outsider, "aws:ResourceOrgID").await, None);
        let paths = values(&outsider, &org.member, "aws:ResourceOrgPaths").await;
        assert!(paths.is_some_and(|paths| paths[0].ends_with(&format!("/{unit}/"))));
    })
    .await;
}

#[tokio::test]
async fn of_two_who_end_an_invitation_at_once_one_does() {
    each_backend(async |store| {
        let org = Org::start(&store).await;
        let (identity, ctx) = (&org.d.identity, &org.d.ctx);
        let (guest, _) = org.d.other_account().await;
        for _ in 0..5 {
            let invited = identity.invite_account(ctx, guest.account().as_str(), "", Vec::new()).await.unwrap();
            let (declined, canceled) = tokio::join!(
                identity.decline_handshake(&guest, &invited.id),
                identity.cancel_handshake(ctx, &invited.id)
            );
            let expected = match (declined, canceled) {
                (Ok(_), Err(_)) => HandshakeState::Declined,
                (Err(_), Ok(_)) => HandshakeState::Canceled,
                both => panic!("{both:?}"),
            };
            let listed = identity.list_handshakes_for_account(&guest, &first(99)).await.unwrap().items;
            assert_eq!(listed.iter().find(|item| item.id == invited.id).unwrap().state, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn services_are_enabled_until_they_are_disabled() {
    each_backend(async |store| {
        let org = Org::start(&store).await;
        let (identity, ctx) = (&org.d.identity, &org.d.ctx);
        let since = org.d.clock.now();
        identity.enable_service_access(ctx, "config.amazonaws.com").await.unwrap();
        org.d.clock.advance(HOUR);
        identity.enable_service_access(ctx, "config.amazonaws.com").await.unwrap();
        let enabled = identity.list_service_access(ctx, &first(10)).await.unwrap().items;
        let names: Vec<_> = enabled.iter().map(|service| (service.name.as_str(), service.since)).collect();
        assert_eq!(names, [("config.amazonaws.com", since)]);
        for service in ["absent.amazonaws.com", "config"] {
            assert_eq!(exception(identity.enable_service_access(ctx, service).await), "InvalidInputException");
        }
        assert!(identity.enable_service_access(&org.member, "config.amazonaws.com").await.is_err());
        identity.disable_service_access(ctx, "config.amazonaws.com").await.unwrap();
        assert!(identity.list_service_access(ctx, &first(10)).await.unwrap().items.is_empty());
    })
    .await;
}

#[tokio::test]
async fn units_are_listed_in_the_order_of_making() {
    each_backend(async |store| {
        let org = Org::start(&store).await;
        let (identity, ctx) = (&org.d.identity, &org.d.ctx);
        let mut made = Vec::new();
        for name in ["c", "a", "d", "b", "e"] {
            org.d.clock.advance(1);
            made.push(identity.create_unit(ctx, &org.root, name, Vec::new()).await.unwrap().id);
        }
        let (mut listed, mut page) = (Vec::new(), first(2));
        loop {
            let units = identity.list_units(ctx, &org.root, &page).await.unwrap();
            listed.extend(units.items.into_iter().map(|unit| unit.id));
            page.after = units.next_after;
            if page.after.is_none() {
                break;
            }
        }
        assert_eq!(listed, made);
    })
    .await;
}
