//! Who may ask, end to end.

use aws_wire::sigv4::{self, SigningRequest};
use base::{Clock as _, SystemClock};
use base64::Engine as _;
use http::Method;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::harness::{ACCOUNT, CLAUDE, Home, Key, Reply, Server, conversation};

const OTHER: &str = "111122223333";

async fn send(request: RequestBuilder) -> Reply {
    Reply::read(request.send().await.unwrap()).await.unwrap()
}

async fn identity(server: &Server, key: &Key) -> Reply {
    server.sts(key, "GetCallerIdentity").await
}

/// The administrator of another account.
async fn another_account(server: &Server) -> Key {
    let made = server.craton(Method::POST, "/accounts", json!({ "accountId": OTHER })).await.ok().json();
    Key::new(made["accessKeyId"].as_str().unwrap(), made["secretAccessKey"].as_str().unwrap())
}

/// A new bearer key for `surface`.
async fn bearer_key(server: &Server, surface: &str) -> String {
    let made = server.craton(Method::POST, "/api-keys", json!({ "name": surface, "surface": surface })).await;
    made.ok().json()["key"].as_str().unwrap().to_owned()
}

async fn openai(server: &Server, bearer: &str) -> Reply {
    send(server.http().get(server.url("/v1/models")).bearer_auth(bearer)).await
}

async fn bedrock(server: &Server, bearer: &str) -> Reply {
    let path = format!("/model/{}/converse", CLAUDE.replace(':', "%3A"));
    send(server.http().post(server.url(&path)).bearer_auth(bearer).json(&conversation("a question"))).await
}

#[tokio::test]
async fn a_wrong_secret_is_told_apart_from_an_unknown_key() {
    let home = Home::new();
    let server = home.start().await;
    let wrong = Key { secret: "w".repeat(40), ..Key::admin() };
    let unknown = Key { id: "AKIAUNKNOWNUNKNOWN22".to_owned(), ..Key::admin() };

    let reply = identity(&server, &wrong).await;
    assert_eq!((reply.status, reply.error_code().as_str()), (403, "SignatureDoesNotMatch"));
    let reply = identity(&server, &unknown).await;
    assert_eq!((reply.status, reply.error_code().as_str()), (403, "InvalidClientTokenId"));
    let reply = server.converse(&wrong, CLAUDE, "a question").await;
    assert_eq!((reply.status, reply.error_code().as_str()), (403, "InvalidSignatureException"));
    let reply = server.converse(&unknown, CLAUDE, "a question").await;
    assert_eq!((reply.status, reply.error_code().as_str()), (403, "UnrecognizedClientException"));
}

#[tokio::test]
async fn a_body_other_than_the_signed_one_is_refused() {
    let home = Home::new();
    let server = home.start().await;
    let request = server.bedrock(&Key::admin(), CLAUDE, "converse", &conversation("a question"));
    let reply = send(request.body(conversation("another").to_string())).await;
    assert_eq!((reply.status, reply.error_code().as_str()), (403, "InvalidSignatureException"));
}

#[tokio::test]
async fn a_presigned_address_needs_no_header() {
    let home = Home::new();
    let server = home.start().await;
    let address = server.presigned(&Key::admin(), "sts", "/?Action=GetCallerIdentity&Version=2011-06-15");
    let reply = send(server.http().get(&address)).await.ok();
    assert_eq!(reply.tag("Account"), ACCOUNT);
    let reply = send(server.http().get(address.replace("GetCallerIdentity", "GetSessionToken"))).await;
    assert_eq!((reply.status, reply.error_code().as_str()), (403, "SignatureDoesNotMatch"));
}

#[tokio::test]
async fn a_request_that_shows_nothing_is_refused() {
    let home = Home::new();
    let server = home.start().await;
    let path = format!("/model/{}/converse", CLAUDE.replace(':', "%3A"));
    let reply = send(server.http().post(server.url(&path)).json(&conversation("a question"))).await;
    assert_eq!((reply.status, reply.error_code().as_str()), (403, "MissingAuthenticationTokenException"));
    for path in ["/v1/models", "/craton/v1/status"] {
        assert_eq!(server.get(path).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_disabled_key_is_refused_until_it_is_enabled() {
    let home = Home::new();
    let server = home.start().await;
    let admin = Key::admin();
    server.iam(&admin, &[("Action", "CreateUser"), ("UserName", "someone")]).await.ok();
    let made = server.iam(&admin, &[("Action", "CreateAccessKey"), ("UserName", "someone")]).await.ok();
    let key = Key::of_xml(made.text());
    assert_eq!(identity(&server, &key).await.ok().tag("Arn"), format!("arn:aws:iam::{ACCOUNT}:user/someone"));

    let set = async |status| {
        let form =
            [("Action", "UpdateAccessKey"), ("UserName", "someone"), ("AccessKeyId", &key.id), ("Status", status)];
        server.iam(&admin, &form).await.ok();
    };
    set("Inactive").await;
    let reply = identity(&server, &key).await;
    assert_eq!((reply.status, reply.error_code().as_str()), (403, "InvalidClientTokenId"));
    set("Active").await;
    identity(&server, &key).await.ok();
}

#[tokio::test]
async fn a_user_who_is_no_administrator_is_denied() {
    let home = Home::new();
    let server = home.start().await;
    let admin = Key::admin();
    server.iam(&admin, &[("Action", "CreateUser"), ("UserName", "someone")]).await.ok();
    let made = server.iam(&admin, &[("Action", "CreateAccessKey"), ("UserName", "someone")]).await.ok();
    let key = Key::of_xml(made.text());
    let reply = server.converse(&key, CLAUDE, "a question").await;
    assert_eq!((reply.status, reply.error_code().as_str()), (403, "AccessDeniedException"));
    assert!(reply.text().contains("is not authorized to perform: bedrock:InvokeModel"), "{reply:?}");
    let reply = server.iam(&key, &[("Action", "ListUsers")]).await;
    assert_eq!((reply.status, reply.error_code().as_str()), (403, "AccessDenied"));
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let home = Home::new();
    let server = home.start().await;
    let admin = Key::admin();
    let other = another_account(&server).await;
    assert_eq!(identity(&server, &other).await.ok().tag("Account"), OTHER);

    server.iam(&admin, &[("Action", "CreateUser"), ("UserName", "mine")]).await.ok();
    let theirs = server.iam(&other, &[("Action", "ListUsers")]).await.ok();
    assert!(!theirs.text().contains("mine"), "{theirs:?}");
    let reply = server.iam(&other, &[("Action", "GetUser"), ("UserName", "mine")]).await;
    assert_eq!((reply.status, reply.error_code().as_str()), (404, "NoSuchEntity"));
    let form = [("Action", "DeleteAccessKey"), ("AccessKeyId", &admin.id)];
    assert_eq!(server.iam(&other, &form).await.error_code(), "NoSuchEntity");

    let reply = server.try_craton(&other, Method::GET, "/accounts", &Value::Null).await.unwrap();
    assert_eq!((reply.status, reply.error_code().as_str()), (403, "Denied"));
    let key = bearer_key(&server, "both").await;
    let listed = server.try_craton(&other, Method::GET, "/api-keys", &Value::Null).await.unwrap().ok();
    assert_eq!(listed.json()["items"], json!([]));
    openai(&server, &key).await.ok();
}

#[tokio::test]
async fn bearer_keys_open_their_surface_only() {
    let home = Home::new();
    let server = home.start().await;
    let for_openai = bearer_key(&server, "openai").await;
    let for_bedrock = bearer_key(&server, "bedrock").await;

    openai(&server, &for_openai).await.ok();
    bedrock(&server, &for_bedrock).await.ok();
    let reply = openai(&server, &for_bedrock).await;
    assert_eq!(reply.status, 401);
    let told = reply.json()["error"].clone();
    assert_eq!((&told["code"], &told["type"]), (&json!("invalid_api_key"), &json!("authentication_error")));
    assert!(told["message"].as_str().unwrap().starts_with("Incorrect API key provided."), "{told}");
    assert_eq!(bedrock(&server, &for_openai).await.status, 403);
    assert_eq!(openai(&server, "sk-craton-unknown").await.status, 401);
    let status = send(server.http().get(server.url("/craton/v1/status")).bearer_auth(&for_openai)).await;
    assert_eq!(status.status, 401, "bearer keys manage nothing");
}

/// A key that a client signs for itself, as AWS's token generators do.
fn short_term_key(key: &Key, service: &str, action: &str, seconds: u32) -> String {
    let uri = format!("https://bedrock.amazonaws.com/?Action={action}").parse().unwrap();
    let request = SigningRequest { method: "POST", uri: &uri, headers: &[], body: b"", region: "us-east-1", service };
    let query = sigv4::presign(&request, &key.credentials(), SystemClock.now(), seconds);
    let text = format!("bedrock.amazonaws.com/?{query}&Version=1");
    format!("bedrock-api-key-{}", base64::engine::general_purpose::STANDARD.encode(text))
}

#[tokio::test]
async fn a_short_term_key_opens_bedrock_for_who_signed_it() {
    let home = Home::new();
    let server = home.start().await;
    let admin = Key::admin();
    let call = "CallWithBearerToken";
    bedrock(&server, &short_term_key(&admin, "bedrock", call, 43_200)).await.ok();
    let session = Key::of_xml(server.sts(&admin, "GetSessionToken").await.ok().text());
    bedrock(&server, &short_term_key(&session, "bedrock", call, 60)).await.ok();
    assert_eq!(openai(&server, &short_term_key(&admin, "bedrock", call, 60)).await.status, 401);

    let wrong = Key { secret: "w".repeat(40), ..Key::admin() };
    let reply = bedrock(&server, &short_term_key(&wrong, "bedrock", call, 60)).await;
    assert_eq!((reply.status, reply.error_code().as_str()), (403, "InvalidSignatureException"));
    for refused in [
        short_term_key(&admin, "bedrock", "Another", 60),
        short_term_key(&admin, "sts", call, 60),
        short_term_key(&admin, "bedrock", call, 43_201),
        "bedrock-api-key-???".to_owned(),
        "bedrock-api-key-".to_owned(),
    ] {
        let reply = bedrock(&server, &refused).await;
        assert_eq!((reply.status, reply.error_code().as_str()), (403, "IncompleteSignatureException"), "{refused}");
    }
}

#[tokio::test]
async fn only_the_first_account_connects_upstreams() {
    let home = Home::new();
    let server = home.start().await;
    let other = another_account(&server).await;
    let path = "/aliases/meta.llama3-8b-instruct-v1%3A0";
    let upstream = json!({ "upstream": { "baseUrl": "http://127.0.0.1:9/v1", "model": "m" } });
    let reply = server.try_craton(&other, Method::PUT, path, &upstream).await.unwrap();
    assert_eq!((reply.status, reply.error_code().as_str()), (403, "Denied"));
    server.try_craton(&other, Method::PUT, path, &json!({ "local": "smollm2-135m-instruct" })).await.unwrap().ok();
    server.craton(Method::PUT, path, upstream).await.ok();
}

#[tokio::test]
async fn a_deleted_bearer_key_stops_working_at_once() {
    let home = Home::new();
    let server = home.start().await;
    let made =
        server.craton(Method::POST, "/api-keys", json!({ "name": "short", "surface": "both" })).await.ok().json();
    let key = made["key"].as_str().unwrap();
    openai(&server, key).await.ok();
    server.craton(Method::DELETE, &format!("/api-keys/{}", made["id"].as_str().unwrap()), Value::Null).await.ok();
    assert_eq!(openai(&server, key).await.status, 401);
    assert_eq!(bedrock(&server, key).await.status, 403);
}

#[tokio::test]
async fn a_session_token_belongs_to_its_key() {
    let home = Home::new();
    let server = home.start().await;
    let session = Key::of_xml(server.sts(&Key::admin(), "GetSessionToken").await.ok().text());
    assert!(session.token.is_some());
    assert_eq!(identity(&server, &session).await.ok().tag("Account"), ACCOUNT);
    let without = Key { token: None, ..session.clone() };
    assert_eq!(identity(&server, &without).await.status, 403);
    let stranger = Key { token: Some("made up".to_owned()), ..session };
    assert_eq!(identity(&server, &stranger).await.status, 403);
}

/// The console of one browser.
struct Browser<'a> {
    server: &'a Server,
    cookie: String,
    csrf: String,
}

impl<'a> Browser<'a> {
    async fn sign_in(server: &'a Server) -> Self {
        let key = Key::admin();
        let body = json!({ "accessKeyId": key.id, "secretAccessKey": key.secret });
        let reply = send(server.http().post(server.url("/craton/v1/console/session")).json(&body)).await.ok();
        let cookie = reply.header("set-cookie");
        assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict"), "{cookie}");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Self { server, cookie, csrf: reply.json()["csrfToken"].as_str().unwrap().to_owned() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.server.http().request(method, self.server.url(path)).header("cookie", &self.cookie)
    }

    async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }

    async fn change(&self, method: Method, path: &str, body: &Value) -> Reply {
        send(self.request(method, path).header("x-craton-csrf", &self.csrf).json(body)).await
    }
}

#[tokio::test]
async fn the_console_needs_the_csrf_token_for_changes() {
    let home = Home::new();
    let server = home.start().await;
    let browser = Browser::sign_in(&server).await;
    assert_eq!(browser.get("/craton/v1/status").await.ok().json()["account"], ACCOUNT);

    let body = json!({ "name": "from the console", "surface": "both" });
    let without = send(browser.request(Method::POST, "/craton/v1/api-keys").json(&body)).await;
    assert_eq!((without.status, without.error_code().as_str()), (403, "Denied"));
    let wrong = Browser { csrf: "wrong".to_owned(), cookie: browser.cookie.clone(), server: &server };
    assert_eq!(wrong.change(Method::POST, "/craton/v1/api-keys", &body).await.status, 403);
    assert_eq!(browser.get("/craton/v1/api-keys").await.json()["items"], json!([]), "nothing was made");
    browser.change(Method::POST, "/craton/v1/api-keys", &body).await.ok();
}

#[tokio::test]
async fn the_console_can_call_aws_services() {
    let home = Home::new();
    let server = home.start().await;
    let browser = Browser::sign_in(&server).await;
    let path = format!("/model/{}/converse", CLAUDE.replace(':', "%3A"));
    let request = browser.request(Method::POST, &path).header("x-craton-service", "bedrock-runtime");
    let request = request.header("x-craton-csrf", &browser.csrf);
    send(request.json(&conversation("a question"))).await.ok();
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let home = Home::new();
    let server = home.start().await;
    let browser = Browser::sign_in(&server).await;
    browser.change(Method::DELETE, "/craton/v1/console/session", &Value::Null).await.ok();
    let reply = browser.get("/craton/v1/status").await;
    assert_eq!((reply.status, reply.error_code().as_str()), (401, "Unauthenticated"));
}

#[tokio::test]
async fn a_session_outlives_a_restart_of_the_server() {
    let home = Home::new();
    let server = home.start().await;
    let Browser { cookie, csrf, .. } = Browser::sign_in(&server).await;
    assert!(server.stop().await.success());
    let server = home.start().await;
    let browser = Browser { server: &server, cookie, csrf };
    browser.get("/craton/v1/status").await.ok();
}

#[tokio::test]
async fn a_wrong_secret_opens_no_console() {
    let home = Home::new();
    let server = home.start().await;
    let body = json!({ "accessKeyId": Key::admin().id, "secretAccessKey": "w".repeat(40) });
    let reply = send(server.http().post(server.url("/craton/v1/console/session")).json(&body)).await;
    assert_eq!((reply.status, reply.error_code().as_str()), (401, "Unauthenticated"));
    assert!(reply.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn neither_secrets_nor_prompts_reach_the_log() {
    let home = Home::new();
    let server = home.start_with(&["--log", "trace"]).await;
    let admin = Key::admin();
    let prompt = "a-prompt-that-nobody-else-may-read";
    server.converse(&admin, CLAUDE, prompt).await.ok();
    let bearer = bearer_key(&server, "both").await;
    openai(&server, &bearer).await.ok();
    bedrock(&server, &bearer).await.ok();
    let session = Key::of_xml(server.sts(&admin, "GetSessionToken").await.ok().text());
    identity(&server, &session).await.ok();
    let other = server.craton(Method::POST, "/accounts", json!({ "accountId": OTHER })).await.ok().json();
    let browser = Browser::sign_in(&server).await;
    browser.change(Method::POST, "/craton/v1/api-keys", &json!({ "name": "n", "surface": "both" })).await.ok();
    let upstream =
        json!({ "upstream": { "baseUrl": "http://127.0.0.1:9/v1", "model": "m", "apiKey": "upstream-secret-key" } });
    server.craton(Method::PUT, "/aliases/openai.gpt-oss-20b-1%3A0", upstream).await.ok();
    assert_ne!(server.converse(&admin, "openai.gpt-oss-20b-1:0", prompt).await.status, 200);
    // Refused requests are logged with more detail.
    let wrong = Key { secret: "wrong-secret-wrong-secret-wrong-secret-0".to_owned(), ..Key::admin() };
    identity(&server, &wrong).await;

    let token = browser.cookie.split_once('=').unwrap().1.to_owned();
    let secrets = [
        ("prompt", prompt),
        ("administrator's secret", &admin.secret),
        ("bearer key", &bearer),
        ("session's secret", &session.secret),
        ("session token", session.token.as_deref().unwrap()),
        ("new account's secret", other["secretAccessKey"].as_str().unwrap()),
        ("console's token", &token),
        ("CSRF token", &browser.csrf),
        ("upstream's key", "upstream-secret-key"),
        ("wrong secret", &wrong.secret),
    ];
    let log = server.log();
    assert!(log.contains("request served"), "{log}");
    let leaked: Vec<&str> = secrets.iter().filter(|(_, secret)| log.contains(secret)).map(|(name, _)| *name).collect();
    assert!(leaked.is_empty(), "in the log: {leaked:?}");
}
