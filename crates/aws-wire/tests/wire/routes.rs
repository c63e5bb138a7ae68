//! From raw paths, targets and actions to operations.

use aws_wire::{Protocol, RouteError, encode_error, route};

use crate::parts;

/// `service/operation`, with `!` in front when it is known but not served.
fn found(scope: &str, method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> String {
    match route(scope, &parts(method, uri, headers), body.as_bytes()) {
        Ok(routed) => format!("{}/{}", routed.service.id, routed.operation.name),
        Err(RouteError::NotImplemented { service, operation }) => format!("!{}/{}", service.id, operation.name),
        Err(RouteError::Unknown { service }) => format!("?{}", service.id),
        Err(RouteError::MissingAction { service }) => format!("?{} without an action", service.id),
        Err(RouteError::UnknownAction { service, action, version }) => {
            format!("?{}/{action}@{}", service.id, version.as_deref().unwrap_or("none"))
        }
        Err(RouteError::UnknownScope { scope }) => format!("??{scope}"),
    }
}

#[test]
fn method_and_raw_path_select_rest_operations() {
    for (method, uri, expected) in [
        ("POST", "/model/m/converse", "bedrock-runtime/Converse"),
        ("POST", "/model/arn%3Aaws%3Abedrock%3A%3Aa%2Fb/invoke", "bedrock-runtime/InvokeModel"),
        ("GET", "/foundation-models", "bedrock/ListFoundationModels"),
        ("GET", "/foundation-models?byProvider=x", "bedrock/ListFoundationModels"),
        ("POST", "/agents/A1/", "!bedrock-agent/PrepareAgent"),
        ("POST", "/agents/A1", "!bedrock-agent-runtime/InvokeInlineAgent"),
        ("PUT", "/agents/", "!bedrock-agent/CreateAgent"),
        ("GET", "/imported-models/x", "bedrock/GetImportedModel"),
        ("POST", "/flows/validate-definition", "!bedrock-agent/ValidateFlowDefinition"),
        ("POST", "/foundation-models", "?bedrock"),
        ("GET", "/foundation-models/", "?bedrock"),
        ("POST", "/model//converse", "?bedrock"),
        ("POST", "//model/m/converse", "?bedrock"),
        ("POST", "/model/a/b/converse", "?bedrock"),
    ] {
        assert_eq!(found("bedrock", method, uri, &[], ""), expected, "{method} {uri}");
    }
}

#[test]
fn a_required_query_parameter_is_the_more_specific_route() {
    let path = "/applications/a/conversations";
    assert_eq!(found("qbusiness", "POST", path, &[], ""), "!qbusiness/Chat");
    assert_eq!(found("qbusiness", "POST", &format!("{path}?sync&userId=x"), &[], ""), "!qbusiness/ChatSync");
}

#[test]
fn targets_select_json_operations() {
    let target = |value| [("x-amz-target", value)];
    assert_eq!(found("kms", "POST", "/", &target("TrentService.ListKeys"), "{}"), "kms/ListKeys");
    assert_eq!(found("textract", "POST", "/", &target("Textract.AnalyzeDocument"), "{}"), "!textract/AnalyzeDocument");
    assert_eq!(found("sagemaker", "POST", "/", &target("SageMaker.CreateModel"), "{}"), "sagemaker/CreateModel");
    assert_eq!(found("kms", "POST", "/", &target("TrentService.Nothing"), "{}"), "?kms");
    assert_eq!(found("kms", "POST", "/", &target("Other.ListKeys"), "{}"), "?kms");
}

#[test]
fn rest_and_target_services_share_a_scope() {
    assert_eq!(found("sagemaker", "POST", "/endpoints/e/invocations", &[], ""), "sagemaker-runtime/InvokeEndpoint");
    assert_eq!(found("sagemaker", "GET", "/FeatureGroup/g", &[], ""), "!sagemaker-featurestore-runtime/GetRecord");
}

#[test]
fn actions_select_query_operations() {
    assert_eq!(found("sts", "POST", "/", &[], "Version=2011-06-15&Action=GetCallerIdentity"), "sts/GetCallerIdentity");
    assert_eq!(found("sts", "GET", "/?Action=GetCallerIdentity", &[], ""), "sts/GetCallerIdentity");
    assert_eq!(found("iam", "POST", "/", &[], "Action=CreateRole"), "iam/CreateRole");
    assert_eq!(found("iam", "POST", "/", &[], "Action=CreateLoginProfile"), "!iam/CreateLoginProfile");
    assert_eq!(found("iam", "POST", "/", &[], "Action=Fly"), "?iam/Fly@none");
    assert_eq!(found("iam", "POST", "/", &[], ""), "?iam without an action");
    assert_eq!(found("iam", "POST", "/", &[], "Action="), "?iam without an action");
    assert_eq!(found("iam", "POST", "/", &[], "Action=ListUsers&Version=2010-05-08"), "iam/ListUsers");
    let other = "Action=ListUsers&Version=2011-06-15";
    assert_eq!(found("iam", "POST", "/", &[], other), "?iam/ListUsers@2011-06-15");
    let error = route("iam", &parts("POST", "/", &[]), other.as_bytes()).unwrap_err().to_wire();
    assert_eq!((error.status, error.code.as_str()), (400, "InvalidAction"));
    assert_eq!(error.message, "Could not find operation ListUsers for version 2011-06-15");
    let error = route("sts", &parts("POST", "/", &[]), b"").unwrap_err().to_wire();
    assert_eq!((error.status, error.code.as_str()), (400, "MissingAction"));
}

#[test]
fn s3_operations_are_told_apart_by_parameters_and_headers() {
    for (method, uri, headers, expected) in [
        ("GET", "/", &[][..], "s3/ListBuckets"),
        ("PUT", "/b", &[], "s3/CreateBucket"),
        ("GET", "/b?list-type=2&prefix=a", &[], "s3/ListObjectsV2"),
        ("PUT", "/b/a/b//c/", &[], "s3/PutObject"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", &[], "s3/UploadPart"),
        ("PUT", "/b/k", &[("x-amz-copy-source", "/a/b")], "s3/CopyObject"),
        ("PUT", "/b?policy", &[], "s3/PutBucketPolicy"),
        ("PUT", "/b?website", &[], "!s3/PutBucketWebsite"),
    ] {
        assert_eq!(found("s3", method, uri, headers, ""), expected, "{method} {uri}");
    }
}

#[test]
fn an_unknown_scope_is_named() {
    assert_eq!(found("sdb", "POST", "/", &[], ""), "??sdb");
}

#[test]
fn not_implemented_answers_name_the_operation_in_the_services_shape() {
    let answer = |scope: &str, uri: &str, headers: &[(&str, &str)], body: &str| {
        let error = route(scope, &parts("POST", uri, headers), body.as_bytes()).unwrap_err();
        let response = encode_error(error.service(), &error.to_wire(), "id-1");
        assert_eq!(response.status(), 501);
        let code = response.headers().get("x-amzn-errortype").map(|code| code.to_str().unwrap().to_owned());
        (error.service().protocol, code, String::from_utf8(response.body().to_vec()).unwrap())
    };
    let (protocol, code, body) = answer("bedrock", "/agents/A1/", &[], "");
    assert_eq!((protocol, code.as_deref()), (Protocol::RestJson, Some("NotImplementedException")));
    assert_eq!(body, r#"{"message":"The operation PrepareAgent of bedrock-agent is not implemented."}"#);
    let (_, _, body) = answer("kms", "/", &[("x-amz-target", "TrentService.GenerateMac")], "{}");
    assert_eq!(
        body,
        r#"{"__type":"NotImplementedException","message":"The operation GenerateMac of kms is not implemented."}"#
    );
    let (_, _, body) = answer("iam", "/", &[], "Action=CreateLoginProfile");
    assert!(body.starts_with("<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Receiver</Type><Code>NotImplemented</Code>"), "{body}");
    let (_, _, body) = answer("s3", "/b/k?restore", &[], "");
    assert!(body.contains("<Error><Code>NotImplemented</Code><Message>The operation RestoreObject of s3 is not implemented.</Message><RequestId>id-1</RequestId></Error>"), "{body}");
}
