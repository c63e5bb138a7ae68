use ::store::testing::each_backend;
use base::Secret;

use super::*;

fn given(id: &str, secret: &str) -> RootCredentials {
    RootCredentials { account: None, access_key_id: Some(id.to_owned()), secret: Some(Secret::new(secret.to_owned())) }
}

#[tokio::test]
async fn the_first_start_makes_an_administrator_and_the_next_keep_it() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        assert_eq!(d.ctx.principal().arn(), format!("arn:aws:iam::{}:user/admin", d.admin.account));
        assert!(is_administrator(&d.identity, &d.ctx).await);
        for identity in [d.identity.clone(), d.second_process().await] {
            let again = identity.first_start(RootCredentials::default()).await.unwrap();
            assert_eq!((&again.account, &again.access_key_id), (&d.admin.account, &d.admin.access_key_id));
            assert_eq!(again.secret.reveal(), d.admin.secret.reveal());
        }
        let keys = d.identity.list_access_keys(&d.ctx, None, &first(10)).await.unwrap();
        assert_eq!(keys.items.len(), 1);
        assert_eq!(d.identity.list_accounts(&d.ctx, &first(10)).await.unwrap().items.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn given_credentials_replace_those_of_the_start_before() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let mut old = d.admin.access_key_id.clone();
        for (id, secret) in [
            ("AKIAIOSFODNN7EXAMPLE", "a-secret-of-the-operator-1"),
            ("AKIAIOSFODNN7EXAMPLE", "a-secret-of-the-operator-2"),
            ("AKIAI44QH8DHBEXAMPLE", "a-secret-of-the-operator-2"),
        ] {
            let admin = d.identity.first_start(given(id, secret)).await.unwrap();
            assert_eq!((admin.access_key_id.as_str(), admin.secret.reveal().as_str()), (id, secret));
            let key = d.identity.signing_key(id).await.unwrap().unwrap();
            assert_eq!(key.secret.reveal(), secret);
            assert_eq!(old == id, d.identity.signing_key(&old).await.unwrap().is_some());
            old = id.to_owned();
        }
        let kept = d.identity.first_start(RootCredentials::default()).await.unwrap();
        assert_eq!(kept.access_key_id, old);
    })
    .await;
}

#[tokio::test]
async fn giving_the_same_again_keeps_sessions() {
    each_backend(async |store| {
        let root = || given("AKIAIOSFODNN7EXAMPLE", "a-secret-of-the-operator-1");
        let d = Deployment::start_with(&store, root()).await;
        let session = d.identity.get_session_token(&d.ctx, None).await.unwrap();
        d.identity.first_start(root()).await.unwrap();
        use_key(&d.identity, &session.access_key_id, Some(session.session_token.reveal())).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_account_can_be_chosen_once() {
    each_backend(async |store| {
        let account: AccountId = "111122223333".parse().unwrap();
        let with = |account: &str| RootCredentials { account: Some(account.parse().unwrap()), ..Default::default() };
        let d = Deployment::start_with(&store, with(account.as_str())).await;
        assert_eq!(d.ctx.account(), &account);
        d.identity.first_start(with(account.as_str())).await.unwrap();
        let refused = d.identity.first_start(with("777788889999")).await;
        assert_eq!(kind(refused), ErrorKind::Conflict);
    })
    .await;
}

#[tokio::test]
async fn half_and_wrong_credentials_are_refused() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let id = || Some("AKIAIOSFODNN7EXAMPLE".to_owned());
        let half = RootCredentials { access_key_id: id(), ..Default::default() };
        assert_eq!(kind(d.identity.first_start(half).await), ErrorKind::Invalid);
        for (id, secret) in [("ab", "a-secret-of-the-operator-1"), ("AKIAIOSFODNN7EXAMPLE", "short")] {
            assert_eq!(kind(d.identity.first_start(given(id, secret)).await), ErrorKind::Invalid);
        }
        let (_, key) = d.user("alice").await;
        let taken = d.identity.first_start(given(&key.key.id, "a-secret-of-the-operator-1")).await;
        assert_eq!(kind(taken), ErrorKind::AlreadyExists);
        use_key(&d.identity, &d.admin.access_key_id, None).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_lost_administrator_comes_back_without_promoting_anyone() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let root = d.root().await;
        d.identity.delete_access_key(&root, Some("admin"), &d.admin.access_key_id).await.unwrap();
        let renewed = d.identity.first_start(RootCredentials::default()).await.unwrap();
        assert_ne!(renewed.access_key_id, d.admin.access_key_id);
        let ctx = use_key(&d.identity, &renewed.access_key_id, None).await.unwrap();
        assert!(is_administrator(&d.identity, &ctx).await);

        d.identity.delete_access_key(&root, Some("admin"), &renewed.access_key_id).await.unwrap();
        d.identity.detach_policy(&root, HolderName::user("admin"), ADMINISTRATOR).await.unwrap();
        d.identity.delete_user(&root, "admin").await.unwrap();
        let impostor = NewUser { name: "admin".to_owned(), ..NewUser::default() };
        d.identity.create_user(&root, impostor).await.unwrap();
        let again = d.identity.first_start(RootCredentials::default()).await.unwrap();
        let ctx = use_key(&d.identity, &again.access_key_id, None).await.unwrap();
        assert!(is_administrator(&d.identity, &ctx).await && ctx.principal().user_name() != Some("admin"));
        assert!(!d.identity.get_user(&root, Some("admin")).await.unwrap().administrator);
    })
    .await;
}

#[tokio::test]
async fn who_loses_the_administrators_policy_is_none_and_the_next_start_makes_another() {
    each_backend(async |store| {
        let chosen = || given("AKIAIOSFODNN7EXAMPLE", "a-secret-of-the-operator-1");
        let d = Deployment::start_with(&store, chosen()).await;
        d.identity.detach_policy(&d.ctx, HolderName::user("admin"), ADMINISTRATOR).await.unwrap();
        assert!(!is_administrator(&d.identity, &d.ctx).await);
        let again = d.identity.first_start(chosen()).await.unwrap();
        let ctx = use_key(&d.identity, &again.access_key_id, None).await.unwrap();
        assert!(is_administrator(&d.identity, &ctx).await);
        assert_ne!(ctx.principal().user_name(), Some("admin"));
        assert!(!is_administrator(&d.identity, &d.ctx).await, "the one before stays without rights");
    })
    .await;
}

#[tokio::test]
async fn a_limited_administrator_is_not_the_one_that_a_start_gives_keys_to() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let admin = HolderName::user("admin");
        d.identity.put_permissions_boundary(&d.ctx, admin, "arn:aws:iam::aws:policy/AWSDenyAll").await.unwrap();
        assert!(!is_administrator(&d.identity, &d.ctx).await);
        let again = d.identity.first_start(RootCredentials::default()).await.unwrap();
        let ctx = use_key(&d.identity, &again.access_key_id, None).await.unwrap();
        assert!(is_administrator(&d.identity, &ctx).await);
    })
    .await;
}

#[tokio::test]
async fn administrators_of_before_there_were_policies_keep_their_rights() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let id = d.ctx.principal().user_id();
        d.store
            .write(|tx| {
                let id = id.clone();
                async move {
                    // As the tables were before: the mark alone.
                    tx.execute("DELETE FROM identity_attached_policies", ::store::params![]).await?;
                    let text = include_str!("../../migrations/0001_identity_iam.sql");
                    let start = text.find("INSERT INTO identity_attached_policies").unwrap();
                    let insert: &'static str = &text[start..];
                    assert_eq!(tx.execute(insert, ::store::params![]).await?, 1, "{id}");
                    Ok(())
                }
            })
            .await
            .unwrap();
        d.identity.forget_rights();
        assert!(is_administrator(&d.identity, &d.ctx).await);
    })
    .await;
}

#[tokio::test]
async fn processes_that_start_together_agree() {
    each_backend(async |store| {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::new(Timestamp(0)));
        let one = open(&store, dir.path(), &clock, 1).await.unwrap();
        let two = open(&store, dir.path(), &clock, 2).await.unwrap();
        let start = |identity: Identity| async move { identity.first_start(RootCredentials::default()).await.unwrap() };
        let (first, second) = tokio::join!(start(one.clone()), start(two));
        assert_eq!((&first.account, &first.access_key_id), (&second.account, &second.access_key_id));
        use_key(&one, &first.access_key_id, None).await.unwrap();
    })
    .await;
}
