use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{AccountId, ErrorKind};
use identity::Ctx;
use inference::{KeptPrefix, Tenant};

use super::*;
use crate::testing::{ACCOUNT, Deployment};
use crate::{CachePoint, Chat, ChatRequest, Config, Message, Sampling, Serving as Asked};

const OTHER: &str = "210987654321";
/// Longer than the fake's pieces, so that a part of it is exact.
const RUBRIC: &str =
    "Answer as a judge who has read the whole file, who says nothing that is not in it, and who names the page. ";

fn keeping(dir: &Path, bytes: u64) -> impl FnOnce(&mut Config) + use<> {
    let folder = dir.join("prefixes");
    move |config| {
        config.load.context_per_sequence = 2048;
        config.snapshots = Some(SnapshotPlace { folder, bytes });
    }
}

async fn start(dir: tempfile::TempDir, bytes: u64) -> Deployment {
    let store = ::store::Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
    let change = keeping(dir.path(), bytes);
    let deployment = Deployment::start_on(store, dir, change).await;
    deployment.add_model("chatty");
    deployment
}

async fn started() -> Deployment {
    start(tempfile::tempdir().unwrap(), 1 << 30).await
}

/// The deployment after its process stopped as it should.
async fn again(deployment: Deployment) -> Deployment {
    again_with(deployment, 1 << 30).await
}

async fn again_with(deployment: Deployment, bytes: u64) -> Deployment {
    deployment.models.start_snapshots().stop().await;
    start(deployment.dir, bytes).await
}

async fn ask(deployment: &Deployment, ctx: &Ctx, text: &str) -> Chat {
    let request = ChatRequest {
        model: "chatty".to_owned(),
        messages: vec![Message::user(format!("{}{text}", RUBRIC.repeat(6)))],
        sampling: Sampling { temperature: Some(0.0), ..Sampling::default() },
        max_tokens: Some(64),
        serving: Asked { deterministic: crate::Determinism::Required, ..Asked::default() },
        ..ChatRequest::default()
    };
    deployment.models.chat(ctx, request).await.unwrap().collect().await.unwrap()
}

fn files(deployment: &Deployment) -> Vec<PathBuf> {
    let snapshots = deployment.models.inner.snapshots.as_ref().unwrap();
    snapshots.list(&snapshots.place.folder).into_iter().map(|file| file.path).collect()
}

fn snapshots(deployment: &Deployment) -> &Snapshots {
    deployment.models.inner.snapshots.as_ref().unwrap()
}

#[tokio::test]
async fn a_prompt_that_was_used_twice_is_taken_after_a_restart_and_the_answer_is_the_same() {
    let deployment = started().await;
    ask(&deployment, &deployment.ctx, "One?").await;
    deployment.models.keep_prefixes().await;
    assert_eq!(files(&deployment), Vec::<PathBuf>::new(), "it was used once");
    let before = ask(&deployment, &deployment.ctx, "Two?").await;
    deployment.models.keep_prefixes().await;
    let written = files(&deployment);
    assert_eq!(written.len(), 1);
    assert!(deployment.models.status(&deployment.ctx).snapshot_bytes > Some(0));

    let deployment = again(deployment).await;
    assert_eq!(files(&deployment), written, "what is on disk is not written again");
    let after = ask(&deployment, &deployment.ctx, "Two?").await;
    assert_eq!(after.text(), before.text());
    assert!(after.usage.cached >= 256, "{:?}", after.usage);
    let other = deployment.context(OTHER, "us-east-1").await;
    assert_eq!(ask(&deployment, &other, "Two?").await.usage.cached, 0, "of another account nothing is read");
}

#[tokio::test]
async fn a_cache_point_is_kept_when_the_model_is_unloaded() {
    let deployment = started().await;
    let system = RUBRIC.repeat(6);
    let request = || ChatRequest {
        model: "chatty".to_owned(),
        system: vec![system.clone()],
        messages: vec![Message::user("Well?")],
        cache_points: vec![CachePoint::System(1)],
        max_tokens: Some(4),
        ..ChatRequest::default()
    };
    let first = deployment.models.chat(&deployment.ctx, request()).await.unwrap().collect().await.unwrap();
    assert!(first.usage.cache_written > 0);
    deployment.models.unload(&deployment.ctx, "chatty").await.unwrap();
    let again = deployment.models.chat(&deployment.ctx, request()).await.unwrap().collect().await.unwrap();
    assert!(again.usage.cached as usize >= system.len(), "{:?}", again.usage);
}

#[tokio::test]
async fn no_word_of_a_prompt_stands_in_a_file() {
    let deployment = started().await;
    ask(&deployment, &deployment.ctx, "One?").await;
    ask(&deployment, &deployment.ctx, "Two?").await;
    deployment.models.keep_prefixes().await;
    let bytes = fs::read(&files(&deployment)[0]).unwrap();
    // The fake's tokens are bytes, and its states are its tokens.
    let tokens: Vec<u8> = b"judge".iter().flat_map(|byte| u32::from(*byte).to_le_bytes()).collect();
    assert!(bytes.len() > 2 * 4 * RUBRIC.len());
    assert!(!bytes.windows(tokens.len()).any(|window| window == tokens));
    assert!(!bytes.windows(5).any(|window| window == b"judge"));
}

#[tokio::test]
async fn what_is_damaged_or_another_accounts_is_removed_and_read_again() {
    let deployment = started().await;
    let before = ask(&deployment, &deployment.ctx, "One?").await;
    ask(&deployment, &deployment.ctx, "Two?").await;
    deployment.models.keep_prefixes().await;
    let file = files(&deployment).remove(0);
    let whole = fs::read(&file).unwrap();
    let parts = [0, 9, 20, 60, 200, whole.len() - 1];
    let mut versions: Vec<Vec<u8>> = parts.iter().map(|at| changed(&whole, *at)).collect();
    versions.extend([Vec::new(), whole[..50].to_vec(), whole[..whole.len() - 1].to_vec()]);
    let (snapshots, binding) = (snapshots(&deployment), binding("chatty", &deployment));
    let account: AccountId = ACCOUNT.parse().unwrap();
    for (at, version) in versions.iter().enumerate() {
        fs::write(&file, version).unwrap();
        assert!(snapshots.read(&account, &binding, u64::MAX).is_empty(), "version {at}");
        assert!(!file.exists(), "version {at}");
    }
    // The same bytes in the place of another account, and of another model.
    let other: AccountId = OTHER.parse().unwrap();
    let elsewhere = [snapshots.of(&other, "chatty"), snapshots.of(&account, "other")];
    for (folder, (account, model)) in elsewhere.iter().zip([(&other, "chatty"), (&account, "other")]) {
        fs::create_dir_all(folder).unwrap();
        let copy = folder.join("copy.prefix");
        fs::write(&copy, &whole).unwrap();
        let binding = Binding { model: model.to_owned(), ..binding.clone() };
        assert!(snapshots.read(account, &binding, u64::MAX).is_empty());
        assert!(!copy.exists());
    }
    // Another engine's or other weights', and those of an imported model without its key.
    for foreign in [
        Binding { weights: "others".to_owned(), ..binding.clone() },
        Binding { states: "others".to_owned(), ..binding.clone() },
        Binding { secret: Some(Zeroizing::new(vec![1; 32])), ..binding.clone() },
    ] {
        fs::write(&file, &whole).unwrap();
        assert!(snapshots.read(&account, &foreign, u64::MAX).is_empty());
        assert!(!file.exists());
    }
    fs::write(&file, changed(&whole, whole.len() - 1)).unwrap();
    let deployment = again(deployment).await;
    let after = ask(&deployment, &deployment.ctx, "One?").await;
    assert_eq!((after.text(), after.usage.cached), (before.text(), 0), "the caller does not notice");
}

fn changed(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[at] ^= 1;
    changed
}

fn binding(model: &str, deployment: &Deployment) -> Binding {
    let manifest = fs::read(deployment.dir.path().join("models/manifests/chatty.json")).unwrap();
    let manifest: crate::library::Manifest = serde_json::from_slice(&manifest).unwrap();
    let generators = deployment.models.inner.loaded.generators(Some("chatty"));
    let states = generators[0].info().states.clone();
    Binding { model: model.to_owned(), weights: manifest.digest(), states, secret: None }
}

fn prefix(account: &AccountId, first: u32, count: u32, bytes: usize) -> KeptPrefix {
    let state = Arc::new((0..bytes).map(|at| at as u8).collect());
    KeptPrefix { tenant: tenant(account), tokens: (first..first + count).collect(), exact: 64, uses: 1, state }
}

#[tokio::test]
async fn states_of_any_length_come_back_as_they_were() {
    let deployment = started().await;
    let snapshots = snapshots(&deployment);
    let account: AccountId = ACCOUNT.parse().unwrap();
    let binding = Binding {
        model: "m".into(),
        weights: "w".into(),
        states: "s".into(),
        secret: Some(Zeroizing::new(vec![7; 32])),
    };
    const MIB: usize = 1 << 20;
    let head = 16 + 4 * 100;
    for bytes in [0, 1, MIB - head - 1, MIB - head, MIB - head + 1, 2 * MIB - head, 3 * MIB] {
        let kept = prefix(&account, 5, 100, bytes);
        let path = snapshots.keep(snapshots.forgotten(), &account, &binding, &kept).unwrap().unwrap();
        assert_eq!(snapshots.bytes(&account), file::length(&kept));
        let read = snapshots.read(&account, &binding, u64::MAX);
        assert!(read == [(path.clone(), kept)], "{bytes} bytes");
        snapshots.discard(&path);
    }
}

#[tokio::test]
async fn the_account_with_the_most_bytes_gives_up_what_it_used_the_longest_time_ago() {
    let deployment = start(tempfile::tempdir().unwrap(), 9_000).await;
    let snapshots = snapshots(&deployment);
    let binding = Binding { model: "m".into(), weights: "w".into(), states: "s".into(), secret: None };
    let [one, other]: [AccountId; 2] = [ACCOUNT.parse().unwrap(), OTHER.parse().unwrap()];
    let keep = |account: &AccountId, first: u32, bytes: usize, age: u64| {
        let kept = prefix(account, first, 10, bytes);
        let path = snapshots.keep(snapshots.forgotten(), account, &binding, &kept).unwrap()?;
        let then = SystemTime::now() - std::time::Duration::from_secs(age);
        File::options().append(true).open(&path).unwrap().set_modified(then).unwrap();
        Some(path)
    };
    let others = keep(&other, 0, 2_000, 900).unwrap();
    let old = keep(&one, 100, 2_000, 300).unwrap();
    let older = keep(&one, 200, 2_000, 600).unwrap();
    snapshots.note_use(&older);
    let new = keep(&one, 300, 3_000, 0).unwrap();
    assert_eq!([&others, &old, &older, &new].map(|path| path.exists()), [true, false, true, true]);
    assert!(snapshots.bytes(&one) + snapshots.bytes(&other) <= 9_000);
    assert_eq!(keep(&one, 400, 11_000, 0), None, "what alone is above the budget is not kept");
    assert!(others.exists() && new.exists());
}

#[tokio::test]
async fn what_does_not_fit_is_not_written_again_before_it_is_used_again() {
    let deployment = start(tempfile::tempdir().unwrap(), 9_000).await;
    for text in ["One?", "Two?"] {
        ask(&deployment, &deployment.ctx, text).await;
    }
    deployment.models.keep_prefixes().await;
    let first = files(&deployment);
    assert_eq!(first.len(), 1);
    let (snapshots, other) = (snapshots(&deployment), OTHER.parse().unwrap());
    let binding = Binding { model: "m".into(), weights: "w".into(), states: "s".into(), secret: None };
    let others = snapshots.keep(snapshots.forgotten(), &other, &binding, &prefix(&other, 0, 10, 5_000)).unwrap();
    assert!(!first[0].exists(), "the account had more than the other one");
    for _ in 0..2 {
        deployment.models.keep_prefixes().await;
        assert_eq!(files(&deployment), [others.clone().unwrap()]);
    }
    ask(&deployment, &deployment.ctx, "Two?").await;
    deployment.models.keep_prefixes().await;
    assert!(files(&deployment).iter().any(|file| file.to_string_lossy().contains(ACCOUNT)));
}

#[test]
fn of_each_account_what_it_used_most_is_chosen_first() {
    let [one, other]: [AccountId; 2] = [ACCOUNT.parse().unwrap(), OTHER.parse().unwrap()];
    let of = |account: &AccountId, first, uses| KeptPrefix { uses, ..prefix(account, first, 10, 1_000) };
    let all = vec![of(&one, 0, 5), of(&one, 100, 9), of(&one, 200, 9), of(&other, 300, 1)];
    let most = 3 * file::length(&all[0]);
    let firsts: Vec<u32> = kept::choose(all, most).iter().map(|prefix| prefix.tokens[0]).collect();
    assert_eq!(firsts, [100, 300, 200]);
}

#[tokio::test]
async fn a_longer_prefix_takes_the_place_of_a_shorter_one() {
    let deployment = started().await;
    ask(&deployment, &deployment.ctx, "One?").await;
    ask(&deployment, &deployment.ctx, "Two?").await;
    deployment.models.keep_prefixes().await;
    let short = files(&deployment);
    let more = "And what follows from that for the next of them, and for all others, and so on, and so on? ".repeat(8);
    for tail in ["One?", "Two?"] {
        ask(&deployment, &deployment.ctx, &format!("Two?{more}{tail}")).await;
        deployment.models.keep_prefixes().await;
    }
    let all = snapshots(&deployment).read(&ACCOUNT.parse().unwrap(), &binding("chatty", &deployment), u64::MAX);
    let covered =
        |at: usize| all.iter().enumerate().any(|(other, (_, prefix))| other != at && prefix.covers(&all[at].1));
    assert!((0..all.len()).all(|at| !covered(at)), "no file is superfluous");
    assert!(all.iter().any(|(path, prefix)| !short.contains(path) && prefix.tokens.len() > 900));
}

#[tokio::test]
async fn what_is_forgotten_while_it_is_written_is_not_put_in_place() {
    let deployment = started().await;
    let snapshots = snapshots(&deployment);
    let account: AccountId = ACCOUNT.parse().unwrap();
    let binding = Binding { model: "m".into(), weights: "w".into(), states: "s".into(), secret: None };
    let since = snapshots.forgotten();
    for what in [Forgotten::Both(&account, "m"), Forgotten::Model("m")] {
        snapshots.forget(what, || {}).unwrap();
        assert_eq!(snapshots.keep(since, &account, &binding, &prefix(&account, 0, 10, 10)).unwrap(), None);
    }
    let now = snapshots.forgotten();
    // What others forget keeps nothing from being written.
    let (other, stranger) = (OTHER.parse().unwrap(), "345678901234".parse().unwrap());
    for what in [Forgotten::Both(&account, "another"), Forgotten::Both(&other, "m"), Forgotten::Model("another")] {
        snapshots.forget(what, || {}).unwrap();
    }
    snapshots.forget(Forgotten::Account(&stranger), || {}).unwrap();
    assert!(snapshots.unless_forgotten(now, &account, "m", || {}));
    assert!(!snapshots.unless_forgotten(now, &other, "m", || {}));
    assert!(snapshots.keep(now, &account, &binding, &prefix(&account, 0, 10, 10)).unwrap().is_some());
    snapshots.forget(Forgotten::Account(&account), || {}).unwrap();
    let now = snapshots.forgotten();
    assert_eq!(snapshots.keep(now, &account, &binding, &prefix(&account, 0, 10, 10)).unwrap(), None, "for good");
    assert_eq!(files(&deployment), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn what_was_taken_from_the_models_before_it_was_forgotten_is_not_written_again() {
    let deployment = started().await;
    ask(&deployment, &deployment.ctx, "One?").await;
    ask(&deployment, &deployment.ctx, "Two?").await;
    let taken = deployment.models.inner.loaded.keeping("chatty").unwrap();
    deployment.models.forget_model("chatty").await.unwrap();
    taken.keep();
    assert_eq!(files(&deployment), Vec::<PathBuf>::new());
    let taken = deployment.models.inner.loaded.keeping("chatty").unwrap();
    taken.keep();
    assert_eq!(files(&deployment).len(), 1, "what is taken afterwards is kept");
}

#[tokio::test]
async fn a_model_forgets_what_it_read_for_one_account_and_nothing_else() {
    let deployment = started().await;
    let other = deployment.context(OTHER, "us-east-1").await;
    for ctx in [&deployment.ctx, &other] {
        ask(&deployment, ctx, "One?").await;
        ask(&deployment, ctx, "Two?").await;
    }
    deployment.models.keep_prefixes().await;
    assert_eq!(files(&deployment).len(), 2);
    let told = |ctx: &Ctx| deployment.models.status(ctx).snapshot_bytes.unwrap();
    let on_disk = files(&deployment).iter().map(|file| file.metadata().unwrap().len()).sum::<u64>();
    assert_eq!(told(&deployment.ctx) + told(&other), on_disk, "each is told its own");
    deployment.models.forget(&deployment.ctx, "chatty").await.unwrap();
    assert_eq!(files(&deployment).len(), 1);
    assert!(told(&deployment.ctx) == 0 && told(&other) > 0);
    assert_eq!(ask(&deployment, &deployment.ctx, "Two?").await.usage.cached, 0);
    assert!(ask(&deployment, &other, "Two?").await.usage.cached > 0);
    let missing = deployment.models.forget(&deployment.ctx, "nothing").await.unwrap_err();
    assert_eq!(missing.kind, ErrorKind::NotFound);
    // What was read since is kept again.
    ask(&deployment, &deployment.ctx, "One?").await;
    deployment.models.keep_prefixes().await;
    assert_eq!(files(&deployment).len(), 2);
}

#[tokio::test]
async fn what_was_read_for_an_account_goes_when_that_is_closed() {
    let deployment = started().await;
    let root = identity::RootCredentials { account: Some(ACCOUNT.parse().unwrap()), ..Default::default() };
    deployment.identity.first_start(root).await.unwrap();
    let (identity, manager) = (&deployment.identity, &deployment.ctx);
    identity.create_organization(manager, true).await.unwrap();
    let made = identity.create_account(manager, Some(OTHER.parse().unwrap())).await.unwrap();
    let guest = deployment.context(OTHER, "us-east-1").await;
    let invited = identity.invite_account(manager, made.account.as_str(), "", Vec::new()).await.unwrap();
    identity.accept_handshake(&guest, &invited.id).await.unwrap();
    for ctx in [manager, &guest] {
        ask(&deployment, ctx, "One?").await;
        ask(&deployment, ctx, "Two?").await;
    }
    deployment.models.keep_prefixes().await;
    assert_eq!(files(&deployment).len(), 2);

    identity.close_account(manager, OTHER).await.unwrap();
    let left = files(&deployment);
    assert!(
        left.len() == 1 && left[0].components().any(|part| part.as_os_str() == std::ffi::OsStr::new(ACCOUNT)),
        "{left:?}"
    );
    let generators = deployment.models.inner.loaded.generators(None);
    let tenants: Vec<Tenant> = generators[0].used_again().iter().map(|kept| kept.tenant).collect();
    let own = tenant(&ACCOUNT.parse().unwrap());
    assert!(!tenants.is_empty() && tenants.iter().all(|tenant| *tenant == own), "{tenants:?}");

    // A process that died before it could remove them leaves them to the next one.
    let stray = snapshots(&deployment).of(&OTHER.parse().unwrap(), "chatty");
    fs::create_dir_all(&stray).unwrap();
    fs::write(stray.join("stray.prefix"), "x").unwrap();
    let deployment = again(deployment).await;
    assert!(!stray.exists());
    assert_eq!(files(&deployment), left);
}

#[tokio::test]
async fn a_start_removes_what_is_unfinished_or_of_models_that_are_gone_and_everything_where_none_is_kept() {
    let deployment = started().await;
    ask(&deployment, &deployment.ctx, "One?").await;
    ask(&deployment, &deployment.ctx, "Two?").await;
    deployment.models.keep_prefixes().await;
    let (file, account) = (files(&deployment).remove(0), ACCOUNT.parse().unwrap());
    let partial = file.with_extension("partial");
    fs::write(&partial, "half a file").unwrap();
    let gone = snapshots(&deployment).of(&account, "a-model-that-was-removed");
    fs::create_dir_all(&gone).unwrap();
    fs::write(gone.join("stray.prefix"), "x").unwrap();
    let deployment = again(deployment).await;
    assert_eq!((partial.exists(), gone.exists(), file.exists()), (false, false, true));
    let deployment = again_with(deployment, 0).await;
    assert!(!deployment.dir.path().join("prefixes").exists());
    assert_eq!(deployment.models.status(&deployment.ctx).snapshot_bytes, None);
    ask(&deployment, &deployment.ctx, "One?").await;
    ask(&deployment, &deployment.ctx, "Two?").await;
    deployment.models.keep_prefixes().await;
    assert!(!deployment.dir.path().join("prefixes").exists());
}

#[tokio::test]
async fn removing_a_model_removes_what_it_read() {
    let deployment = started().await;
    ask(&deployment, &deployment.ctx, "One?").await;
    ask(&deployment, &deployment.ctx, "Two?").await;
    deployment.models.keep_prefixes().await;
    assert_eq!(files(&deployment).len(), 1);
    deployment.models.remove(&deployment.ctx, "chatty").await.unwrap();
    assert_eq!(files(&deployment), Vec::<PathBuf>::new());
}

#[test]
fn what_most_of_is_on_disk_gets_no_file_of_its_own() {
    let account: AccountId = ACCOUNT.parse().unwrap();
    let with = |exact, tokens: &[u32]| KeptPrefix { exact, tokens: tokens.to_vec(), ..prefix(&account, 0, 0, 0) };
    let tokens: Vec<u32> = (0..100).collect();
    let tail = |common: usize| [&tokens[..common], &[7_u32; 100][..100 - common]].concat();
    let is_most = |other: &KeptPrefix, prefix: &KeptPrefix| kept::is_most_of(other, prefix);
    assert!(is_most(&with(0, &tokens), &with(0, &tail(75))));
    assert!(!is_most(&with(0, &tokens), &with(0, &tail(74))));
    assert!(is_most(&with(48, &tokens), &with(64, &tail(90))));
    assert!(!is_most(&with(47, &tokens), &with(64, &tail(90))), "it was not read as exactly");
    let others = KeptPrefix { tenant: Tenant::of(5), ..with(0, &tokens) };
    assert!(!is_most(&others, &with(0, &tokens)));
}
