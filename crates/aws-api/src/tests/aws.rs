use super::*;

#[tokio::test]
async fn the_caller_is_told_who_it_is() {
    let world = World::without_models().await;
    let reply = world.query("sts", "Action=GetCallerIdentity&Version=2011-06-15").await;
    assert_eq!(reply.status, 200);
    let arn = format!("<Arn>arn:aws:iam::{}:user/admin</Arn>", world.admin.account);
    assert!(reply.text().contains(&arn), "{}", reply.text());
    world.stop().await;
}

#[tokio::test]
async fn session_tokens_work_and_expire() {
    let world = World::without_models().await;
    let reply = world.query("sts", "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=900").await.text();
    let between = |tag: &str| {
        let (_, rest) = reply.split_once(&format!("<{tag}>")).unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    let session = sigv4::Credentials {
        access_key_id: between("AccessKeyId"),
        secret_access_key: secret(&between("SecretAccessKey")),
        session_token: Some(secret(&between("SessionToken"))),
    };
    let list = || world.sign(&session, "bedrock", "GET", "/foundation-models", "", &[]);
    assert_eq!(world.send(list()).await.status, 200);
    let wrong = sigv4::Credentials { session_token: Some(secret("other")), ..session.clone() };
    let reply = world.send(world.sign(&wrong, "bedrock", "GET", "/foundation-models", "", &[])).await;
    assert_eq!(reply.error(), (403, "UnrecognizedClientException"));
    world.clock.advance(901_000);
    assert_eq!(world.send(list()).await.error(), (403, "ExpiredTokenException"));
    world.stop().await;
}

#[tokio::test]
async fn users_and_their_keys_live_and_die() {
    let world = World::without_models().await;
    let iam = |form: &'static str| world.query("iam", form);
    let made = iam("Action=CreateUser&Version=2010-05-08&UserName=ann&Path=%2Fteam%2F").await;
    assert!(made.text().contains(":user/team/ann</Arn>"), "{}", made.text());
    let again = iam("Action=CreateUser&Version=2010-05-08&UserName=ann").await;
    assert_eq!(again.status, 409);
    assert!(again.text().contains("<Code>EntityAlreadyExists</Code>"));
    assert!(iam("Action=ListUsers&Version=2010-05-08").await.text().contains("<UserName>admin</UserName>"));
    let key = iam("Action=CreateAccessKey&Version=2010-05-08&UserName=ann").await.text();
    assert!(key.contains("<SecretAccessKey>"));
    iam("Action=CreateAccessKey&Version=2010-05-08&UserName=ann").await;
    let third = iam("Action=CreateAccessKey&Version=2010-05-08&UserName=ann").await;
    assert!(third.text().contains("<Code>LimitExceeded</Code>"), "{}", third.text());
    let conflict = iam("Action=DeleteUser&Version=2010-05-08&UserName=ann").await;
    assert!(conflict.text().contains("<Code>DeleteConflict</Code>"));
    let absent = iam("Action=GetUser&Version=2010-05-08&UserName=bob").await;
    assert_eq!(absent.status, 404);
    assert!(absent.text().contains("<Code>NoSuchEntity</Code>"));
    let missing = iam("Action=CreateUser&Version=2010-05-08").await;
    assert_eq!(missing.status, 400);
    assert!(missing.text().contains("<Code>ValidationError</Code>"), "{}", missing.text());
    world.stop().await;
}

#[tokio::test]
async fn users_without_rights_are_denied_in_awss_words() {
    let world = World::without_models().await;
    world.query("iam", "Action=CreateUser&Version=2010-05-08&UserName=ann").await;
    let key = world.query("iam", "Action=CreateAccessKey&Version=2010-05-08&UserName=ann").await.text();
    let between = |tag: &str| {
        let (_, rest) = key.split_once(&format!("<{tag}>")).unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    let ann = sigv4::Credentials {
        access_key_id: between("AccessKeyId"),
        secret_access_key: secret(&between("SecretAccessKey")),
        session_token: None,
    };
    let reply = world.send(world.sign(&ann, "bedrock", "POST", "/model/x/invoke", "{}", &[])).await;
    assert_eq!(reply.error(), (403, "AccessDeniedException"));
    assert_eq!(
        reply.json()["message"],
        format!(
            "User: arn:aws:iam::{}:user/ann is not authorized to perform: bedrock:InvokeModel on resource: \
             arn:aws:bedrock:us-east-1::foundation-model/x because no identity-based policy allows the \
             bedrock:InvokeModel action",
            world.admin.account
        )
    );
    world.stop().await;
}

#[tokio::test]
async fn operations_that_are_not_built_are_named() {
    let world = World::without_models().await;
    let reply = world.signed("bedrock", "GET", "/custom-models", "").await;
    assert_eq!(reply.error(), (501, "NotImplementedException"));
    assert!(reply.json()["message"].as_str().unwrap().contains("ListCustomModels"));
    let reply = world.query("sts", "Action=GetFederationToken&Version=2011-06-15&Name=bob").await;
    assert_eq!(reply.status, 501);
    assert!(reply.text().contains("GetFederationToken"));
    world.stop().await;
}
