//! A deployment in a test, and the tests of each part.

mod access_keys;
mod accounts;
mod api_keys;
mod authorization;
mod console;
mod explain;
mod first_start;
mod iam;
mod kms;
mod organizations;
mod policy_check;
mod root_key;
mod secrets;
mod sessions;
mod sts;
mod users;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use ::store::Store;
use base::{AccountId, Clock, Error, ErrorKind, FixedClock, PageRequest, RequestId, Result, SeededRandom, Timestamp};
use tempfile::TempDir;

use super::iam::HolderName;
use super::*;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// What listeners are told from now on.
fn told(identity: &Identity) -> Arc<std::sync::Mutex<Vec<Removal>>> {
    let told = Arc::<std::sync::Mutex<Vec<Removal>>>::default();
    let noting = told.clone();
    identity.on_removal(move |removal| {
        let noting = noting.clone();
        async move { noting.lock().unwrap().push(removal) }
    });
    told
}

/// A deployment after its first start, and its administrator.
struct Deployment {
    identity: Identity,
    clock: Arc<FixedClock>,
    admin: AdminCredentials,
    ctx: Ctx,
    store: Store,
    dir: TempDir,
}

impl Deployment {
    async fn start(store: &Store) -> Self {
        Self::start_with(store, RootCredentials::default()).await
    }

    async fn start_with(store: &Store, root: RootCredentials) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::new(Timestamp(1_800_000_000_000)));
        let identity = open(store, dir.path(), &clock, 1).await.unwrap();
        let admin = identity.first_start(root).await.unwrap();
        let ctx = use_key(&identity, &admin.access_key_id, None).await.unwrap();
        Self { identity, clock, admin, ctx, store: store.clone(), dir }
    }

    /// Another process on the same database.
    async fn second_process(&self) -> Identity {
        open(&self.store, self.dir.path(), &self.clock, 2).await.unwrap()
    }

    /// The context of the user `name`, who is made with an access key.
    async fn user(&self, name: &str) -> (Ctx, NewAccessKey) {
        let new = NewUser { name: name.to_owned(), ..NewUser::default() };
        self.identity.create_user(&self.ctx, new).await.unwrap();
        let key = self.identity.create_access_key(&self.ctx, Some(name)).await.unwrap();
        (use_key(&self.identity, &key.key.id, None).await.unwrap(), key)
    }

    /// The context of the administrator of another account, which is made.
    async fn other_account(&self) -> (Ctx, AdminCredentials) {
        let other = self.identity.create_account(&self.ctx, None).await.unwrap();
        (use_key(&self.identity, &other.access_key_id, None).await.unwrap(), other)
    }

    async fn root(&self) -> Ctx {
        let root = self.identity.root_credentials().await.unwrap();
        use_key(&self.identity, &root.access_key_id, None).await.unwrap()
    }
}

async fn open(store: &Store, dir: &Path, clock: &Arc<FixedClock>, seed: u64) -> Result<Identity> {
    let root_key = RootKey::load_or_create(dir.join("root.key"))?;
    let clock: Arc<dyn Clock> = clock.clone();
    let defaults = Defaults { region: "us-east-1".parse().unwrap() };
    Identity::open(store.clone(), root_key, clock, Arc::new(SeededRandom::new(seed)), defaults).await
}

/// Whether the caller may.
async fn refusal(d: &Deployment, ctx: &Ctx, action: &str, resource: &str) -> Option<Error> {
    d.identity.decide(ctx, &Ask::new(action, resource)).await.unwrap().denial()
}

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// Whether the caller may do what only administrators may.
async fn is_administrator(identity: &Identity, ctx: &Ctx) -> bool {
    identity.decide(ctx, &Ask::new("craton:Everything", "*")).await.unwrap().allowed()
}

/// Authenticates as a request does whose signature was verified.
async fn use_key(identity: &Identity, id: &str, token: Option<&str>) -> Result<Ctx> {
    let key = identity.signing_key(id).await?.ok_or_else(|| Error::unauthenticated("unknown"))?;
    identity.authenticate(ProvenKey::new(key, token), None, origin()).await
}

fn request_id() -> RequestId {
    "7a9d1c2e-0000-4000-8000-000000000001".parse().unwrap()
}

fn origin() -> Origin {
    Origin { request_id: request_id(), source_ip: address(), secure: false }
}

fn address() -> IpAddr {
    IpAddr::from([192, 0, 2, 7])
}

fn first(limit: u32) -> PageRequest {
    PageRequest { limit, after: None }
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.err().expect("an error").kind
}

#[test]
fn calls_can_be_made_from_any_thread() {
    fn sendable<T: Send>(_: impl FnOnce(&'static Identity, &'static Ctx) -> T) {}
    sendable(|identity, _| identity.signing_key("AKIA"));
    sendable(|identity, ctx| identity.create_access_key(ctx, None));
    sendable(|identity, ctx| identity.get_session_token(ctx, None));
    sendable(|identity, ctx| async move { identity.permit(ctx, &Ask::new("", ""), Access::Write).await });
    sendable(|identity, _| identity.first_start(RootCredentials::default()));
}
