use ::store::testing::each_backend;

use super::*;

#[tokio::test]
async fn the_management_account_makes_and_lists_accounts() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let wished: AccountId = "000000000001".parse().unwrap();
        let made = d.identity.create_account(&d.ctx, Some(wished.clone())).await.unwrap();
        let ctx = use_key(&d.identity, &made.access_key_id, None).await.unwrap();
        assert_eq!(ctx.principal().arn(), "arn:aws:iam::000000000001:user/admin");
        assert!(is_administrator(&d.identity, &ctx).await);
        let kept = d.identity.administrator_credentials(&wished).await.unwrap();
        assert_eq!(kept.secret.reveal(), made.secret.reveal());
        let page = d.identity.list_accounts(&d.ctx, &first(1)).await.unwrap();
        assert_eq!((page.items[0].id.clone(), page.items[0].management), (wished.clone(), false));
        let next = PageRequest::from_token(1, page.next_token().as_deref()).unwrap();
        let page = d.identity.list_accounts(&d.ctx, &next).await.unwrap();
        assert_eq!((&page.items[0].id, page.items[0].management), (&d.admin.account, true));
        assert_eq!(kind(d.identity.create_account(&d.ctx, Some(wished)).await), ErrorKind::AlreadyExists);
    })
    .await;
}

#[tokio::test]
async fn no_other_account_manages_accounts() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (other, _) = d.other_account().await;
        assert_eq!(kind(d.identity.create_account(&other, None).await), ErrorKind::Denied);
        assert_eq!(kind(d.identity.list_accounts(&other, &first(10)).await), ErrorKind::Denied);
        let nowhere: AccountId = "999999999999".parse().unwrap();
        assert_eq!(kind(d.identity.administrator_credentials(&nowhere).await), ErrorKind::NotFound);
    })
    .await;
}
