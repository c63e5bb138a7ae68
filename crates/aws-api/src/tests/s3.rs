use base::SystemClock;

use super::*;

impl World {
    /// A request signed for S3. s3s compares the time of signatures with the machine's clock.
    pub(super) fn for_s3(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Request<Full<Bytes>> {
        self.signed_for_s3(&credentials(&self.admin), method, path, body, headers)
    }

    fn signed_for_s3(
        &self,
        by: &sigv4::Credentials,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Request<Full<Bytes>> {
        let uri: http::Uri = format!("http://localhost{path}").parse().unwrap();
        let request =
            SigningRequest { method, uri: &uri, headers, body: body.as_bytes(), region: "us-east-1", service: "s3" };
        let added = sigv4::sign(&request, by, SystemClock.now());
        let mut builder = Request::builder().method(method).uri(path).header("host", "localhost");
        builder = builder.header("content-length", body.len());
        for (name, value) in headers.iter().copied().chain(added.iter().map(|(n, v)| (*n, v.as_str()))) {
            builder = builder.header(name, value);
        }
        builder.body(Full::new(Bytes::from(body.to_owned()))).unwrap()
    }

    pub(super) async fn s3(&self, method: &str, path: &str, body: &str) -> Reply {
        self.send(self.for_s3(method, path, body, &[])).await
    }
}

fn code(reply: &Reply) -> (u16, String) {
    let text = reply.text();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once('<')).map_or("", |(code, _)| code);
    (reply.status.as_u16(), code.to_owned())
}

fn unsigned(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let mut builder = Request::builder().method(method).uri(path).header("host", "localhost");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Full::new(Bytes::new())).unwrap()
}

#[tokio::test]
async fn objects_go_in_and_come_out() {
    let world = World::without_models().await;
    assert_eq!(world.s3("PUT", "/applications", "").await.status, 200);
    let put = world.send(world.for_s3("PUT", "/applications/a%20b", "hello", &[("x-amz-meta-a", "1")])).await;
    assert_eq!(put.status, 200, "{}", put.text());
    assert_eq!(put.header("etag"), "\"5d41402abc4b2a76b9719d911017c592\"");
    let got = world.s3("GET", "/applications/a%20b", "").await;
    assert_eq!((got.text().as_str(), got.header("x-amz-meta-a")), ("hello", "1"));
    let head = world.s3("HEAD", "/applications/a%20b", "").await;
    assert_eq!((head.status.as_u16(), head.header("content-length"), head.body.len()), (200, "5", 0));
    let wanted = [("x-amz-object-attributes", "ETag,ObjectSize")];
    let attributes = world.send(world.for_s3("GET", "/applications/a%20b?attributes", "", &wanted)).await;
    assert!(attributes.text().contains("<ETag>5d41402abc4b2a76b9719d911017c592</ETag>"), "{}", attributes.text());
    assert!(world.s3("GET", "/applications?list-type=2", "").await.text().contains("<Key>a b</Key>"));
    assert_eq!(world.s3("DELETE", "/applications/a%20b", "").await.status, 204);
    assert_eq!(code(&world.s3("GET", "/applications/a%20b", "").await), (404, "NoSuchKey".into()));
    world.stop().await;
}

#[tokio::test]
async fn errors_say_what_they_are_about() {
    let world = World::without_models().await;
    world.s3("PUT", "/bucket", "").await;
    let absent = world.s3("GET", "/bucket/a%2Fb%3C", "").await;
    let id = absent.header("x-amz-request-id");
    let about = format!("<Key>a/b&lt;</Key><RequestId>{id}</RequestId>");
    assert!(absent.text().contains(&about), "{}", absent.text());
    assert_eq!(absent.header("content-type"), "application/xml");
    let head = world.s3("HEAD", "/bucket/absent", "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (404, 0));
    let nowhere = world.s3("GET", "/absent-bucket", "").await;
    assert!(nowhere.text().contains("<BucketName>absent-bucket</BucketName>"), "{}", nowhere.text());
    world.stop().await;
}

#[tokio::test]
async fn signatures_that_are_wrong_are_refused_as_s3_refuses_them() {
    let world = World::without_models().await;
    let good = credentials(&world.admin);
    let wrong = sigv4::Credentials { secret_access_key: secret("wrong"), ..good.clone() };
    let unknown = sigv4::Credentials { access_key_id: "AKIAQQQQQQQQQQQQQQQQ".into(), ..good.clone() };
    let token = sigv4::Credentials { session_token: Some(secret("stray")), ..good.clone() };
    for (by, refusal) in [
        (&wrong, (403, "SignatureDoesNotMatch")),
        (&unknown, (403, "InvalidAccessKeyId")),
        (&token, (400, "InvalidToken")),
    ] {
        let reply = world.send(world.signed_for_s3(by, "GET", "/", "", &[])).await;
        assert_eq!(code(&reply), (refusal.0, refusal.1.to_owned()));
    }
    let mut late = world.for_s3("GET", "/", "", &[]);
    late.headers_mut().insert("x-amz-date", "20150830T123600Z".parse().unwrap());
    assert_eq!(code(&world.send(late).await), (400, "AuthorizationHeaderMalformed".into()));
    let mut added = world.for_s3("GET", "/", "", &[]);
    added.headers_mut().insert("x-amz-copy-source", "/b/k".parse().unwrap());
    assert_eq!(code(&world.send(added).await), (403, "AccessDenied".into()));
    assert_eq!(world.s3("GET", "/", "").await.status, 200);
    world.stop().await;
}

#[tokio::test]
async fn a_body_that_was_changed_on_its_way_is_not_stored() {
    let world = World::without_models().await;
    world.s3("PUT", "/bucket", "").await;
    let mut changed = world.for_s3("PUT", "/bucket/k", "hello", &[]);
    *changed.body_mut() = Full::new(Bytes::from_static(b"jello"));
    assert_eq!(code(&world.send(changed).await), (400, "XAmzContentSHA256Mismatch".into()));
    assert_eq!(world.s3("HEAD", "/bucket/k", "").await.status, 404);
    world.stop().await;
}

#[tokio::test]
async fn what_is_not_built_is_named_and_never_taken_for_something_else() {
    let world = World::without_models().await;
    for (method, path, operation) in [
        ("PUT", "/bucket?abac", "PutBucketAbac"),
        ("GET", "/bucket?abac", "GetBucketAbac"),
        ("PUT", "/bucket?requestPayment", "PutBucketRequestPayment"),
        ("POST", "/bucket/k?restore", "RestoreObject"),
        ("GET", "/bucket/k?torrent", "GetObjectTorrent"),
    ] {
        let reply = world.s3(method, path, "<a/>").await;
        assert_eq!(code(&reply), (501, "NotImplemented".into()), "{method} {path}");
        assert!(reply.text().contains(operation), "{method} {path}: {}", reply.text());
    }
    assert_eq!(code(&world.s3("HEAD", "/bucket", "").await).0, 404, "no bucket was made");
    assert_eq!(code(&world.s3("PATCH", "/bucket/k", "").await), (405, "MethodNotAllowed".into()));
    world.stop().await;
}

#[tokio::test]
async fn strangers_are_denied_and_pages_of_other_sites_need_a_rule() {
    let world = World::without_models().await;
    world.s3("PUT", "/bucket", "").await;
    assert_eq!(code(&world.send(unsigned("GET", "/bucket/k", &[])).await), (403, "AccessDenied".into()));
    assert_eq!(code(&world.send(unsigned("GET", "/", &[])).await), (403, "AccessDenied".into()));
    let ask = [("origin", "http://page.example"), ("access-control-request-method", "GET")];
    let preflight = || world.send(unsigned("OPTIONS", "/bucket/k", &ask));
    assert_eq!(code(&preflight().await), (403, "AccessForbidden".into()));
    let rules = "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>\
                 </CORSRule></CORSConfiguration>";
    let put = world.s3("PUT", "/bucket?cors", rules).await;
    assert_eq!(put.status, 200, "{}", put.text());
    let granted = preflight().await;
    assert_eq!((granted.status.as_u16(), granted.header("access-control-allow-origin")), (200, "*"));
    let page = world.send(world.for_s3("GET", "/bucket/absent", "", &[("origin", "http://page.example")])).await;
    assert_eq!((page.status.as_u16(), page.header("access-control-allow-origin")), (404, "*"));
    world.stop().await;
}

#[tokio::test]
async fn the_console_asks_s3_with_its_session() {
    let world = World::without_models().await;
    let body = json!({
        "accessKeyId": world.admin.access_key_id, "secretAccessKey": world.admin.secret.reveal(),
    });
    let sign_in =
        Request::builder().method("POST").uri("/craton/v1/console/session").header("content-type", "application/json");
    let session = world.send(sign_in.body(Full::new(Bytes::from(body.to_string()))).unwrap()).await;
    let cookie = session.header("set-cookie").split(';').next().unwrap().to_owned();
    let csrf = session.json()["csrfToken"].as_str().unwrap().to_owned();
    let ask = |method: &'static str, path: &'static str, csrf: &str| {
        let headers = [("cookie", cookie.as_str()), ("x-craton-service", "s3"), ("x-craton-csrf", csrf)];
        world.send(unsigned(method, path, &headers))
    };
    assert_eq!(code(&ask("PUT", "/bucket", "").await), (403, "AccessDenied".into()));
    assert_eq!(ask("PUT", "/bucket", &csrf).await.status, 200);
    assert!(ask("GET", "/", "").await.text().contains("<Name>bucket</Name>"));
    world.stop().await;
}

#[tokio::test]
async fn what_was_asked_of_s3_is_among_the_latest_requests() {
    let world = World::without_models().await;
    world.s3("PUT", "/bucket", "").await;
    world.s3("GET", "/bucket/absent", "").await;
    let latest = world.signed("craton", "GET", "/craton/v1/requests", "").await.json();
    let latest: Vec<_> = latest["items"].as_array().unwrap().iter().filter(|r| r["service"] == "s3").collect();
    assert_eq!(latest[0]["operation"], "GetObject");
    assert_eq!((&latest[0]["status"], &latest[0]["errorCode"]), (&json!(404), &json!("NoSuchKey")));
    assert_eq!(latest[1]["operation"], "CreateBucket");
    world.stop().await;
}
