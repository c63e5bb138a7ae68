//! Keys and secrets survive a death at any write: what was acknowledged is there, and nothing half-made.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use base::{PageRequest, SystemClock, SystemRandom};
use identity::kms::{EncryptionContext, KeyRef};
use identity::secrets::{SecretRef, Value, VersionRef};
use identity::{Ctx, Defaults, Identity, Origin, ProvenKey, RootCredentials, RootKey};
use store::Store;
use store::crash::{Ending, Harness, Workload};

struct KeysAndSecrets {
    dir: tempfile::TempDir,
    kills: usize,
    killed_at: Vec<String>,
}

impl Workload for KeysAndSecrets {
    fn reset(&mut self, _round: usize) -> io::Result<()> {
        self.dir = tempfile::tempdir()?;
        Ok(())
    }

    fn command(&mut self) -> Command {
        let mut command = Command::new(child());
        command.arg(self.dir.path());
        command
    }

    fn check(&mut self, ending: &Ending) -> Result<(), String> {
        if let Ending::Killed { name, .. } = ending {
            self.kills += 1;
            self.killed_at.push(name.clone());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(look(self.dir.path(), *ending == Ending::Finished))
    }
}

/// Compares what the program noted with what is there.
async fn look(dir: &Path, finished: bool) -> Result<(), String> {
    let noted = std::fs::read_to_string(dir.join("notes")).unwrap_or_default();
    if noted.is_empty() {
        return Ok(());
    }
    let (identity, ctx) = open(dir).await;
    let result = async {
        keys(&identity, &ctx, &noted).await?;
        secret(&identity, &ctx, &noted, finished).await
    };
    let result = result.await;
    drop(identity);
    result
}

/// Everything that was encrypted decrypts, whatever became of the rotations.
async fn keys(identity: &Identity, ctx: &Ctx, noted: &str) -> Result<(), String> {
    let (kms, key) = (identity.kms(), KeyRef::parse("alias/app").unwrap());
    for line in noted.lines().filter_map(|line| line.strip_prefix("ciphertext ")) {
        let Some((text, hex)) = line.split_once(' ').filter(|(_, hex)| hex.len() % 2 == 0) else { continue };
        let bytes: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        let opened = kms.decrypt(ctx, &bytes, &EncryptionContext::empty(), Some(&key)).await;
        let opened = opened.map_err(|error| format!("`{text}` does not decrypt: {error:?}"))?;
        if opened.plaintext.as_slice() != text.as_bytes() {
            return Err(format!("`{text}` decrypts to something else"));
        }
    }
    let acknowledged = noted.lines().filter(|line| *line == "rotated").count();
    let page = PageRequest { limit: 100, after: None };
    let there = match kms.describe_key(ctx, &key).await {
        Ok(described) => {
            let rotations = kms.list_rotations(ctx, &KeyRef::parse(&described.id).unwrap(), &page).await;
            rotations.map_or(0, |page| page.items.len())
        }
        Err(_) => 0,
    };
    if there < acknowledged {
        return Err(format!("{acknowledged} rotations were acknowledged, {there} are there"));
    }
    Ok(())
}

/// The current value is the last one acknowledged, or the one that was being written; every version in use opens, and
/// the previous one is the one before.
async fn secret(identity: &Identity, ctx: &Ctx, noted: &str, finished: bool) -> Result<(), String> {
    let last = |start: &str| noted.lines().filter_map(|line| line.strip_prefix(start)).next_back().map(str::to_owned);
    let (acknowledged, tried) = (last("current "), last("trying "));
    let (secrets, id) = (identity.secrets(), SecretRef::new("app"));
    let described = match secrets.describe(ctx, &id).await {
        Ok(described) => described,
        Err(_) if acknowledged.is_none() => return Ok(()),
        Err(error) => return Err(format!("the secret is gone: {error:?}")),
    };
    let mut values = BTreeMap::new();
    for (version, stages) in &described.stages {
        let which = VersionRef { id: Some(version.clone()), stage: None };
        let got = secrets.value(ctx, &id, &which).await;
        let got = got.map_err(|error| format!("version `{version}` does not open: {error:?}"))?;
        let Value::Text(text) = got.value else { return Err("a value became bytes".to_owned()) };
        stages.iter().for_each(|stage| {
            values.insert(stage.clone(), text.reveal().clone());
        });
    }
    let current = values.get("AWSCURRENT").ok_or("no version is current")?;
    if Some(current) != acknowledged.as_ref() && Some(current) != tried.as_ref() {
        return Err(format!("current is `{current}`, acknowledged {acknowledged:?}, tried {tried:?}"));
    }
    let number = |value: &str| value.rsplit('-').next().and_then(|number| number.parse::<usize>().ok());
    let before = values.get("AWSPREVIOUS").and_then(|value| number(value));
    if before != number(current).and_then(|number| number.checked_sub(1)) {
        return Err(format!("`{current}` follows {before:?}"));
    }
    if finished && Some(current) != acknowledged.as_ref() {
        return Err(format!("finished with `{current}`, acknowledged {acknowledged:?}"));
    }
    Ok(())
}

async fn open(dir: &Path) -> (Identity, Ctx) {
    let store = Store::open_sqlite(&dir.join("craton.db")).await.unwrap();
    let root_key = RootKey::load_or_create(dir.join("root.key")).unwrap();
    let defaults = Defaults { region: "us-east-1".parse().unwrap() };
    let identity =
        Identity::open(store, root_key, Arc::new(SystemClock), Arc::new(SystemRandom), defaults).await.unwrap();
    let admin = identity.first_start(RootCredentials::default()).await.unwrap();
    let key = identity.signing_key(&admin.access_key_id).await.unwrap().unwrap();
    let request_id = "7a9d1c2e-0000-4000-8000-000000000002".parse().unwrap();
    let origin = Origin { request_id, source_ip: IpAddr::from([127, 0, 0, 1]), secure: false };
    let ctx = identity.authenticate(ProvenKey::new(key, None), None, origin).await.unwrap();
    (identity, ctx)
}

/// Examples are built beside the tests: `target/debug/examples/` next to `target/debug/deps/`.
fn child() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/key_and_secret_crash_child")
}

#[test]
fn rotations_and_secret_updates_survive_death_at_any_write() {
    let mut workload = KeysAndSecrets { dir: tempfile::tempdir().unwrap(), kills: 0, killed_at: Vec::new() };
    let harness = Harness { seed: 11, rounds: 24, kills: 3, time_limit: Duration::from_secs(120) };
    harness.run(&mut workload).unwrap();
    assert!(workload.kills >= 40, "only {} deaths", workload.kills);
    for part in ["kms.rotation.", "secrets.", "store.commit."] {
        let here = workload.killed_at.iter().filter(|at| at.starts_with(part)).count();
        assert!(here > 0, "never died at {part}: {:?}", workload.killed_at);
    }
}
