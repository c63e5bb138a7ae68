use ::store::testing::each_backend;

use super::*;

#[tokio::test]
async fn an_instance_profile_has_one_role_at_most() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let create = async |name: &str| {
            d.identity.create_instance_profile(&d.ctx, name, Some("/m/".to_owned()), Vec::new()).await
        };
        let made = create("web").await.unwrap();
        assert_eq!(made.arn, format!("arn:aws:iam::{}:instance-profile/m/web", d.ctx.account()));
        assert!(made.id.starts_with("AIPA") && made.role.is_none());
        assert_eq!(message(create("WEB").await), "Instance Profile WEB already exists.");
        let role = d.role("r", TRUSTS_BEDROCK).await;
        d.role("other", TRUSTS_BEDROCK).await;
        d.identity.add_role_to_instance_profile(&d.ctx, "web", "r").await.unwrap();
        let second = d.identity.add_role_to_instance_profile(&d.ctx, "web", "other").await.unwrap_err();
        assert_eq!(second.message, "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
        let found = d.identity.get_instance_profile(&d.ctx, "web").await.unwrap();
        assert_eq!(found.role, Some(role));
        assert_eq!(
            d.identity.list_instance_profiles(&d.ctx, "/m/", &first(9)).await.unwrap().items,
            std::slice::from_ref(&found)
        );
        assert_eq!(d.identity.list_instance_profiles_for_role(&d.ctx, "r", &first(9)).await.unwrap().items, [found]);
        let refused = d.identity.delete_role(&d.ctx, "r").await;
        assert_eq!(message(refused), "Cannot delete entity, must remove roles from instance profile first.");
        let refused = d.identity.delete_instance_profile(&d.ctx, "web").await;
        assert_eq!(code(refused), (ErrorKind::Conflict, Some("DeleteConflict")));
        let absent = d.identity.remove_role_from_instance_profile(&d.ctx, "web", "other").await;
        assert_eq!(kind(absent), ErrorKind::NotFound);
        d.identity.remove_role_from_instance_profile(&d.ctx, "web", "r").await.unwrap();
        d.identity.delete_role(&d.ctx, "r").await.unwrap();
        d.identity.delete_instance_profile(&d.ctx, "web").await.unwrap();
        let gone = d.identity.get_instance_profile(&d.ctx, "web").await;
        assert_eq!(message(gone), "Instance Profile web cannot be found.");
    })
    .await;
}
