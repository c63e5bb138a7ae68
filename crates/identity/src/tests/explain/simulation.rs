use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::*;
use crate::iam::roles::NewRole;

fn simulation(principal: Option<String>, actions: &[&str], resources: &[&str]) -> Simulation {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Simulation { principal, actions: owned(actions), resources: owned(resources), ..Simulation::default() }
}

#[tokio::test]
async fn a_principals_policies_are_simulated_as_they_are_enforced() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let buckets = d.buckets();
        buckets.set(
            &d.admin.account,
            Some(json!([{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": format!("{BUCKET}/*")}])),
        );
        let (alice, _) = d.user("alice").await;
        d.put("alice", "own", json!({"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": OBJECT,
            "Condition": {"StringEquals": {"aws:username": "alice"}}})).await;
        let actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"];
        let asked = simulation(Some(alice.principal().arn()), &actions, &[OBJECT, BUCKET]);
        let results = d.identity.simulate(&d.ctx, &asked).await.unwrap();
        let order: Vec<_> = results.iter().map(|one| (one.action.as_str(), one.resource.as_str())).collect();
        assert_eq!(order[..3], [(actions[0], OBJECT), (actions[0], BUCKET), (actions[1], OBJECT)]);
        for one in &results {
            let enforced = d.identity.decide(&alice, &buckets.ask(&one.action, &one.resource)).await.unwrap();
            assert_eq!(one.decision == EvalDecision::Allowed, enforced.allowed(), "{one:?}");
        }
        assert_eq!(results[0].decision, EvalDecision::Allowed);
        let matched = &results[0].matched[0];
        assert_eq!((matched.policy.as_str(), matched.source), ("user/alice/own", "user"));
        assert_eq!(matched.span.unwrap().start.line, 1);
        assert_eq!(results[2].decision, EvalDecision::ExplicitDeny);
        assert_eq!(results[2].matched[0].source, "resource");
        assert_eq!(results[4].decision, EvalDecision::ImplicitDeny);
    })
    .await;
}

#[tokio::test]
async fn trust_policies_count_in_simulations() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, _) = d.user("alice").await;
        let arn = alice.principal().arn();
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": arn},
            "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "x"}}}]});
        let new = NewRole { name: "r".into(), trust: trust.to_string(), ..NewRole::default() };
        let role = d.identity.create_role(&d.ctx, new).await.unwrap();
        let mut asked = simulation(Some(arn), &["sts:AssumeRole"], &[&role.arn]);
        let results = d.identity.simulate(&d.ctx, &asked).await.unwrap();
        assert_eq!(
            (results[0].decision, results[0].missing.as_slice()),
            (EvalDecision::ImplicitDeny, &["sts:ExternalId".to_owned()][..])
        );
        asked.context = vec![("sts:ExternalId".into(), vec!["x".into()])];
        assert_eq!(d.identity.simulate(&d.ctx, &asked).await.unwrap()[0].decision, EvalDecision::Allowed);
    })
    .await;
}

#[tokio::test]
async fn given_policies_are_simulated_with_their_boundary_and_resource() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let all = document(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
        let custom = Simulation {
            policies: vec![all.clone()],
            boundaries: vec![document(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}))],
            ..simulation(None, &["s3:GetObject", "ec2:RunInstances"], &[])
        };
        let results = d.identity.simulate(&d.ctx, &custom).await.unwrap();
        assert_eq!(results[0].resource, "*");
        assert_eq!((results[0].decision, results[0].by_boundary), (EvalDecision::Allowed, Some(true)));
        assert_eq!((results[1].decision, results[1].by_boundary), (EvalDecision::ImplicitDeny, Some(false)));
        assert_eq!(results[0].matched[0].policy, "PolicyInputList.1");
        let foreign = Simulation {
            policies: vec![all],
            resource_owner: Some("arn:aws:iam::444455556666:root".into()),
            caller: Some(format!("arn:aws:iam::{}:user/ann", d.admin.account)),
            resource_policy: Some(document(json!({"Effect": "Allow", "Principal": {"AWS": d.admin.account.as_str()},
                "Action": "s3:GetObject", "Resource": OBJECT}))),
            ..simulation(None, &["s3:GetObject", "s3:PutObject"], &[OBJECT])
        };
        let results = d.identity.simulate(&d.ctx, &foreign).await.unwrap();
        assert_eq!(results[0].sides, [("IAM Policy", EvalDecision::Allowed), ("Resource Policy", EvalDecision::Allowed)]);
        assert_eq!(results[1].decision, EvalDecision::ImplicitDeny);
        let variables = document(json!({"Effect": "Allow", "Action": "s3:*",
            "Resource": "arn:aws:s3:::homes/${aws:username}/*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}));
        let keys = d.identity.context_keys(&d.ctx, None, std::slice::from_ref(&variables)).await.unwrap();
        assert_eq!(keys, ["aws:SecureTransport", "aws:username"]);
        for bad in ["s3:*", "GetObject", "s3:Get:x"] {
            let asked = simulation(None, &[bad], &[]);
            assert_eq!(kind(d.identity.simulate(&d.ctx, &asked).await), ErrorKind::Invalid);
        }
        let gone = simulation(Some(format!("arn:aws:iam::{}:user/nobody", d.admin.account)), &["s3:GetObject"], &[]);
        assert_eq!(kind(d.identity.simulate(&d.ctx, &gone).await), ErrorKind::NotFound);
    })
    .await;
}

fn pattern() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("*"), Just("s3:*"), Just("s3:Get*"), Just("s3:GetObject"), Just("s3:PutObject")]
}

fn statement() -> impl Strategy<Value = Value> {
    let resource = prop_oneof![Just("*"), Just(OBJECT), Just(BUCKET), Just("arn:aws:s3:::models/*")];
    let condition = prop_oneof![
        Just(None),
        Just(Some(json!({"StringEquals": {"s3:prefix": "a"}}))),
        Just(Some(json!({"StringEquals": {"aws:username": "alice"}}))),
        Just(Some(json!({"Bool": {"aws:SecureTransport": "true"}}))),
    ];
    (any::<bool>(), pattern(), resource, condition).prop_map(|(allow, action, resource, condition)| {
        let mut statement = json!({"Effect": if allow { "Allow" } else { "Deny" }, "Action": action,
            "Resource": resource});
        if let Some(condition) = condition {
            statement["Condition"] = condition;
        }
        statement
    })
}

/// A random caller's policies: those of the user, a boundary, and the bucket's.
type Case = (Vec<Value>, Option<Value>, Vec<Value>, &'static str, &'static str);

fn case() -> impl Strategy<Value = Case> {
    let action = prop_oneof![Just("s3:GetObject"), Just("s3:PutObject"), Just("s3:ListBucket")];
    let resource = prop_oneof![Just(OBJECT), Just(BUCKET)];
    let several = || prop::collection::vec(statement(), 1..4);
    (several(), prop::option::of(statement()), prop::collection::vec(statement(), 0..3), action, resource)
}

/// The policies as stored, decided by enforcement and by the simulator.
async fn agrees(d: &Deployment, alice: &Ctx, buckets: &Buckets, case: &Case, n: usize) {
    let (own, boundary, bucket, action, resource) = case;
    let text = json!({"Version": "2012-10-17", "Statement": own}).to_string();
    d.identity.put_inline_policy(&d.ctx, HolderName::user("alice"), "own", &text).await.unwrap();
    match boundary {
        Some(statement) => {
            let new = crate::iam::policies::NewPolicy {
                name: format!("edge{n}"),
                document: document(statement.clone()),
                ..Default::default()
            };
            let policy = d.identity.create_policy(&d.ctx, new).await.unwrap();
            d.identity.put_permissions_boundary(&d.ctx, HolderName::user("alice"), &policy.arn).await.unwrap();
        }
        None => {
            let _ = d.identity.delete_permissions_boundary(&d.ctx, HolderName::user("alice")).await;
        }
    }
    let with_principal = bucket.iter().cloned().map(|mut statement| {
        statement["Principal"] = json!({"AWS": alice.principal().arn()});
        statement["Action"] = json!("s3:*");
        statement
    });
    let with_principal: Vec<Value> = with_principal.collect();
    buckets.set(&d.admin.account, (!with_principal.is_empty()).then(|| json!(with_principal)));
    let ask = buckets.ask(action, resource).key("s3:prefix", "a");
    let enforced = d.identity.decide(alice, &ask).await.unwrap().allowed();
    let mut asked = simulation(Some(alice.principal().arn()), &[action], &[resource]);
    asked.context = vec![("s3:prefix".into(), vec!["a".into()]), ("aws:SecureTransport".into(), vec!["false".into()])];
    let simulated = d.identity.simulate(&d.ctx, &asked).await.unwrap();
    assert_eq!(simulated[0].decision == EvalDecision::Allowed, enforced, "{case:?}");
}

#[tokio::test]
async fn simulation_and_enforcement_agree_on_random_cases() {
    let database = ::store::testing::TestDatabase::sqlite().unwrap();
    let store = database.open().await.unwrap();
    let d = Deployment::start(&store).await;
    let buckets = d.buckets();
    let (alice, _) = d.user("alice").await;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let cases = case();
    for n in 0..300 {
        let case = cases.new_tree(&mut runner).unwrap().current();
        agrees(&d, &alice, &buckets, &case, n).await;
    }
}

#[tokio::test]
async fn simulations_tell_nothing_of_another_accounts_policies_and_principals() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (stranger, other) = d.other_account().await;
        let buckets = d.buckets();
        let asked = simulation(Some(d.ctx.principal().arn()), &["s3:GetObject"], &[OBJECT]);
        let mut told = Vec::new();
        for effect in ["Allow", "Deny"] {
            let statement =
                json!([{"Effect": effect, "Principal": "*", "Action": "*", "Resource": format!("{BUCKET}/*")}]);
            buckets.set(&other.account, Some(statement));
            told.push(d.identity.simulate(&d.ctx, &asked).await.unwrap());
        }
        assert_eq!(told[0], told[1], "whatever the other account's policy says");
        assert_eq!(told[0][0].sides[1], ("Resource Policy", EvalDecision::ImplicitDeny));
        // Its owner is told.
        let own = simulation(Some(stranger.principal().arn()), &["s3:GetObject"], &[OBJECT]);
        let own = d.identity.simulate(&stranger, &own).await.unwrap();
        assert_eq!(own[0].decision, EvalDecision::ExplicitDeny);

        let mut answers = Vec::new();
        for name in ["admin", "nobody"] {
            let arn = format!("arn:aws:iam::{}:user/{name}", other.account);
            let error = d.identity.simulate(&d.ctx, &simulation(Some(arn.clone()), &["s3:GetObject"], &[])).await;
            answers.push(error.unwrap_err().message.replace(name, "NAME"));
            let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*",
                "Condition": {"Null": {"aws:PrincipalTag/team": "true"}}});
            let caller = Simulation {
                policies: vec![document(statement)],
                caller: Some(arn),
                ..simulation(None, &["s3:GetObject"], &[])
            };
            answers.push(format!("{:?}", d.identity.simulate(&d.ctx, &caller).await.unwrap()));
        }
        assert_eq!(answers[..2], answers[2..], "those who are there and those who are not");
    })
    .await;
}
