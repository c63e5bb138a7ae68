use ::store::testing::each_backend;

use super::*;

fn named(name: &str) -> NewUser {
    NewUser { name: name.to_owned(), ..NewUser::default() }
}

#[tokio::test]
async fn a_user_is_made_found_listed_and_deleted() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let tags = vec![Tag { key: "team".to_owned(), value: "ü'\"".to_owned() }];
        let new = NewUser { name: "Alice".to_owned(), path: Some("/eng/".to_owned()), tags, boundary: None };
        let alice = d.identity.create_user(&d.ctx, new).await.unwrap();
        assert_eq!(alice.arn, format!("arn:aws:iam::{}:user/eng/Alice", d.ctx.account()));
        assert!(alice.id.starts_with("AIDA") && !alice.administrator);
        assert_eq!(d.identity.get_user(&d.ctx, Some("Alice")).await.unwrap(), alice);
        let listed = d.identity.list_users(&d.ctx, "/eng/", &first(10)).await.unwrap();
        assert_eq!((listed.items, listed.next_after), (vec![alice], None));
        d.identity.delete_user(&d.ctx, "Alice").await.unwrap();
        let error = d.identity.get_user(&d.ctx, Some("Alice")).await.unwrap_err();
        assert_eq!(error, Error::not_found("The user with name Alice cannot be found."));
        assert_eq!(kind(d.identity.delete_user(&d.ctx, "Alice").await), ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn names_are_unique_without_regard_to_case() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        d.identity.create_user(&d.ctx, named("Alice")).await.unwrap();
        let error = d.identity.create_user(&d.ctx, named("aLICE")).await.unwrap_err();
        assert_eq!(error, Error::already_exists("User with name aLICE already exists."));
        assert_eq!(kind(d.identity.get_user(&d.ctx, Some("alice")).await), ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn wrong_names_paths_and_tags_are_refused() {
    let tag = |key: &str| Tag { key: key.to_owned(), value: String::new() };
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let with_tags = |tags| NewUser { tags, ..named("a") };
        for bad in [
            named(""),
            named("a/b"),
            named("a\0b"),
            NewUser { path: Some("eng".to_owned()), ..named("a") },
            with_tags(vec![tag("")]),
            with_tags(vec![tag("K"), tag("k")]),
            with_tags((0..51).map(|i| tag(&i.to_string())).collect()),
        ] {
            assert_eq!(kind(d.identity.create_user(&d.ctx, bad).await), ErrorKind::Invalid);
        }
        for odd in ["' OR 1=1 --", "*", ""] {
            assert_eq!(kind(d.identity.get_user(&d.ctx, Some(odd)).await), ErrorKind::NotFound);
        }
    })
    .await;
}

#[tokio::test]
async fn users_are_listed_page_by_page_in_order() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        for name in ["delta", "Bravo", "charlie", "alpha"] {
            d.identity.create_user(&d.ctx, named(name)).await.unwrap();
        }
        let mut names = Vec::new();
        let mut page = first(2);
        loop {
            let found = d.identity.list_users(&d.ctx, "/", &page).await.unwrap();
            assert!(found.items.len() <= 2);
            let token = found.next_token();
            names.extend(found.items.into_iter().map(|user| user.name));
            let Some(token) = token else { break };
            page = PageRequest::from_token(2, Some(&token)).unwrap();
        }
        assert_eq!(names, ["admin", "alpha", "Bravo", "charlie", "delta"]);
    })
    .await;
}

#[tokio::test]
async fn a_user_with_keys_is_not_deleted() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (ctx, key) = d.user("alice").await;
        let api_key = d.identity.create_api_key(&ctx, "k", Surface::Both, None).await.unwrap();
        let error = d.identity.delete_user(&d.ctx, "alice").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert_eq!(error.message, "Cannot delete entity, must delete access keys first.");
        d.identity.delete_access_key(&d.ctx, Some("alice"), &key.key.id).await.unwrap();
        let error = d.identity.delete_user(&d.ctx, "alice").await.unwrap_err();
        assert_eq!(error.message, "Cannot delete entity, must delete API keys first.");
        d.identity.delete_api_key(&d.ctx, &api_key.key.id).await.unwrap();
        d.identity.delete_user(&d.ctx, "alice").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn another_accounts_users_do_not_exist() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        d.identity.create_user(&d.ctx, named("alice")).await.unwrap();
        let (other, _) = d.other_account().await;
        assert_eq!(kind(d.identity.get_user(&other, Some("alice")).await), ErrorKind::NotFound);
        assert_eq!(kind(d.identity.delete_user(&other, "alice").await), ErrorKind::NotFound);
        assert_eq!(kind(d.identity.create_access_key(&other, Some("alice")).await), ErrorKind::NotFound);
        let listed = d.identity.list_users(&other, "/", &first(10)).await.unwrap();
        assert_eq!(listed.items.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["admin"]);
        d.identity.create_user(&other, named("alice")).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn no_name_means_the_caller() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, _) = d.user("alice").await;
        assert_eq!(d.identity.get_user(&alice, None).await.unwrap().name, "alice");
        assert_eq!(kind(d.identity.get_user(&d.root().await, None).await), ErrorKind::Invalid);
    })
    .await;
}
