//! The tables of organizations.

use std::collections::{BTreeMap, BTreeSet};

use ::store::{Migration, Module, Row, Store, Tx, params};
use base::{AccountId, Error, Result, Timestamp};

use super::accounts::{AccountRequest, NewMember};
use super::change::{Change, PolicyText};
use super::control::{Level, Standing};
use super::handshakes::{Handshake, State};
use super::refusal::{self, Refusal};
use super::services::EnabledService;
use super::tree::{Node, Organization, Place, Policy};
use crate::iam::{PrincipalIds, attachments, aws_managed, roles};
use crate::store::account_id;

const MIGRATIONS: &[Migration] = &[
    Migration::same(1, "organizations", include_str!("../../migrations/organizations_0001.sql")),
    Migration::same(2, "services of organizations", include_str!("../../migrations/organizations_0002.sql")),
];

/// The tables of this module.
pub(crate) const TABLES: Module = Module { name: "identity-organizations", migrations: MIGRATIONS };

// An organization as a whole

/// Stores a new organization; false where the account is in one already.
pub(super) async fn insert_organization(store: &Store, organization: &Organization, now: Timestamp) -> Result<bool> {
    store
        .write(|tx| async move {
            let Organization { id, management, all_features, service_control, nodes, attachments, .. } = organization;
            if organization_id(&tx, management).await?.is_some() {
                return Ok(false);
            }
            let sql = "INSERT INTO identity_organizations (id, management, all_features, service_control, created_at)
                       VALUES ($1, $2, $3, $4, $5)";
            tx.execute(sql, params![id, management, *all_features, *service_control, now]).await?;
            // The root first: the others refer to it.
            let (roots, others): (Vec<_>, Vec<_>) = nodes.values().partition(|node| node.parent.is_none());
            for node in roots.into_iter().chain(others) {
                add_node(&tx, id, node).await?;
            }
            for (target, policies) in attachments {
                for policy in policies {
                    attach(&tx, policy, target).await?;
                }
            }
            Ok(true)
        })
        .await
}

async fn organization_id(tx: &Tx, account: &AccountId) -> Result<Option<String>> {
    let sql = "SELECT organization FROM identity_organization_nodes WHERE id = $1";
    tx.fetch_optional(sql, params![account]).await?.map(|row| row.text("organization")).transpose()
}

/// The organization that `account` is in.
pub(super) async fn organization_of(store: &Store, account: &AccountId) -> Result<Option<Organization>> {
    store
        .read(|tx| async move {
            let Some(id) = organization_id(&tx, account).await? else { return Ok(None) };
            read(&tx, &id).await
        })
        .await
}

/// Makes the changes that `decide` finds right in the organization `id`, in one transaction.
pub(super) async fn change<T>(
    store: &Store,
    id: &str,
    decide: impl Fn(&Organization) -> refusal::Result<(Vec<Change>, T)>,
) -> Result<refusal::Result<T>> {
    let decide = &decide;
    store
        .write(|tx| async move {
            let Some(organization) = read(&tx, id).await? else { return Ok(Err(Refusal::not_in_use())) };
            let (changes, value) = match decide(&organization) {
                Ok(decided) => decided,
                // Nothing was written: there is nothing to undo.
                Err(refusal) => return Ok(Err(refusal)),
            };
            for change in &changes {
                apply(&tx, id, change).await?;
            }
            Ok(Ok(value))
        })
        .await
}

async fn read(tx: &Tx, id: &str) -> Result<Option<Organization>> {
    let sql = "SELECT management, all_features, service_control FROM identity_organizations WHERE id = $1";
    let Some(row) = tx.fetch_optional(sql, params![id]).await? else { return Ok(None) };
    let sql = "SELECT id, parent, kind, name, email, invited, created_at, closed_at FROM identity_organization_nodes
               WHERE organization = $1";
    let nodes = tx.fetch_all(sql, params![id]).await?;
    let nodes = nodes.iter().map(|row| node(row).map(|node| (node.id.clone(), node))).collect::<Result<_>>()?;
    Ok(Some(Organization {
        id: id.to_owned(),
        management: account_id(&row, "management")?,
        all_features: row.bool("all_features")?,
        service_control: row.bool("service_control")?,
        nodes,
        policies: policies(tx, id).await?,
        attachments: attachments(tx, id).await?,
        tags: tags(tx, id).await?,
    }))
}

fn node(row: &Row) -> Result<Node> {
    let place = match row.text("kind")?.as_str() {
        "root" => Place::Root,
        "unit" => Place::Unit,
        _ => Place::Account {
            email: row.opt_text("email")?.unwrap_or_default(),
            invited: row.bool("invited")?,
            closed: row.opt_time("closed_at")?,
        },
    };
    Ok(Node {
        id: row.text("id")?,
        parent: row.opt_text("parent")?,
        name: row.text("name")?,
        created: row.time("created_at")?,
        place,
    })
}

async fn policies(tx: &Tx, organization: &str) -> Result<BTreeMap<String, Policy>> {
    let sql = "SELECT id, name, description, created_at FROM identity_organization_policies WHERE organization = $1";
    let rows = tx.fetch_all(sql, params![organization]).await?;
    rows.iter()
        .map(|row| {
            let id = row.text("id")?;
            let (name, description) = (row.text("name")?, row.text("description")?);
            Ok((id.clone(), Policy { id, name, description, created: row.time("created_at")? }))
        })
        .collect()
}

async fn attachments(tx: &Tx, organization: &str) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let sql = "SELECT a.target, a.policy FROM identity_organization_attachments a
               JOIN identity_organization_nodes n ON n.id = a.target WHERE n.organization = $1";
    let mut attachments: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in tx.fetch_all(sql, params![organization]).await? {
        attachments.entry(row.text("target")?).or_default().insert(row.text("policy")?);
    }
    Ok(attachments)
}

async fn tags(tx: &Tx, organization: &str) -> Result<BTreeMap<String, BTreeMap<String, String>>> {
    let sql = "SELECT resource, tag_key, tag_value FROM identity_organization_tags WHERE organization = $1";
    let mut tags: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for row in tx.fetch_all(sql, params![organization]).await? {
        tags.entry(row.text("resource")?).or_default().insert(row.text("tag_key")?, row.text("tag_value")?);
    }
    Ok(tags)
}

// Changes

async fn apply(tx: &Tx, organization: &str, change: &Change) -> Result<()> {
    match change {
        Change::AddNode(node) => add_node(tx, organization, node).await,
        Change::MoveNode { id, parent } => {
            let sql = "UPDATE identity_organization_nodes SET parent = $2 WHERE id = $1";
            tx.execute(sql, params![id, parent]).await.map(drop)
        }
        Change::RenameNode { id, name } => {
            let sql = "UPDATE identity_organization_nodes SET name = $2 WHERE id = $1";
            tx.execute(sql, params![id, name]).await.map(drop)
        }
        Change::RemoveNode { id } => {
            remove_tags(tx, organization, id).await?;
            tx.execute("DELETE FROM identity_organization_nodes WHERE id = $1", params![id]).await.map(drop)
        }
        Change::CloseAccount { id, at } => {
            let sql = "UPDATE identity_organization_nodes SET closed_at = $2 WHERE id = $1";
            tx.execute(sql, params![id, *at]).await.map(drop)
        }
        Change::MakeAccount(member) => make_account(tx, member).await,
        Change::AddRequest(request) => add_request(tx, organization, request).await,
        Change::AddPolicy(text) => add_policy(tx, organization, text).await,
        Change::ReplacePolicy(PolicyText { id, name, description, content, .. }) => {
            let sql = "UPDATE identity_organization_policies SET name = $2, description = $3, content = $4
                       WHERE id = $1";
            tx.execute(sql, params![id, name, description, content]).await.map(drop)
        }
        Change::RemovePolicy { id } => {
            remove_tags(tx, organization, id).await?;
            tx.execute("DELETE FROM identity_organization_policies WHERE id = $1", params![id]).await.map(drop)
        }
        Change::Attach { policy, target } => attach(tx, policy, target).await,
        Change::Detach { policy, target } => {
            let sql = "DELETE FROM identity_organization_attachments WHERE target = $1 AND policy = $2";
            tx.execute(sql, params![target, policy]).await.map(drop)
        }
        Change::SetServiceControl { enabled } => {
            let sql = "UPDATE identity_organizations SET service_control = $2 WHERE id = $1";
            tx.execute(sql, params![organization, *enabled]).await.map(drop)
        }
        Change::PutTags { resource, tags } => put_tags(tx, organization, resource, tags).await,
        Change::RemoveTags { resource, keys } => {
            let sql = "DELETE FROM identity_organization_tags
                       WHERE organization = $1 AND resource = $2 AND tag_key = $3";
            for key in keys {
                tx.execute(sql, params![organization, resource, key]).await?;
            }
            Ok(())
        }
        Change::AddHandshake(handshake) => add_handshake(tx, handshake).await,
        Change::EndHandshake { id, state } => {
            // Another may have ended it since it was read: only one of them did.
            let sql = "UPDATE identity_organization_handshakes SET state = $2 WHERE id = $1 AND state = $3";
            match tx.execute(sql, params![id, state.as_str(), State::Open.as_str()]).await? {
                1 => Ok(()),
                _ => Err(Refusal::handshake_over().error),
            }
        }
        Change::RemoveOrganization => {
            tx.execute("DELETE FROM identity_organizations WHERE id = $1", params![organization]).await.map(drop)
        }
    }
}

async fn add_node(tx: &Tx, organization: &str, node: &Node) -> Result<()> {
    let (kind, email, invited) = match &node.place {
        Place::Root => ("root", None, false),
        Place::Unit => ("unit", None, false),
        Place::Account { email, invited, .. } => ("account", Some(email.as_str()), *invited),
    };
    let sql = "INSERT INTO identity_organization_nodes
                 (id, organization, parent, kind, name, email, invited, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let Node { id, parent, name, created, .. } = node;
    let params = params![id, organization, parent.as_deref(), kind, name, email, invited, *created];
    tx.execute(sql, params).await.map(drop)
}

async fn make_account(tx: &Tx, member: &NewMember) -> Result<()> {
    let NewMember { account, role } = member;
    if !crate::store::add_account(tx, account).await? {
        return Err(Error::unavailable(format!("The account `{}` exists already.", account.id))
            .with_hint("Its id was drawn at random. Try again."));
    }
    roles::add(tx, role, &PrincipalIds::default()).await?;
    attachments::add(tx, &account.id, &role.id, aws_managed::ADMINISTRATOR_ACCESS).await
}

async fn add_request(tx: &Tx, organization: &str, request: &AccountRequest) -> Result<()> {
    let sql = "INSERT INTO identity_organization_requests (id, organization, name, account, failure, requested_at)
               VALUES ($1, $2, $3, $4, $5, $6)";
    let AccountRequest { id, name, outcome, requested } = request;
    let account = outcome.as_ref().ok().map(AccountId::as_str);
    let failure = outcome.as_ref().err().map(String::as_str);
    tx.execute(sql, params![id, organization, name, account, failure, *requested]).await.map(drop)
}

async fn add_policy(tx: &Tx, organization: &str, text: &PolicyText) -> Result<()> {
    let sql = "INSERT INTO identity_organization_policies (id, organization, name, description, content, created_at)
               VALUES ($1, $2, $3, $4, $5, $6)";
    let PolicyText { id, name, description, content, now } = text;
    tx.execute(sql, params![id, organization, name, description, content, *now]).await.map(drop)
}

async fn attach(tx: &Tx, policy: &str, target: &str) -> Result<()> {
    let sql = "INSERT INTO identity_organization_attachments (target, policy) VALUES ($1, $2)";
    tx.execute(sql, params![target, policy]).await.map(drop)
}

async fn put_tags(tx: &Tx, organization: &str, resource: &str, tags: &[(String, String)]) -> Result<()> {
    let sql = "INSERT INTO identity_organization_tags (organization, resource, tag_key, tag_value)
               VALUES ($1, $2, $3, $4)
               ON CONFLICT (organization, resource, tag_key) DO UPDATE SET tag_value = excluded.tag_value";
    for (key, value) in tags {
        tx.execute(sql, params![organization, resource, key, value]).await?;
    }
    Ok(())
}

async fn remove_tags(tx: &Tx, organization: &str, resource: &str) -> Result<()> {
    let sql = "DELETE FROM identity_organization_tags WHERE organization = $1 AND resource = $2";
    tx.execute(sql, params![organization, resource]).await.map(drop)
}

async fn add_handshake(tx: &Tx, handshake: &Handshake) -> Result<()> {
    let sql = "INSERT INTO identity_organization_handshakes
                 (id, organization, account, state, notes, tags, requested_at, expires_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let Handshake { id, organization, account, state, notes, tags, requested, expires, .. } = handshake;
    let tags = serde_json::to_string(tags).map_err(Error::internal)?;
    let params = params![id, organization, account, state.as_str(), notes, tags, *requested, *expires];
    tx.execute(sql, params).await.map(drop)
}

// Parts that are not read with the whole

pub(super) async fn policy_text(store: &Store, id: &str) -> Result<Option<String>> {
    store
        .read(|tx| async move {
            let sql = "SELECT content FROM identity_organization_policies WHERE id = $1";
            tx.fetch_optional(sql, params![id]).await?.map(|row| row.text("content")).transpose()
        })
        .await
}

/// Keeps that a service may work in the organization; since when, where it may already, stays.
pub(super) async fn enable_service(store: &Store, organization: &str, service: &str, now: Timestamp) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "INSERT INTO identity_organization_services (organization, service, enabled_at)
                       VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            tx.execute(sql, params![organization, service, now]).await.map(drop)
        })
        .await
}

pub(super) async fn disable_service(store: &Store, organization: &str, service: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "DELETE FROM identity_organization_services WHERE organization = $1 AND service = $2";
            tx.execute(sql, params![organization, service]).await.map(drop)
        })
        .await
}

pub(super) async fn enabled_services(store: &Store, organization: &str) -> Result<Vec<EnabledService>> {
    store
        .read(|tx| async move {
            let sql = "SELECT service, enabled_at FROM identity_organization_services WHERE organization = $1";
            let rows = tx.fetch_all(sql, params![organization]).await?;
            rows.iter()
                .map(|row| Ok(EnabledService { name: row.text("service")?, since: row.time("enabled_at")? }))
                .collect()
        })
        .await
}

/// The wishes for accounts, by id.
pub(super) async fn requests(store: &Store, organization: &str) -> Result<Vec<AccountRequest>> {
    store
        .read(|tx| async move {
            let sql = "SELECT id, name, account, failure, requested_at FROM identity_organization_requests
                       WHERE organization = $1 ORDER BY id";
            tx.fetch_all(sql, params![organization]).await?.iter().map(request).collect()
        })
        .await
}

fn request(row: &Row) -> Result<AccountRequest> {
    let outcome = match row.opt_text("account")? {
        Some(account) => Ok(account.parse().map_err(Error::internal)?),
        None => Err(row.opt_text("failure")?.unwrap_or_default()),
    };
    Ok(AccountRequest { id: row.text("id")?, name: row.text("name")?, outcome, requested: row.time("requested_at")? })
}

/// The invitations that `of` names: one by its id, those that an organization sent, or those that an account got.
pub(super) async fn handshakes(store: &Store, of: &str) -> Result<Vec<Handshake>> {
    store
        .read(|tx| async move {
            let sql = "SELECT h.id, h.organization, h.account, h.state, h.notes, h.tags, h.requested_at, h.expires_at,
                              o.management, o.all_features, m.email
                       FROM identity_organization_handshakes h JOIN identity_organizations o ON o.id = h.organization
                       LEFT JOIN identity_organization_nodes m ON m.id = o.management
                       WHERE h.id = $1 OR h.organization = $1 OR h.account = $1 ORDER BY h.id";
            tx.fetch_all(sql, params![of]).await?.iter().map(read_handshake).collect()
        })
        .await
}

fn read_handshake(row: &Row) -> Result<Handshake> {
    let (id, organization) = (row.text("id")?, row.text("organization")?);
    let management = account_id(row, "management")?;
    Ok(Handshake {
        arn: format!("arn:aws:organizations::{management}:handshake/{organization}/invite/{id}"),
        id,
        organization,
        management,
        management_email: row.opt_text("email")?.unwrap_or_default(),
        all_features: row.bool("all_features")?,
        account: account_id(row, "account")?,
        state: State::parse(&row.text("state")?)?,
        notes: row.text("notes")?,
        tags: serde_json::from_str(&row.text("tags")?).map_err(Error::internal)?,
        requested: row.time("requested_at")?,
        expires: row.time("expires_at")?,
    })
}

/// The accounts that were closed.
pub(crate) async fn closed_accounts(store: &Store) -> Result<Vec<AccountId>> {
    store
        .read(|tx| async move {
            let sql = "SELECT id FROM identity_organization_nodes WHERE kind = 'account' AND closed_at IS NOT NULL";
            tx.fetch_all(sql, params![]).await?.iter().map(|row| account_id(row, "id")).collect()
        })
        .await
}

// Where an account stands

/// Where `account` stands in its organization, with the texts of the policies on the way to it.
pub(super) async fn standing(store: &Store, account: &AccountId) -> Result<Option<Standing>> {
    store
        .read(|tx| async move {
            let sql = "SELECT o.id, o.management, o.service_control, n.closed_at FROM identity_organizations o
                       JOIN identity_organization_nodes n ON n.organization = o.id WHERE n.id = $1";
            let Some(row) = tx.fetch_optional(sql, params![account]).await? else { return Ok(None) };
            let sql = "WITH RECURSIVE way (id, parent, height) AS (
                         SELECT id, parent, 0 FROM identity_organization_nodes WHERE id = $1
                         UNION ALL
                         SELECT n.id, n.parent, way.height + 1 FROM identity_organization_nodes n
                         JOIN way ON n.id = way.parent)
                       SELECT way.id, a.policy, p.content FROM way
                       LEFT JOIN identity_organization_attachments a ON a.target = way.id
                       LEFT JOIN identity_organization_policies p ON p.id = a.policy
                       ORDER BY way.height DESC, a.policy";
            let mut levels: Vec<Level> = Vec::new();
            for row in tx.fetch_all(sql, params![account]).await? {
                let id = row.text("id")?;
                if levels.last().is_none_or(|level| level.id != id) {
                    levels.push(Level { id, policies: Vec::new() });
                }
                if let (Some(level), Some(policy)) = (levels.last_mut(), row.opt_text("policy")?) {
                    level.policies.push((policy, row.opt_text("content")?));
                }
            }
            Ok(Some(Standing {
                organization: row.text("id")?,
                management: account_id(&row, "management")?,
                service_control: row.bool("service_control")?,
                closed: row.opt_time("closed_at")?.is_some(),
                levels,
            }))
        })
        .await
}
