use ::store::testing::each_backend;

use super::*;

#[tokio::test]
async fn members_have_what_their_group_has_for_as_long_as_they_are_in_it() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, _) = d.user("alice").await;
        let group = d.identity.create_group(&d.ctx, "devs", Some("/team/".to_owned())).await.unwrap();
        assert_eq!(group.arn, format!("arn:aws:iam::{}:group/team/devs", d.ctx.account()));
        assert!(group.id.starts_with("AGPA"));
        let holder = HolderName::group("devs");
        d.identity.put_inline_policy(&d.ctx, holder, "read", &allowing("s3:GetObject")).await.unwrap();
        let arn = d.policy("write", &allowing("s3:PutObject")).await.arn;
        d.identity.attach_policy(&d.ctx, holder, &arn).await.unwrap();
        assert!(!d.may(&alice, "s3:GetObject").await);
        for _ in 0..2 {
            d.identity.add_user_to_group(&d.ctx, "devs", "alice").await.unwrap();
        }
        assert!(d.may(&alice, "s3:GetObject").await && d.may(&alice, "s3:PutObject").await);
        let members = d.identity.group_members(&d.ctx, "devs", &first(10)).await.unwrap().items;
        assert_eq!(members.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["alice"]);
        assert_eq!(d.identity.list_groups_for_user(&d.ctx, "alice", &first(10)).await.unwrap().items, [group]);
        d.identity.put_inline_policy(&d.ctx, holder, "none", &denying("s3:GetObject")).await.unwrap();
        assert!(!d.may(&alice, "s3:GetObject").await, "a deny of the group counts");
        d.identity.remove_user_from_group(&d.ctx, "devs", "alice").await.unwrap();
        assert!(!d.may(&alice, "s3:PutObject").await);
        let again = d.identity.remove_user_from_group(&d.ctx, "devs", "alice").await;
        assert_eq!(message(again), "User alice not in group devs.");
    })
    .await;
}

#[tokio::test]
async fn groups_are_renamed_with_all_they_have_and_deleted_when_they_have_nothing() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, _) = d.user("alice").await;
        d.identity.create_group(&d.ctx, "Devs", None).await.unwrap();
        let twice = d.identity.create_group(&d.ctx, "dEVS", None).await;
        assert_eq!(message(twice), "Group with name dEVS already exists.");
        d.identity.create_group(&d.ctx, "ops", None).await.unwrap();
        let taken = d.identity.update_group(&d.ctx, "ops", Some("devs"), None).await;
        assert_eq!(kind(taken), ErrorKind::AlreadyExists);
        d.identity.add_user_to_group(&d.ctx, "Devs", "alice").await.unwrap();
        d.identity.put_inline_policy(&d.ctx, HolderName::group("Devs"), "p", &allowing("s3:*")).await.unwrap();
        d.identity.update_group(&d.ctx, "Devs", Some("DEVS"), Some("/x/".to_owned())).await.unwrap();
        let listed = d.identity.list_groups(&d.ctx, "/x/", &first(10)).await.unwrap().items;
        assert_eq!((listed.len(), listed[0].name.as_str()), (1, "DEVS"));
        assert!(d.may(&alice, "s3:GetObject").await);
        let delete = async || message(d.identity.delete_group(&d.ctx, "DEVS").await);
        assert_eq!(delete().await, "Cannot delete entity, must remove users from group first.");
        let refused = d.identity.delete_user(&d.ctx, "alice").await;
        assert_eq!(code(refused), (ErrorKind::Conflict, Some("DeleteConflict")));
        d.identity.remove_user_from_group(&d.ctx, "DEVS", "alice").await.unwrap();
        assert_eq!(delete().await, "Cannot delete entity, must delete policies first.");
        d.identity.delete_inline_policy(&d.ctx, HolderName::group("DEVS"), "p").await.unwrap();
        d.identity.delete_group(&d.ctx, "DEVS").await.unwrap();
        assert_eq!(delete().await, "The group with name DEVS cannot be found.");
    })
    .await;
}

#[tokio::test]
async fn a_user_is_in_ten_groups_at_most() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        d.user("alice").await;
        for i in 0..11 {
            d.identity.create_group(&d.ctx, &format!("g{i}"), None).await.unwrap();
        }
        for i in 0..10 {
            d.identity.add_user_to_group(&d.ctx, &format!("g{i}"), "alice").await.unwrap();
        }
        let eleventh = d.identity.add_user_to_group(&d.ctx, "g10", "alice").await.unwrap_err();
        assert_eq!(
            (eleventh.message.as_str(), eleventh.code),
            ("Cannot exceed quota for GroupsPerUser: 10", Some("LimitExceeded"))
        );
        let page = d.identity.list_groups_for_user(&d.ctx, "alice", &first(4)).await.unwrap();
        let next = PageRequest::from_token(10, page.next_token().as_deref()).unwrap();
        let rest = d.identity.list_groups_for_user(&d.ctx, "alice", &next).await.unwrap();
        assert_eq!((page.items.len(), rest.items.len(), rest.next_after), (4, 6, None));
    })
    .await;
}
