use std::sync::Arc;

use ::store::testing::each_backend;
use ::store::{Store, params};
use base::{FixedClock, SeededRandom, Timestamp};
use identity::{Defaults, Identity, RootKey};

use super::*;

async fn identity(store: &Store, dir: &std::path::Path) -> Identity {
    let key = RootKey::load_or_create(dir.join("root.key")).unwrap();
    let defaults = Defaults { region: "us-east-1".parse().unwrap() };
    let clock = Arc::new(FixedClock::new(Timestamp(0)));
    Identity::open(store.clone(), key, clock, Arc::new(SeededRandom::new(1)), defaults).await.unwrap()
}

#[tokio::test]
async fn applications_are_listed_page_by_page_for_their_account_and_region() {
    each_backend(async |store| {
        let dir = tempfile::tempdir().unwrap();
        let identity = identity(&store, dir.path()).await;
        let ctx = |account: &str, region: &str| {
            identity.service_ctx(account.parse().unwrap(), region.parse().unwrap(), "tests")
        };
        let assistants = Assistants::open(store.clone()).await.unwrap();
        for (account, region, id) in
            [("111111111111", "us-east-1", "a"), ("111111111111", "us-east-1", "b"), ("222222222222", "us-east-1", "c")]
        {
            store
                .write(|tx| async move {
                    let sql =
                        "INSERT INTO assistants_applications VALUES ($1, $2, $3, $3, 'ACTIVE', 'ANONYMOUS', 1, 2)";
                    tx.execute(sql, params![account, region, id]).await
                })
                .await
                .unwrap();
        }
        let first = PageRequest { limit: 1, after: None };
        let page = assistants.list_applications(&ctx("111111111111", "us-east-1"), &first).await.unwrap();
        assert_eq!((page.items[0].id.as_str(), page.items.len()), ("a", 1));
        let next = PageRequest::from_token(10, page.next_token().as_deref()).unwrap();
        let page = assistants.list_applications(&ctx("111111111111", "us-east-1"), &next).await.unwrap();
        assert_eq!((page.items[0].id.as_str(), page.next_token()), ("b", None));
        assert_eq!((page.items[0].created, page.items[0].updated), (Timestamp(1), Timestamp(2)));
        for empty in [ctx("333333333333", "us-east-1"), ctx("111111111111", "eu-west-1")] {
            assert_eq!(assistants.list_applications(&empty, &first).await.unwrap().items, []);
        }
    })
    .await;
}
