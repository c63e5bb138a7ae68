//! The program that `tests/key_and_secret_crashes.rs` kills: rotates a key and changes a secret, step by step, and notes in a file what it
//! was told is done.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use base::{Secret, SystemClock, SystemRandom};
use identity::kms::{Code, EncryptionContext, KeyRef, NewKey, UseOptions};
use identity::secrets::{NewSecret, Put, SecretRef, Update, Value};
use identity::{Ctx, Defaults, Identity, Origin, ProvenKey, RootCredentials, RootKey};
use store::Store;

/// How far it counts.
const LAST: usize = 6;

const ALIAS: &str = "alias/app";

type Done<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Done<()> {
    let dir = std::env::args_os().nth(1).ok_or("no directory given")?;
    let dir = Path::new(&dir);
    let (identity, ctx) = open(dir).await?;
    let notes = dir.join("notes");
    let noted = std::fs::read_to_string(&notes).unwrap_or_default();
    let done = noted.lines().filter(|line| line.starts_with("step ")).count();
    let mut notes = OpenOptions::new().create(true).append(true).open(notes)?;
    let key = key(&identity, &ctx).await?;
    for step in done..LAST {
        rotate(&identity, &ctx, &key, step, &mut notes).await?;
        change(&identity, &ctx, &key, step, &mut notes).await?;
        note(&mut notes, &format!("step {step}"))?;
    }
    Ok(())
}

async fn open(dir: &Path) -> Done<(Identity, Ctx)> {
    let store = Store::open_sqlite(&dir.join("craton.db")).await?;
    let root_key = RootKey::load_or_create(dir.join("root.key"))?;
    let defaults = Defaults { region: "us-east-1".parse()? };
    let identity = Identity::open(store, root_key, Arc::new(SystemClock), Arc::new(SystemRandom), defaults).await?;
    let admin = identity.first_start(RootCredentials::default()).await?;
    let key = identity.signing_key(&admin.access_key_id).await?.ok_or("the administrator has no key")?;
    let request_id = "7a9d1c2e-0000-4000-8000-000000000001".parse()?;
    let origin = Origin { request_id, source_ip: IpAddr::from([127, 0, 0, 1]), secure: false };
    let ctx = identity.authenticate(ProvenKey::new(key, None), None, origin).await?;
    Ok((identity, ctx))
}

/// The key behind the alias, made where it is not there.
async fn key(identity: &Identity, ctx: &Ctx) -> Done<KeyRef> {
    let (kms, alias) = (identity.kms(), KeyRef::parse(ALIAS)?);
    match kms.describe_key(ctx, &alias).await {
        Ok(described) => Ok(KeyRef::parse(&described.id)?),
        Err(error) if error.code == Code::NotFound => {
            let made = kms.create_key(ctx, NewKey::default()).await?;
            let key = KeyRef::parse(&made.id)?;
            kms.create_alias(ctx, ALIAS, &key).await?;
            Ok(key)
        }
        Err(error) => Err(error.into()),
    }
}

/// Encrypts, rotates, and encrypts again.
async fn rotate(identity: &Identity, ctx: &Ctx, key: &KeyRef, step: usize, notes: &mut File) -> Done<()> {
    let (kms, context) = (identity.kms(), EncryptionContext::empty());
    for moment in ["before", "after"] {
        let text = format!("{moment}-{step}");
        let made = kms.encrypt(ctx, key, text.as_bytes(), &context, &UseOptions::default()).await?;
        let hex: String = made.ciphertext.iter().map(|byte| format!("{byte:02x}")).collect();
        note(notes, &format!("ciphertext {text} {hex}"))?;
        if moment == "before" {
            kms.rotate_on_demand(ctx, key).await?;
            note(notes, "rotated")?;
        }
    }
    Ok(())
}

/// Makes the secret, writes a version, or moves all versions to another key, in turn.
async fn change(identity: &Identity, ctx: &Ctx, key: &KeyRef, step: usize, notes: &mut File) -> Done<()> {
    let (secrets, id) = (identity.secrets(), SecretRef::new("app"));
    let value = || Value::Text(Secret::new(format!("value-{step}")));
    note(notes, &format!("trying value-{step}"))?;
    // The id tells a step that was killed after it was done from a new one.
    let token = Some(format!("00000000-0000-4000-8000-{step:012}"));
    match step % 3 {
        0 if step == 0 => {
            let new = NewSecret { name: "app".to_owned(), token, value: Some(value()), ..NewSecret::default() };
            secrets.create(ctx, new).await?;
        }
        1 => {
            secrets.put(ctx, &id, Put { token, value: value(), stages: Vec::new() }).await?;
        }
        _ => {
            let kms_key = Some(if step.is_multiple_of(2) { key.to_string() } else { String::new() });
            secrets.update(ctx, &id, Update { token, kms_key, value: Some(value()), description: None }).await?;
        }
    }
    note(notes, &format!("current value-{step}"))
}

/// Notes what is done: nothing is noted before it is.
fn note(notes: &mut File, line: &str) -> Done<()> {
    notes.write_all(format!("{line}\n").as_bytes())?;
    notes.sync_data()?;
    Ok(())
}
