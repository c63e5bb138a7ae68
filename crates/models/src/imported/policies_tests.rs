use super::*;
use crate::testing::{ACCOUNT, Deployment};

async fn policies(prefix: &str, role: &str) -> Vec<ImportPolicy> {
    let deployment = Deployment::start().await;
    let key = |account: &str| Some(format!("arn:aws:kms:us-east-1:{account}:key/0a1b2c3d-1111-2222-3333-444455556666"));
    let sides = ImportSides {
        role_arn: format!("arn:aws:iam::{ACCOUNT}:role/{role}"),
        source_uri: format!("s3://artifacts/{prefix}"),
        source_account: "111122223333".parse().unwrap(),
        source_key: key("111122223333"),
        kms_key: key(ACCOUNT),
    };
    deployment.models.import_policies(&deployment.ctx, &sides).unwrap()
}

#[tokio::test]
async fn a_prefix_stands_for_itself_in_policies() {
    let policies = policies("a*b?c$d/${aws:username}/", "Importer").await;
    let objects = "arn:aws:s3:::artifacts/a${*}b${?}c${$}d/${$}{aws:username}/*";
    for kind in ["bucket-policy", "role-policy"] {
        let policy = policies.iter().find(|policy| policy.kind == kind).unwrap();
        assert_eq!(policy.document["Statement"][0]["Resource"][1], objects, "{kind}");
    }
}

#[tokio::test]
async fn what_is_allowed_already_is_read_before_a_policy_is_put() {
    for policy in policies("weights/", "Importer").await {
        let lines: Vec<&str> = policy.command.lines().collect();
        let (read, put) = match policy.kind {
            "bucket-policy" => ("aws s3api get-bucket-policy ", "aws s3api put-bucket-policy "),
            "key-policy-statement" => ("aws kms get-key-policy ", "aws kms put-key-policy "),
            "trust-policy" => ("policy=$(aws iam get-role ", "aws iam update-assume-role-policy "),
            // One of a name of its own: it replaces none but itself.
            _ => ("", "aws iam put-role-policy --role-name Importer --policy-name BedrockModelImport "),
        };
        let (last, before) = lines.split_last().unwrap();
        assert!(last.starts_with(put), "{last}");
        assert!(read.is_empty() || before.iter().any(|line| line.contains(read)), "{}", policy.command);
        assert!(read.is_empty() || last.ends_with(" \"$policy\""), "{last}");
    }
}

#[tokio::test]
async fn a_role_is_made_at_its_path_and_words_of_the_shell_are_quoted() {
    let policies = policies("it's/", "teams/ml/Importer").await;
    let command = |kind: &str| &policies.iter().find(|policy| policy.kind == kind).unwrap().command;
    assert!(command("trust-policy").contains("create-role --role-name Importer --path /teams/ml/ "));
    assert!(command("role-policy").contains(r"artifacts/it'\''s/*"), "{}", command("role-policy"));
    assert!(command("bucket-policy").contains(r"artifacts/it'\''s/*"), "{}", command("bucket-policy"));
}
