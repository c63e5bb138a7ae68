use ::store::testing::each_backend;
use base::Secret;

use super::*;

async fn visit(identity: &Identity, session: &ConsoleSession) -> Result<SignedIn> {
    identity.console_session(session.token.reveal(), None, origin()).await
}

async fn sign_in(d: &Deployment) -> ConsoleSession {
    d.identity.console_sign_in(&d.admin.access_key_id, &d.admin.secret, address()).await.unwrap()
}

#[tokio::test]
async fn a_session_gives_the_context_of_the_keys_owner() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let session = sign_in(&d).await;
        let signed_in = visit(&d.identity, &session).await.unwrap();
        assert_eq!(signed_in.ctx.principal(), d.ctx.principal());
        assert!(matches!(signed_in.ctx.credential(), Credential::Console { .. }));
        assert!(signed_in.csrf_matches(&session.csrf) && !signed_in.csrf_matches(""));
        assert_ne!(&session.csrf, session.token.reveal());
        let stranger = d.identity.console_session("stranger", None, origin()).await;
        assert_eq!(kind(stranger), ErrorKind::Unauthenticated);
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_after_an_idle_hour() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let session = sign_in(&d).await;
        d.clock.advance(HOUR - 1);
        visit(&d.identity, &session).await.unwrap();
        d.clock.advance(HOUR - 1);
        visit(&d.identity, &session).await.unwrap();
        d.identity.flush_last_used().await.unwrap();
        d.clock.advance(HOUR - 1);
        visit(&d.second_process().await, &session).await.unwrap();
        d.clock.advance(1);
        assert_eq!(kind(visit(&d.identity, &session).await), ErrorKind::Unauthenticated);
    })
    .await;
}

#[tokio::test]
async fn a_busy_session_ends_after_twelve_hours() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let session = sign_in(&d).await;
        assert_eq!(session.expires, d.clock.now().plus_seconds(12 * 3600));
        for _ in 0..23 {
            d.clock.advance(HOUR / 2);
            visit(&d.identity, &session).await.unwrap();
        }
        d.clock.advance(HOUR / 2);
        assert_eq!(kind(visit(&d.identity, &session).await), ErrorKind::Unauthenticated);
    })
    .await;
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (one, two) = (sign_in(&d).await, sign_in(&d).await);
        visit(&d.identity, &one).await.unwrap();
        d.identity.console_sign_out(one.token.reveal()).await.unwrap();
        d.identity.console_sign_out(one.token.reveal()).await.unwrap();
        assert_eq!(kind(visit(&d.identity, &one).await), ErrorKind::Unauthenticated);
        visit(&d.identity, &two).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_with_its_key() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, one) = d.user("alice").await;
        let two = d.identity.create_access_key(&alice, None).await.unwrap();
        let first = d.identity.console_sign_in(&one.key.id, &one.secret, address()).await.unwrap();
        let second = d.identity.console_sign_in(&two.key.id, &two.secret, address()).await.unwrap();
        visit(&d.identity, &first).await.unwrap();
        visit(&d.identity, &second).await.unwrap();
        for status in [Status::Inactive, Status::Active] {
            d.identity.update_access_key(&alice, None, &one.key.id, status).await.unwrap();
            assert_eq!(kind(visit(&d.identity, &first).await), ErrorKind::Unauthenticated, "{status:?}");
        }
        d.identity.delete_access_key(&alice, None, &two.key.id).await.unwrap();
        assert_eq!(kind(visit(&d.identity, &second).await), ErrorKind::Unauthenticated);
    })
    .await;
}

#[tokio::test]
async fn refusals_do_not_tell_why() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, key) = d.user("alice").await;
        let session = d.identity.get_session_token(&alice, None).await.unwrap();
        d.identity.update_access_key(&d.ctx, Some("alice"), &key.key.id, Status::Inactive).await.unwrap();
        let wrong = Secret::new("wrong".to_owned());
        let attempts = [
            (d.admin.access_key_id.as_str(), &wrong),
            ("AKIAQQQQQQQQQQQQQQQQ", &wrong),
            ("", &wrong),
            (key.key.id.as_str(), &key.secret),
            (session.access_key_id.as_str(), &session.secret),
        ];
        let mut errors = Vec::new();
        for (id, secret) in attempts {
            errors.push(d.identity.console_sign_in(id, secret, address()).await.unwrap_err());
        }
        assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
        assert_eq!(errors[0].kind, ErrorKind::Unauthenticated);
    })
    .await;
}

#[tokio::test]
async fn guessing_is_slowed_down_for_known_and_unknown_keys_alike() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let wrong = Secret::new("wrong".to_owned());
        for id in [d.admin.access_key_id.as_str(), "AKIAQQQQQQQQQQQQQQQQ"] {
            for _ in 0..5 {
                let refused = d.identity.console_sign_in(id, &wrong, address()).await;
                assert_eq!(kind(refused), ErrorKind::Unauthenticated);
            }
            assert_eq!(kind(d.identity.console_sign_in(id, &wrong, address()).await), ErrorKind::Throttled);
        }
        let right = d.identity.console_sign_in(&d.admin.access_key_id, &d.admin.secret, address()).await;
        assert_eq!(kind(right), ErrorKind::Throttled);
        d.clock.advance(15 * MINUTE);
        sign_in(&d).await;
    })
    .await;
}
