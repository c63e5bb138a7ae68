use base::ErrorKind;

use super::*;
use crate::testing::Deployment;

const ID: &str = "abcdefghijk1";

#[tokio::test]
async fn a_resource_is_named_by_its_own_arn_alone() {
    let deployment = Deployment::start().await;
    let ctx = &deployment.ctx;
    let (region, account) = (ctx.region(), ctx.account());
    for (name, kind) in [
        ("imported-model", Resource::Imported(Tagged::Model)),
        ("model-import-job", Resource::Imported(Tagged::Job)),
        ("model-invocation-job", Resource::Batch),
    ] {
        let own = format!("arn:aws:bedrock:{region}:{account}:{name}/{ID}");
        assert_eq!(tagged(ctx, &own).unwrap(), (kind, ID.to_owned()));
        for other in [
            own.replace("arn:aws:", "arn:aws-x:"),
            own.replace(":bedrock:", ":s3:"),
            own.replace(&format!("{name}/"), &format!("{name}:")),
            own.replace(account.as_str(), "222222222222"),
            own.replace(region.as_str(), "eu-west-3"),
        ] {
            assert_eq!(tagged(ctx, &other).unwrap_err().kind, ErrorKind::NotFound, "{other}");
        }
    }
}

#[test]
fn what_has_too_many_tags_has_an_exception_of_its_own() {
    let tags = |count: usize| (0..count).map(|at| (format!("k{at}"), String::new())).collect::<Tags>();
    check(&tags(MOST)).unwrap();
    let error = check(&tags(MOST + 1)).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Invalid, Some("TooManyTagsException")));
}
