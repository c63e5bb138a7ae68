use super::*;

async fn status_and_code(world: &World, request: Request<Full<Bytes>>) -> (u16, String) {
    let reply = world.send(request).await;
    (reply.status.as_u16(), reply.header("x-amzn-errortype").to_owned())
}

fn list(world: &World, credentials: &sigv4::Credentials) -> Request<Full<Bytes>> {
    world.sign(credentials, "bedrock", "GET", "/foundation-models", "", &[])
}

#[tokio::test]
async fn signatures_that_are_wrong_are_refused() {
    let world = World::without_models().await;
    let good = credentials(&world.admin);
    let wrong = sigv4::Credentials { secret_access_key: secret("wrong"), ..good.clone() };
    assert_eq!(status_and_code(&world, list(&world, &wrong)).await, (403, "InvalidSignatureException".into()));
    let unknown = sigv4::Credentials { access_key_id: "AKIAQQQQQQQQQQQQQQQQ".into(), ..good.clone() };
    assert_eq!(status_and_code(&world, list(&world, &unknown)).await, (403, "UnrecognizedClientException".into()));
    let mut tampered = world.sign(&good, "bedrock", "POST", "/model/x/converse", "{\"a\":1}", &[]);
    *tampered.body_mut() = Full::new(Bytes::from_static(b"{\"a\":2}"));
    assert_eq!(status_and_code(&world, tampered).await, (403, "InvalidSignatureException".into()));
    for minutes in [-16, 16] {
        let request = list(&world, &good);
        world.clock.advance(minutes * 60_000);
        let refused = status_and_code(&world, request).await;
        assert_eq!(refused, (403, "InvalidSignatureException".into()), "{minutes} minutes");
        world.clock.advance(-minutes * 60_000);
    }
    let mut headless = list(&world, &good);
    headless.headers_mut().remove("x-amz-date");
    assert_eq!(status_and_code(&world, headless).await, (403, "IncompleteSignatureException".into()));
    assert_eq!(world.send(list(&world, &good)).await.status, 200);
    world.stop().await;
}

#[tokio::test]
async fn query_services_spell_refusals_their_own_way() {
    let world = World::without_models().await;
    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    let good = credentials(&world.admin);
    let wrong = sigv4::Credentials { secret_access_key: secret("wrong"), ..good.clone() };
    let reply = world.send(world.sign(&wrong, "sts", "POST", "/", form, &[])).await;
    assert_eq!(reply.status, 403);
    assert!(reply.text().contains("<Code>SignatureDoesNotMatch</Code>"), "{}", reply.text());
    let unknown = sigv4::Credentials { access_key_id: "AKIAQQQQQQQQQQQQQQQQ".into(), ..good };
    let reply = world.send(world.sign(&unknown, "sts", "POST", "/", form, &[])).await;
    assert!(reply.text().contains("<Code>InvalidClientTokenId</Code>"), "{}", reply.text());
    world.stop().await;
}

type Break = (&'static str, fn(&mut HeaderMap));

/// Ways to break a signature that is read before it is verified.
const BREAKS: &[Break] = &[
    ("no date", |headers| drop(headers.remove("x-amz-date"))),
    ("another day", |headers| drop(headers.insert("x-amz-date", "20150830T123600Z".parse().unwrap()))),
    ("a garbled date", |headers| drop(headers.insert("x-amz-date", "yesterday".parse().unwrap()))),
    ("no signature", |headers| authorization(headers, |text| text.split(", Signature=").next().unwrap().to_owned())),
    ("no signed headers", |headers| authorization(headers, |text| text.replace("SignedHeaders=", "Signed="))),
    ("half a scope", |headers| authorization(headers, |text| text.replace("/aws4_request", ""))),
    ("another algorithm", |headers| authorization(headers, |text| text.replace("HMAC-SHA256", "HMAC-SHA512"))),
];

fn authorization(headers: &mut HeaderMap, change: impl Fn(&str) -> String) {
    let changed = change(headers["authorization"].to_str().unwrap());
    headers.insert("authorization", changed.parse().unwrap());
}

#[tokio::test]
async fn broken_signatures_are_refused_in_the_shape_of_the_service_they_name() {
    let world = World::without_models().await;
    let good = credentials(&world.admin);
    for (how, destroy) in BREAKS {
        for (service, form) in [("sts", "Action=GetCallerIdentity&Version=2011-06-15"), ("iam", "Action=ListUsers")] {
            let mut request = world.sign(&good, service, "POST", "/", form, &[]);
            destroy(request.headers_mut());
            let reply = world.send(request).await;
            assert!([400, 403].contains(&reply.status.as_u16()), "{how}: {}", reply.status);
            assert_eq!(reply.header("content-type"), "text/xml", "{how}");
            let namespace = format!("<ErrorResponse xmlns=\"https://{service}.amazonaws.com/doc/");
            assert!(reply.text().starts_with(&namespace), "{how}: {}", reply.text());
        }
        let mut request = list(&world, &good);
        destroy(request.headers_mut());
        assert!(status_and_code(&world, request).await.1.ends_with("SignatureException"), "{how}");
        for path in ["/craton/v1/status", "/v1/models"] {
            let mut request = world.sign(&good, "craton", "GET", path, "", &[]);
            destroy(request.headers_mut());
            let reply = world.send(request).await;
            assert_eq!(reply.status, 401, "{how} {path}");
            assert!(reply.json()["error"]["message"].is_string(), "{how} {path}: {}", reply.text());
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn broken_presigned_requests_are_refused_in_the_shape_of_the_service_they_name() {
    let world = World::without_models().await;
    let uri: http::Uri = "http://localhost/?Action=GetCallerIdentity&Version=2011-06-15".parse().unwrap();
    let request =
        SigningRequest { method: "GET", uri: &uri, headers: &[], body: b"", region: "us-east-1", service: "sts" };
    let query = sigv4::presign(&request, &credentials(&world.admin), world.clock.now(), 60);
    let get = |query: String| {
        let request = Request::builder().uri(format!("/?{query}")).header("host", "localhost");
        request.body(Full::new(Bytes::new())).unwrap()
    };
    assert_eq!(world.send(get(query.clone())).await.status, 200);
    for absent in ["X-Amz-Date", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Algorithm"] {
        let rest: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with(absent)).collect();
        let reply = world.send(get(rest.join("&"))).await;
        assert_eq!(reply.status, 400, "{absent}");
        assert!(reply.text().contains("<Code>IncompleteSignature</Code>"), "{absent}: {}", reply.text());
    }
    world.stop().await;
}

#[tokio::test]
async fn a_signature_without_a_scope_is_refused_in_the_shape_of_what_it_asks() {
    let world = World::without_models().await;
    for header in ["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=AKID", "Basic dTpw"] {
        let send = |method: &str, path: &str, body: &'static str| {
            let request = Request::builder().method(method).uri(path).header("authorization", header);
            world.send(request.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap())
        };
        for (form, host) in [("Action=GetCallerIdentity", "sts"), ("Action=ListUsers", "iam"), ("Action=Fly", "sts")] {
            let reply = send("POST", "/", form).await;
            assert!(reply.text().contains("<Code>IncompleteSignature</Code>"), "{header}: {}", reply.text());
            assert!(reply.text().contains(&format!("https://{host}.amazonaws.com/")), "{header}: {}", reply.text());
        }
        let reply = send("POST", "/model/x/converse", "{}").await;
        assert_eq!(reply.error(), (403, "IncompleteSignatureException"), "{header}");
    }
    world.stop().await;
}

#[tokio::test]
async fn query_requests_name_an_action_of_their_services_version() {
    let world = World::without_models().await;
    for (form, code, message) in [
        ("Version=2010-05-08", "MissingAction", "The request must contain the parameter Action."),
        ("Action=Fly&Version=2010-05-08", "InvalidAction", "Could not find operation Fly for version 2010-05-08"),
        ("Action=ListUsers&Version=1", "InvalidAction", "Could not find operation ListUsers for version 1"),
    ] {
        let reply = world.query("iam", form).await;
        assert_eq!(reply.status, 400, "{form}");
        let expected = format!("<Code>{code}</Code><Message>{message}</Message>");
        assert!(reply.text().contains(&expected), "{form}: {}", reply.text());
    }
    world.stop().await;
}

#[tokio::test]
async fn keys_that_are_disabled_are_refused_at_once() {
    let world = World::without_models().await;
    let good = credentials(&world.admin);
    assert_eq!(world.send(list(&world, &good)).await.status, 200);
    let form = format!(
        "Action=UpdateAccessKey&Version=2010-05-08&UserName=admin&AccessKeyId={}&Status=Inactive",
        world.admin.access_key_id
    );
    assert_eq!(world.query("iam", &form).await.status, 200);
    assert_eq!(status_and_code(&world, list(&world, &good)).await, (403, "UnrecognizedClientException".into()));
    world.stop().await;
}

#[tokio::test]
async fn requests_without_any_proof_are_refused_in_the_services_shape() {
    let world = World::without_models().await;
    let bare = |method: &str, path: &str, body: &'static str| {
        let body = Full::new(Bytes::from_static(body.as_bytes()));
        Request::builder().method(method).uri(path).body(body).unwrap()
    };
    let reply = world.send(bare("GET", "/foundation-models", "")).await;
    assert_eq!(reply.error(), (403, "MissingAuthenticationTokenException"));
    let reply = world.send(bare("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15")).await;
    assert!(reply.text().contains("<Code>MissingAuthenticationToken</Code>"), "{}", reply.text());
    let reply = world.send(bare("GET", "/v1/models", "")).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["error"]["code"]), (401, &json!("invalid_api_key")));
    let reply = world.send(bare("GET", "/craton/v1/status", "")).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["error"]["code"]), (401, &json!("Unauthenticated")));
    world.stop().await;
}

/// A body that does not end.
fn endless() -> impl http_body::Body<Data = Bytes, Error = std::convert::Infallible> + Unpin + Send {
    let begun = futures::stream::iter([Ok(http_body::Frame::data(Bytes::from_static(b"{")))]);
    http_body_util::StreamBody::new(futures::StreamExt::chain(begun, futures::stream::pending()))
}

#[tokio::test]
async fn strangers_are_refused_before_their_body_is_read() {
    let world = World::without_models().await;
    for (name, value) in [("authorization", "Bearer nothing"), ("cookie", "craton_session=nothing")] {
        for path in ["/model/x/converse", "/v1/embeddings"] {
            let request = Request::builder().method("POST").uri(path).header(name, value).body(endless()).unwrap();
            let answer = tokio::time::timeout(Duration::from_secs(20), world.api.call(request, peer(), false)).await;
            let status = answer.expect("an answer without the body").status().as_u16();
            assert!([401, 403].contains(&status), "{name} {path}: {status}");
        }
    }
    let long = Full::new(Bytes::from("x".repeat(100_000)));
    let request = Request::builder().method("POST").uri("/model/x/converse").body(long).unwrap();
    assert_eq!(world.send(request).await.error(), (403, "MissingAuthenticationTokenException"));
    world.stop().await;
}

#[tokio::test]
async fn what_is_permitted_is_what_is_done() {
    let world = World::without_models().await;
    for name in ["alice", "bob"] {
        let reply = world.query("iam", &format!("Action=CreateUser&Version=2010-05-08&UserName={name}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let key = world.query("iam", "Action=CreateAccessKey&Version=2010-05-08&UserName=alice").await.text();
    let tag = |name: &str| {
        let (_, rest) = key.split_once(&format!("<{name}>")).unwrap();
        rest.split('<').next().unwrap().to_owned()
    };
    let alice = sigv4::Credentials {
        access_key_id: tag("AccessKeyId"),
        secret_access_key: secret(&tag("SecretAccessKey")),
        session_token: None,
    };
    let path = "/?UserName=alice";
    let form = "Action=DeleteUser&Version=2010-05-08&UserName=alice&UserName=bob";
    let reply = world.send(world.sign(&alice, "iam", "POST", path, form, &[])).await;
    assert_eq!(reply.status, 403);
    assert!(reply.text().contains("user/bob because"), "the last one is decoded, so it is checked: {}", reply.text());
    world.stop().await;
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_in_the_services_shape() {
    let world = World::without_models().await;
    let long = "x".repeat((1 << 20) + 1);
    let reply = world.invoke(CLAUDE, &long).await;
    assert_eq!(reply.error(), (413, "RequestEntityTooLargeException"));
    let reply = world.query("sts", &long).await;
    assert_eq!(reply.status, 413);
    assert!(reply.text().contains("<Code>RequestEntityTooLarge</Code>"));
    let reply = world.signed("craton", "POST", "/v1/embeddings", &long).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["error"]["type"]), (413, &json!("invalid_request_error")));
    world.stop().await;
}

#[tokio::test]
async fn malformed_bodies_are_told_what_is_wrong() {
    let world = World::start().await;
    let validation = (400, "ValidationException");
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    for body in ["not json", "", "[1]", deep.as_str(), "{\"max_tokens\": }"] {
        assert_eq!(world.invoke(CLAUDE, body).await.error(), validation, "{body}");
    }
    let reply = world.invoke(CLAUDE, "not json").await;
    assert_eq!(reply.json()["message"], "Malformed input request, please reformat your input and try again.");
    let converse = |body: &str| {
        let body = body.to_owned();
        let world = &world;
        async move { world.signed("bedrock", "POST", "/model/x/converse", &body).await }
    };
    for body in ["not json", deep.as_str(), "{\"messages\": 3}"] {
        let reply = converse(body).await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(
            ["SerializationException", "ValidationException"].contains(&reply.error().1),
            "{body}: {}",
            reply.text()
        );
    }
    let reply = converse(r#"{"messages": [{"role": "user"}]}"#).await;
    assert_eq!(reply.error(), validation);
    assert!(reply.text().contains("messages.1.member.content"), "{}", reply.text());
    let invalid_utf8 = {
        let mut request = world.sign(&credentials(&world.admin), "bedrock", "POST", "/model/x/invoke", "", &[]);
        *request.body_mut() = Full::new(Bytes::from_static(b"\xff\xfe"));
        request
    };
    assert_eq!(world.send(invalid_utf8).await.status, 403, "the body is not the one that was signed");
    let reply = world.signed("craton", "POST", "/v1/chat/completions", "{").await;
    assert_eq!((reply.status.as_u16(), &reply.json()["error"]["type"]), (400, &json!("invalid_request_error")));
    world.stop().await;
}

#[tokio::test]
async fn a_wrong_content_type_is_refused() {
    let world = World::start().await;
    let headers = [("content-type", "text/csv")];
    let path = format!("/model/{}/invoke", CLAUDE.replace(':', "%3A"));
    let body = messages_body(4).to_string();
    let reply = world.send(world.sign(&credentials(&world.admin), "bedrock", "POST", &path, &body, &headers)).await;
    assert_eq!(reply.error(), (400, "ValidationException"));
    let reply = world.send(world.sign(&credentials(&world.admin), "bedrock", "POST", &path, &body, &[])).await;
    assert_eq!(reply.status, 200, "clients may send none");
    let octets = [("content-type", "application/octet-stream")];
    let reply = world.send(world.sign(&credentials(&world.admin), "bedrock", "POST", &path, &body, &octets)).await;
    assert_eq!(reply.status, 200, "what SDKs send of a body whose type is not given: {}", reply.text());
    let plain = [("content-type", "text/plain")];
    let converse = "/model/x/converse";
    let reply = world.send(world.sign(&credentials(&world.admin), "bedrock", "POST", converse, "{}", &plain)).await;
    assert_eq!(reply.error(), (400, "SerializationException"));
    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    for wrong in ["application/json", "text/plain"] {
        let headers = [("content-type", wrong)];
        let reply = world.send(world.sign(&credentials(&world.admin), "sts", "POST", "/", form, &headers)).await;
        assert_eq!(reply.status, 400, "{wrong}");
        assert!(reply.text().contains("<Code>MalformedInput</Code>"), "{wrong}: {}", reply.text());
    }
    world.stop().await;
}

#[tokio::test]
async fn the_key_of_another_account_sees_its_own_account_only() {
    let world = World::start().await;
    let made = world.signed("craton", "POST", "/craton/v1/accounts", r#"{"accountId": "999988887777"}"#).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let other = sigv4::Credentials {
        access_key_id: made["accessKeyId"].as_str().unwrap().to_owned(),
        secret_access_key: secret(made["secretAccessKey"].as_str().unwrap()),
        session_token: None,
    };
    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    let reply = world.send(world.sign(&other, "sts", "POST", "/", form, &[])).await;
    assert!(reply.text().contains("<Account>999988887777</Account>"), "{}", reply.text());
    let reply = world.send(world.sign(&other, "craton", "GET", "/craton/v1/accounts", "", &[])).await;
    assert_eq!(reply.status, 403);
    let shared = [
        ("DELETE", "/craton/v1/models/tiny", ""),
        ("POST", "/craton/v1/models/tiny/unload", ""),
        ("POST", "/craton/v1/models/pull", r#"{"source": "file:/etc/hostname"}"#),
    ];
    for (method, path, body) in shared {
        let reply = world.send(world.sign(&other, "craton", method, path, body, &[])).await;
        assert_eq!(reply.status, 403, "{method} {path}: what all share is not for another account to change");
    }
    let jobs = world.send(world.sign(&other, "craton", "GET", "/craton/v1/jobs", "", &[])).await.json();
    assert_eq!(jobs["items"], json!([]));
    let requests = world.send(world.sign(&other, "craton", "GET", "/craton/v1/requests", "", &[])).await.json();
    assert_eq!(requests["items"].as_array().unwrap().len(), 6);
    let arn = format!("arn:aws:bedrock:us-east-1:{}:inference-profile/us.{CLAUDE}", world.admin.account);
    let path = format!("/model/{}/invoke", arn.replace(':', "%3A").replace('/', "%2F"));
    let reply = world.send(world.sign(&other, "bedrock", "POST", &path, &messages_body(4).to_string(), &[])).await;
    assert_eq!(reply.error(), (403, "AccessDeniedException"));
    world.stop().await;
}
