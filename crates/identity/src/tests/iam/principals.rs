use ::store::testing::each_backend;

use super::*;
use crate::policy::{Document, Kind};

#[tokio::test]
async fn trust_policies_name_only_who_exists() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let account = d.ctx.account().clone();
        d.user("alice").await;
        d.role("r", TRUSTS_BEDROCK).await;
        let create = async |principal: String| {
            let new = NewRole { name: "trusting".to_owned(), trust: trusting(&principal), ..NewRole::default() };
            let made = d.identity.create_role(&d.ctx, new).await;
            if made.is_ok() {
                d.identity.delete_role(&d.ctx, "trusting").await.unwrap();
            }
            made
        };
        for good in [
            "*".to_owned(),
            "776941257690".to_owned(),
            "arn:aws:iam::776941257690:root".to_owned(),
            format!("arn:aws:iam::{account}:user/alice"),
            format!("arn:aws:iam::{account}:role/r"),
            format!("arn:aws:sts::{account}:assumed-role/r/session"),
        ] {
            assert!(create(good.clone()).await.is_ok(), "{good}");
        }
        for bad in [
            format!("arn:aws:iam::{account}:user/bob"),
            format!("arn:aws:iam::{account}:user/team/alice"),
            format!("arn:aws:iam::{account}:role/alice"),
            format!("arn:aws:sts::{account}:assumed-role/none/session"),
            format!("arn:aws:sts::{account}:role/r"),
            "arn:aws:iam::776941257690:role/r".to_owned(),
            "AROAQQQQQQQQQQQQQQQQQ".to_owned(),
        ] {
            let refused = create(bad.clone()).await.unwrap_err();
            assert_eq!(refused.message, format!("Invalid principal in policy: \"AWS\":\"{bad}\""));
            assert_eq!(refused.code, Some("MalformedPolicyDocument"));
            assert!(refused.hint.is_some(), "{bad}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_role_made_again_under_its_name_does_not_inherit_trust() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let old = d.role("caller", TRUSTS_BEDROCK).await;
        d.role("trusting", &trusting(&old.arn)).await;
        let session = format!("arn:aws:sts::{}:assumed-role/caller/s", d.ctx.account());
        d.role("trusting-session", &trusting(&session)).await;
        let trust = async |name: &str| d.identity.get_role(&d.ctx, name).await.unwrap().trust;
        assert_eq!(trust("trusting").await, trusting(&old.arn));
        d.identity.delete_role(&d.ctx, "caller").await.unwrap();
        assert_eq!(trust("trusting").await, trusting(&old.id), "who is gone stands there by id");
        assert_eq!(trust("trusting-session").await, trusting(&old.id));
        let new = d.role("caller", TRUSTS_BEDROCK).await;
        assert_ne!(new.id, old.id);
        assert_eq!(trust("trusting").await, trusting(&old.id));
        d.identity.get_role(&d.ctx, "trusting").await.unwrap().trust_policy().unwrap();
        d.identity.update_assume_role_policy(&d.ctx, "trusting", &trusting(&new.id)).await.unwrap();
        assert_eq!(trust("trusting").await, trusting(&new.arn), "an id is shown as the name that has it");
    })
    .await;
}

#[tokio::test]
async fn principals_of_other_policies_are_checked_and_bound_too() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let role = d.role("reader", TRUSTS_BEDROCK).await;
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":["{}","*"]}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}}}"#,
            role.arn
        );
        let document = Document::parse(Kind::Bucket, &text).unwrap();
        let ids = d.identity.check_principals(&document).await.unwrap();
        let ids = crate::iam::PrincipalIds::from_text(&ids.to_text().unwrap()).unwrap();
        assert_eq!(d.identity.present_principals(&text, &ids).await.unwrap(), text);
        d.identity.delete_role(&d.ctx, "reader").await.unwrap();
        assert_eq!(d.identity.present_principals(&text, &ids).await.unwrap(), text.replace(&role.arn, &role.id));
        assert_eq!(code(d.identity.check_principals(&document).await).1, Some("MalformedPolicyDocument"));
    })
    .await;
}
