use std::collections::BTreeMap;

use ::store::testing::each_backend;
use serde_json::{Value, json};

use super::*;
use crate::iam::HolderName;
use crate::kms::{
    Code, DataKeySpec, EncryptionContext, Error, GrantRef, Key, KeyRef, KeyState, Kms, Manager, NewGrant, NewKey,
    UseOptions,
};
use crate::policy::GrantConstraint;

const DAY: i64 = 24 * HOUR;

fn empty() -> EncryptionContext {
    EncryptionContext::empty()
}

fn with(name: &str, value: &str) -> EncryptionContext {
    EncryptionContext::from_pairs([(name, value)])
}

fn options() -> UseOptions {
    UseOptions::default()
}

fn dry() -> UseOptions {
    UseOptions { dry_run: true, ..UseOptions::default() }
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Code {
    result.unwrap_err().code
}

fn arn(key: &Key) -> KeyRef {
    KeyRef::parse(&key.arn()).unwrap()
}

async fn key(kms: &Kms, ctx: &Ctx) -> Key {
    kms.create_key(ctx, NewKey::default()).await.unwrap()
}

async fn encrypt(kms: &Kms, ctx: &Ctx, key: &KeyRef, text: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(kms.encrypt(ctx, key, text, &empty(), &options()).await?.ciphertext)
}

async fn decrypt(kms: &Kms, ctx: &Ctx, ciphertext: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(kms.decrypt(ctx, ciphertext, &empty(), None).await?.plaintext.to_vec())
}

/// A policy that lets the account's own policies decide, with further statements.
fn policy(account: &str, statements: Value) -> String {
    let mut all = vec![json!({
        "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{account}:root")}, "Action": "kms:*", "Resource": "*",
    })];
    all.extend(statements.as_array().unwrap().iter().cloned());
    json!({"Version": "2012-10-17", "Statement": all}).to_string()
}

fn allow(principal: &str, actions: &[&str], condition: Value) -> Value {
    let mut statement = json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": actions, "Resource": "*"});
    if !condition.is_null() {
        statement["Condition"] = condition;
    }
    statement
}

#[tokio::test]
async fn what_is_encrypted_under_a_key_decrypts_with_its_context_alone() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (one, other) = (key(&kms, ctx).await, key(&kms, ctx).await);
        let context = with("tenant", "a");
        let made = kms.encrypt(ctx, &arn(&one), b"text", &context, &options()).await.unwrap();
        assert_eq!(made.key_arn, one.arn());
        assert!(!made.ciphertext.windows(4).any(|part| part == b"text"));
        let opened = kms.decrypt(ctx, &made.ciphertext, &context, None).await.unwrap();
        assert_eq!((opened.plaintext.as_slice(), opened.key_arn), (b"text".as_slice(), one.arn()));
        assert!(kms.decrypt(ctx, &made.ciphertext, &context, Some(&arn(&one))).await.is_ok());
        let wrong = kms.decrypt(ctx, &made.ciphertext, &context, Some(&arn(&other))).await;
        assert_eq!(refused(wrong), Code::IncorrectKey);
        for context in [empty(), with("tenant", "b"), with("Tenant", "a")] {
            assert_eq!(refused(kms.decrypt(ctx, &made.ciphertext, &context, None).await), Code::InvalidCiphertext);
        }
        let mut changed = made.ciphertext.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(refused(kms.decrypt(ctx, &changed, &context, None).await), Code::InvalidCiphertext);
        assert_eq!(refused(kms.decrypt(ctx, b"nonsense", &context, None).await), Code::InvalidCiphertext);
        for length in [0, 4097] {
            assert_eq!(refused(encrypt(&kms, ctx, &arn(&one), &vec![0; length]).await), Code::Validation);
        }
        let long = with("a", &"x".repeat(8192));
        assert_eq!(refused(kms.encrypt(ctx, &arn(&one), b"x", &long, &options()).await), Code::Validation);
    })
    .await;
}

#[tokio::test]
async fn data_keys_have_the_length_that_was_asked_for_and_decrypt() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let key = arn(&key(&kms, ctx).await);
        for (spec, length) in [(DataKeySpec::Aes128, 16), (DataKeySpec::Aes256, 32), (DataKeySpec::Bytes(1024), 1024)] {
            let made = kms.generate_data_key(ctx, &key, &empty(), spec).await.unwrap();
            assert_eq!(made.plaintext.len(), length);
            assert_eq!(decrypt(&kms, ctx, &made.ciphertext).await.unwrap(), *made.plaintext);
        }
        let blind = kms
            .generate_data_key_without_plaintext(ctx, &key, &empty(), DataKeySpec::Aes256, &options())
            .await
            .unwrap();
        assert_eq!(decrypt(&kms, ctx, &blind.ciphertext).await.unwrap().len(), 32);
        for bytes in [0, 1025] {
            let made = kms.generate_data_key(ctx, &key, &empty(), DataKeySpec::Bytes(bytes)).await;
            assert_eq!(refused(made), Code::Validation);
        }
        assert_eq!(kms.generate_random(ctx, 7).await.unwrap().len(), 7);
    })
    .await;
}

#[tokio::test]
async fn keys_are_named_by_id_arn_alias_and_the_aliass_arn() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let made = key(&kms, ctx).await;
        kms.create_alias(ctx, "alias/app/one", &arn(&made)).await.unwrap();
        let alias_arn = format!("arn:aws:kms:us-east-1:{}:alias/app/one", ctx.account());
        for name in [made.id.clone(), made.arn(), "alias/app/one".to_owned(), alias_arn] {
            let found = kms.describe_key(ctx, &KeyRef::parse(&name).unwrap()).await.unwrap();
            assert_eq!(found.id, made.id, "{name}");
        }
        for (name, code) in [
            ("nonsense", Code::NotFound),
            ("mrk-1234abcd12ab34cd56ef1234567890ab", Code::NotFound),
            ("arn:aws:s3:::bucket", Code::InvalidArn),
            ("arn:aws:kms:us-east-1:1:key/x", Code::InvalidArn),
            ("arn:aws:kms:us-east-1:111122223333:table/x", Code::InvalidArn),
        ] {
            assert_eq!(refused(KeyRef::parse(name)), code, "{name}");
        }
        for name in ["0f1e2d3c-4b5a-4968-8776-655443322110", "alias/none"] {
            let found = kms.describe_key(ctx, &KeyRef::parse(name).unwrap()).await;
            assert_eq!(refused(found), Code::NotFound, "{name}");
        }
        let elsewhere = KeyRef::parse(&made.arn().replace("us-east-1", "eu-west-1")).unwrap();
        assert_eq!(refused(kms.describe_key(ctx, &elsewhere).await), Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_in_one_region() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let kms = d.identity.kms();
        let made = key(&kms, &d.ctx).await;
        let sealed = encrypt(&kms, &d.ctx, &arn(&made), b"x").await.unwrap();
        let elsewhere = in_region(&d.ctx, "eu-west-1");
        let id = KeyRef::parse(&made.id).unwrap();
        assert_eq!(refused(kms.describe_key(&elsewhere, &id).await), Code::NotFound);
        let error = kms.decrypt(&elsewhere, &sealed, &empty(), None).await.unwrap_err();
        assert!(error.error.message.starts_with("The ciphertext refers to a customer master key"), "{error}");
        assert!(kms.list_keys(&elsewhere, &first(10)).await.unwrap().items.is_empty());
        assert_eq!(kms.list_keys(&d.ctx, &first(10)).await.unwrap().items, [made.id]);
    })
    .await;
}

/// The same caller, in another region.
fn in_region(ctx: &Ctx, region: &str) -> Ctx {
    Ctx::new(ctx::Facts {
        region: region.parse().unwrap(),
        principal: Arc::new(ctx.principal().clone()),
        credential: ctx.credential().clone(),
        request_id: request_id(),
        now: ctx.now(),
        source_ip: None,
        secure: true,
        source: None,
    })
}

#[tokio::test]
async fn a_disabled_key_and_one_to_be_deleted_encrypt_and_decrypt_nothing() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let made = key(&kms, ctx).await;
        let key = arn(&made);
        let sealed = encrypt(&kms, ctx, &key, b"text").await.unwrap();
        kms.disable_key(ctx, &key).await.unwrap();
        assert_eq!(kms.describe_key(ctx, &key).await.unwrap().state(), KeyState::Disabled);
        let error = encrypt(&kms, ctx, &key, b"x").await.unwrap_err();
        assert_eq!((error.code, error.error.message), (Code::Disabled, format!("{} is disabled.", made.arn())));
        assert_eq!(refused(decrypt(&kms, ctx, &sealed).await), Code::Disabled);
        kms.enable_key(ctx, &key).await.unwrap();
        assert_eq!(decrypt(&kms, ctx, &sealed).await.unwrap(), b"text");

        assert_eq!(refused(kms.schedule_deletion(ctx, &key, Some(6)).await), Code::Validation);
        assert_eq!(refused(kms.schedule_deletion(ctx, &key, Some(31)).await), Code::Validation);
        assert_eq!(refused(kms.cancel_deletion(ctx, &key).await), Code::InvalidState);
        let planned = kms.schedule_deletion(ctx, &key, Some(7)).await.unwrap();
        assert_eq!(planned.deletion, Some(Timestamp(d.clock.now().as_millis() + 7 * DAY)));
        let error = decrypt(&kms, ctx, &sealed).await.unwrap_err();
        assert_eq!(
            (error.code, error.error.message),
            (Code::InvalidState, format!("{} is pending deletion.", made.arn()))
        );
        assert_eq!(refused(kms.enable_key(ctx, &key).await), Code::InvalidState);
        assert_eq!(refused(kms.schedule_deletion(ctx, &key, None).await), Code::InvalidState);
        kms.cancel_deletion(ctx, &key).await.unwrap();
        assert_eq!(kms.describe_key(ctx, &key).await.unwrap().state(), KeyState::Disabled);
        kms.enable_key(ctx, &key).await.unwrap();
        assert_eq!(decrypt(&kms, ctx, &sealed).await.unwrap(), b"text");
    })
    .await;
}

#[tokio::test]
async fn who_keeps_something_under_a_key_is_told_when_it_can_be_used_no_longer() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let made = key(&kms, ctx).await;
        let told = told(&d.identity);
        kms.disable_key(ctx, &arn(&made)).await.unwrap();
        kms.enable_key(ctx, &arn(&made)).await.unwrap();
        kms.schedule_deletion(ctx, &arn(&made), Some(7)).await.unwrap();
        kms.schedule_deletion(ctx, &arn(&made), Some(7)).await.unwrap_err();
        let removal = Removal::Key(made.arn());
        assert_eq!(*told.lock().unwrap(), [removal.clone(), removal]);
    })
    .await;
}

#[tokio::test]
async fn a_keys_material_is_gone_when_its_time_has_come() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (made, kept) = (key(&kms, ctx).await, key(&kms, ctx).await);
        kms.create_alias(ctx, "alias/gone", &arn(&made)).await.unwrap();
        let sealed = encrypt(&kms, ctx, &arn(&made), b"text").await.unwrap();
        kms.schedule_deletion(ctx, &arn(&made), Some(7)).await.unwrap();
        d.clock.advance(7 * DAY - 1);
        kms.delete_due_keys().await.unwrap();
        assert!(kms.describe_key(ctx, &arn(&made)).await.is_ok());
        d.clock.advance(1);
        kms.delete_due_keys().await.unwrap();
        assert_eq!(refused(kms.describe_key(ctx, &arn(&made)).await), Code::NotFound);
        assert_eq!(refused(decrypt(&kms, ctx, &sealed).await), Code::AccessDenied);
        assert!(kms.list_aliases(ctx, None, &first(10)).await.unwrap().items.is_empty());
        assert!(kms.describe_key(ctx, &arn(&kept)).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn rotated_keys_decrypt_what_they_encrypted_before() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let key = arn(&key(&kms, ctx).await);
        let first_text = encrypt(&kms, ctx, &key, b"first").await.unwrap();
        assert_eq!(kms.rotation_status(ctx, &key).await.unwrap().1, None);
        kms.rotate_on_demand(ctx, &key).await.unwrap();
        let second_text = encrypt(&kms, ctx, &key, b"second").await.unwrap();
        assert_ne!(first_text[17..33], second_text[17..33], "another backing key");
        for days in [89, 2561] {
            assert_eq!(refused(kms.enable_rotation(ctx, &key, Some(days)).await), Code::Validation);
        }
        kms.enable_rotation(ctx, &key, Some(90)).await.unwrap();
        d.clock.advance(90 * DAY - 1);
        kms.rotate_due_keys().await.unwrap();
        assert_eq!(kms.list_rotations(ctx, &key, &first(10)).await.unwrap().items.len(), 1);
        d.clock.advance(1);
        kms.rotate_due_keys().await.unwrap();
        kms.rotate_due_keys().await.unwrap();
        let past = kms.list_rotations(ctx, &key, &first(10)).await.unwrap().items;
        assert_eq!(past.iter().map(|past| past.kind.as_str()).collect::<Vec<_>>(), ["AUTOMATIC", "ON_DEMAND"]);
        let page = kms.list_rotations(ctx, &key, &first(1)).await.unwrap();
        let rest = PageRequest { limit: 1, after: page.next_after };
        assert_eq!(kms.list_rotations(ctx, &key, &rest).await.unwrap().items, past[1..]);
        let (_, rotation) = kms.rotation_status(ctx, &key).await.unwrap();
        assert_eq!(rotation.unwrap().next, Timestamp(d.clock.now().as_millis() + 90 * DAY));
        for (sealed, text) in [(first_text, b"first".as_slice()), (second_text, b"second")] {
            assert_eq!(decrypt(&kms, ctx, &sealed).await.unwrap(), text);
        }
        kms.disable_rotation(ctx, &key).await.unwrap();
        assert_eq!(kms.rotation_status(ctx, &key).await.unwrap().1, None);
        kms.disable_key(ctx, &key).await.unwrap();
        assert_eq!(refused(kms.rotate_on_demand(ctx, &key).await), Code::Disabled);
    })
    .await;
}

#[tokio::test]
async fn rotation_on_demand_is_limited() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let key = arn(&key(&kms, ctx).await);
        for _ in 0..25 {
            kms.rotate_on_demand(ctx, &key).await.unwrap();
        }
        assert_eq!(refused(kms.rotate_on_demand(ctx, &key).await), Code::LimitExceeded);
    })
    .await;
}

#[tokio::test]
async fn encrypting_again_moves_a_ciphertext_to_another_key_and_context() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (from, to) = (key(&kms, ctx).await, key(&kms, ctx).await);
        let made = kms.encrypt(ctx, &arn(&from), b"text", &with("a", "1"), &options()).await.unwrap();
        let moved = kms
            .re_encrypt(ctx, &made.ciphertext, (None, &with("a", "1")), (&arn(&to), &with("b", "2")), &options())
            .await
            .unwrap();
        assert_eq!((moved.source_arn, moved.destination_arn), (from.arn(), to.arn()));
        let opened = kms.decrypt(ctx, &moved.ciphertext, &with("b", "2"), Some(&arn(&to))).await.unwrap();
        assert_eq!(opened.plaintext.as_slice(), b"text");
        let wrong = kms
            .re_encrypt(ctx, &made.ciphertext, (Some(&arn(&to)), &with("a", "1")), (&arn(&to), &empty()), &options())
            .await;
        assert_eq!(refused(wrong), Code::IncorrectKey);
    })
    .await;
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_and_does_nothing() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (stranger, _) = d.user("stranger").await;
        let made = key(&kms, ctx).await;
        let key = arn(&made);
        let sealed = encrypt(&kms, ctx, &key, b"x").await.unwrap();
        assert_eq!(refused(kms.encrypt(ctx, &key, b"x", &empty(), &dry()).await), Code::DryRun);
        assert_eq!(refused(kms.decrypt_with(ctx, &sealed, &empty(), None, &dry()).await), Code::DryRun);
        let made = kms.generate_data_key_with(ctx, &key, &empty(), DataKeySpec::Aes256, &dry()).await;
        assert_eq!(refused(made), Code::DryRun);
        let grant = NewGrant {
            grantee: stranger.principal().arn(),
            operations: vec!["Decrypt".to_owned()],
            ..NewGrant::default()
        };
        assert_eq!(refused(kms.create_grant(ctx, &key, grant, &dry()).await), Code::DryRun);
        assert!(kms.list_grants(ctx, &key, None, None, &first(10)).await.unwrap().items.is_empty());
        assert_eq!(refused(kms.encrypt(&stranger, &key, b"x", &empty(), &dry()).await), Code::AccessDenied);
    })
    .await;
}

#[tokio::test]
async fn without_the_key_policy_nobody_has_access() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (ada, _) = d.user("ada").await;
        let only_ada = json!({"Version": "2012-10-17", "Statement": [
            allow(&ada.principal().arn(), &["kms:*"], Value::Null),
        ]});
        let new = NewKey { policy: Some(only_ada.to_string()), ..NewKey::default() };
        let refusal = kms.create_key(ctx, new.clone()).await.unwrap_err();
        assert_eq!(refusal.code, Code::MalformedPolicyDocument);
        assert!(refusal.error.message.contains("will not allow you to update the key policy in the future"));
        let made = kms.create_key(ctx, NewKey { bypass_lockout_check: true, ..new }).await.unwrap();
        let key = arn(&made);
        let sealed = encrypt(&kms, &ada, &key, b"text").await.unwrap();
        assert_eq!(decrypt(&kms, &ada, &sealed).await.unwrap(), b"text");
        // An administrator of the account and its root are as good as strangers.
        for who in [ctx, &d.root().await] {
            let error = decrypt(&kms, who, &sealed).await.unwrap_err();
            assert_eq!(error.code, Code::AccessDenied);
            let end = format!(
                "is not authorized to perform: kms:Decrypt on resource: {} because no resource-based policy allows the \
                 kms:Decrypt action",
                made.arn()
            );
            assert!(error.error.message.ends_with(&end), "{error}");
        }
        // The account's root can give the right back, so it counts as not being locked out; another user does not.
        let other = json!({"Version": "2012-10-17", "Statement": [
            allow(&ctx.principal().arn(), &["kms:*"], Value::Null),
        ]});
        let refusal = kms.put_policy(&ada, &key, &other.to_string(), false).await;
        assert_eq!(refused(refusal), Code::MalformedPolicyDocument);
        kms.put_policy(&ada, &key, &policy(ctx.account().as_str(), json!([])), false).await.unwrap();
        assert_eq!(decrypt(&kms, ctx, &sealed).await.unwrap(), b"text");
        assert_eq!(refused(decrypt(&kms, &ada, &sealed).await), Code::AccessDenied);
    })
    .await;
}

#[tokio::test]
async fn a_changed_policy_and_a_revoked_grant_hold_at_once() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (ada, _) = d.user("ada").await;
        let key = arn(&key(&kms, ctx).await);
        let sealed = encrypt(&kms, ctx, &key, b"text").await.unwrap();
        assert_eq!(refused(decrypt(&kms, &ada, &sealed).await), Code::AccessDenied);
        let open =
            policy(ctx.account().as_str(), json!([allow(&ada.principal().arn(), &["kms:Decrypt"], Value::Null)]));
        kms.put_policy(ctx, &key, &open, false).await.unwrap();
        assert_eq!(decrypt(&kms, &ada, &sealed).await.unwrap(), b"text");
        kms.put_policy(ctx, &key, &policy(ctx.account().as_str(), json!([])), false).await.unwrap();
        assert_eq!(refused(decrypt(&kms, &ada, &sealed).await), Code::AccessDenied);
        let grant =
            NewGrant { grantee: ada.principal().arn(), operations: vec!["Decrypt".to_owned()], ..NewGrant::default() };
        let grant = kms.create_grant(ctx, &key, grant, &options()).await.unwrap();
        assert_eq!(decrypt(&kms, &ada, &sealed).await.unwrap(), b"text");
        assert_eq!(refused(encrypt(&kms, &ada, &key, b"x").await), Code::AccessDenied);
        kms.revoke_grant(ctx, &key, &grant.id, &options()).await.unwrap();
        assert_eq!(refused(decrypt(&kms, &ada, &sealed).await), Code::AccessDenied);
        assert_eq!(refused(kms.revoke_grant(ctx, &key, &grant.id, &options()).await), Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn conditions_see_what_kms_knows_of_a_request() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (ada, _) = d.user("ada").await;
        let (account, ada_arn) = (ctx.account().as_str(), ada.principal().arn());
        let new = NewKey { tags: vec![("team".to_owned(), "search".to_owned())], ..NewKey::default() };
        let made = kms.create_key(ctx, new).await.unwrap();
        let key = arn(&made);
        kms.create_alias(ctx, "alias/app", &key).await.unwrap();
        let alias = KeyRef::parse("alias/app").unwrap();
        let context = with("tenant", "a");
        let allowed = async |condition: Value, who: &Ctx, name: &KeyRef, context: &EncryptionContext| {
            let open = policy(account, json!([allow(&ada_arn, &["kms:*"], condition)]));
            kms.put_policy(ctx, &key, &open, false).await.unwrap();
            kms.generate_data_key(who, name, context, DataKeySpec::Aes256).await.is_ok()
        };
        let via = ada.via("s3");
        let equals = |key: &str, value: &str| json!({"StringEquals": {key: value}});
        let some = |key: &str, value: &str| json!({"ForAnyValue:StringEquals": {key: value}});
        for (condition, who, name, context, expected) in [
            (equals("kms:ViaService", "s3.us-east-1.amazonaws.com"), &via, &key, &context, true),
            (equals("kms:ViaService", "s3.us-east-1.amazonaws.com"), &ada, &key, &context, false),
            (equals("kms:CallerAccount", account), &ada, &key, &context, true),
            (equals("kms:CallerAccount", "111111111111"), &ada, &key, &context, false),
            (equals("kms:EncryptionContext:tenant", "a"), &ada, &key, &context, true),
            (equals("kms:EncryptionContext:tenant", "a"), &ada, &key, &empty(), false),
            (some("kms:EncryptionContextKeys", "tenant"), &ada, &key, &context, true),
            (some("kms:EncryptionContextKeys", "tenant"), &ada, &key, &empty(), false),
            (equals("kms:RequestAlias", "alias/app"), &ada, &alias, &context, true),
            (equals("kms:RequestAlias", "alias/app"), &ada, &key, &context, false),
            (some("kms:ResourceAliases", "alias/app"), &ada, &key, &context, true),
            (some("kms:ResourceAliases", "alias/other"), &ada, &key, &context, false),
            (equals("kms:KeySpec", "SYMMETRIC_DEFAULT"), &ada, &key, &context, true),
            (equals("kms:KeyUsage", "ENCRYPT_DECRYPT"), &ada, &key, &context, true),
            (equals("kms:KeyOrigin", "EXTERNAL"), &ada, &key, &context, false),
            (equals("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"), &ada, &key, &context, true),
            (equals("aws:ResourceTag/team", "search"), &ada, &key, &context, true),
            (equals("aws:ResourceTag/team", "other"), &ada, &key, &context, false),
        ] {
            assert_eq!(allowed(condition.clone(), who, name, &context.clone()).await, expected, "{condition}");
        }
    })
    .await;
}

#[tokio::test]
async fn another_accounts_key_needs_both_sides_and_its_arn() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (other, _) = d.other_account().await;
        let made = key(&kms, ctx).await;
        let key = arn(&made);
        let sealed = encrypt(&kms, ctx, &key, b"text").await.unwrap();
        let hidden = decrypt(&kms, &other, &sealed).await.unwrap_err();
        assert!(hidden.error.message.starts_with("The ciphertext refers to a customer master key"), "{hidden}");
        assert_eq!(hidden.code, Code::AccessDenied);
        let named = kms.decrypt(&other, &sealed, &empty(), Some(&key)).await.unwrap_err();
        assert!(
            named.error.message.contains("because no resource-based policy allows the kms:Decrypt action"),
            "{named}"
        );
        // A key that does not exist is denied in the same words.
        let absent = made.arn().replace(&made.id, "0f1e2d3c-4b5a-4968-8776-655443322110");
        let absent = kms.describe_key(&other, &KeyRef::parse(&absent).unwrap()).await.unwrap_err();
        assert!(
            absent.error.message.contains("because no resource-based policy allows the kms:DescribeKey"),
            "{absent}"
        );

        let root = format!("arn:aws:iam::{}:root", other.account());
        let open = policy(
            ctx.account().as_str(),
            json!([allow(&root, &["kms:Decrypt", "kms:DescribeKey", "kms:PutKeyPolicy"], Value::Null),]),
        );
        kms.put_policy(ctx, &key, &open, false).await.unwrap();
        assert_eq!(decrypt(&kms, &other, &sealed).await.unwrap(), b"text");
        assert_eq!(kms.describe_key(&other, &key).await.unwrap().id, made.id);
        assert_eq!(refused(encrypt(&kms, &other, &key, b"x").await), Code::AccessDenied);
        // An id names keys of one's own account; some operations never reach into another account.
        assert_eq!(refused(kms.describe_key(&other, &KeyRef::parse(&made.id).unwrap()).await), Code::NotFound);
        assert_eq!(refused(kms.put_policy(&other, &key, &open, false).await), Code::AccessDenied);
        // The other account's own policies must allow it as well.
        let (user, _) = user_of(&d, &other, "bob").await;
        let error = decrypt(&kms, &user, &sealed).await.unwrap_err();
        assert_eq!(error.code, Code::AccessDenied);
        let error = kms.describe_key(&user, &key).await.unwrap_err();
        assert!(error.error.message.contains("because no identity-based policy allows"), "{error}");
    })
    .await;
}

/// A user without rights in the account of `admin`.
async fn user_of(d: &Deployment, admin: &Ctx, name: &str) -> (Ctx, NewAccessKey) {
    let new = NewUser { name: name.to_owned(), ..NewUser::default() };
    d.identity.create_user(admin, new).await.unwrap();
    let key = d.identity.create_access_key(admin, Some(name)).await.unwrap();
    (use_key(&d.identity, &key.key.id, None).await.unwrap(), key)
}

#[tokio::test]
async fn another_accounts_alias_does_not_tell_its_key() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (other, _) = d.other_account().await;
        let made = key(&kms, ctx).await;
        kms.create_alias(ctx, "alias/app", &arn(&made)).await.unwrap();
        let message = async |alias: &str| {
            let name = format!("arn:aws:kms:us-east-1:{}:{alias}", ctx.account());
            let error = kms.describe_key(&other, &KeyRef::parse(&name).unwrap()).await.unwrap_err();
            error.error.message.replace(alias, "")
        };
        assert_eq!(message("alias/app").await, message("alias/none").await);
    })
    .await;
}

#[tokio::test]
async fn a_services_key_is_made_on_first_use_for_that_service_alone() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (ada, _) = d.user("ada").await;
        let key = KeyRef::aws_managed("s3");
        let made = kms.generate_data_key(&ada.via("s3"), &key, &empty(), DataKeySpec::Aes256).await.unwrap();
        let opened = kms.decrypt(&ada.via("s3"), &made.ciphertext, &empty(), None).await.unwrap();
        assert_eq!(opened.plaintext, made.plaintext);
        for who in [ctx.clone(), ada.clone(), ada.via("secretsmanager")] {
            assert_eq!(refused(decrypt(&kms, &who, &made.ciphertext).await), Code::AccessDenied);
        }
        let described = kms.describe_key(ctx, &key).await.unwrap();
        assert_eq!((described.arn(), described.manager), (made.key_arn.clone(), Manager::Aws));
        assert_eq!(refused(kms.rotation_status(ctx, &key).await), Code::NotFound);
        let by_id = KeyRef::parse(&described.id).unwrap();
        assert_eq!(kms.rotation_status(ctx, &by_id).await.unwrap().1.unwrap().period_days, 365);
        d.clock.advance(365 * DAY);
        kms.rotate_due_keys().await.unwrap();
        assert_eq!(kms.list_rotations(ctx, &by_id, &first(10)).await.unwrap().items.len(), 1);
        assert!(kms.decrypt(&ada.via("s3"), &made.ciphertext, &empty(), None).await.is_ok());
        assert_eq!(kms.list_aliases(ctx, None, &first(10)).await.unwrap().items[0].name, "alias/aws/s3");
        assert_eq!(refused(kms.schedule_deletion(ctx, &by_id, None).await), Code::AccessDenied);
        assert_eq!(refused(kms.describe_key(ctx, &KeyRef::aws_managed("none")).await), Code::NotFound);
        let again = d.second_process().await.kms();
        assert_eq!(again.describe_key(ctx, &key).await.unwrap().id, described.id);
    })
    .await;
}

#[tokio::test]
async fn aliases_move_between_keys_and_end_with_them() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (one, two) = (key(&kms, ctx).await, key(&kms, ctx).await);
        let alias = KeyRef::parse("alias/app").unwrap();
        kms.create_alias(ctx, "alias/app", &arn(&one)).await.unwrap();
        let error = kms.create_alias(ctx, "alias/app", &arn(&two)).await.unwrap_err();
        assert_eq!(error.code, Code::AlreadyExists);
        assert_eq!(kms.describe_key(ctx, &alias).await.unwrap().id, one.id);
        kms.update_alias(ctx, "alias/app", &arn(&two)).await.unwrap();
        assert_eq!(kms.describe_key(ctx, &alias).await.unwrap().id, two.id);
        assert!(kms.list_aliases(ctx, Some(&arn(&one)), &first(10)).await.unwrap().items.is_empty());
        assert_eq!(kms.list_aliases(ctx, Some(&arn(&two)), &first(10)).await.unwrap().items.len(), 1);
        kms.delete_alias(ctx, "alias/app").await.unwrap();
        assert_eq!(refused(kms.describe_key(ctx, &alias).await), Code::NotFound);
        assert_eq!(refused(kms.delete_alias(ctx, "alias/app").await), Code::NotFound);
        assert_eq!(refused(kms.update_alias(ctx, "alias/app", &arn(&two)).await), Code::NotFound);
        for (name, code) in [
            ("app", Code::Validation),
            ("alias/", Code::Validation),
            ("alias/a:b", Code::Validation),
            ("alias/a b", Code::Validation),
            ("alias/aws/mine", Code::NotAuthorized),
        ] {
            assert_eq!(refused(kms.create_alias(ctx, name, &arn(&one)).await), code, "{name}");
        }
        assert_eq!(refused(kms.create_alias(ctx, "alias/b", &KeyRef::aws_managed("s3")).await), Code::Validation);
        for i in 0..50 {
            kms.create_alias(ctx, &format!("alias/{i}"), &arn(&one)).await.unwrap();
        }
        assert_eq!(refused(kms.create_alias(ctx, "alias/more", &arn(&one)).await), Code::LimitExceeded);
    })
    .await;
}

#[tokio::test]
async fn grants_are_bound_to_context_and_operations() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (ada, _) = d.user("ada").await;
        let key = arn(&key(&kms, ctx).await);
        let pairs = BTreeMap::from([("tenant".to_owned(), "a".to_owned())]);
        let grant = NewGrant {
            grantee: ada.principal().arn(),
            operations: vec!["Encrypt".to_owned(), "DescribeKey".to_owned()],
            constraint: Some(GrantConstraint::Subset(pairs)),
            name: Some("app".to_owned()),
            retiring: None,
        };
        let made = kms.create_grant(ctx, &key, grant.clone(), &options()).await.unwrap();
        let again = kms.create_grant(ctx, &key, grant.clone(), &options()).await.unwrap();
        assert_eq!(made.id, again.id, "the same grant of the same name is made once");
        assert_ne!(made.token, again.token);
        let unnamed = kms.create_grant(ctx, &key, NewGrant { name: None, ..grant }, &options()).await.unwrap();
        assert_ne!(made.id, unnamed.id);

        let tokens = UseOptions { grant_tokens: vec![made.token], ..options() };
        assert!(kms.encrypt(&ada, &key, b"x", &with("tenant", "a"), &tokens).await.is_ok());
        let wider = EncryptionContext::from_pairs([("tenant", "a"), ("more", "b")]);
        assert!(kms.encrypt(&ada, &key, b"x", &wider, &options()).await.is_ok());
        for context in [empty(), with("tenant", "b")] {
            assert_eq!(refused(kms.encrypt(&ada, &key, b"x", &context, &options()).await), Code::AccessDenied);
        }
        // A constraint does not limit what has no context.
        assert!(kms.describe_key(&ada, &key).await.is_ok());
        let forged = UseOptions { grant_tokens: vec!["forged".to_owned()], ..options() };
        assert_eq!(refused(kms.encrypt(ctx, &key, b"x", &empty(), &forged).await), Code::InvalidGrantToken);

        let listed = kms.list_grants(ctx, &key, None, Some(&ada.principal().arn()), &first(10)).await.unwrap().items;
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[0].issuing_account, format!("arn:aws:iam::{}:root", ctx.account()));
        let one = kms.list_grants(ctx, &key, Some(&made.id), None, &first(10)).await.unwrap().items;
        assert_eq!(one.len(), 1);
        assert_eq!(refused(kms.list_grants(ctx, &key, Some("x"), None, &first(1)).await), Code::InvalidGrantId);
        for (grantee, operation, code) in [
            ("ada", "Decrypt", Code::InvalidArn),
            ("arn:aws:iam::111122223333:group/x", "Decrypt", Code::InvalidArn),
            ("arn:aws:iam::111122223333:user/*", "Decrypt", Code::InvalidArn),
            ("arn:aws:iam::111122223333:user/x", "Sign", Code::Validation),
        ] {
            let grant =
                NewGrant { grantee: grantee.to_owned(), operations: vec![operation.to_owned()], ..NewGrant::default() };
            assert_eq!(refused(kms.create_grant(ctx, &key, grant, &options()).await), code, "{grantee} {operation}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_came_by_grant_is_given_on_no_further_than_it_goes() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (ada, _) = d.user("ada").await;
        let (bob, _) = d.user("bob").await;
        let key = arn(&key(&kms, ctx).await);
        let pairs = BTreeMap::from([("tenant".to_owned(), "a".to_owned())]);
        let parent = NewGrant {
            grantee: ada.principal().arn(),
            operations: vec!["CreateGrant".to_owned(), "Decrypt".to_owned()],
            constraint: Some(GrantConstraint::Subset(pairs.clone())),
            ..NewGrant::default()
        };
        kms.create_grant(ctx, &key, parent, &options()).await.unwrap();
        let child = |operations: &[&str], constraint| NewGrant {
            grantee: bob.principal().arn(),
            operations: operations.iter().map(|operation| (*operation).to_owned()).collect(),
            constraint,
            ..NewGrant::default()
        };
        let give = async |grant| kms.create_grant(&ada, &key, grant, &options()).await;
        let equals = Some(GrantConstraint::Equals(pairs.clone()));
        assert!(give(child(&["Decrypt"], equals.clone())).await.is_ok());
        assert!(give(child(&["Decrypt"], Some(GrantConstraint::Subset(pairs)))).await.is_ok());
        assert_eq!(refused(give(child(&["Encrypt"], equals)).await), Code::AccessDenied);
        assert_eq!(refused(give(child(&["Decrypt"], None)).await), Code::AccessDenied);
    })
    .await;
}

#[tokio::test]
async fn grants_are_retired_by_those_whom_they_name() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (ada, _) = d.user("ada").await;
        let (bob, _) = d.user("bob").await;
        let made = key(&kms, ctx).await;
        let key = arn(&made);
        let give = async |operations: &[&str]| {
            let grant = NewGrant {
                grantee: ada.principal().arn(),
                retiring: Some(bob.principal().arn()),
                operations: operations.iter().map(|operation| (*operation).to_owned()).collect(),
                ..NewGrant::default()
            };
            kms.create_grant(ctx, &key, grant, &options()).await.unwrap()
        };
        let one = give(&["Decrypt"]).await;
        let retirable = kms.list_retirable_grants(ctx, &bob.principal().arn(), &first(10)).await.unwrap();
        assert_eq!(retirable.items.len(), 1);
        let by_id = GrantRef::Id(key.clone(), one.id.clone());
        // Neither the grantee without RetireGrant nor an administrator may: only the grant can allow it.
        for who in [&ada, ctx] {
            assert_eq!(refused(kms.retire_grant(who, &by_id, &options()).await), Code::AccessDenied);
        }
        assert_eq!(refused(kms.retire_grant(&bob, &by_id, &dry()).await), Code::DryRun);
        kms.retire_grant(&bob, &by_id, &options()).await.unwrap();
        assert_eq!(refused(kms.retire_grant(&bob, &by_id, &options()).await), Code::NotFound);
        let two = give(&["Decrypt", "RetireGrant"]).await;
        kms.retire_grant(&ada, &GrantRef::Token(two.token), &options()).await.unwrap();
        let three = give(&["Decrypt"]).await;
        kms.retire_grant(&d.root().await, &GrantRef::Token(three.token), &options()).await.unwrap();
        // An account that is named leaves it to its own policies.
        let account = format!("arn:aws:iam::{}:root", ctx.account());
        let grant = NewGrant {
            grantee: ada.principal().arn(),
            retiring: Some(account),
            operations: vec!["Decrypt".to_owned()],
            ..NewGrant::default()
        };
        let four = kms.create_grant(ctx, &key, grant, &options()).await.unwrap();
        let four = GrantRef::Token(four.token);
        assert_eq!(refused(kms.retire_grant(&ada, &four, &options()).await), Code::AccessDenied);
        kms.retire_grant(ctx, &four, &options()).await.unwrap();
        let short = GrantRef::Id(KeyRef::parse(&made.id).unwrap(), one.id);
        assert_eq!(refused(kms.retire_grant(&bob, &short, &options()).await), Code::InvalidArn);
    })
    .await;
}

#[tokio::test]
async fn tags_are_set_changed_and_removed() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let key = arn(&key(&kms, ctx).await);
        let tag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        kms.tag(ctx, &key, &[tag("b", "1"), tag("a", "2")]).await.unwrap();
        kms.tag(ctx, &key, &[tag("b", "3")]).await.unwrap();
        let tags = kms.list_tags(ctx, &key, &first(10)).await.unwrap().items;
        assert_eq!(tags, [tag("a", "2"), tag("b", "3")]);
        let page = kms.list_tags(ctx, &key, &first(1)).await.unwrap();
        let rest = PageRequest { limit: 1, after: page.next_after };
        assert_eq!(kms.list_tags(ctx, &key, &rest).await.unwrap().items, [tag("b", "3")]);
        kms.untag(ctx, &key, &["a".to_owned(), "none".to_owned()]).await.unwrap();
        assert_eq!(kms.list_tags(ctx, &key, &first(10)).await.unwrap().items, [tag("b", "3")]);
        assert_eq!(refused(kms.tag(ctx, &key, &[tag("aws:x", "1")]).await), Code::Tag);
        assert_eq!(refused(kms.tag(ctx, &key, &[tag("x", "1"), tag("x", "2")]).await), Code::Tag);
        let many: Vec<_> = (0..50).map(|i| tag(&format!("t{i}"), "")).collect();
        assert_eq!(refused(kms.tag(ctx, &key, &many).await), Code::LimitExceeded);
        assert_eq!(kms.list_tags(ctx, &key, &first(100)).await.unwrap().items.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn key_policies_are_checked_and_given_back_as_written() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let key = arn(&key(&kms, ctx).await);
        let default: Value = serde_json::from_str(&kms.policy(ctx, &key).await.unwrap()).unwrap();
        assert_eq!(default["Statement"][0]["Action"], "kms:*");
        assert_eq!(default["Statement"][0]["Principal"]["AWS"], format!("arn:aws:iam::{}:root", ctx.account()));
        let text = format!(" {} ", policy(ctx.account().as_str(), json!([])));
        kms.put_policy(ctx, &key, &text, false).await.unwrap();
        assert_eq!(kms.policy(ctx, &key).await.unwrap(), text);
        assert_eq!(kms.policy_names(ctx, &key).await.unwrap(), ["default"]);
        let long = format!("{text}{}", " ".repeat(32_768));
        for bad in ["", "{}", "[]", r#"{"Statement": [{"Effect": "Allow"}]}"#] {
            assert_eq!(refused(kms.put_policy(ctx, &key, bad, true).await), Code::MalformedPolicyDocument, "{bad:.40}");
        }
        assert_eq!(refused(kms.put_policy(ctx, &key, &long, true).await), Code::LimitExceeded);
        assert_eq!(kms.policy(ctx, &key).await.unwrap(), text);
    })
    .await;
}

#[tokio::test]
async fn material_is_sealed_for_its_key() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (one, two) = (key(&kms, ctx).await, key(&kms, ctx).await);
        let (one, two) = (kms.load(&one.id).await.unwrap().unwrap(), kms.load(&two.id).await.unwrap().unwrap());
        assert_eq!(kms.open_backing(&one.key, &one.backing[0]).unwrap().len(), 32);
        assert!(kms.open_backing(&two.key, &one.backing[0]).is_err(), "moved to another key's row");
    })
    .await;
}

#[tokio::test]
async fn the_caller_s_own_policies_decide_where_the_key_s_policy_lets_them() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (ada, _) = d.user("ada").await;
        let made = key(&kms, ctx).await;
        let key = arn(&made);
        let allowed = async |actions: Value, resource: Value| {
            let document = json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": actions, "Resource": resource},
            ]});
            let holder = HolderName::user("ada");
            d.identity.put_inline_policy(ctx, holder, "p", &document.to_string()).await.unwrap();
        };
        assert_eq!(refused(kms.describe_key(&ada, &key).await), Code::AccessDenied);
        allowed(json!("kms:DescribeKey"), json!(made.arn())).await;
        assert!(kms.describe_key(&ada, &key).await.is_ok());
        assert_eq!(refused(encrypt(&kms, &ada, &key, b"x").await), Code::AccessDenied);
        // A name is given with the right on the alias and on the key.
        let alias = format!("arn:aws:kms:us-east-1:{}:alias/app", ctx.account());
        for resource in [json!(made.arn()), json!(alias.clone())] {
            allowed(json!("kms:CreateAlias"), resource).await;
            assert_eq!(refused(kms.create_alias(&ada, "alias/app", &key).await), Code::AccessDenied);
        }
        allowed(json!("kms:CreateAlias"), json!([made.arn(), alias])).await;
        kms.create_alias(&ada, "alias/app", &key).await.unwrap();
        // Who may use keys at all learns that one is missing; who may not does not.
        let missing = KeyRef::parse("0f1e2d3c-4b5a-4968-8776-655443322110").unwrap();
        assert_eq!(refused(kms.describe_key(&ada, &missing).await), Code::AccessDenied);
        allowed(json!("kms:*"), json!("*")).await;
        assert_eq!(refused(kms.describe_key(&ada, &missing).await), Code::NotFound);
        // A key made with tags needs the right to set tags.
        allowed(json!("kms:CreateKey"), json!("*")).await;
        let tagged = NewKey { tags: vec![("a".to_owned(), "1".to_owned())], ..NewKey::default() };
        assert_eq!(refused(kms.create_key(&ada, tagged).await), Code::AccessDenied);
        assert!(kms.create_key(&ada, NewKey::default()).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn who_is_made_again_under_an_old_name_inherits_nothing() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (ada, ada_key) = d.user("ada").await;
        let ada_arn = ada.principal().arn();
        let (by_policy, by_grant) = (key(&kms, ctx).await, key(&kms, ctx).await);
        let open = policy(ctx.account().as_str(), json!([allow(&ada_arn, &["kms:DescribeKey"], Value::Null)]));
        kms.put_policy(ctx, &arn(&by_policy), &open, false).await.unwrap();
        let grant =
            NewGrant { grantee: ada_arn.clone(), operations: vec!["DescribeKey".to_owned()], ..NewGrant::default() };
        kms.create_grant(ctx, &arn(&by_grant), grant.clone(), &options()).await.unwrap();
        for name in [arn(&by_policy), arn(&by_grant)] {
            assert!(kms.describe_key(&ada, &name).await.is_ok());
        }
        d.identity.delete_access_key(ctx, Some("ada"), &ada_key.key.id).await.unwrap();
        d.identity.delete_user(ctx, "ada").await.unwrap();
        let (again, _) = d.user("ada").await;
        assert_eq!(again.principal().arn(), ada_arn);
        for name in [arn(&by_policy), arn(&by_grant)] {
            assert_eq!(refused(kms.describe_key(&again, &name).await), Code::AccessDenied);
        }
        assert!(kms.policy(ctx, &arn(&by_policy)).await.unwrap().contains("AIDA"));
        // Who does not exist cannot be named.
        let nobody = format!("arn:aws:iam::{}:user/nobody", ctx.account());
        let open = policy(ctx.account().as_str(), json!([allow(&nobody, &["kms:*"], Value::Null)]));
        let error = kms.put_policy(ctx, &arn(&by_policy), &open, false).await.unwrap_err();
        assert_eq!(error.code, Code::MalformedPolicyDocument);
        assert!(error.error.message.contains("invalid principals"), "{error}");
        let grant = NewGrant { grantee: nobody, ..grant };
        assert_eq!(refused(kms.create_grant(ctx, &arn(&by_grant), grant, &options()).await), Code::InvalidArn);
    })
    .await;
}

#[tokio::test]
async fn conditions_see_what_a_change_would_do() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let (ada, _) = d.user("ada").await;
        let made = key(&kms, ctx).await;
        let (key, ada_arn) = (arn(&made), ada.principal().arn());
        let grant = |operations: &[&str], constraint| NewGrant {
            grantee: ada_arn.clone(),
            retiring: Some(ada_arn.clone()),
            operations: operations.iter().map(|operation| (*operation).to_owned()).collect(),
            constraint,
            name: None,
        };
        let pairs = BTreeMap::from([("tenant".to_owned(), "a".to_owned())]);
        let bound = grant(&["Decrypt"], Some(GrantConstraint::Equals(pairs)));
        let tried = async |action: &str, condition: Value, what: NewGrant| {
            let open = policy(ctx.account().as_str(), json!([allow(&ada_arn, &[action], condition)]));
            kms.put_policy(ctx, &key, &open, false).await.unwrap();
            kms.create_grant(&ada, &key, what, &dry()).await.unwrap_err().code == Code::DryRun
        };
        let equals = |key: &str, value: &str| json!({"StringEquals": {key: value}});
        let only = |value: &str| json!({"ForAllValues:StringEquals": {"kms:GrantOperations": value}});
        for (condition, grant, expected) in [
            (only("Decrypt"), grant(&["Decrypt"], None), true),
            (only("Decrypt"), grant(&["Decrypt", "Encrypt"], None), false),
            (equals("kms:GranteePrincipal", &ada_arn), grant(&["Decrypt"], None), true),
            (equals("kms:GranteePrincipal", "other"), grant(&["Decrypt"], None), false),
            (equals("kms:RetiringPrincipal", &ada_arn), grant(&["Decrypt"], None), true),
            (equals("kms:GrantConstraintType", "EncryptionContextEquals"), bound.clone(), true),
            (equals("kms:GrantConstraintType", "EncryptionContextEquals"), grant(&["Decrypt"], None), false),
            (equals("kms:EncryptionContext:tenant", "a"), bound.clone(), true),
            (json!({"Bool": {"kms:GrantIsForAWSResource": "true"}}), grant(&["Decrypt"], None), false),
        ] {
            assert_eq!(tried("kms:CreateGrant", condition.clone(), grant).await, expected, "{condition}");
        }
        let service = ada.via("s3");
        let for_aws = json!({"Bool": {"kms:GrantIsForAWSResource": "true"}});
        let open = policy(ctx.account().as_str(), json!([allow(&ada_arn, &["kms:CreateGrant"], for_aws)]));
        kms.put_policy(ctx, &key, &open, false).await.unwrap();
        kms.create_grant(&service, &key, bound, &options()).await.unwrap();

        let window = json!({"NumericGreaterThanEquals": {"kms:ScheduleKeyDeletionPendingWindowInDays": "14"}});
        let careful = json!({"Bool": {"kms:BypassPolicyLockoutSafetyCheck": "false"}});
        let open = policy(
            ctx.account().as_str(),
            json!([
                allow(&ada_arn, &["kms:ScheduleKeyDeletion"], window),
                allow(&ada_arn, &["kms:PutKeyPolicy"], careful),
            ]),
        );
        kms.put_policy(ctx, &key, &open, false).await.unwrap();
        assert_eq!(refused(kms.put_policy(&ada, &key, &open, true).await), Code::AccessDenied);
        kms.put_policy(&ada, &key, &open, false).await.unwrap();
        assert_eq!(refused(kms.schedule_deletion(&ada, &key, Some(7)).await), Code::AccessDenied);
        kms.schedule_deletion(&ada, &key, Some(14)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_explains_decisions_finds_a_key_s_policy_and_grants() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let (kms, ctx) = (d.identity.kms(), &d.ctx);
        let made = key(&kms, ctx).await;
        let grant = NewGrant {
            grantee: ctx.principal().arn(),
            operations: vec!["Decrypt".to_owned(), "DescribeKey".to_owned()],
            ..NewGrant::default()
        };
        kms.create_grant(ctx, &arn(&made), grant, &options()).await.unwrap();
        let facts = kms.facts(&made.arn()).await.unwrap().unwrap();
        assert_eq!((&facts.owner, facts.grants.len()), (ctx.account(), 2));
        assert_eq!(*facts.policy.unwrap().id, *made.arn());
        assert!(kms.facts("arn:aws:kms:us-east-1:111122223333:key/none").await.unwrap().is_none());
    })
    .await;
}
