use ::store::testing::each_backend;

use super::*;

#[tokio::test]
async fn a_role_is_made_found_changed_and_deleted() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let new = NewRole {
            name: "Import".to_owned(),
            path: Some("/jobs/".to_owned()),
            description: Some("imports models,".to_owned()),
            trust: TRUSTS_BEDROCK.to_owned(),
            max_session: Some(7_200),
            tags: vec![Tag { key: "team".to_owned(), value: "a".to_owned() }],
            boundary: None,
        };
        let role = d.identity.create_role(&d.ctx, new).await.unwrap();
        assert_eq!(role.arn, format!("arn:aws:iam::{}:role/jobs/Import", d.ctx.account()));
        assert!(role.id.starts_with("AROA") && role.trust == TRUSTS_BEDROCK);
        assert_eq!(d.identity.get_role(&d.ctx, "Import").await.unwrap(), role);
        assert_eq!(d.identity.read_role_by_id(&role.id).await.unwrap(), Some(role.clone()));
        assert_eq!(d.identity.read_role_by_arn(&role.arn).await.unwrap(), Some(role.clone()));
        assert_eq!(d.identity.read_role_by_arn(&role.arn.replace("/jobs", "")).await.unwrap(), None);
        let listed = d.identity.list_roles(&d.ctx, "/jobs/", &first(10)).await.unwrap().items;
        assert_eq!(listed, [role]);
        d.identity.update_role(&d.ctx, "Import", None, None).await.unwrap();
        let changed = d.identity.get_role(&d.ctx, "Import").await.unwrap();
        assert_eq!((changed.max_session, changed.description.as_deref()), (3_600, Some("imports models,")));
        d.identity.delete_role(&d.ctx, "Import").await.unwrap();
        let gone = d.identity.get_role(&d.ctx, "Import").await.unwrap_err();
        assert_eq!(gone, Error::not_found("The role with name Import cannot be found."));
    })
    .await;
}

#[tokio::test]
async fn role_names_are_unique_without_regard_to_case() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        d.role("r", TRUSTS_BEDROCK).await;
        let new = NewRole { name: "R".to_owned(), trust: TRUSTS_BEDROCK.to_owned(), ..NewRole::default() };
        assert_eq!(message(d.identity.create_role(&d.ctx, new).await), "Role with name R already exists.");
        let (other, _) = d.other_account().await;
        assert_eq!(kind(d.identity.get_role(&other, "r").await), ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_role_with_policies_is_not_deleted() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        d.role("r", TRUSTS_BEDROCK).await;
        let role = HolderName::role("r");
        let arn = d.policy("p", &allowing("s3:*")).await.arn;
        d.identity.attach_policy(&d.ctx, role, &arn).await.unwrap();
        d.identity.put_inline_policy(&d.ctx, role, "inline", &allowing("s3:*")).await.unwrap();
        let refused = d.identity.delete_role(&d.ctx, "r").await;
        assert_eq!(message(refused), "Cannot delete entity, must detach all policies first.");
        d.identity.detach_policy(&d.ctx, role, &arn).await.unwrap();
        let refused = d.identity.delete_role(&d.ctx, "r").await;
        assert_eq!(message(refused), "Cannot delete entity, must delete policies first.");
        d.identity.delete_inline_policy(&d.ctx, role, "inline").await.unwrap();
        d.identity.delete_role(&d.ctx, "r").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_service_linked_role_is_the_services_to_change() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let create =
            async || d.identity.create_service_linked_role(&d.ctx, "sagemaker.amazonaws.com", None, None).await;
        let role = create().await.unwrap();
        assert_eq!(role.name, "AWSServiceRoleForAmazonSageMakerNotebooks");
        assert_eq!(role.path, "/aws-service-role/sagemaker.amazonaws.com/");
        assert_eq!(code(create().await), (ErrorKind::Invalid, Some("InvalidInput")));
        let holder = HolderName::role(&role.name);
        let unmodifiable = (ErrorKind::Conflict, Some("UnmodifiableEntity"));
        assert_eq!(code(d.identity.put_inline_policy(&d.ctx, holder, "p", &allowing("*")).await), unmodifiable);
        assert_eq!(code(d.identity.attach_policy(&d.ctx, holder, ADMINISTRATOR).await), unmodifiable);
        assert_eq!(code(d.identity.delete_role(&d.ctx, &role.name).await), unmodifiable);
        assert_eq!(code(d.identity.update_assume_role_policy(&d.ctx, &role.name, TRUSTS_BEDROCK).await), unmodifiable);
        let task = d.identity.delete_service_linked_role(&d.ctx, &role.name).await.unwrap();
        d.identity.service_linked_role_deletion(&d.ctx, &task).await.unwrap();
        assert_eq!(kind(d.identity.service_linked_role_deletion(&d.ctx, "task/x").await), ErrorKind::NotFound);
        assert_eq!(kind(d.identity.get_role(&d.ctx, &role.name).await), ErrorKind::NotFound);
        for odd in ["sagemaker", "", ".amazonaws.com", "a/b.amazonaws.com", "é.amazonaws.com"] {
            let refused = d.identity.create_service_linked_role(&d.ctx, odd, None, None).await;
            assert_eq!(code(refused), (ErrorKind::Invalid, Some("InvalidInput")), "{odd}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_last_use_of_a_role_is_kept() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let role = d.role("r", TRUSTS_BEDROCK).await;
        assert_eq!(role.last_used, None);
        d.identity.note_role_use(&role.id, &"eu-west-1".parse().unwrap());
        d.identity.flush_last_used().await.unwrap();
        let used = d.identity.get_role(&d.ctx, "r").await.unwrap().last_used;
        assert_eq!(used, Some((d.clock.now(), Some("eu-west-1".to_owned()))));
    })
    .await;
}
