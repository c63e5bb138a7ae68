use ::store::testing::each_backend;

use super::*;

async fn bear(identity: &Identity, key: &str, surface: Surface) -> Result<Ctx> {
    identity.bearer(key, surface, None, origin()).await
}

#[tokio::test]
async fn an_api_key_acts_as_its_user_on_its_surface() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let bedrock = d.identity.create_api_key(&d.ctx, "one", Surface::Bedrock, None).await.unwrap();
        let openai = d.identity.create_api_key(&d.ctx, "two", Surface::OpenAi, None).await.unwrap();
        let both = d.identity.create_api_key(&d.ctx, "three", Surface::Both, None).await.unwrap();
        assert!(bedrock.secret.reveal().starts_with("ABSK"));
        assert!(openai.secret.reveal().starts_with("sk-craton-"));
        let allowed = async |key: &NewApiKey, surface| bear(&d.identity, key.secret.reveal(), surface).await.is_ok();
        assert!(allowed(&bedrock, Surface::Bedrock).await && !allowed(&bedrock, Surface::OpenAi).await);
        assert!(allowed(&openai, Surface::OpenAi).await && !allowed(&openai, Surface::Bedrock).await);
        assert!(allowed(&both, Surface::OpenAi).await && allowed(&both, Surface::Bedrock).await);
        let ctx = bear(&d.identity, both.secret.reveal(), Surface::Bedrock).await.unwrap();
        assert_eq!(ctx.principal(), d.ctx.principal());
        for wrong in ["", "sk-craton-", &both.key.id, &both.secret.reveal()[1..]] {
            let error = bear(&d.identity, wrong, Surface::Bedrock).await.unwrap_err();
            assert_eq!(error, Error::unauthenticated(INVALID_TOKEN));
        }
    })
    .await;
}

#[tokio::test]
async fn an_api_key_expires() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let key = d.identity.create_api_key(&d.ctx, "k", Surface::OpenAi, Some(60)).await.unwrap();
        assert_eq!(key.key.expires, Some(d.clock.now().plus_seconds(60)));
        d.clock.advance(MINUTE - 1);
        bear(&d.identity, key.secret.reveal(), Surface::OpenAi).await.unwrap();
        d.clock.advance(1);
        let error = bear(&d.identity, key.secret.reveal(), Surface::OpenAi).await.unwrap_err();
        assert_eq!(error, Error::unauthenticated(EXPIRED_TOKEN));
    })
    .await;
}

#[tokio::test]
async fn a_deleted_api_key_is_refused_at_once() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let key = d.identity.create_api_key(&d.ctx, "k", Surface::OpenAi, None).await.unwrap();
        bear(&d.identity, key.secret.reveal(), Surface::OpenAi).await.unwrap();
        d.identity.delete_api_key(&d.ctx, &key.key.id).await.unwrap();
        assert_eq!(kind(bear(&d.identity, key.secret.reveal(), Surface::OpenAi).await), ErrorKind::Unauthenticated);
        assert_eq!(kind(d.identity.delete_api_key(&d.ctx, &key.key.id).await), ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn another_accounts_api_keys_do_not_exist() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let key = d.identity.create_api_key(&d.ctx, "k", Surface::OpenAi, None).await.unwrap();
        let (other, _) = d.other_account().await;
        assert_eq!(d.identity.list_api_keys(&other, &first(10)).await.unwrap().items, []);
        assert_eq!(kind(d.identity.delete_api_key(&other, &key.key.id).await), ErrorKind::NotFound);
        bear(&d.identity, key.secret.reveal(), Surface::OpenAi).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn api_keys_are_listed_with_their_last_use() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let key = d.identity.create_api_key(&d.ctx, "laptop", Surface::Both, None).await.unwrap();
        assert_eq!(d.identity.list_api_keys(&d.ctx, &first(10)).await.unwrap().items, std::slice::from_ref(&key.key));
        bear(&d.identity, key.secret.reveal(), Surface::OpenAi).await.unwrap();
        d.identity.flush_last_used().await.unwrap();
        let listed = d.identity.list_api_keys(&d.ctx, &first(10)).await.unwrap().items;
        assert_eq!(listed, [ApiKey { last_used: Some(d.clock.now()), ..key.key }]);
    })
    .await;
}

#[tokio::test]
async fn wrong_wishes_are_refused() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        for (name, lifetime) in [("", None), ("a\nb", None), ("a", Some(0)), ("a", Some(-1)), ("a", Some(i64::MAX))] {
            let made = d.identity.create_api_key(&d.ctx, name, Surface::Both, lifetime).await;
            assert_eq!(kind(made), ErrorKind::Invalid, "{name} {lifetime:?}");
        }
        let made = d.identity.create_api_key(&d.root().await, "k", Surface::Both, None).await;
        assert_eq!(kind(made), ErrorKind::Denied);
        assert_eq!(kind("everything".parse::<Surface>()), ErrorKind::Invalid);
    })
    .await;
}
