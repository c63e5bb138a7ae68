use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use super::*;
use ::store::params;

use crate::audit::{MANY, MOST, write_due};

#[tokio::test]
async fn an_entry_is_written_once() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        d.identity.permit(&d.ctx, &Ask::new("iam:ListUsers", "*"), Access::Read).await.unwrap();
        d.identity.flush_audit().await.unwrap();
        let entries = d.identity.list_audit(&d.ctx, &first(10)).await.unwrap().items;
        let [entry] = entries.as_slice() else { panic!("{entries:?}") };
        assert!(entry.read_only && entry.decision == Decision::Allowed);
        assert_eq!((entry.event_source.as_str(), entry.event_name.as_str()), ("iam.amazonaws.com", "ListUsers"));
        d.identity.flush_audit().await.unwrap();
        assert_eq!(d.identity.list_audit(&d.ctx, &first(10)).await.unwrap().items.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn who_fills_the_batch_waits_until_it_is_written() {
    let database = ::store::testing::TestDatabase::sqlite().unwrap();
    let store = database.open().await.unwrap();
    let d = Deployment::start(&store).await;
    let ask = Ask::new("iam:ListUsers", "*");
    let page = first(u32::try_from(MOST).unwrap() + 10);
    for _ in 0..MOST {
        d.identity.permit(&d.ctx, &ask, Access::Read).await.unwrap();
    }
    assert!(d.identity.list_audit(&d.ctx, &page).await.unwrap().items.len() >= MOST);
}

#[tokio::test]
async fn many_entries_are_written_before_their_time_and_fewer_are_not() {
    let database = ::store::testing::TestDatabase::sqlite().unwrap();
    let (store, dir) = (database.open().await.unwrap(), tempfile::tempdir().unwrap());
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::new(Timestamp(1_800_000_000_000)));
    let root_key = RootKey::load_or_create(dir.path().join("root.key")).unwrap();
    let defaults = Defaults { region: "us-east-1".parse().unwrap() };
    let random = Arc::new(SeededRandom::new(1));
    let identity = Identity::open_idle(store.clone(), root_key, clock, random, defaults).await.unwrap();
    let admin = identity.first_start(RootCredentials::default()).await.unwrap();
    let ctx = use_key(&identity, &admin.access_key_id, None).await.unwrap();
    identity.flush_audit().await.unwrap();
    let (page, ask) = (first(u32::try_from(MANY).unwrap() + 10), Ask::new("iam:ListUsers", "*"));
    let written = async || crate::audit::store::list(&store, ctx.account(), &page).await.unwrap().len();
    let before = written().await;
    let (inner, told) = (Arc::downgrade(&identity.0), Arc::clone(&identity.0.many_entries));
    // Their time never comes.
    let mut writing = pin!(write_due(&inner, &told, std::future::pending()));
    for _ in 1..MANY {
        identity.permit(&ctx, &ask, Access::Read).await.unwrap();
    }
    let mut context = Context::from_waker(Waker::noop());
    assert!(writing.as_mut().poll(&mut context).is_pending());
    // Nor are they, where it was told of others.
    told.notify_one();
    assert!(writing.as_mut().poll(&mut context).is_pending());
    assert_eq!((store.deferred(), written().await), (MANY - 1, before));
    identity.permit(&ctx, &ask, Access::Read).await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), writing).await.expect("it writes").unwrap().unwrap();
    assert_eq!((store.deferred(), written().await), (0, before + MANY));
}

#[tokio::test]
async fn the_resources_account_sees_what_concerns_it() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let buckets = d.buckets();
        let (other, _) = d.other_account().await;
        buckets.set(other.account(), None);
        let (alice, key) = d.user("alice").await;
        d.put("alice", "hidden", json!({"Sid": "Hidden", "Effect": "Allow", "Action": "ec2:*", "Resource": "*"})).await;
        denied(&d, &alice, &buckets.ask("s3:GetObject", OBJECT)).await;
        let theirs = d.identity.list_audit(&other, &first(10)).await.unwrap().items;
        let [entry] = theirs.as_slice() else { panic!("{theirs:?}") };
        assert!(entry.owner_side && entry.caller_account == d.admin.account);
        assert_eq!((entry.principal.clone(), entry.resource.as_str()), (alice.principal().arn(), OBJECT));
        assert_eq!(entry.access_key_id, "");
        assert!(!entry.trace.contains("Hidden") && !entry.trace.contains("identity"), "{}", entry.trace);
        let mine = d.identity.list_audit(&d.ctx, &first(10)).await.unwrap().items;
        let mine = mine.iter().find(|entry| entry.decision == Decision::Denied).unwrap();
        assert_eq!((mine.access_key_id.as_str(), mine.id.as_str()), (key.key.id.as_str(), entry.id.as_str()));
        assert!(mine.trace.contains("Hidden"), "{}", mine.trace);
        assert!(!mine.trace.contains(key.secret.reveal().as_str()));
    })
    .await;
}

#[tokio::test]
async fn who_came_with_a_token_is_found_by_its_subject() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let provider = format!("arn:aws:iam::{}:oidc-provider/issuer.example", d.admin.account);
        let (account, subject) = (d.admin.account.clone(), "repo:acme/site".to_owned());
        let build = d.ctx.of(Principal::Federated { account, provider: provider.clone(), subject });
        let role = format!("arn:aws:iam::{}:role/Builds", d.admin.account);
        denied(&d, &build, &Ask::new("sts:AssumeRoleWithWebIdentity", &role)).await;
        let attribute = Some((LookupAttribute::Username, "repo:acme/site".to_owned()));
        let lookup = AuditLookup { attribute, ..AuditLookup::default() };
        let found = d.identity.lookup_audit(&d.ctx, &lookup, &first(10)).await.unwrap().items;
        let [entry] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((entry.details().identity_type, entry.principal.as_str()), ("WebIdentityUser", provider.as_str()));
    })
    .await;
}

#[tokio::test]
async fn entries_are_found_by_each_attribute() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, key) = d.user("alice").await;
        let ctx = d.ctx.called_as("iam", "CreateUser", Some("aws-cli/2"));
        let user = format!("arn:aws:iam::{}:user/bob", d.admin.account);
        d.identity.permit(&ctx, &Ask::new("iam:CreateUser", &user), Access::Write).await.unwrap();
        denied(&d, &alice, &Ask::new("s3:ListBucket", BUCKET)).await;
        let look = async |attribute, value: &str| {
            let lookup = AuditLookup { attribute: Some((attribute, value.to_owned())), ..AuditLookup::default() };
            d.identity.lookup_audit(&d.ctx, &lookup, &first(10)).await.unwrap().items
        };
        let of_bob = look(LookupAttribute::ResourceName, "bob").await;
        assert_eq!(of_bob.len(), 1);
        let details = of_bob[0].details();
        assert_eq!((details.identity_type, details.user_agent.as_deref()), ("IAMUser", Some("aws-cli/2")));
        assert_eq!(details.source_ip, address().to_string());
        assert_eq!(details.resource, ("AWS::IAM::User", "bob".to_owned()));
        for (attribute, value) in [
            (LookupAttribute::EventId, of_bob[0].event_id()),
            (LookupAttribute::EventName, "CreateUser"),
            (LookupAttribute::ReadOnly, "false"),
            (LookupAttribute::Username, "admin"),
            (LookupAttribute::ResourceType, "AWS::IAM::User"),
            (LookupAttribute::EventSource, "iam.amazonaws.com"),
            (LookupAttribute::ResourceName, user.as_str()),
        ] {
            assert_eq!(look(attribute, value).await, of_bob, "{attribute:?}");
        }
        let of_alice = look(LookupAttribute::AccessKeyId, &key.key.id).await;
        assert_eq!(of_alice.len(), 1);
        assert!(of_alice[0].details().message.unwrap().contains("s3:ListBucket"));
        assert_eq!(look(LookupAttribute::EventName, "DeleteUser").await, []);
        let at = |start, end| AuditLookup { start, end, attribute: None };
        let now = d.clock.now();
        let times = async |lookup: AuditLookup| d.identity.lookup_audit(&d.ctx, &lookup, &first(10)).await;
        assert_eq!(times(at(Some(now), Some(now))).await.unwrap().items.len(), 2);
        assert_eq!(times(at(Some(now.plus_seconds(1)), None)).await.unwrap().items.len(), 0);
        assert_eq!(kind(times(at(Some(now.plus_seconds(1)), Some(now))).await), ErrorKind::Invalid);
    })
    .await;
}

#[tokio::test]
async fn entries_of_the_version_before_are_taken_over() {
    each_backend(async |store| {
        let (before, now) = (store::TABLES, crate::audit::store::TABLES);
        store.migrate(before.name, before.migrations).await.unwrap();
        let insert = "INSERT INTO identity_audit (id, account, time, principal, action, resource, decision, request_id)
                      VALUES ('000001800000000-e', '111122223333', 1800000000, 'arn', 'iam:CreateUser', '*', 'denied', 'r')";
        store.write(|tx| async move { tx.execute(insert, params![]).await }).await.unwrap();
        store.migrate(now.name, now.migrations).await.unwrap();
        let account: AccountId = "111122223333".parse().unwrap();
        let [entry] = crate::audit::store::list(&store, &account, &first(10)).await.unwrap().try_into().unwrap();
        assert_eq!((entry.event_source.as_str(), entry.event_name.as_str()), ("iam.amazonaws.com", "CreateUser"));
        assert_eq!((entry.decision, entry.event_id()), (Decision::Denied, "e"));
        assert_eq!(entry.details().identity_type, "Unknown");
    })
    .await;
}
