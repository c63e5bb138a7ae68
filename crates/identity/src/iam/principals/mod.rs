//! The users and roles that policies of resources name: that they exist, and that a policy goes on to mean the ones it
//! meant when it was written.

mod store;

use ::store::{Store, Tx};
use base::{Arn, Error, Result};
use serde_json::Value;

use super::names::split_path;
use crate::open::Identity;
use crate::policy::Document;

/// Which users and roles a policy named when it was written: each name with the id that its owner had. AWS keeps these
/// ids in place of names, so that who is made later under an old name does not inherit what a policy gave (IAM User
/// Guide, "AWS JSON policy elements: Principal").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrincipalIds(Vec<(String, String)>);

impl PrincipalIds {
    /// How they are stored.
    ///
    /// # Errors
    /// Internal.
    pub fn to_text(&self) -> Result<String> {
        serde_json::to_string(&self.0).map_err(Error::internal)
    }

    /// What [`PrincipalIds::to_text`] wrote.
    ///
    /// # Errors
    /// Internal, where it did not.
    pub fn from_text(text: &str) -> Result<Self> {
        serde_json::from_str(text).map(Self).map_err(Error::internal)
    }

    /// The id that the owner of `name` had, if it is a user, a role or a session's role.
    pub(crate) fn id_of(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(written, _)| written == name).map(|(_, id)| id.as_str())
    }

    /// The policy's text as it is to be shown and decided with now: a user that was renamed stands under its new name,
    /// who was deleted under its id, which nobody gets again.
    pub(crate) async fn present(&self, tx: &Tx, text: String) -> Result<String> {
        let mut changes = Vec::new();
        for (written, id) in &self.0 {
            let now = store::arn_of(tx, id).await?;
            let now = match now {
                Some(_) if is_session(written) => written.clone(),
                Some(arn) => arn,
                None => id.clone(),
            };
            if now != *written {
                changes.push((written.as_str(), now));
            }
        }
        if changes.is_empty() { Ok(text) } else { replace(&text, &changes) }
    }
}

impl Identity {
    /// Checks that the users and roles exist that `document` names as principals; accounts need not. Gives their ids,
    /// to be stored with the document where it shall not go over to others of the same name.
    ///
    /// # Errors
    /// Invalid (`MalformedPolicyDocument`): `Invalid principal in policy: "AWS":"…"`, IAM's wording, with a hint that
    /// says which part of the ARN is wrong.
    pub async fn check_principals(&self, document: &Document) -> Result<PrincipalIds> {
        let names = names(document);
        self.0.store.read(|tx| async move { check(&tx, &names).await }).await
    }

    /// Checks that the user or role `name` exists, as [`Identity::check_principals`] does.
    pub(crate) async fn check_principal(&self, name: &str) -> Result<()> {
        self.0.store.read(|tx| async move { id_of(&tx, name).await }).await.map(drop)
    }

    /// The policy text that was stored with `ids`, as it is to be shown and decided with now.
    ///
    /// # Errors
    /// The store's.
    pub async fn present_principals(&self, text: &str, ids: &PrincipalIds) -> Result<String> {
        present(&self.0.store, text, ids).await
    }
}

async fn present(store: &Store, text: &str, ids: &PrincipalIds) -> Result<String> {
    if ids.0.is_empty() {
        return Ok(text.to_owned());
    }
    store.read(|tx| async move { ids.present(&tx, text.to_owned()).await }).await
}

/// The names under `AWS`, each once.
pub(crate) fn names(document: &Document) -> Vec<String> {
    let statements = document.statements().iter();
    let mut names: Vec<String> = statements
        .filter_map(|statement| statement.principals())
        .flat_map(|principals| principals.aws())
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The ids of `names`, all of which must exist.
pub(crate) async fn check(tx: &Tx, names: &[String]) -> Result<PrincipalIds> {
    let mut ids = Vec::new();
    for name in names {
        if let Some(id) = id_of(tx, name).await? {
            ids.push((name.clone(), id));
        }
    }
    Ok(PrincipalIds(ids))
}

/// The id of a user, a role or a session's role; `None` for what has none: accounts, everyone, federated users.
async fn id_of(tx: &Tx, name: &str) -> Result<Option<String>> {
    if name == "*" || (name.len() == 12 && name.bytes().all(|b| b.is_ascii_digit())) {
        return Ok(None);
    }
    let Ok(arn) = name.parse::<Arn>() else {
        return match store::arn_of(tx, name).await? {
            Some(_) => Ok(Some(name.to_owned())),
            None => Err(invalid(name, "Nobody has this id any more.")),
        };
    };
    let account = arn.account.as_str();
    let (kind, rest) = arn.resource.split_once('/').unwrap_or((arn.resource.as_str(), ""));
    let found = match (arn.service.as_str(), kind) {
        ("iam", "root") | ("sts", "federated-user") => return Ok(None),
        ("iam", "user" | "role") => {
            let path_and_name = format!("/{rest}");
            let (path, name) = split_path(&path_and_name);
            store::id_of(tx, account, kind == "user", &path, name).await?
        }
        ("sts", "assumed-role") => store::role_id(tx, account, rest.split('/').next().unwrap_or_default()).await?,
        _ => None,
    };
    match found {
        Some(id) if arn.partition == "aws" => Ok(Some(id)),
        _ if !store::account_exists(tx, account).await? => Err(invalid(
            name,
            &format!("There is no account `{account}` here, so nothing in it can be named but the account itself."),
        )),
        _ => Err(invalid(
            name,
            &format!("The account `{account}` has no such user or role; names and paths are case-sensitive."),
        )),
    }
}

fn invalid(name: &str, hint: &str) -> Error {
    Error::invalid(format!("Invalid principal in policy: \"AWS\":\"{name}\""))
        .with_hint(hint)
        .with_code("MalformedPolicyDocument")
}

fn is_session(name: &str) -> bool {
    name.starts_with("arn:aws:sts:")
}

/// `text` with principals renamed.
fn replace(text: &str, changes: &[(&str, String)]) -> Result<String> {
    let mut json: Value = serde_json::from_str(text).map_err(Error::internal)?;
    match json.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.iter_mut().for_each(|statement| rename(statement, changes)),
        Some(statement) => rename(statement, changes),
        None => {}
    }
    Ok(json.to_string())
}

fn rename(statement: &mut Value, changes: &[(&str, String)]) {
    for element in ["Principal", "NotPrincipal"] {
        let Some(aws) = statement.get_mut(element).and_then(|principal| principal.get_mut("AWS")) else { continue };
        let names: &mut [Value] = match aws {
            Value::Array(names) => names,
            one => std::slice::from_mut(one),
        };
        for name in names {
            let change = changes.iter().find(|(written, _)| name.as_str() == Some(written));
            if let Some((_, now)) = change {
                *name = Value::String(now.clone());
            }
        }
    }
}
