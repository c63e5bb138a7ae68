//! The audit record, explanations, who may do something, and simulations, over a deployment.

mod audit;
mod simulation;

use std::collections::HashMap;
use std::sync::Mutex;

use ::store::testing::each_backend;
use serde_json::{Value, json};

use super::*;
use crate::iam::holder::HolderName;
use crate::policy::{Attached, Document, Kind};

const BUCKET: &str = "arn:aws:s3:::models";
const OBJECT: &str = "arn:aws:s3:::models/m/config.json";

/// Buckets of a test, by ARN.
#[derive(Default)]
struct Buckets(Mutex<HashMap<String, ResourceFacts>>);

impl ResourceLookup for Buckets {
    fn find<'a>(&'a self, arn: &'a str) -> Found<'a> {
        let bucket = arn.split('/').next().unwrap_or(arn);
        let found = self.0.lock().unwrap().get(bucket).cloned();
        Box::pin(async move { Ok(found) })
    }
}

impl Buckets {
    fn set(&self, owner: &AccountId, statement: Option<Value>) {
        let policy = statement.map(|statement| {
            let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
            Attached { id: BUCKET.into(), document: Arc::new(Document::parse(Kind::Bucket, text).unwrap()) }
        });
        let facts = ResourceFacts { policy, ..ResourceFacts::of(owner.clone()) };
        self.0.lock().unwrap().insert(BUCKET.to_owned(), facts);
    }

    fn ask(&self, action: &str, resource: &str) -> Ask {
        let facts = self.0.lock().unwrap().get(BUCKET).cloned().unwrap();
        let ask = Ask::new(action, resource).owned_by(facts.owner);
        match facts.policy {
            Some(policy) => ask.policy(policy),
            None => ask,
        }
    }
}

fn document(statement: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

impl Deployment {
    fn buckets(&self) -> Arc<Buckets> {
        let buckets = Arc::new(Buckets::default());
        self.identity.register_resources("s3", Arc::clone(&buckets) as Arc<dyn ResourceLookup>);
        buckets
    }

    async fn put(&self, user: &str, name: &str, statement: Value) {
        let holder = HolderName::user(user);
        self.identity.put_inline_policy(&self.ctx, holder, name, &document(statement)).await.unwrap();
    }
}

async fn denied(d: &Deployment, ctx: &Ctx, ask: &Ask) {
    assert_eq!(kind(d.identity.permit(ctx, ask, Access::Read).await), ErrorKind::Denied);
}

#[tokio::test]
async fn a_denial_is_explained_and_the_change_that_is_proposed_works() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let buckets = d.buckets();
        buckets.set(&d.admin.account, None);
        let (alice, _) = d.user("alice").await;
        d.put("alice", "models", json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": BUCKET})).await;
        denied(&d, &alice, &buckets.ask("s3:GetObject", OBJECT)).await;
        let explanation = d.identity.explain(&d.ctx, alice.request_id().as_str()).await.unwrap();
        assert_eq!(explanation.entry.principal, alice.principal().arn());
        assert!(
            explanation
                .message
                .as_deref()
                .unwrap()
                .ends_with("because no identity-based policy allows the s3:GetObject action")
        );
        assert_eq!(explanation.findings[0].mistake, Mistake::MissingObjectWildcard);
        assert!(explanation.proven && !explanation.allowed_now);
        let [consulted] = explanation.policies.as_slice() else { panic!("{:?}", explanation.policies) };
        assert_eq!(consulted.policy.as_deref(), Some("user/alice/models"));
        assert_eq!(consulted.statements[0].why, "It is about other resources.");
        assert_eq!(consulted.statements[0].text.as_ref().unwrap()["Resource"], BUCKET);
        let [change] = explanation.changes.as_slice() else { panic!("{:?}", explanation.changes) };
        assert!(change.commands[0].starts_with("aws iam put-user-policy --user-name alice --policy-name models "));
        assert!(explanation.also_allows.iter().all(|one| one.principal == alice.principal().arn()));
        assert!(explanation.also_allows_count > 0, "the other objects");
        let document = change.document.as_ref().unwrap().to_string();
        d.identity.put_inline_policy(&d.ctx, HolderName::user("alice"), "models", &document).await.unwrap();
        d.identity.permit(&alice, &buckets.ask("s3:GetObject", OBJECT), Access::Read).await.unwrap();
        assert!(d.identity.explain(&d.ctx, alice.request_id().as_str()).await.unwrap().allowed_now);
    })
    .await;
}

#[tokio::test]
async fn statements_are_shown_to_those_who_may_read_them() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let buckets = d.buckets();
        buckets.set(
            &d.admin.account,
            Some(json!([{"Sid": "Secret", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
                "Resource": format!("{BUCKET}/*")}])),
        );
        let (alice, _) = d.user("alice").await;
        d.put("alice", "own", json!({"Effect": "Allow", "Action": ["s3:*", "craton:ExplainRequest"], "Resource": "*"}))
            .await;
        d.put(
            "alice",
            "no-bucket-policies",
            json!({"Sid": "Quiet", "Effect": "Deny", "Action": "s3:GetBucketPolicy",
            "Resource": "*"}),
        )
        .await;
        denied(&d, &alice, &buckets.ask("s3:GetObject", OBJECT)).await;
        let id = alice.request_id().as_str();
        let hers = d.identity.explain(&alice, id).await.unwrap();
        let denied_by = hers.denied_by.clone().unwrap();
        assert_eq!((denied_by.policy_type, denied_by.policy.as_deref()), (Some("resource-based policy"), None));
        assert!(hers.policies.iter().all(|policy| !policy.readable && policy.statements.is_empty()));
        assert!(hers.changes.iter().all(|change| change.document.is_none() && change.commands.is_empty()));
        assert!(hers.changes.iter().all(|change| change.statement.is_none()));
        let text = format!("{hers:?}");
        let text = text.split("trace:").next().unwrap().to_owned() + text.rsplit("source_ip").next().unwrap();
        assert!(!text.contains("Secret") && !text.contains("Quiet"), "{text}");
        let admins = d.identity.explain(&d.ctx, id).await.unwrap();
        assert!(admins.policies.iter().all(|policy| policy.readable));
        assert_eq!(admins.denied_by.unwrap().policy.as_deref(), Some(BUCKET));
        assert!(admins.changes[0].commands[0].starts_with("aws s3api put-bucket-policy --bucket models"));
    })
    .await;
}

#[tokio::test]
async fn the_side_of_another_account_opens_with_its_token_alone() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let buckets = d.buckets();
        let (other, _) = d.other_account().await;
        let (third, _) = d.other_account().await;
        buckets.set(
            other.account(),
            Some(json!([{"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS":
            other.account().as_str()}, "Action": "s3:*", "Resource": format!("{BUCKET}/*")}])),
        );
        let (alice, _) = d.user("alice").await;
        denied(&d, &alice, &buckets.ask("s3:GetObject", OBJECT)).await;
        let id = alice.request_id().as_str();
        let mine = d.identity.explain(&d.ctx, id).await.unwrap();
        assert!(mine.proven, "with both sides");
        assert_eq!(mine.changes.len(), 1);
        assert_eq!(mine.changes[0].side, Side::Caller);
        let [side] = mine.other_sides.as_slice() else { panic!("{:?}", mine.other_sides) };
        assert_eq!((side.side, side.account.as_ref()), (Side::Resource, Some(other.account())));
        assert_eq!(side.text, "denied by the resource's account");
        assert!(mine.policies.iter().all(|policy| policy.side != Side::Resource || policy.policy.is_none()));
        let token = side.token.clone().unwrap();
        for stranger in [&d.ctx, &third] {
            assert_eq!(kind(d.identity.explain(stranger, &token).await), ErrorKind::NotFound);
        }
        for opened in [token.as_str(), id] {
            let theirs = d.identity.explain(&other, opened).await.unwrap();
            assert_eq!(theirs.entry.principal, alice.principal().arn());
            let [change] = theirs.changes.as_slice() else { panic!("{:?}", theirs.changes) };
            assert_eq!(change.side, Side::Resource);
            assert_eq!(change.statement.as_ref().unwrap()["Principal"]["AWS"], alice.principal().arn());
            assert!(theirs.policies.iter().all(|policy| policy.side == Side::Resource));
            assert!(theirs.message.is_none(), "which policy of the caller denied is its account's business");
            assert_eq!(theirs.other_sides[0].side, Side::Caller);
        }
        assert_eq!(kind(d.identity.explain(&third, id).await), ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn an_object_that_is_not_there_points_to_the_right_to_list() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let buckets = d.buckets();
        buckets.set(&d.admin.account, None);
        let (alice, _) = d.user("alice").await;
        d.put("alice", "own", json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})).await;
        d.identity.permit(&alice, &buckets.ask("s3:GetObject", OBJECT), Access::Read).await.unwrap();
        let explanation = d.identity.explain(&d.ctx, alice.request_id().as_str()).await.unwrap();
        assert_eq!(explanation.findings[0].mistake, Mistake::MissingListBucket);
        assert!(explanation.advice[0].contains("no such object"), "{:?}", explanation.advice);
    })
    .await;
}

#[tokio::test]
async fn credentials_that_do_not_reach_are_named() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let session = d.identity.get_session_token(&d.ctx, None).await.unwrap();
        let token = session.session_token.reveal().as_str();
        let session = use_key(&d.identity, &session.access_key_id, Some(token)).await.unwrap();
        denied(&d, &session, &Ask::new("iam:CreateUser", "*")).await;
        let explanation = d.identity.explain(&d.ctx, session.request_id().as_str()).await.unwrap();
        assert_eq!(explanation.findings[0].mistake, Mistake::Credentials);
        assert!(explanation.changes.is_empty() && !explanation.proven && !explanation.allowed_now);
        assert!(explanation.advice[0].contains("without MFA"), "{:?}", explanation.advice);
    })
    .await;
}

#[tokio::test]
async fn who_can_lists_everyone_with_their_statements() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let buckets = d.buckets();
        let account = d.admin.account.clone();
        buckets.set(
            &account,
            Some(json!([
                {"Sid": "Guests", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root",
                    "Service": "bedrock.amazonaws.com"}, "Action": "s3:GetObject", "Resource": format!("{BUCKET}/*"),
                    "Condition": {"StringLike": {"aws:SourceArn": "arn:aws:bedrock:*"}}},
                {"Sid": "Office", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": format!("{BUCKET}/*"),
                    "Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
            ])),
        );
        d.user("alice").await;
        let (bob, _) = d.user("bob").await;
        d.put("alice", "own", json!({"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": OBJECT,
            "Condition": {"Bool": {"aws:SecureTransport": "true"}}})).await;
        let all = d.identity.who_can(&d.ctx, "s3:GetObject", OBJECT).await.unwrap();
        assert!(all.found && all.owner == account);
        let names: Vec<&str> = all.who.iter().map(|who| who.principal.as_str()).collect();
        let user = |name: &str| format!("arn:aws:iam::{account}:user/{name}");
        assert_eq!(
            names,
            [
                &format!("arn:aws:iam::{account}:root"),
                &user("admin"),
                &user("alice"),
                "arn:aws:iam::444455556666:root",
                "bedrock.amazonaws.com"
            ]
        );
        let alice = &all.who[2];
        assert_eq!(alice.through[0].sid.as_deref(), Some("Read"));
        assert_eq!(alice.through[0].conditions, ["aws:SecureTransport Bool true"]);
        assert_eq!(alice.unless, ["aws:SourceIp NotIpAddress 10.0.0.0/8"]);
        let seen_by_bob = d.identity.who_can(&bob, "s3:GetObject", OBJECT).await.unwrap();
        assert_eq!(seen_by_bob.who[2].unless, ["a condition of a policy that is not shown"]);
        let guest = &all.who[3];
        assert_eq!(guest.kind, WhoKind::Account);
        assert!(guest.through[0].conditions.iter().any(|text| text.contains("account 444455556666")));
        assert_eq!(all.who[4].kind, WhoKind::Service);
        buckets.set(
            &account,
            Some(json!([{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"},
                "Action": "s3:GetObject", "Resource": format!("{BUCKET}/*"),
                "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::444455556666:role/import*"}}}])),
        );
        let all = d.identity.who_can(&d.ctx, "s3:GetObject", OBJECT).await.unwrap();
        let guest = all.who.last().unwrap();
        assert_eq!(guest.principal, "arn:aws:iam::444455556666:root");
        assert_eq!(
            guest.through[0].conditions,
            [
                "aws:PrincipalArn ArnLike arn:aws:iam::444455556666:role/import*",
                "the policies of account 444455556666 allow it"
            ]
        );
        for (action, resource) in [("GetObject", OBJECT), ("s3:Get*", OBJECT), ("s3:GetObject", "models")] {
            let error = d.identity.who_can(&d.ctx, action, resource).await.unwrap_err();
            assert!(error.kind == ErrorKind::Invalid && error.hint.is_some(), "{action} {resource}");
        }
        let nobody = d.identity.who_can(&d.ctx, "s3:GetObject", "arn:aws:s3:::other/x").await.unwrap();
        assert!(!nobody.found && nobody.who.len() == 2, "the root and the administrator");
    })
    .await;
}
