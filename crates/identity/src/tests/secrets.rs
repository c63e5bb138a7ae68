use ::store::testing::each_backend;
use base::Secret as Hidden;
use serde_json::json;

use super::*;
use crate::kms::{KeyRef, NewKey};
use crate::secrets::{
    BatchFailure, Code, Error, Filter, FilterKey, Got, ListRequest, NewSecret, PasswordRules, Put, SecretRef, Secrets,
    SortBy, Update, Value, VersionRef,
};

const DAY: i64 = 24 * HOUR;
const ONE: &str = "11111111-1111-4111-8111-111111111111";
const TWO: &str = "22222222-2222-4222-8222-222222222222";

fn text(text: &str) -> Value {
    Value::Text(Hidden::new(text.to_owned()))
}

fn new(name: &str, value: &str) -> NewSecret {
    NewSecret { name: name.to_owned(), value: Some(text(value)), ..NewSecret::default() }
}

fn id(text: &str) -> SecretRef {
    SecretRef::new(text)
}

fn current() -> VersionRef {
    VersionRef::default()
}

fn staged(stage: &str) -> VersionRef {
    VersionRef { id: None, stage: Some(stage.to_owned()) }
}

fn put(value: &str) -> Put {
    Put { token: None, value: text(value), stages: Vec::new() }
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Code {
    result.unwrap_err().code
}

fn shown(got: &Got) -> String {
    match &got.value {
        Value::Text(text) => text.reveal().clone(),
        Value::Bytes(bytes) => format!("{:?}", bytes.reveal()),
    }
}

async fn read(secrets: &Secrets, ctx: &Ctx, name: &str) -> Result<String, Error> {
    Ok(shown(&secrets.value(ctx, &id(name), &current()).await?))
}

fn all() -> ListRequest {
    ListRequest { filters: Vec::new(), with_deleted: false, sort_by: SortBy::Name, descending: false, page: first(100) }
}

#[tokio::test]
async fn a_secret_is_read_by_name_by_arn_and_by_arn_without_its_end() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (secrets, ctx) = (d.identity.secrets(), &d.ctx);
        let made = secrets.create(ctx, new("app/db", "s3cret")).await.unwrap();
        let stem = format!("arn:aws:secretsmanager:us-east-1:{}:secret:app/db", ctx.account());
        let end = made.arn.strip_prefix(&format!("{stem}-")).unwrap();
        assert!(end.len() == 6 && end.chars().all(char::is_alphanumeric), "{end}");
        for name in ["app/db", &made.arn, &stem] {
            let got = secrets.value(ctx, &id(name), &current()).await.unwrap();
            assert_eq!((shown(&got).as_str(), got.arn, got.name.as_str()), ("s3cret", made.arn.clone(), "app/db"));
            assert_eq!((Some(got.version), got.stages), (made.version.clone(), vec!["AWSCURRENT".to_owned()]));
        }
        for name in ["app/d", "none", &format!("{stem}x"), &made.arn.replace("us-east-1", "eu-west-1")] {
            assert_eq!(refused(read(&secrets, ctx, name).await), Code::ResourceNotFound, "{name}");
        }
        assert_eq!(refused(read(&secrets, ctx, "arn:aws:s3:::bucket").await), Code::InvalidParameter);
        let bytes = Value::Bytes(Hidden::new(vec![0, 255]));
        let binary = NewSecret { name: "bytes".to_owned(), value: Some(bytes), ..NewSecret::default() };
        secrets.create(ctx, binary).await.unwrap();
        assert_eq!(read(&secrets, ctx, "bytes").await.unwrap(), "[0, 255]");
    })
    .await;
}

#[tokio::test]
async fn values_stand_in_the_database_only_encrypted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("craton.db");
    let store = Store::open_sqlite(&path).await.unwrap();
    let d = Deployment::start(&store).await;
    d.identity.secrets().create(&d.ctx, new("app", "verysecretvalue")).await.unwrap();
    store.close().await;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(15).any(|part| part == b"verysecretvalue"));
    }
}

#[tokio::test]
async fn a_secret_is_made_once_under_its_name() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (secrets, ctx) = (d.identity.secrets(), &d.ctx);
        let with = |value: &str| NewSecret { token: Some(ONE.to_owned()), ..new("app", value) };
        let made = secrets.create(ctx, with("a")).await.unwrap();
        assert_eq!(made.version.as_deref(), Some(ONE));
        assert_eq!(secrets.create(ctx, with("a")).await.unwrap(), made, "the same request again");
        assert_eq!(refused(secrets.create(ctx, with("b")).await), Code::ResourceExists);
        let error = secrets.create(ctx, new("app", "a")).await.unwrap_err();
        assert_eq!(error.code, Code::ResourceExists);
        assert_eq!(error.error.message, "The operation failed because the secret app already exists.");
        for name in ["", "a b", "ä", "a:b", &"x".repeat(513)] {
            assert_eq!(refused(secrets.create(ctx, new(name, "a")).await), Code::Validation, "{name}");
        }
        let long = new("long", &"x".repeat(65_537));
        assert_eq!(refused(secrets.create(ctx, long).await), Code::InvalidParameter);
        secrets.create(ctx, new("long", &"x".repeat(65_536))).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_new_version_makes_the_one_before_the_previous_one() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (secrets, ctx) = (d.identity.secrets(), &d.ctx);
        secrets.create(ctx, new("app", "one")).await.unwrap();
        let (_, stages) = secrets.put(ctx, &id("app"), put("two")).await.unwrap();
        assert_eq!(stages, ["AWSCURRENT"]);
        let stage = async |stage: &str| Ok(shown(&secrets.value(ctx, &id("app"), &staged(stage)).await?));
        assert_eq!(stage("AWSCURRENT").await.unwrap(), "two");
        assert_eq!(stage("AWSPREVIOUS").await.unwrap(), "one");
        let error: Error = stage("AWSPENDING").await.unwrap_err();
        let words = "Secrets Manager can't find the specified secret value for staging label: AWSPENDING";
        assert_eq!((error.code, error.error.message.as_str()), (Code::ResourceNotFound, words));

        let pending = Put {
            token: Some(ONE.to_owned()),
            stages: vec!["AWSPENDING".to_owned(), "MINE".to_owned()],
            ..put("three")
        };
        secrets.put(ctx, &id("app"), pending.clone()).await.unwrap();
        assert_eq!(read(&secrets, ctx, "app").await.unwrap(), "two");
        assert_eq!(stage("MINE").await.unwrap(), "three");
        // The same request again changes nothing; another value under the same id is refused.
        d.clock.advance(DAY);
        secrets.put(ctx, &id("app"), pending.clone()).await.unwrap();
        let other = Put { value: text("four"), ..pending };
        assert_eq!(refused(secrets.put(ctx, &id("app"), other).await), Code::ResourceExists);
        let by_id = |stage: Option<&str>| VersionRef { id: Some(ONE.to_owned()), stage: stage.map(str::to_owned) };
        assert_eq!(shown(&secrets.value(ctx, &id("app"), &by_id(None)).await.unwrap()), "three");
        assert!(secrets.value(ctx, &id("app"), &by_id(Some("MINE"))).await.is_ok());
        let mismatch = secrets.value(ctx, &id("app"), &by_id(Some("AWSCURRENT"))).await;
        assert_eq!(refused(mismatch), Code::InvalidRequest);
        let absent = VersionRef { id: Some(TWO.to_owned()), stage: None };
        assert_eq!(refused(secrets.value(ctx, &id("app"), &absent).await), Code::ResourceNotFound);

        let before = secrets.describe(ctx, &id("app")).await.unwrap();
        let holder = before.stages.iter().find(|(_, stages)| stages.contains(&"AWSCURRENT".to_owned())).unwrap().0;
        secrets.move_stage(ctx, &id("app"), "AWSCURRENT", Some(holder), Some(ONE)).await.unwrap();
        assert_eq!(stage("AWSCURRENT").await.unwrap(), "three");
        assert_eq!(stage("AWSPREVIOUS").await.unwrap(), "two");
        let wrong = secrets.move_stage(ctx, &id("app"), "AWSCURRENT", Some(ONE), Some(TWO)).await;
        assert_eq!(refused(wrong), Code::InvalidParameter);
        secrets.move_stage(ctx, &id("app"), "AWSPENDING", Some(ONE), None).await.unwrap();
        assert_eq!(refused(stage("AWSPENDING").await), Code::ResourceNotFound);

        let (_, used) = secrets.versions(ctx, &id("app"), false, &first(100)).await.unwrap();
        let (_, every) = secrets.versions(ctx, &id("app"), true, &first(100)).await.unwrap();
        assert_eq!((used.items.len(), every.items.len()), (2, 3));
        let (_, page) = secrets.versions(ctx, &id("app"), true, &first(2)).await.unwrap();
        let rest = PageRequest { limit: 2, after: page.next_after };
        let (_, rest) = secrets.versions(ctx, &id("app"), true, &rest).await.unwrap();
        assert_eq!(rest.items, every.items[2..]);
    })
    .await;
}

#[tokio::test]
async fn a_secret_without_a_value_gets_one_later() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (secrets, ctx) = (d.identity.secrets(), &d.ctx);
        let made = secrets.create(ctx, NewSecret { value: None, ..new("app", "") }).await.unwrap();
        assert_eq!(made.version, None);
        assert_eq!(refused(read(&secrets, ctx, "app").await), Code::ResourceNotFound);
        let first = Put { stages: vec!["MINE".to_owned()], ..put("one") };
        let (_, stages) = secrets.put(ctx, &id("app"), first).await.unwrap();
        assert_eq!(stages, ["MINE", "AWSCURRENT"]);
        assert_eq!(read(&secrets, ctx, "app").await.unwrap(), "one");
    })
    .await;
}

#[tokio::test]
async fn old_versions_make_room_for_new_ones() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (secrets, ctx) = (d.identity.secrets(), &d.ctx);
        secrets.create(ctx, new("app", "0")).await.unwrap();
        for i in 1..100 {
            secrets.put(ctx, &id("app"), put(&i.to_string())).await.unwrap();
        }
        assert_eq!(refused(secrets.put(ctx, &id("app"), put("more")).await), Code::LimitExceeded);
        assert_eq!(read(&secrets, ctx, "app").await.unwrap(), "99");
        d.clock.advance(DAY + 1);
        secrets.put(ctx, &id("app"), put("more")).await.unwrap();
        let (_, every) = secrets.versions(ctx, &id("app"), true, &first(1000)).await.unwrap();
        assert_eq!(every.items.len(), 100);
        assert_eq!(shown(&secrets.value(ctx, &id("app"), &staged("AWSPREVIOUS")).await.unwrap()), "99");
    })
    .await;
}

#[tokio::test]
async fn a_deleted_secret_can_be_restored_until_it_is_gone() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (secrets, ctx) = (d.identity.secrets(), &d.ctx);
        secrets.create(ctx, new("app", "one")).await.unwrap();
        for days in [6, 31] {
            assert_eq!(refused(secrets.delete(ctx, &id("app"), Some(days)).await), Code::InvalidParameter);
        }
        let (_, purge) = secrets.delete(ctx, &id("app"), Some(7)).await.unwrap();
        assert_eq!(purge, Timestamp(d.clock.now().as_millis() + 7 * DAY));
        let error = read(&secrets, ctx, "app").await.unwrap_err();
        let words = "You can't perform this operation on the secret because it was marked for deletion.";
        assert_eq!((error.code, error.error.message.as_str()), (Code::InvalidRequest, words));
        assert_eq!(refused(secrets.put(ctx, &id("app"), put("x")).await), Code::InvalidRequest);
        assert_eq!(refused(secrets.delete(ctx, &id("app"), None).await), Code::InvalidRequest);
        assert_eq!(refused(secrets.create(ctx, new("app", "two")).await), Code::InvalidRequest);
        assert!(secrets.describe(ctx, &id("app")).await.unwrap().deleted.is_some());
        assert!(secrets.list(ctx, &all()).await.unwrap().items.is_empty());
        let with_deleted = ListRequest { with_deleted: true, ..all() };
        assert_eq!(secrets.list(ctx, &with_deleted).await.unwrap().items.len(), 1);
        secrets.restore(ctx, &id("app")).await.unwrap();
        assert_eq!(read(&secrets, ctx, "app").await.unwrap(), "one");

        secrets.delete(ctx, &id("app"), Some(7)).await.unwrap();
        d.clock.advance(7 * DAY - 1);
        secrets.purge().await.unwrap();
        assert!(secrets.describe(ctx, &id("app")).await.is_ok());
        d.clock.advance(1);
        secrets.purge().await.unwrap();
        assert_eq!(refused(secrets.describe(ctx, &id("app")).await), Code::ResourceNotFound);
        secrets.create(ctx, new("app", "two")).await.unwrap();
        secrets.force_delete(ctx, &id("app")).await.unwrap();
        assert_eq!(refused(read(&secrets, ctx, "app").await), Code::ResourceNotFound);
        secrets.force_delete(ctx, &id("app")).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn another_key_encrypts_the_versions_in_use_again() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (secrets, kms, ctx) = (d.identity.secrets(), d.identity.kms(), &d.ctx);
        let key = kms.create_key(ctx, NewKey::default()).await.unwrap();
        secrets.create(ctx, new("app", "one")).await.unwrap();
        secrets.put(ctx, &id("app"), put("two")).await.unwrap();
        let keys = async || {
            let (_, versions) = secrets.versions(ctx, &id("app"), false, &first(10)).await.unwrap();
            versions.items.into_iter().map(|version| version.key_arn).collect::<Vec<_>>()
        };
        assert!(!keys().await.contains(&key.arn()));
        let update = Update { kms_key: Some(key.id.clone()), description: Some("new".to_owned()), ..Update::default() };
        let made = secrets.update(ctx, &id("app"), update).await.unwrap();
        assert_eq!(made.version, None);
        assert_eq!(keys().await, [key.arn(), key.arn()]);
        let described = secrets.describe(ctx, &id("app")).await.unwrap();
        assert_eq!((described.kms_key, described.description.as_deref()), (Some(key.id.clone()), Some("new")));
        assert_eq!(read(&secrets, ctx, "app").await.unwrap(), "two");
        assert_eq!(shown(&secrets.value(ctx, &id("app"), &staged("AWSPREVIOUS")).await.unwrap()), "one");

        let name = KeyRef::parse(&key.id).unwrap();
        kms.disable_key(ctx, &name).await.unwrap();
        assert_eq!(refused(read(&secrets, ctx, "app").await), Code::DecryptionFailure);
        assert_eq!(refused(secrets.put(ctx, &id("app"), put("x")).await), Code::EncryptionFailure);
        kms.enable_key(ctx, &name).await.unwrap();
        let update = Update { value: Some(text("three")), token: Some(ONE.to_owned()), ..Update::default() };
        assert_eq!(secrets.update(ctx, &id("app"), update).await.unwrap().version.as_deref(), Some(ONE));
        assert_eq!(read(&secrets, ctx, "app").await.unwrap(), "three");
    })
    .await;
}

#[tokio::test]
async fn a_secrets_policy_opens_it_and_its_key_must_too() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (secrets, kms, ctx) = (d.identity.secrets(), d.identity.kms(), &d.ctx);
        let (ada, _) = d.user("ada").await;
        let (other, _) = d.other_account().await;
        let made = secrets.create(ctx, new("app", "one")).await.unwrap();
        let error = read(&secrets, &ada, "app").await.unwrap_err();
        assert_eq!(error.code, Code::AccessDenied);
        assert!(
            error.error.message.contains("because no identity-based policy allows the secretsmanager:GetSecretValue")
        );
        let error = read(&secrets, &other, &made.arn).await.unwrap_err();
        assert!(error.error.message.contains("because no resource-based policy allows"), "{error}");
        // What is not there is denied in the same words.
        let stem = &made.arn[..made.arn.len() - 7];
        let message = async |name: &str| read(&secrets, &other, name).await.unwrap_err().error.message;
        assert_eq!(message(stem).await, message(&stem.replace("app", "none")).await.replace("none", "app"));

        let root = format!("arn:aws:iam::{}:root", other.account());
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": [ada.principal().arn(), root]},
            "Action": "secretsmanager:GetSecretValue", "Resource": "*",
        }]});
        secrets.put_policy(ctx, &id("app"), &policy.to_string(), true).await.unwrap();
        assert_eq!(secrets.policy(ctx, &id("app")).await.unwrap().1, Some(policy.to_string()));
        assert_eq!(read(&secrets, &ada, "app").await.unwrap(), "one");
        // The account's own key for secrets is closed to other accounts.
        let error = read(&secrets, &other, &made.arn).await.unwrap_err();
        assert!(error.error.message.starts_with("Access to KMS is not allowed"), "{error}");
        let key_policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{}:root", ctx.account())},
             "Action": "kms:*", "Resource": "*"},
            {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:Decrypt", "Resource": "*",
             "Condition": {"StringEquals": {
                 "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com",
                 "kms:EncryptionContext:SecretARN": made.arn,
             }}},
        ]});
        let new = NewKey { policy: Some(key_policy.to_string()), ..NewKey::default() };
        let key = kms.create_key(ctx, new).await.unwrap();
        secrets.update(ctx, &id("app"), Update { kms_key: Some(key.arn()), ..Update::default() }).await.unwrap();
        assert_eq!(read(&secrets, &other, &made.arn).await.unwrap(), "one");

        secrets.delete_policy(ctx, &id("app")).await.unwrap();
        assert_eq!(refused(read(&secrets, &ada, "app").await), Code::AccessDenied);
        assert_eq!(secrets.policy(ctx, &id("app")).await.unwrap().1, None);
        let public = policy.to_string().replace(&ada.principal().arn(), "*");
        assert_eq!(refused(secrets.put_policy(ctx, &id("app"), &public, true).await), Code::PublicPolicy);
        secrets.put_policy(ctx, &id("app"), &public, false).await.unwrap();
        let nobody = policy.to_string().replace("user/ada", "user/nobody");
        assert_eq!(refused(secrets.put_policy(ctx, &id("app"), &nobody, true).await), Code::MalformedPolicyDocument);
        assert_eq!(secrets.validate_policy(ctx, None, &nobody).await.unwrap()[0].check, "PolicyPrincipals");
        let bad = secrets.put_policy(ctx, &id("app"), "{}", true).await;
        assert_eq!(refused(bad), Code::MalformedPolicyDocument);
        assert_eq!(secrets.validate_policy(ctx, None, "{}").await.unwrap()[0].check, "PolicySyntax");
        assert_eq!(secrets.validate_policy(ctx, Some(&id("app")), &public).await.unwrap()[0].check, "PublicPolicy");
        assert!(secrets.validate_policy(ctx, None, &policy.to_string()).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn conditions_see_what_is_known_of_a_secret() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (secrets, ctx) = (d.identity.secrets(), &d.ctx);
        let (ada, _) = d.user("ada").await;
        let tags = vec![("team".to_owned(), "search".to_owned())];
        let made = secrets.create(ctx, NewSecret { tags, ..new("app", "one") }).await.unwrap();
        for (key, value, version, expected) in [
            ("secretsmanager:VersionStage", "AWSCURRENT", staged("AWSCURRENT"), true),
            ("secretsmanager:VersionStage", "AWSPREVIOUS", staged("AWSCURRENT"), false),
            ("secretsmanager:ResourceTag/team", "search", current(), true),
            ("aws:ResourceTag/team", "search", current(), true),
            ("aws:ResourceTag/team", "other", current(), false),
            ("secretsmanager:SecretId", &made.arn, current(), true),
        ] {
            let policy = json!({"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": {"AWS": ada.principal().arn()}, "Action": "secretsmanager:*",
                "Resource": "*", "Condition": {"StringEquals": {key: value}},
            }]});
            secrets.put_policy(ctx, &id("app"), &policy.to_string(), true).await.unwrap();
            assert_eq!(secrets.value(&ada, &id(&made.arn), &version).await.is_ok(), expected, "{key} {value}");
        }
    })
    .await;
}

#[tokio::test]
async fn several_secrets_are_read_at_once() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (secrets, ctx) = (d.identity.secrets(), &d.ctx);
        for name in ["a", "b", "c"] {
            secrets.create(ctx, new(name, name)).await.unwrap();
        }
        let (values, failures) = secrets.values(ctx, &[id("a"), id("none"), id("c")]).await.unwrap();
        assert_eq!(values.iter().map(shown).collect::<Vec<_>>(), ["a", "c"]);
        let [BatchFailure { id: failed, error }] = failures.as_slice() else { panic!("{failures:?}") };
        assert_eq!((failed.as_str(), error.code), ("none", Code::ResourceNotFound));
        let filters = vec![Filter { key: FilterKey::Name, values: vec!["!a".to_owned()] }];
        let request = ListRequest { filters, page: first(1), ..all() };
        let (page, values, _) = secrets.values_of(ctx, &request).await.unwrap();
        assert_eq!(
            (values.iter().map(shown).collect::<Vec<_>>(), page.next_after.is_some()),
            (vec!["b".to_owned()], true)
        );
        let many: Vec<_> = (0..21).map(|i| id(&i.to_string())).collect();
        assert_eq!(refused(secrets.values(ctx, &many).await), Code::InvalidParameter);
    })
    .await;
}

#[tokio::test]
async fn secrets_are_listed_for_their_account_and_carry_tags() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (secrets, ctx) = (d.identity.secrets(), &d.ctx);
        let (other, _) = d.other_account().await;
        for name in ["b", "a"] {
            secrets.create(ctx, new(name, name)).await.unwrap();
        }
        secrets.create(&other, new("theirs", "x")).await.unwrap();
        let names = async |request: &ListRequest| {
            let page = secrets.list(ctx, request).await.unwrap();
            page.items.into_iter().map(|secret| secret.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&all()).await, ["a", "b"]);
        assert_eq!(secrets.list(ctx, &all()).await.unwrap().items[0].stages.len(), 1);
        let tag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        secrets.tag(ctx, &id("a"), &[tag("team", "x"), tag("env", "dev")]).await.unwrap();
        secrets.untag(ctx, &id("a"), &["env".to_owned()]).await.unwrap();
        assert_eq!(secrets.describe(ctx, &id("a")).await.unwrap().tags, [tag("team", "x")]);
        let filters = vec![Filter { key: FilterKey::TagKey, values: vec!["team".to_owned()] }];
        assert_eq!(names(&ListRequest { filters, ..all() }).await, ["a"]);
        assert_eq!(refused(secrets.tag(ctx, &id("a"), &[tag("aws:x", "")]).await), Code::InvalidParameter);
        let password = secrets.random_password(ctx, &PasswordRules::default()).await.unwrap();
        assert_eq!(password.reveal().len(), 32);
    })
    .await;
}

#[tokio::test]
async fn reading_notes_the_day() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (secrets, ctx) = (d.identity.secrets(), &d.ctx);
        secrets.create(ctx, new("app", "one")).await.unwrap();
        assert_eq!(secrets.describe(ctx, &id("app")).await.unwrap().accessed, None);
        read(&secrets, ctx, "app").await.unwrap();
        let day = Timestamp(ctx.now().as_millis().div_euclid(DAY) * DAY);
        assert_eq!(secrets.describe(ctx, &id("app")).await.unwrap().accessed, Some(day));
    })
    .await;
}

#[test]
fn values_are_not_shown_in_debug_output() {
    let value = text("verysecret");
    assert!(!format!("{value:?} {:?}", new("app", "verysecret")).contains("verysecret"));
}

#[tokio::test]
async fn a_secret_that_lost_its_tags_is_known_to_have_had_some() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (secrets, ctx) = (d.identity.secrets(), &d.ctx);
        secrets.create(ctx, new("app", "one")).await.unwrap();
        assert!(!secrets.describe(ctx, &id("app")).await.unwrap().tagged);
        secrets.tag(ctx, &id("app"), &[("team".to_owned(), String::new())]).await.unwrap();
        secrets.untag(ctx, &id("app"), &["team".to_owned()]).await.unwrap();
        let described = secrets.describe(ctx, &id("app")).await.unwrap();
        assert!(described.tagged && described.tags.is_empty());
    })
    .await;
}
