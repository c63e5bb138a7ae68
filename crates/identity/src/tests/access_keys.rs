use ::store::testing::{each_backend, each_database};

use super::*;

#[tokio::test]
async fn a_user_has_at_most_two_keys() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, one) = d.user("alice").await;
        let two = d.identity.create_access_key(&alice, None).await.unwrap();
        let error = d.identity.create_access_key(&d.ctx, Some("alice")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert_eq!(error.message, "Cannot exceed quota for AccessKeysPerUser: 2");
        let listed = d.identity.list_access_keys(&d.ctx, Some("alice"), &first(10)).await.unwrap().items;
        let mut expected = vec![one.key, two.key];
        expected.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(listed, expected);
        let page = d.identity.list_access_keys(&d.ctx, Some("alice"), &first(1)).await.unwrap();
        assert_eq!((page.items.len(), page.next_after.as_deref()), (1, Some(listed[0].id.as_str())));
    })
    .await;
}

#[tokio::test]
async fn the_secret_signs_and_the_principal_is_the_user() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (ctx, key) = d.user("alice").await;
        let signing = d.identity.signing_key(&key.key.id).await.unwrap().unwrap();
        assert_eq!(signing.secret.reveal(), key.secret.reveal());
        assert_eq!(ctx.principal().arn(), format!("arn:aws:iam::{}:user/alice", d.admin.account));
        assert_eq!(ctx.credential(), &Credential::AccessKey { id: key.key.id });
        assert_eq!((ctx.region().as_str(), ctx.source_ip()), ("us-east-1", Some(address())));
        assert!(d.identity.signing_key("AKIAQQQQQQQQQQQQQQQQ").await.unwrap().is_none());
        assert!(d.identity.signing_key("").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn an_inactive_key_is_refused_until_it_is_active() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (_, key) = d.user("alice").await;
        let id = &key.key.id;
        d.identity.update_access_key(&d.ctx, Some("alice"), id, Status::Inactive).await.unwrap();
        let error = use_key(&d.identity, id, None).await.unwrap_err();
        assert_eq!(error, Error::unauthenticated(INVALID_TOKEN));
        d.identity.update_access_key(&d.ctx, Some("alice"), id, Status::Active).await.unwrap();
        use_key(&d.identity, id, None).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_deleted_key_is_refused_at_once() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (_, key) = d.user("alice").await;
        let in_flight = d.identity.signing_key(&key.key.id).await.unwrap().unwrap();
        d.identity.delete_access_key(&d.ctx, Some("alice"), &key.key.id).await.unwrap();
        assert!(d.identity.signing_key(&key.key.id).await.unwrap().is_none());
        let late = ProvenKey::new(in_flight, None);
        let refused = d.identity.authenticate(late, None, origin()).await;
        assert_eq!(kind(refused), ErrorKind::Unauthenticated);
        let again = d.identity.delete_access_key(&d.ctx, Some("alice"), &key.key.id).await;
        assert_eq!(kind(again), ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn another_process_learns_of_a_revocation_within_seconds() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (_, key) = d.user("alice").await;
        let second = d.second_process().await;
        use_key(&second, &key.key.id, None).await.unwrap();
        d.identity.delete_access_key(&d.ctx, Some("alice"), &key.key.id).await.unwrap();
        d.clock.advance(cache::TIME_TO_LIVE);
        assert!(second.signing_key(&key.key.id).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_long_term_key_comes_without_a_session_token() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let refused = use_key(&d.identity, &d.admin.access_key_id, Some("token")).await;
        assert_eq!(refused.unwrap_err(), Error::unauthenticated(INVALID_TOKEN));
    })
    .await;
}

#[tokio::test]
async fn keys_of_other_users_and_accounts_do_not_exist() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (_, key) = d.user("alice").await;
        let (bob, _) = d.user("bob").await;
        let (other, _) = d.other_account().await;
        let id = &key.key.id;
        for (ctx, user) in [(&d.ctx, Some("bob")), (&bob, None), (&other, None), (&other, Some("admin"))] {
            let deleted = d.identity.delete_access_key(ctx, user, id).await.unwrap_err();
            assert_eq!(deleted, Error::not_found(format!("The Access Key with id {id} cannot be found.")));
            let updated = d.identity.update_access_key(ctx, user, id, Status::Inactive).await;
            assert_eq!(kind(updated), ErrorKind::NotFound);
            assert!(!d.identity.list_access_keys(ctx, user, &first(10)).await.unwrap().items.contains(&key.key));
        }
        use_key(&d.identity, id, None).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_root_has_keys_of_its_own() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let root = d.root().await;
        assert_eq!(root.principal().arn(), format!("arn:aws:iam::{}:root", d.admin.account));
        assert_eq!(root.principal().user_id(), d.admin.account.as_str());
        let key = d.identity.create_access_key(&root, None).await.unwrap();
        assert_eq!(key.key.user_name, None);
        assert_eq!(d.identity.list_access_keys(&root, None, &first(10)).await.unwrap().items.len(), 2);
        assert!(use_key(&d.identity, &key.key.id, None).await.unwrap().principal().is_root());
    })
    .await;
}

#[tokio::test]
async fn a_known_key_needs_no_query() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let bearer = d.identity.create_api_key(&d.ctx, "k", Surface::Both, None).await.unwrap();
        let session = d.identity.console_sign_in(&d.admin.access_key_id, &d.admin.secret, address()).await.unwrap();
        for closed in [false, true] {
            if closed {
                store.close().await;
            }
            use_key(&d.identity, &d.admin.access_key_id, None).await.unwrap();
            let key = bearer.secret.reveal();
            d.identity.bearer(key, Surface::OpenAi, None, origin()).await.unwrap();
            d.identity.console_session(session.token.reveal(), None, origin()).await.unwrap();
        }
        d.clock.advance(cache::TIME_TO_LIVE);
        let stale = use_key(&d.identity, &d.admin.access_key_id, None).await;
        assert_eq!(kind(stale), ErrorKind::Unavailable);
    })
    .await;
}

#[tokio::test]
async fn last_use_is_written_in_batches() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (_, key) = d.user("alice").await;
        let last_used =
            async || d.identity.list_access_keys(&d.ctx, Some("alice"), &first(1)).await.unwrap().items[0].last_used;
        let used = d.clock.now();
        assert_eq!(last_used().await, None);
        d.identity.flush_last_used().await.unwrap();
        assert_eq!(last_used().await, Some(used));
        d.clock.advance(5 * MINUTE);
        use_key(&d.identity, &key.key.id, None).await.unwrap();
        assert_eq!(last_used().await, Some(used));
        d.identity.flush_last_used().await.unwrap();
        assert_eq!(last_used().await, Some(d.clock.now()));
    })
    .await;
}

#[tokio::test]
async fn secrets_are_neither_stored_nor_shown() {
    each_database(async |database| {
        let store = database.open().await.unwrap();
        let d = Deployment::start(&store).await;
        let (alice, key) = d.user("alice").await;
        let session = d.identity.get_session_token(&alice, None).await.unwrap();
        let bearer = d.identity.create_api_key(&alice, "k", Surface::Bedrock, None).await.unwrap();
        let console = d.identity.console_sign_in(&key.key.id, &key.secret, address()).await.unwrap();
        let signing = d.identity.signing_key(&key.key.id).await.unwrap().unwrap();
        let root = d.identity.root_credentials().await.unwrap();
        let secrets = [
            d.admin.secret.reveal(),
            root.secret.reveal(),
            key.secret.reveal(),
            session.secret.reveal(),
            session.session_token.reveal(),
            bearer.secret.reveal(),
            console.token.reveal(),
        ];
        let shown = format!("{:?} {key:?} {session:?} {bearer:?} {console:?} {signing:?} {root:?}", d.admin);
        for secret in secrets {
            assert!(!shown.contains(secret.as_str()));
        }
        let Some(path) = database.url().strip_prefix("sqlite:").map(str::to_owned) else { return };
        let stored: Vec<u8> =
            ["", "-wal"].iter().flat_map(|end| std::fs::read(format!("{path}{end}")).unwrap()).collect();
        let holds = |text: &str| stored.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(holds(&key.key.id), "the search finds what is there");
        for secret in secrets {
            assert!(!holds(secret));
        }
    })
    .await;
}
