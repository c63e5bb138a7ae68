//! Where the server is and who we are: from the options, from the `AWS_*` variables, or from the server's data folder.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::args::Global;

/// What a running server leaves in its data folder so that commands find it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Such as `http://127.0.0.1:4566`.
    pub url: String,
    /// The server's process.
    pub process_id: u32,
    /// The account that was made first.
    pub account_id: String,
    /// Region of requests that name none.
    pub region: String,
    /// Certificate to trust, where the server speaks TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
}

/// An access key, as kept in `credentials/ACCOUNT.json` of a data folder, readable by its owner only.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// The account.
    pub account_id: String,
    /// `AKIA…`
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
    /// Token of temporary credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// A server and the credentials to use there.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) url: String,
    pub(crate) region: String,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) credentials: Credentials,
    /// Whether it is the server of the data folder, so that it sees the files of this machine.
    pub(crate) is_of_data_folder: bool,
}

impl Connection {
    /// Address and credentials come from one place; credentials for another service are never sent to the server of a data
    /// folder. In this order:
    ///
    /// 1. the data folder that `--data-dir` or `CRATON_DATA_DIR` names, also for `--account`;
    /// 2. `--endpoint` or `AWS_ENDPOINT_URL`, with the key of the `AWS_*` variables;
    /// 3. the data folder that `craton.toml` names, or `./craton-data`.
    ///
    /// `--endpoint` replaces the address of a data folder.
    pub(crate) fn find(global: &Global, environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
        if global.account.is_none()
            && global.data_dir.is_none()
            && let Some(url) = global.endpoint.clone().or_else(|| variable("AWS_ENDPOINT_URL"))
            && let (Some(id), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
        {
            return Ok(Self {
                url: url.trim_end_matches('/').to_owned(),
                region: variable("AWS_REGION")
                    .or_else(|| variable("AWS_DEFAULT_REGION"))
                    .unwrap_or_else(|| "us-east-1".into()),
                certificate: variable("AWS_CA_BUNDLE").map(PathBuf::from),
                credentials: Credentials {
                    account_id: String::new(),
                    access_key_id: id,
                    secret_access_key: secret,
                    session_token: variable("AWS_SESSION_TOKEN"),
                },
                is_of_data_folder: false,
            });
        }
        let endpoint = read_endpoint(global.data())?;
        let account = global.account.clone().unwrap_or(endpoint.account_id);
        Ok(Self {
            url: global.endpoint.clone().unwrap_or(endpoint.url).trim_end_matches('/').to_owned(),
            region: endpoint.region,
            certificate: endpoint.certificate,
            credentials: read_credentials(global.data(), &account)?,
            is_of_data_folder: global.endpoint.is_none(),
        })
    }
}

/// What the server of a data folder left there.
pub(crate) fn read_endpoint(data: &Path) -> Result<Endpoint> {
    let path = data.join("endpoint.json");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "no server runs on the data folder `{}`\nhint: start one with `craton up`, or name its folder with --data-dir",
            data.display()
        ),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    serde_json::from_str(&text).with_context(|| format!("`{}` is damaged", path.display()))
}

fn read_credentials(data: &Path, account: &str) -> Result<Credentials> {
    if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        bail!("`{account}` is not an account id\nhint: an account id has 12 digits");
    }
    let path = data.join("credentials").join(format!("{account}.json"));
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "no credentials of account `{account}` are kept in `{}`\nhint: `craton accounts list` shows the accounts",
            data.display()
        ),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    serde_json::from_str(&text).with_context(|| format!("`{}` is damaged", path.display()))
}

/// Writes `endpoint.json` of a data folder.
///
/// # Errors
/// The file cannot be written.
pub fn write_endpoint(data: &Path, endpoint: &Endpoint) -> Result<()> {
    write(&data.join("endpoint.json"), &serde_json::to_vec_pretty(endpoint)?)
}

/// Keeps `credentials` in a data folder, readable by the owner only.
///
/// # Errors
/// The file cannot be written.
pub fn write_credentials(data: &Path, credentials: &Credentials) -> Result<()> {
    let folder = data.join("credentials");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    write(&folder.join(format!("{}.json", credentials.account_id)), &serde_json::to_vec_pretty(credentials)?)
}

fn write(path: &Path, contents: &[u8]) -> Result<()> {
    let partial = path.with_extension("partial");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || -> std::io::Result<()> {
        let mut file = options.open(&partial)?;
        file.write_all(contents)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}
