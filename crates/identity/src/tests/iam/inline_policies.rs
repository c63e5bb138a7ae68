use ::store::testing::each_backend;

use super::*;

#[tokio::test]
async fn an_embedded_policy_is_put_read_replaced_and_removed() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (alice, _) = d.user("alice").await;
        let holder = HolderName::user("alice");
        let text = allowing("s3:GetObject").replace('{', "{ ");
        d.identity.put_inline_policy(&d.ctx, holder, "p", &text).await.unwrap();
        assert_eq!(d.identity.get_inline_policy(&d.ctx, holder, "p").await.unwrap(), text, "as it was given");
        assert!(d.may(&alice, "s3:GetObject").await);
        d.identity.put_inline_policy(&d.ctx, holder, "p", &allowing("s3:PutObject")).await.unwrap();
        assert!(!d.may(&alice, "s3:GetObject").await && d.may(&alice, "s3:PutObject").await);
        d.identity.put_inline_policy(&d.ctx, holder, "a", &denying("s3:*")).await.unwrap();
        assert!(!d.may(&alice, "s3:PutObject").await);
        let page = d.identity.list_inline_policies(&d.ctx, holder, &first(1)).await.unwrap();
        assert_eq!(page.items, ["a"]);
        let next = PageRequest::from_token(1, page.next_token().as_deref()).unwrap();
        assert_eq!(d.identity.list_inline_policies(&d.ctx, holder, &next).await.unwrap().items, ["p"]);
        d.identity.delete_inline_policy(&d.ctx, holder, "a").await.unwrap();
        assert!(d.may(&alice, "s3:PutObject").await);
        let gone = d.identity.get_inline_policy(&d.ctx, holder, "a").await;
        assert_eq!(message(gone), "The user policy with name a cannot be found.");
        let gone = d.identity.delete_inline_policy(&d.ctx, holder, "a").await;
        assert_eq!(message(gone), "The user policy with name a cannot be found.");
        let refused = d.identity.delete_user(&d.ctx, "alice").await;
        assert_eq!(message(refused), "Cannot delete entity, must delete access keys first.");
    })
    .await;
}

#[tokio::test]
async fn embedded_policies_are_limited_in_sum_without_whitespace() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        d.user("alice").await;
        let holder = HolderName::user("alice");
        let sized = |size: usize| {
            let action = format!("s3:{}", "x".repeat(size - allowing("s3:").len()));
            format!("{}{}", " ".repeat(3_000), allowing(&action))
        };
        d.identity.put_inline_policy(&d.ctx, holder, "a", &sized(1_500)).await.unwrap();
        let second = d.identity.put_inline_policy(&d.ctx, holder, "b", &sized(549)).await.unwrap_err();
        assert_eq!(second.message, "Maximum policy size of 2048 bytes exceeded for the user");
        assert_eq!(second.code, Some("LimitExceeded"));
        d.identity.put_inline_policy(&d.ctx, holder, "b", &sized(548)).await.unwrap();
        d.identity.put_inline_policy(&d.ctx, holder, "a", &sized(1_400)).await.unwrap();
        for bad in ["", "a b", "a/b", &"n".repeat(129)] {
            let refused = d.identity.put_inline_policy(&d.ctx, holder, bad, &allowing("s3:*")).await;
            assert_eq!(kind(refused), ErrorKind::Invalid, "{bad}");
        }
        let refused = d.identity.put_inline_policy(&d.ctx, holder, "p", "{").await;
        assert_eq!(code(refused), (ErrorKind::Invalid, Some("MalformedPolicyDocument")));
        let nobody = d.identity.put_inline_policy(&d.ctx, HolderName::user("bob"), "p", &allowing("s3:*")).await;
        assert_eq!(message(nobody), "The user with name bob cannot be found.");
    })
    .await;
}

#[tokio::test]
async fn ten_policies_can_be_attached() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        d.role("r", TRUSTS_BEDROCK).await;
        let role = HolderName::role("r");
        let mut arns = Vec::new();
        for i in 0..11 {
            arns.push(d.policy(&format!("p{i}"), &allowing("s3:*")).await.arn);
        }
        for arn in &arns[..10] {
            d.identity.attach_policy(&d.ctx, role, arn).await.unwrap();
        }
        d.identity.attach_policy(&d.ctx, role, &arns[0]).await.unwrap();
        let eleventh = d.identity.attach_policy(&d.ctx, role, &arns[10]).await.unwrap_err();
        assert_eq!(
            (eleventh.message.as_str(), eleventh.code),
            ("Cannot exceed quota for PoliciesPerRole: 10", Some("LimitExceeded"))
        );
        let page = d.identity.list_attached_policies(&d.ctx, role, "/", &first(7)).await.unwrap();
        let next = PageRequest::from_token(7, page.next_token().as_deref()).unwrap();
        let rest = d.identity.list_attached_policies(&d.ctx, role, "/", &next).await.unwrap();
        let listed: Vec<String> = page.items.into_iter().chain(rest.items).map(|policy| policy.arn).collect();
        let mut wanted = arns[..10].to_vec();
        wanted.sort();
        assert_eq!(listed, wanted);
        let none = d.identity.list_attached_policies(&d.ctx, role, "/x/", &first(7)).await.unwrap();
        assert_eq!(none.items, []);
    })
    .await;
}
