use ::store::testing::each_backend;

use super::*;

#[tokio::test]
async fn a_session_acts_as_its_owner_until_it_expires() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, _) = d.user("alice").await;
        let session = d.identity.get_session_token(&alice, Some(900)).await.unwrap();
        assert!(session.access_key_id.starts_with("ASIA"));
        assert_eq!(session.expires, d.clock.now().plus_seconds(900));
        let token = session.session_token.reveal().as_str();
        let ctx = use_key(&d.identity, &session.access_key_id, Some(token)).await.unwrap();
        assert_eq!(ctx.principal().arn(), alice.principal().arn());
        assert_eq!(ctx.principal().user_id(), alice.principal().user_id());
        assert_eq!(ctx.account(), alice.account());
        assert!(matches!(ctx.principal(), Principal::Session { .. }));
        d.clock.advance(900_000 - 1);
        use_key(&d.identity, &session.access_key_id, Some(token)).await.unwrap();
        d.clock.advance(1);
        let error = use_key(&d.identity, &session.access_key_id, Some(token)).await.unwrap_err();
        assert_eq!(error, Error::unauthenticated(EXPIRED_TOKEN));
    })
    .await;
}

#[tokio::test]
async fn only_the_sessions_own_token_is_accepted() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let session = d.identity.get_session_token(&d.ctx, None).await.unwrap();
        let other = d.identity.get_session_token(&d.ctx, None).await.unwrap();
        let mut tampered = session.session_token.reveal().clone();
        tampered.replace_range(10..11, if &tampered[10..11] == "A" { "B" } else { "A" });
        let cut = &session.session_token.reveal()[..20];
        for token in [None, Some(""), Some(tampered.as_str()), Some(cut), Some(other.session_token.reveal().as_str())] {
            let error = use_key(&d.identity, &session.access_key_id, token).await.unwrap_err();
            assert_eq!(error, Error::unauthenticated(INVALID_TOKEN), "{token:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_with_the_key_that_asked_for_it() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, key) = d.user("alice").await;
        let session = d.identity.get_session_token(&alice, None).await.unwrap();
        let (id, token) = (&session.access_key_id, Some(session.session_token.reveal().as_str()));
        use_key(&d.identity, id, token).await.unwrap();
        d.identity.update_access_key(&d.ctx, Some("alice"), &key.key.id, Status::Inactive).await.unwrap();
        assert_eq!(use_key(&d.identity, id, token).await.unwrap_err(), Error::unauthenticated(INVALID_TOKEN));
        d.identity.update_access_key(&d.ctx, Some("alice"), &key.key.id, Status::Active).await.unwrap();
        use_key(&d.identity, id, token).await.unwrap();
        d.identity.delete_access_key(&d.ctx, Some("alice"), &key.key.id).await.unwrap();
        assert!(d.identity.signing_key(id).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn durations_have_the_bounds_of_sts() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        for bad in [0, 899, 129_601, u32::MAX] {
            assert_eq!(kind(d.identity.get_session_token(&d.ctx, Some(bad)).await), ErrorKind::Invalid, "{bad}");
        }
        let lasts = async |ctx: &Ctx, wished| {
            let session = d.identity.get_session_token(ctx, wished).await.unwrap();
            (session.expires.as_millis() - d.clock.now().as_millis()) / 1000
        };
        assert_eq!(lasts(&d.ctx, None).await, 43_200);
        assert_eq!(lasts(&d.ctx, Some(129_600)).await, 129_600);
        let root = d.root().await;
        assert_eq!(lasts(&root, None).await, 3_600);
        assert_eq!(lasts(&root, Some(129_600)).await, 3_600);
        assert_eq!(lasts(&root, Some(900)).await, 900);
    })
    .await;
}

#[tokio::test]
async fn sessions_do_not_make_sessions() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let session = d.identity.get_session_token(&d.ctx, None).await.unwrap();
        let token = session.session_token.reveal().as_str();
        let ctx = use_key(&d.identity, &session.access_key_id, Some(token)).await.unwrap();
        assert_eq!(kind(d.identity.get_session_token(&ctx, None).await), ErrorKind::Denied);
    })
    .await;
}

#[tokio::test]
async fn sessions_long_over_are_removed() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let old = d.identity.get_session_token(&d.ctx, Some(900)).await.unwrap();
        d.clock.advance(25 * HOUR);
        d.identity.get_session_token(&d.ctx, Some(900)).await.unwrap();
        assert!(d.identity.signing_key(&old.access_key_id).await.unwrap().is_none());
    })
    .await;
}
