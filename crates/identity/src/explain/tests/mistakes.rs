//! The mistakes that administrators make in one line: each is named, and the line that mends it works.

use super::*;

const KEY: &str = "arn:aws:kms:us-east-1:777788889999:key/1234";
const ROLE: &str = "arn:aws:iam::111122223333:role/importer";

fn bucket(statement: Value) -> Option<Attached> {
    Some(attached("arn:aws:s3:::models", Kind::Bucket, statement))
}

#[test]
fn wrong_account() {
    // The bucket's policy names an account, but not the caller's.
    let request = request(ada(), "s3:GetObject", "arn:aws:s3:::models/m").resource_account(OTHER.parse().unwrap());
    let request = request.build();
    let statement = |account: &str| {
        json!([{"Sid": "Share", "Effect": "Allow", "Principal": {"AWS": account}, "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::models/*"}])
    };
    let policies = Policies { resource: bucket(statement("arn:aws:iam::444455556666:root")), ..identity(everything()) };
    let solution = solve(&request, &policies);
    let edit = only(&solution);
    assert_eq!((edit.place, edit.mistake, edit.statement), (Place::Resource, Mistake::WrongAccount, Some(0)));
    let named = edit.statement().unwrap()["Principal"]["AWS"].clone();
    assert_eq!(named, json!(["arn:aws:iam::444455556666:root", "arn:aws:iam::111122223333:user/ada"]));
    // The trust policy asks for another account's jobs.
    let source = "arn:aws:bedrock:us-east-1:111122223333:model-import-job/j";
    let assume = super::request(bedrock(), "sts:AssumeRole", ROLE).source(source).build();
    let trust = json!({"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:SourceAccount": OTHER}}});
    let policies = Policies { resource: Some(attached(ROLE, Kind::Trust, trust)), ..Policies::default() };
    let solution = solve(&assume, &policies);
    let edit = only(&solution);
    assert_eq!(edit.mistake, Mistake::WrongAccount);
    assert_eq!(edit.statement().unwrap()["Condition"]["StringEquals"]["aws:SourceAccount"], OWN);
    assert!(edit.finding.contains(OTHER) && edit.finding.contains(OWN), "{}", edit.finding);
}

#[test]
fn missing_list_bucket() {
    let request = request(ada(), "s3:ListBucket", "arn:aws:s3:::models").key("s3:prefix", "m/").build();
    let own = json!([{"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject",
        "Resource": ["arn:aws:s3:::models", "arn:aws:s3:::models/*"]}]);
    let policies = identity(own);
    let solution = solve(&request, &policies);
    let edit = only(&solution);
    assert_eq!(edit.mistake, Mistake::MissingListBucket);
    assert_eq!(edit.statement().unwrap()["Action"], "s3:ListBucket");
    assert_eq!(edit.statement().unwrap()["Resource"], "arn:aws:s3:::models");
    reaches_nothing_else(&solution, &request, &policies);
}

#[test]
fn missing_trailing_wildcard() {
    let request = request(ada(), "s3:GetObject", "arn:aws:s3:::models/m/config.json").build();
    let policies = identity(json!([{"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": "arn:aws:s3:::models"}]));
    let solution = solve(&request, &policies);
    let edit = only(&solution);
    assert_eq!((edit.place, edit.mistake), (Place::Identity(0), Mistake::MissingObjectWildcard));
    let resources = json!(["arn:aws:s3:::models", "arn:aws:s3:::models/*"]);
    assert_eq!(edit.statement().unwrap()["Resource"], resources);
    let more = reach::of(&solution.edits, &request, &policies, &Universe::default());
    assert!(more.iter().any(|one| one.resource == "arn:aws:s3:::models/any-other-object"), "{more:?}");
    // A folder without its `*`, and the other way round: only the objects named, where the bucket is meant.
    let folder = identity(json!([{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::models/m/"}]));
    assert_eq!(only(&solve(&request, &folder)).statement().unwrap()["Resource"], "arn:aws:s3:::models/m/*");
    let list = super::request(ada(), "s3:ListBucket", "arn:aws:s3:::models").build();
    let objects = identity(json!([{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::models/*"}]));
    assert_eq!(only(&solve(&list, &objects)).mistake, Mistake::MissingBucketArn);
}

#[test]
fn wrong_region_of_the_source() {
    let source = "arn:aws:bedrock:us-west-2:111122223333:model-import-job/j";
    let request = request(bedrock(), "sts:AssumeRole", ROLE).source(source).build();
    let trust = json!({"Sid": "Bedrock", "Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:SourceAccount": OWN},
        "ArnEquals": {"aws:SourceArn": "arn:aws:bedrock:us-east-1:111122223333:model-import-job/*"}}});
    let policies = Policies { resource: Some(attached(ROLE, Kind::Trust, trust)), ..Policies::default() };
    let solution = solve(&request, &policies);
    let edit = only(&solution);
    assert_eq!((edit.place, edit.mistake), (Place::Resource, Mistake::WrongRegion));
    assert_eq!(
        edit.statement().unwrap()["Condition"]["ArnEquals"]["aws:SourceArn"],
        "arn:aws:bedrock:us-west-2:111122223333:model-import-job/*"
    );
    assert!(edit.finding.contains("us-east-1") && edit.finding.contains("us-west-2"), "{}", edit.finding);
    let command = super::super::command::of(edit, &request).remove(0);
    assert!(command.starts_with("aws iam update-assume-role-policy --role-name importer --policy-document '{"));
}

#[test]
fn key_policy_without_describe_key() {
    let request = request(importer(), "kms:DescribeKey", KEY).build();
    let statement = json!([{"Sid": "Share", "Effect": "Allow", "Principal": {"AWS": ROLE},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*"}]);
    let policies = Policies {
        resource: Some(attached(KEY, Kind::Key, statement)),
        identity: vec![attached("role/importer/own", Kind::InlineRole, everything())],
        ..Policies::default()
    };
    let solution = solve(&request, &policies);
    let edit = only(&solution);
    assert_eq!((edit.place, edit.mistake), (Place::Resource, Mistake::MissingAction));
    let actions = json!(["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"]);
    assert_eq!(edit.statement().unwrap()["Action"], actions);
    let command = super::super::command::of(edit, &request).remove(0);
    let start = "aws kms put-key-policy --region us-east-1 --key-id 1234 --policy-name default --policy '{";
    assert!(command.starts_with(start), "{command}");
    reaches_nothing_else(&solution, &request, &policies);
}

#[test]
fn principal_that_does_not_exist() {
    let request = request(importer(), "s3:GetObject", "arn:aws:s3:::models/m").resource_account(OTHER.parse().unwrap());
    let request = request.build();
    let gone = "arn:aws:iam::111122223333:role/import";
    let share = |name: &str| {
        json!([{"Sid": "Share", "Effect": "Allow", "Principal": {"AWS": name}, "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::models/*"}])
    };
    let with = |name: &str| Policies {
        resource: bucket(share(name)),
        identity: vec![attached("role/importer/own", Kind::InlineRole, everything())],
        ..Policies::default()
    };
    for (name, finding) in [(gone, "does not exist"), ("AROADELETEDROLE123456", "was deleted")] {
        let solution = solve_with(&request, &with(name), &[gone], &Universe::default());
        let edit = only(&solution);
        assert_eq!((edit.place, edit.mistake), (Place::Resource, Mistake::UnknownPrincipal));
        assert_eq!(edit.statement().unwrap()["Principal"]["AWS"], ROLE);
        assert!(edit.finding.contains(finding) && edit.finding.contains(name), "{}", edit.finding);
    }
}

#[test]
fn service_control_policy_that_denies() {
    let request = request(ada(), "s3:GetObject", "arn:aws:s3:::models/m").region("eu-west-1").build();
    let id = "arn:aws:organizations::444455556666:policy/o-abc/service_control_policy/p-12345678";
    let control = |statement: Value| Policies {
        service_control: vec![vec![attached(id, Kind::ServiceControl, statement)]],
        ..identity(everything())
    };
    let regions = control(json!([everything(), {"Sid": "Regions", "Effect": "Deny", "NotAction": "iam:*",
        "Resource": "*", "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}}}]));
    let solution = solve(&request, &regions);
    let edit = only(&solution);
    assert_eq!((edit.place, edit.mistake), (Place::ServiceControl(0, 0), Mistake::ServiceControlPolicy));
    assert!(edit.finding.contains("`Regions`"), "{}", edit.finding);
    let command = super::super::command::of(edit, &request).remove(0);
    assert!(command.starts_with("aws organizations update-policy --policy-id p-12345678 --content '{"), "{command}");
    // None that allows reads as a denial too.
    let lacking = control(json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}));
    let solution = solve(&request, &lacking);
    assert_eq!(only(&solution).mistake, Mistake::ServiceControlPolicy);
    reaches_nothing_else(&solution, &request, &lacking);
}

#[test]
fn permissions_boundary() {
    let request = request(ada(), "s3:GetObject", "arn:aws:s3:::models/m").build();
    let edge = "arn:aws:iam::111122223333:policy/edge";
    let allow = json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"});
    let policies = Policies { boundary: Some(attached(edge, Kind::Managed, allow)), ..identity(everything()) };
    let solution = solve(&request, &policies);
    let edit = only(&solution);
    assert_eq!((edit.place, edit.mistake), (Place::Boundary, Mistake::Boundary));
    assert!(edit.finding.contains(edge), "{}", edit.finding);
    let command = super::super::command::of(edit, &request).remove(0);
    assert!(command.starts_with(&format!("aws iam create-policy-version --policy-arn {edge} --set-as-default")));
    reaches_nothing_else(&solution, &request, &policies);
}

#[test]
fn missing_pass_role() {
    let request = request(ada(), "iam:PassRole", ROLE).key("iam:PassedToService", "bedrock.amazonaws.com").build();
    let policies = identity(json!([{"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}]));
    let solution = solve(&request, &policies);
    let edit = only(&solution);
    assert_eq!((edit.place, edit.mistake), (Place::Identity(1), Mistake::MissingPassRole));
    assert_eq!(edit.statement().unwrap()["Resource"], ROLE);
    let other = identity(json!([{"Effect": "Allow", "Action": "iam:PassRole", "Resource": ROLE,
        "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}}]));
    let solution = solve(&request, &other);
    assert_eq!(only(&solution).mistake, Mistake::ConditionValue);
    assert!(only(&solution).finding.contains("sagemaker.amazonaws.com"));
}

#[test]
fn bucket_of_another_account_without_a_policy() {
    let request = request(ada(), "s3:GetObject", "arn:aws:s3:::models/m").resource_account(OTHER.parse().unwrap());
    let request = request.build();
    let solution = solve(&request, &identity(everything()));
    let edit = only(&solution);
    assert_eq!((edit.place, edit.mistake), (Place::Resource, Mistake::NoResourcePolicy));
    let statement = json!({"Sid": "AllowGetObject", "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:user/ada"}, "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::models/m"});
    assert_eq!(edit.statement(), Some(statement));
    let command = super::super::command::of(edit, &request).remove(0);
    assert!(command.starts_with("aws s3api put-bucket-policy --bucket models --policy '{"), "{command}");
    // Where the caller's own side lacks it too, both sides are changed.
    let solution = solve(&request, &Policies::default());
    assert_eq!(solution.edits.iter().map(|edit| edit.place).collect::<Vec<_>>(), [Place::Identity(0), Place::Resource]);
}
