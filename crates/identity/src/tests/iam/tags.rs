use ::store::testing::each_backend;

use super::*;
use crate::iam::tags::Tagged;

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.to_owned(), value: value.to_owned() }
}

#[tokio::test]
async fn tags_are_added_replaced_without_regard_to_case_and_removed() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        d.user("alice").await;
        d.role("r", TRUSTS_BEDROCK).await;
        let arn = d.policy("p", &allowing("s3:*")).await.arn;
        d.identity.create_instance_profile(&d.ctx, "i", None, Vec::new()).await.unwrap();
        for tagged in [Tagged::User("alice"), Tagged::Role("r"), Tagged::Policy(&arn), Tagged::InstanceProfile("i")] {
            d.identity.tag(&d.ctx, tagged, &[tag("Team", "red"), tag("b", "")]).await.unwrap();
            d.identity.tag(&d.ctx, tagged, &[tag("team", "blue"), tag("a", "1")]).await.unwrap();
            let all = d.identity.list_tags(&d.ctx, tagged, &first(10)).await.unwrap().items;
            assert_eq!(all, [tag("a", "1"), tag("b", ""), tag("team", "blue")]);
            let page = d.identity.list_tags(&d.ctx, tagged, &first(2)).await.unwrap();
            let next = PageRequest::from_token(2, page.next_token().as_deref()).unwrap();
            assert_eq!(d.identity.list_tags(&d.ctx, tagged, &next).await.unwrap().items, [tag("team", "blue")]);
            d.identity.untag(&d.ctx, tagged, &["TEAM".to_owned(), "absent".to_owned()]).await.unwrap();
            assert_eq!(d.identity.list_tags(&d.ctx, tagged, &first(10)).await.unwrap().items.len(), 2);
        }
        assert_eq!(d.identity.get_role(&d.ctx, "r").await.unwrap().tags.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn wrong_and_too_many_tags_are_refused() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let role = d.role("r", TRUSTS_BEDROCK).await;
        let tagged = Tagged::Role("r");
        let twice = d.identity.tag(&d.ctx, tagged, &[tag("a", ""), tag("A", "")]).await;
        assert_eq!(code(twice), (ErrorKind::Invalid, Some("InvalidInput")));
        let reserved = d.identity.tag(&d.ctx, tagged, &[tag("aws:x", "")]).await;
        assert_eq!(code(reserved), (ErrorKind::Invalid, Some("InvalidInput")));
        let many: Vec<Tag> = (0..50).map(|i| tag(&i.to_string(), "")).collect();
        d.identity.tag(&d.ctx, tagged, &many).await.unwrap();
        let more = d.identity.tag(&d.ctx, tagged, &[tag("more", "")]).await;
        assert_eq!(code(more), (ErrorKind::Conflict, Some("LimitExceeded")));
        d.identity.tag(&d.ctx, tagged, &[tag("49", "new")]).await.unwrap();
        assert_eq!(kind(d.identity.tag(&d.ctx, Tagged::User("nobody"), &[]).await), ErrorKind::NotFound);
        assert_eq!(kind(d.identity.tag(&d.ctx, Tagged::Policy(ADMINISTRATOR), &[]).await), ErrorKind::Denied);
        let (other, _) = d.other_account().await;
        assert_eq!(kind(d.identity.tag(&other, tagged, &[]).await), ErrorKind::NotFound);
        assert!(role.tags.is_empty());
    })
    .await;
}
