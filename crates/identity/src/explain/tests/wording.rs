//! The end of each denial, as AWS words it.

use super::*;

fn nothing() -> Value {
    json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"})
}

fn deny() -> Value {
    json!([everything(), {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}])
}

fn of(kind: Kind, statement: Value) -> Attached {
    attached("p", kind, statement)
}

fn trust(effect: &str, action: &str) -> Attached {
    of(Kind::Trust, json!({"Effect": effect, "Principal": {"AWS": OWN}, "Action": action}))
}

fn context(request: &Request, policies: &Policies) -> String {
    let message = decide(request, policies).denial(request).unwrap();
    let start = format!(
        "User: {} is not authorized to perform: {} on resource: {} ",
        request.caller().arn(),
        request.action(),
        request.resource()
    );
    message.strip_prefix(&start).unwrap_or_else(|| panic!("{message}")).to_owned()
}

#[test]
fn denials_read_as_those_of_aws() {
    let get = request(importer(), "s3:GetObject", "arn:aws:s3:::models/m").build();
    let own = || Policies {
        identity: vec![of(Kind::Managed, everything())],
        session: Some(vec![of(Kind::Session, everything())]),
        boundary: Some(of(Kind::Managed, everything())),
        service_control: vec![vec![of(Kind::ServiceControl, everything())]],
        ..Policies::default()
    };
    let bucket_deny = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"});
    let lines = [
        (
            "with an explicit deny in a service control policy",
            Policies { service_control: vec![vec![of(Kind::ServiceControl, deny())]], ..own() },
        ),
        (
            "with an explicit deny in a service control policy",
            Policies { service_control: vec![vec![of(Kind::ServiceControl, nothing())]], ..own() },
        ),
        (
            "with an explicit deny in an identity-based policy",
            Policies { identity: vec![of(Kind::Managed, deny())], ..own() },
        ),
        ("because no identity-based policy allows the s3:GetObject action", Policies { identity: Vec::new(), ..own() }),
        (
            "with an explicit deny in a resource-based policy",
            Policies { resource: Some(of(Kind::Bucket, bucket_deny)), ..own() },
        ),
        (
            "with an explicit deny in a permissions boundary",
            Policies { boundary: Some(of(Kind::Managed, deny())), ..own() },
        ),
        (
            "because no permissions boundary allows the s3:GetObject action",
            Policies { boundary: Some(of(Kind::Managed, nothing())), ..own() },
        ),
        (
            "with an explicit deny in a session policy",
            Policies { session: Some(vec![of(Kind::Session, deny())]), ..own() },
        ),
        (
            "because no session policy allows the s3:GetObject action",
            Policies { session: Some(vec![of(Kind::Session, nothing())]), ..own() },
        ),
    ];
    for (text, policies) in lines {
        assert_eq!(context(&get, &policies), text);
    }
    let foreign = request(importer(), "s3:GetObject", "arn:aws:s3:::models/m").resource_account(OTHER.parse().unwrap());
    assert_eq!(context(&foreign.build(), &own()), "because no resource-based policy allows the s3:GetObject action");
    let assume = request(ada(), "sts:AssumeRole", "arn:aws:iam::111122223333:role/r").build();
    let with = |policy| Policies { resource: Some(policy), ..identity(everything()) };
    assert_eq!(
        context(&assume, &with(trust("Deny", "sts:AssumeRole"))),
        "with an explicit deny in the role trust policy"
    );
    assert_eq!(
        context(&assume, &with(trust("Allow", "sts:TagSession"))),
        "because no role trust policy allows the sts:AssumeRole action"
    );
}
