use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use ::store::testing::each_backend;
use proptest::prelude::*;

use super::*;

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
        let shared: Arc<RootKey> = Arc::clone(d.identity.root_key());
        let sealed = shared.seal("alias:x", b"secret").unwrap();
        assert_eq!(d.identity.root_key().open("alias:x", &sealed).unwrap().as_slice(), b"secret");
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

fn key() -> RootKey {
    RootKey::load_or_create("absent/root.key").unwrap()
}

proptest! {
    #[test]
    fn what_is_sealed_opens(text in prop::collection::vec(any::<u8>(), 0..100), purpose in ".{0,20}") {
        let key = key();
        let sealed = key.seal(&purpose, &text).unwrap();
        prop_assert_eq!(sealed.len(), text.len() + 29);
        let opened = key.open(&purpose, &sealed).unwrap();
        prop_assert_eq!(opened.as_slice(), text.as_slice());
        prop_assert_ne!(key.seal(&purpose, &text).unwrap(), sealed);
    }

    #[test]
    fn what_was_changed_does_not_open(at in 0..40_usize, bit in 0..8_u32, cut in 0..40_usize) {
        let key = key();
        let sealed = key.seal("a", b"eleven byte").unwrap();
        let mut changed = sealed.clone();
        changed[at] ^= 1 << bit;
        prop_assert!(key.open("a", &changed).is_err());
        prop_assert!(key.open("a", &sealed[..cut]).is_err());
        prop_assert!(key.open("b", &sealed).is_err());
    }

    #[test]
    fn another_key_does_not_open(text in ".{0,20}") {
        prop_assert!(key().open("a", &key().seal("a", text.as_bytes()).unwrap()).is_err());
    }
}
