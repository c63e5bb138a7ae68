use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use ::store::testing::each_backend;
use base::Secret;
use proptest::prelude::*;

use super::*;
use crate::store::TABLES;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_key_is_saved_for_its_owner_alone_and_read_again() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let path = d.dir.path().join("root.key");
        assert_eq!((mode(&path), fs::metadata(&path).unwrap().len()), (0o600, 32));
        assert_eq!(fs::read_dir(d.dir.path()).unwrap().count(), 1, "no temporary file is left");
        let second = d.second_process().await;
        use_key(&second, &d.admin.access_key_id, None).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn other_modules_share_the_key_and_need_not_read_its_file() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        fs::remove_file(d.dir.path().join("root.key")).unwrap();
        let shared: Arc<Keyring> = Arc::clone(d.identity.keyring());
        let sealed = shared.seal("alias:x", b"secret").unwrap();
        assert_eq!(d.identity.keyring().open("alias:x", &sealed).unwrap().as_slice(), b"secret");
    })
    .await;
}

#[tokio::test]
async fn a_missing_key_is_not_made_anew_for_sealed_data() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let path = d.dir.path().join("root.key");
        fs::remove_file(&path).unwrap();
        let error = open(&store, d.dir.path(), &d.clock, 3).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains("is missing"), "{error}");
        assert!(!path.exists());
    })
    .await;
}

#[tokio::test]
async fn a_wrong_key_is_detected_and_nothing_overwritten() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let path = d.dir.path().join("root.key");
        let right = fs::read(&path).unwrap();
        fs::write(&path, [7; 32]).unwrap();
        let error = open(&store, d.dir.path(), &d.clock, 3).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains("not the one of this database"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), [7; 32]);
        fs::write(&path, right).unwrap();
        let again = open(&store, d.dir.path(), &d.clock, 3).await.unwrap();
        use_key(&again, &d.admin.access_key_id, None).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_folder_that_does_not_exist_is_named() {
    each_backend(async |store| {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::new(Timestamp(0)));
        let error = open(&store, &dir.path().join("absent"), &clock, 1).await.err().unwrap();
        assert!(error.message.contains("absent/root.key"), "{error}");
    })
    .await;
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root.key");
    fs::write(&path, [1; 32]).unwrap();
    for loose in [0o640, 0o604, 0o620, 0o601, 0o644] {
        fs::set_permissions(&path, fs::Permissions::from_mode(loose)).unwrap();
        let error = RootKey::load_or_create(&path).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(error.hint.unwrap().contains("chmod 600"), "{loose:o}");
    }
    for tight in [0o600, 0o400] {
        fs::set_permissions(&path, fs::Permissions::from_mode(tight)).unwrap();
        assert!(RootKey::load_or_create(&path).unwrap().is_saved());
    }
}

#[test]
fn a_file_of_another_length_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for length in [0, 31, 33] {
        let path = dir.path().join(format!("{length}.key"));
        fs::write(&path, vec![1; length]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(kind(RootKey::load_or_create(&path)), ErrorKind::Invalid, "{length}");
    }
    assert!(RootKey::load_or_create(dir.path()).is_err(), "a folder");
}

#[test]
fn saving_never_replaces_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root.key");
    let mut one = RootKey::load_or_create(&path).unwrap();
    let mut two = RootKey::load_or_create(&path).unwrap();
    one.save().unwrap();
    let saved = fs::read(&path).unwrap();
    assert_eq!(kind(two.save()), ErrorKind::Conflict);
    assert_eq!(fs::read(&path).unwrap(), saved);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn the_key_does_not_print() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root.key");
    fs::write(&path, [b'k'; 32]).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let shown = format!("{:?}", RootKey::load_or_create(&path).unwrap());
    assert!(!shown.contains("kkk") && !shown.contains("107"), "{shown}");
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn passphrase(text: &str) -> RootKey {
    RootKey::from_passphrase(secret(text)).unwrap()
}

fn command(command: &str) -> Result<RootKey> {
    RootKey::from_command(command, LIMIT)
}

/// More than a command of these tests ever takes.
const LIMIT: Duration = Duration::from_secs(60);
const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

async fn open_with(store: &Store, root_key: RootKey) -> Result<Identity> {
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::new(Timestamp(1_800_000_000_000)));
    let defaults = Defaults { region: "us-east-1".parse().unwrap() };
    Identity::open(store.clone(), root_key, clock, Arc::new(SeededRandom::new(5)), defaults).await
}

#[tokio::test]
async fn a_passphrase_makes_the_key_and_nothing_else_opens_what_it_sealed() {
    each_backend(async |store| {
        let first = open_with(&store, passphrase("correct horse battery")).await.unwrap();
        let admin = first.first_start(RootCredentials::default()).await.unwrap();
        let again = open_with(&store, passphrase("correct horse battery")).await.unwrap();
        use_key(&again, &admin.access_key_id, None).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        for wrong in [
            passphrase("correct horse batterz"),
            RootKey::load_or_create(&path).unwrap(),
            command(&format!("echo {HEX}")).unwrap(),
        ] {
            let error = open_with(&store, wrong).await.err().unwrap();
            assert_eq!(error.kind, ErrorKind::Conflict);
            assert!(error.message.contains("passphrase"), "{error}");
        }
        assert!(!path.exists(), "no key file is made");
    })
    .await;
}

#[tokio::test]
async fn a_passphrase_does_not_open_what_a_key_sealed() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let error = open_with(&store, passphrase("correct horse battery")).await.err().unwrap();
        assert!(error.message.contains("is not made of a passphrase"), "{error}");
        use_key(&d.second_process().await, &d.admin.access_key_id, None).await.unwrap();
    })
    .await;
}

#[test]
fn a_passphrase_of_a_file_is_one_private_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("passphrase");
    let read = |text: &str, mode: u32| {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        RootKey::from_passphrase_file(&path)
    };
    assert!(read("correct horse\n", 0o600).is_ok() && read("correct horse\r\n", 0o400).is_ok());
    for (text, mode, told) in [
        ("short\n", 0o600, "fewer than"),
        ("two long\nlines here", 0o600, "one line"),
        ("long enough", 0o644, "chmod 600"),
    ] {
        let error = read(text, mode).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(error.to_string().contains(told), "{error}");
    }
    assert!(RootKey::from_passphrase_file(&dir.path().join("absent")).unwrap_err().message.contains("absent"));
}

#[tokio::test]
async fn a_command_gives_the_key_in_any_of_its_forms() {
    each_backend(async |store| {
        let first = open_with(&store, command(&format!("echo {HEX}")).unwrap()).await.unwrap();
        let admin = first.first_start(RootCredentials::default()).await.unwrap();
        let raw = (0..32).map(|byte| format!("\\{byte:03o}")).collect::<String>();
        for same in [
            format!("echo '  {}  '", HEX.to_uppercase()),
            "echo AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned(),
            format!("printf '{raw}'"),
        ] {
            let again = open_with(&store, command(&same).unwrap()).await.unwrap();
            use_key(&again, &admin.access_key_id, None).await.unwrap();
        }
        let other = command(&format!("echo {}", HEX.replace("00", "01"))).unwrap();
        let error = open_with(&store, other).await.err().unwrap();
        assert!(error.message.contains("is not the one of this database"), "{error}");
    })
    .await;
}

#[test]
fn a_command_that_gives_no_key_is_told_with_its_reason() {
    for (wrong, told) in [
        ("echo short", "prints something else"),
        ("head -c 100000 /dev/zero", "gives no root key"),
        (&format!("echo {HEX}; exit 3"), "exit status: 3"),
        ("exec nowhere-to-be-found 2>/dev/null", "127"),
    ] {
        let error = command(wrong).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
        assert!(error.message.contains(told), "{error}");
        assert!(error.hint.is_some());
    }
}

#[test]
fn a_command_that_never_ends_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let left = dir.path().join("left");
    // The shell's child would write, had it not been ended with the shell.
    let endless = format!("(sleep 1000; touch {}) & wait", left.display());
    let error = RootKey::from_command(&endless, Duration::ZERO).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("timed out"), "{error}");
}

/// Each kind of root key, by number; the first two are in files of `dir`.
fn root_key(dir: &Path, number: usize) -> RootKey {
    match number {
        0 => RootKey::load_or_create(dir.join("root.key")).unwrap(),
        1 => RootKey::load_or_create(dir.join("other.key")).unwrap(),
        2 => passphrase("correct horse battery"),
        _ => command(&format!("echo {HEX}")).unwrap(),
    }
}

fn new_root_key(dir: &Path, number: usize) -> NewRootKey {
    match root_key(dir, number).path() {
        Some(path) => NewRootKey::File(path.to_owned()),
        None => NewRootKey::Given(root_key(dir, number)),
    }
}

#[tokio::test]
async fn a_rotation_changes_what_opens_the_database_and_nothing_that_is_sealed() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let dir = d.dir.path();
        let sealed = d.identity.keyring().seal("kept", b"secret").unwrap();
        for (old, new) in [(0, 0), (0, 1), (1, 2), (2, 3), (3, 0)] {
            let former = fs::read(dir.join("root.key")).unwrap();
            rotate_root_key(&store, root_key(dir, old), new_root_key(dir, new)).await.unwrap();
            let identity = open_with(&store, root_key(dir, new)).await.unwrap();
            use_key(&identity, &d.admin.access_key_id, None).await.unwrap();
            assert_eq!(identity.keyring().open("kept", &sealed).unwrap().as_slice(), b"secret");
            assert!(d.identity.keyring().open("new", &identity.keyring().seal("new", b"x").unwrap()).is_err());
            assert!(identity.keyring().reseal("kept", &sealed).unwrap().is_some(), "a new key seals from now on");
            if old == new {
                assert_ne!(fs::read(dir.join("root.key")).unwrap(), former);
                fs::write(dir.join("old.key"), former).unwrap();
                fs::set_permissions(dir.join("old.key"), fs::Permissions::from_mode(0o600)).unwrap();
                let former = RootKey::load_or_create(dir.join("old.key")).unwrap();
                assert_eq!(kind(open_with(&store, former).await), ErrorKind::Conflict);
            } else if old != 0 || new != 0 {
                assert_eq!(kind(open_with(&store, root_key(dir, old)).await), ErrorKind::Conflict, "{old} {new}");
            }
        }
        assert!(!fs::read_dir(dir).unwrap().any(|file| file.unwrap().file_name().to_string_lossy().contains(".next")));
    })
    .await;
}

#[tokio::test]
async fn a_rotation_with_a_wrong_key_changes_nothing() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let dir = d.dir.path();
        let before = fs::read(dir.join("root.key")).unwrap();
        let wrong = command(&format!("echo {HEX}")).unwrap();
        assert_eq!(kind(rotate_root_key(&store, wrong, new_root_key(dir, 0)).await), ErrorKind::Conflict);
        assert_eq!(fs::read(dir.join("root.key")).unwrap(), before);
        assert_eq!(fs::read_dir(dir).unwrap().count(), 1);
        use_key(&d.second_process().await, &d.admin.access_key_id, None).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_empty_database_has_no_root_key_to_rotate() {
    each_backend(async |store| {
        let dir = tempfile::tempdir().unwrap();
        let rotated = rotate_root_key(&store, root_key(dir.path(), 0), new_root_key(dir.path(), 0)).await;
        assert_eq!(kind(rotated), ErrorKind::NotFound);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_wrong_key_is_refused_before_a_migration_runs() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        // A database of the version before: its last step has not run.
        let last = i64::try_from(TABLES.migrations.len()).unwrap();
        let forget = "DELETE FROM craton_migrations WHERE module = 'identity' AND version = $1";
        if last > 1 {
            store.write(|tx| async move { tx.execute(forget, ::store::params![last]).await }).await.unwrap();
        }
        let before = store.applied("identity").await.unwrap();
        fs::write(d.dir.path().join("root.key"), [7; 32]).unwrap();
        assert_eq!(kind(open(&store, d.dir.path(), &d.clock, 3).await), ErrorKind::Conflict);
        assert_eq!(store.applied("identity").await.unwrap(), before);
    })
    .await;
}

#[tokio::test]
async fn secrets_that_version_0_1_sealed_open_and_are_sealed_anew() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        let session = d.identity.get_session_token(&d.ctx, None).await.unwrap();
        let root = cipher::CipherKey::from_slice(&fs::read(d.dir.path().join("root.key")).unwrap()).unwrap();
        let first = |purpose: &str, text: &[u8]| [vec![1], root.encrypt(purpose.as_bytes(), text).unwrap()].concat();
        let check = &first("root-key-check", b"craton root key check 1");
        let keys = [(&d.admin.access_key_id, &d.admin.secret), (&session.access_key_id, &session.secret)];
        let sealed: Vec<(&String, Vec<u8>)> = keys
            .map(|(id, secret)| {
                let purpose = format!("access-key:{}:{id}", d.admin.account);
                (id, first(&purpose, secret.reveal().as_bytes()))
            })
            .to_vec();
        let sealed = &sealed;
        store
            .write(|tx| async move {
                tx.execute("DELETE FROM identity_meta", ::store::params![]).await?;
                let sql = "INSERT INTO identity_meta (name, value) VALUES ('root-key-check', $1)";
                tx.execute(sql, ::store::params![check]).await?;
                // The other keys are sealed under the ring that was taken away.
                for table in
                    ["DELETE FROM identity_console_sessions", "DELETE FROM identity_access_keys WHERE user_id IS NULL"]
                {
                    tx.execute(table, ::store::params![]).await?;
                }
                for (id, value) in sealed {
                    for sql in [
                        "UPDATE identity_access_keys SET sealed_secret = $1 WHERE id = $2",
                        "UPDATE identity_sessions SET sealed_secret = $1 WHERE id = $2",
                    ] {
                        tx.execute(sql, ::store::params![value, *id]).await?;
                    }
                }
                Ok(())
            })
            .await
            .unwrap();
        let wrong = command(&format!("echo {HEX}")).unwrap();
        assert_eq!(kind(open_with(&store, wrong).await), ErrorKind::Conflict);
        for _ in 0..2 {
            let identity = d.second_process().await;
            for (id, secret) in keys {
                let key = identity.signing_key(id).await.unwrap().unwrap();
                assert_eq!(key.secret.reveal(), secret.reveal());
            }
        }
        let of = "SELECT sealed_secret FROM identity_access_keys UNION SELECT sealed_secret FROM identity_sessions";
        let rows = store.read(|tx| async move { tx.fetch_all(of, ::store::params![]).await }).await.unwrap();
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| row.bytes("sealed_secret").unwrap()[0] == 2), "sealed under the ring");
    })
    .await;
}

fn key() -> Keyring {
    Keyring::random()
}

proptest! {
    #[test]
    fn what_is_sealed_opens(text in prop::collection::vec(any::<u8>(), 0..100), purpose in ".{0,20}") {
        let key = key();
        let sealed = key.seal(&purpose, &text).unwrap();
        prop_assert_eq!(sealed.len(), text.len() + 33);
        let opened = key.open(&purpose, &sealed).unwrap();
        prop_assert_eq!(opened.as_slice(), text.as_slice());
        prop_assert_ne!(key.seal(&purpose, &text).unwrap(), sealed);
    }

    #[test]
    fn what_was_changed_does_not_open(at in 0..44_usize, bit in 0..8_u32, cut in 0..44_usize) {
        let key = key();
        let sealed = key.seal("a", b"eleven byte").unwrap();
        let mut changed = sealed.clone();
        changed[at] ^= 1 << bit;
        prop_assert!(key.open("a", &changed).is_err());
        prop_assert!(key.open("a", &sealed[..cut]).is_err());
        prop_assert!(key.open("b", &sealed).is_err());
    }

    #[test]
    fn a_ring_is_read_as_it_was_written_and_from_nothing_else(renewals in 0..3_usize, cut in 1..36_usize) {
        let mut ring = key();
        let sealed = ring.seal("a", b"text").unwrap();
        for _ in 0..renewals {
            ring = ring.renewed();
        }
        let bytes = ring.encode();
        let read = Keyring::decode(&bytes).unwrap();
        let opened = read.open("a", &sealed).unwrap();
        prop_assert_eq!(opened.as_slice(), b"text");
        prop_assert_eq!(read.reseal("a", &sealed).unwrap().is_some(), renewals > 0);
        prop_assert!(Keyring::decode(&bytes[cut..]).is_none());
    }

    #[test]
    fn another_key_does_not_open(text in ".{0,20}") {
        prop_assert!(key().open("a", &key().seal("a", text.as_bytes()).unwrap()).is_err());
    }
}
