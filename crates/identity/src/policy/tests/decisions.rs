//! How policies of several types decide together, and how denials read.

use super::*;

fn everything(effect: &str) -> Value {
    json!({"Effect": effect, "Action": "*", "Resource": "*"})
}

fn policy(id: &str, statement: Value) -> Attached {
    attached(id, one(Kind::Managed, statement))
}

fn of_resource(kind: Kind, principal: Value) -> Attached {
    let (action, resource) = match kind {
        Kind::Trust => ("sts:AssumeRole", Value::Null),
        Kind::Key => ("kms:*", json!("*")),
        _ => ("s3:*", json!("*")),
    };
    let mut statement = json!({"Effect": "Allow", "Principal": principal, "Action": action});
    if !resource.is_null() {
        statement["Resource"] = resource;
    }
    attached("resource", one(kind, statement))
}

#[test]
fn nothing_is_allowed_without_an_allow() {
    let request = get_object().build();
    let decision = decide(&request, &Policies::default());
    assert!(!decision.allowed && decision.trace.is_empty());
    assert_eq!(
        decision.denial(&request).unwrap(),
        "User: arn:aws:iam::111122223333:user/ada is not authorized to perform: s3:GetObject on resource: \
         arn:aws:s3:::bucket/key because no identity-based policy allows the s3:GetObject action"
    );
}

#[test]
fn a_deny_wins_over_every_allow_and_names_its_statement() {
    let request = get_object().build();
    let policies = Policies {
        identity: vec![
            policy("all", everything("Allow")),
            policy(
                "no",
                json!([{"Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Sid": "NoReads", "Effect": "Deny", "Action": "s3:Get*", "Resource": "*"}]),
            ),
        ],
        resource: Some(of_resource(Kind::Bucket, json!("*"))),
        ..Policies::default()
    };
    let decision = decide(&request, &policies);
    assert!(!decision.allowed && decision.reason.explicit);
    let statement = decision.reason.statement.clone().unwrap();
    assert_eq!((&*statement.policy, statement.index, statement.sid.as_deref()), ("no", 1, Some("NoReads")));
    assert_eq!(decision.denial_context("s3:GetObject").unwrap(), "with an explicit deny in an identity-based policy");
    assert_eq!(decision.trace.len(), 3, "every policy is looked at");
}

#[test]
fn an_allowed_request_names_what_allowed_it() {
    let policies = identity(json!({"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}));
    let decision = decide(&get_object().build(), &policies);
    assert!(decision.allowed);
    assert_eq!(decision.reason.policy_type, PolicyType::Identity);
    assert_eq!(decision.reason.statement.as_ref().unwrap().sid.as_deref(), Some("Read"));
    assert_eq!(decision.denial_context("s3:GetObject"), None);
}

#[test]
fn the_trace_tells_the_first_element_that_did_not_match() {
    let request = get_object().build();
    let statements = json!([
        {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "s3:Put*", "Resource": "*"},
        {"Effect": "Allow", "Principal": "*", "Action": "s3:Put*", "Resource": "arn:aws:s3:::x"},
        {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::x",
         "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
         "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Sid": "Last", "Effect": "Allow", "Principal": {"AWS": OWN}, "Action": "s3:*", "Resource": "*"},
    ]);
    let policies = Policies { resource: Some(attached("b", one(Kind::Bucket, statements))), ..Policies::default() };
    let decision = decide(&request, &policies);
    let [trace] = decision.trace.as_slice() else { panic!("one policy") };
    assert_eq!((trace.policy_type, &*trace.policy, trace.verdict), (PolicyType::Resource, "b", Some(Effect::Allow)));
    let outcomes: Vec<&Outcome> = trace.statements.iter().map(|statement| &statement.outcome).collect();
    assert_eq!(outcomes[..3], [&Outcome::OtherPrincipal, &Outcome::OtherAction, &Outcome::OtherResource]);
    let Outcome::ConditionFailed(failed) = outcomes[3] else { panic!("{:?}", outcomes[3]) };
    assert_eq!((&*failed.key, failed.actual.len()), ("aws:SecureTransport", 0));
    assert_eq!(outcomes[4], &Outcome::Matched(Some(Coverage::Account)));
    assert_eq!(trace.statements[4].sid.as_deref(), Some("Last"));
}

#[test]
fn each_level_of_service_control_policies_must_allow() {
    let request = get_object().build();
    let level = |statement: Value| vec![attached("scp", one(Kind::ServiceControl, statement))];
    let allowed = |levels: Vec<Vec<Attached>>| {
        let policies = Policies { service_control: levels, ..identity(everything("Allow")) };
        decide(&request, &policies)
    };
    assert!(
        allowed(vec![level(everything("Allow")), level(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}))])
            .allowed
    );
    for levels in [
        vec![level(everything("Allow")), level(json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}))],
        vec![level(json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"})), level(everything("Allow"))],
        vec![level(everything("Allow")), level(everything("Deny"))],
        vec![level(everything("Allow")), vec![]],
    ] {
        let decision = allowed(levels);
        assert!(!decision.allowed);
        let context = decision.denial_context("s3:GetObject").unwrap();
        assert_eq!(context, "with an explicit deny in a service control policy", "also where only an allow is missing");
    }
    let mut two = level(json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}));
    two.extend(level(everything("Allow")));
    assert!(allowed(vec![two]).allowed, "one policy of a level is enough");
}

#[test]
fn service_control_policies_bind_the_root_user_but_no_linked_role_and_no_service() {
    let scp = vec![vec![attached("scp", one(Kind::ServiceControl, everything("Deny")))]];
    let policies = |identity: Vec<Attached>| Policies {
        service_control: scp.clone(),
        identity,
        resource: Some(of_resource(Kind::Bucket, json!({"Service": "bedrock.amazonaws.com"}))),
        ..Policies::default()
    };
    let of = |caller: Caller| Request::builder(caller, "s3:GetObject", "arn:aws:s3:::bucket/key").build();
    assert!(!decide(&of(root(OWN)), &policies(vec![])).allowed);
    let Caller::Role(linked) = session(OWN) else { panic!() };
    let linked = Caller::Role(RoleSession { service_linked: true, ..linked });
    assert!(decide(&of(linked), &policies(vec![policy("all", everything("Allow"))])).allowed);
    assert!(decide(&of(service("bedrock.amazonaws.com")), &policies(vec![])).allowed);
}

#[test]
fn the_root_user_may_do_everything_in_its_account_but_what_is_denied() {
    let request = Request::builder(root(OWN), "s3:GetObject", "arn:aws:s3:::bucket/key").build();
    let decision = decide(&request, &Policies::default());
    assert!(decision.allowed);
    assert_eq!(decision.reason.policy_type, PolicyType::RootUser);
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"});
    let policies = Policies { resource: Some(attached("b", one(Kind::Bucket, deny))), ..Policies::default() };
    assert_eq!(
        decide(&request, &policies).denial_context("s3:GetObject").unwrap(),
        "with an explicit deny in a resource-based policy"
    );
    let abroad = Request::builder(root(OTHER), "s3:GetObject", "arn:aws:s3:::bucket/key")
        .resource_account(OWN.parse().unwrap())
        .build();
    assert!(!decide(&abroad, &Policies::default()).allowed);
    let shared = Policies { resource: Some(of_resource(Kind::Bucket, json!({"AWS": OTHER}))), ..Policies::default() };
    assert!(decide(&abroad, &shared).allowed);
}

#[test]
fn keys_give_the_root_user_nothing_that_their_policy_does_not() {
    let request = Request::builder(root(OWN), "kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/1").build();
    let with = |principal: Value| Policies { resource: Some(of_resource(Kind::Key, principal)), ..Policies::default() };
    assert!(!decide(&request, &with(json!({"AWS": "arn:aws:iam::111122223333:user/ada"}))).allowed);
    assert!(decide(&request, &with(json!({"AWS": OWN}))).allowed);
}

#[test]
fn services_providers_and_strangers_are_decided_by_the_resource_alone() {
    let google = Caller::Federated { provider: "accounts.google.com".to_owned() };
    for (caller, principal) in [
        (service("bedrock.amazonaws.com"), json!({"Service": "bedrock.amazonaws.com"})),
        (google, json!({"Federated": "accounts.google.com"})),
        (Caller::Anonymous, json!("*")),
    ] {
        let request = Request::builder(caller, "s3:GetObject", "arn:aws:s3:::bucket/key").build();
        let mut policies = identity(everything("Allow"));
        assert_eq!(
            decide(&request, &policies).denial_context("s3:GetObject").unwrap(),
            "because no resource-based policy allows the s3:GetObject action"
        );
        policies.resource = Some(of_resource(Kind::Bucket, principal));
        assert!(decide(&request, &policies).allowed);
    }
}

#[test]
fn assuming_a_role_needs_the_trust_policy_and_between_accounts_both() {
    let to = |caller: Caller| Request::builder(caller, "sts:AssumeRole", "arn:aws:iam::111122223333:role/r").build();
    let trust =
        |principal: Value| Policies { resource: Some(of_resource(Kind::Trust, principal)), ..Policies::default() };
    let may = || vec![policy("assume", json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}))];
    let bedrock = || json!({"Service": "bedrock.amazonaws.com"});
    assert!(decide(&to(service("bedrock.amazonaws.com")), &trust(bedrock())).allowed);
    let decision = decide(&to(ada()), &Policies { identity: may(), ..trust(bedrock()) });
    assert_eq!(
        decision.denial_context("sts:AssumeRole").unwrap(),
        "because no role trust policy allows the sts:AssumeRole action"
    );
    assert!(decide(&to(ada()), &trust(json!({"AWS": "arn:aws:iam::111122223333:user/ada"}))).allowed);
    assert!(!decide(&to(ada()), &trust(json!({"AWS": OWN}))).allowed, "the account delegates");
    assert!(decide(&to(ada()), &Policies { identity: may(), ..trust(json!({"AWS": OWN})) }).allowed);
    let named = json!({"AWS": "arn:aws:iam::777788889999:user/ada"});
    let abroad = to(user(OTHER, "ada"));
    assert!(!decide(&abroad, &trust(named.clone())).allowed);
    assert!(!decide(&abroad, &Policies { identity: may(), ..trust(bedrock()) }).allowed);
    assert!(decide(&abroad, &Policies { identity: may(), ..trust(named) }).allowed);
    let deny = one(Kind::Trust, json!({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}));
    let policies = Policies { resource: Some(attached("trust", deny)), identity: may(), ..Policies::default() };
    assert_eq!(
        decide(&to(ada()), &policies).denial_context("sts:AssumeRole").unwrap(),
        "with an explicit deny in the role trust policy"
    );
}

#[test]
fn a_trust_policy_may_ask_for_the_job_that_it_is_for() {
    let statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "bedrock.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceAccount": OWN},
                      "ArnEquals": {"aws:SourceArn": format!("arn:aws:bedrock:us-east-1:{OWN}:model-import-job/*")}}});
    let policies = Policies { resource: Some(attached("trust", one(Kind::Trust, statement))), ..Policies::default() };
    let request = |source: &str| {
        Request::builder(service("bedrock.amazonaws.com"), "sts:AssumeRole", "arn:aws:iam::111122223333:role/r")
            .source(source)
            .build()
    };
    assert!(decide(&request(&format!("arn:aws:bedrock:us-east-1:{OWN}:model-import-job/abc")), &policies).allowed);
    assert!(!decide(&request(&format!("arn:aws:bedrock:us-east-1:{OTHER}:model-import-job/abc")), &policies).allowed);
    assert!(!decide(&request(&format!("arn:aws:bedrock:us-west-2:{OWN}:model-import-job/abc")), &policies).allowed);
}

/// The two policies of a bucket that is shared with a role of another account.
#[test]
fn an_object_is_shared_between_accounts_by_account_and_role_name() {
    let bucket = json!({"Sid": "cross-account-list-get", "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{OTHER}:root")},
        "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": ["arn:aws:s3:::models", "arn:aws:s3:::models/*"],
        "Condition": {"ArnLike": {"aws:PrincipalArn": format!("arn:aws:iam::{OTHER}:role/jobs/importer*")}}});
    let role = json!({"Sid": "1", "Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"],
        "Resource": ["arn:aws:s3:::models", "arn:aws:s3:::models/*"],
        "Condition": {"StringEquals": {"aws:ResourceAccount": OWN}}});
    let policies = Policies {
        resource: Some(attached("models", one(Kind::Bucket, bucket))),
        identity: vec![policy("role", role)],
        ..Policies::default()
    };
    let ask = |caller: Caller, action: &str| {
        let request = Request::builder(caller, action, "arn:aws:s3:::models/weights");
        decide(&request.resource_account(OWN.parse().unwrap()).build(), &policies)
    };
    assert!(ask(session(OTHER), "s3:GetObject").allowed);
    assert_eq!(
        ask(user(OTHER, "eve"), "s3:GetObject").denial_context("s3:GetObject").unwrap(),
        "because no resource-based policy allows the s3:GetObject action"
    );
    assert!(!ask(session(OTHER), "s3:PutObject").allowed);
}

fn grant(grantee: &str, constraint: Option<GrantConstraint>) -> Grant {
    Grant { id: "g".into(), grantee: grantee.to_owned(), operations: vec!["Decrypt".to_owned()], constraint }
}

#[test]
fn a_grant_allows_its_operations_to_its_grantee_alone() {
    let ask = |caller: Caller, action: &str, grantee: &str| {
        let request = Request::builder(caller, action, "arn:aws:kms:us-east-1:111122223333:key/1").build();
        let policies = Policies {
            resource: Some(of_resource(Kind::Key, json!({"Service": "x.amazonaws.com"}))),
            grants: vec![grant(grantee, None)],
            ..Policies::default()
        };
        decide(&request, &policies)
    };
    let ada_arn = "arn:aws:iam::111122223333:user/ada";
    let decision = ask(ada(), "kms:Decrypt", ada_arn);
    assert!(decision.allowed && decision.reason.policy_type == PolicyType::Grant);
    assert!(!ask(ada(), "kms:Encrypt", ada_arn).allowed && !ask(ada(), "s3:Decrypt", ada_arn).allowed);
    assert!(!ask(user(OWN, "bob"), "kms:Decrypt", ada_arn).allowed);
    assert!(ask(session(OWN), "kms:decrypt", "arn:aws:iam::111122223333:role/jobs/importer").allowed);
    assert!(ask(session(OTHER), "kms:Decrypt", "arn:aws:sts::777788889999:assumed-role/importer/run-1").allowed);
    assert!(ask(service("bedrock.amazonaws.com"), "kms:Decrypt", "bedrock.amazonaws.com").allowed);
    assert!(!ask(Caller::Anonymous, "kms:Decrypt", "anonymous").allowed);
}

#[test]
fn a_grants_constraint_asks_for_the_encryption_context() {
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let allows = |constraint: GrantConstraint, context: &[(&str, &str)]| {
        let request = Request::builder(ada(), "kms:Decrypt", "*").encryption_context(&pairs(context)).build();
        grant("arn:aws:iam::111122223333:user/ada", Some(constraint)).allows(&request)
    };
    let one = || pairs(&[("a", "1")]).into_iter().collect();
    assert!(allows(GrantConstraint::Equals(one()), &[("a", "1")]));
    assert!(!allows(GrantConstraint::Equals(one()), &[("a", "1"), ("b", "2")]));
    assert!(allows(GrantConstraint::Subset(one()), &[("a", "1"), ("b", "2")]));
    assert!(!allows(GrantConstraint::Subset(one()), &[("A", "1")]), "case counts");
    assert!(!allows(GrantConstraint::Subset(one()), &[]));
}

#[test]
fn boundary_and_session_policies_limit_in_their_own_words() {
    let request = Request::builder(session(OWN), "s3:GetObject", "arn:aws:s3:::bucket/key").build();
    let other = || json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"});
    let context = |boundary: Option<Value>, session: Option<Value>| {
        let policies = Policies {
            boundary: boundary.map(|statement| policy("boundary", statement)),
            session: session.map(|statement| vec![attached("session", one(Kind::Session, statement))]),
            ..identity(everything("Allow"))
        };
        decide(&request, &policies).denial_context("s3:GetObject")
    };
    assert_eq!(context(Some(everything("Allow")), Some(everything("Allow"))), None);
    assert_eq!(
        context(Some(other()), Some(other())).unwrap(),
        "because no permissions boundary allows the s3:GetObject action"
    );
    assert_eq!(context(None, Some(other())).unwrap(), "because no session policy allows the s3:GetObject action");
    assert_eq!(context(Some(everything("Deny")), None).unwrap(), "with an explicit deny in a permissions boundary");
    assert_eq!(context(None, Some(everything("Deny"))).unwrap(), "with an explicit deny in a session policy");
}

#[test]
fn one_of_several_session_policies_is_enough_and_none_of_them_is_not() {
    let request = Request::builder(session(OWN), "s3:GetObject", "arn:aws:s3:::bucket/key").build();
    let allowed = |statements: &[Value]| {
        let policies = statements.iter().map(|statement| attached("s", one(Kind::Session, statement.clone())));
        decide(&request, &Policies { session: Some(policies.collect()), ..identity(everything("Allow")) }).allowed
    };
    assert!(allowed(&[json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}), everything("Allow")]));
    assert!(!allowed(&[]));
}
