//! `hf:` sources: what a hub says of its repositories and files.

mod download;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base::{Error, Result, Secret};
use futures::StreamExt as _;
use reqwest::{Method, Response, StatusCode, Url, header};
use serde::Deserialize;

use super::choice::{Chosen, choose, is_plain};
use super::meter::Meter;
use crate::catalogue::HubFile;
use crate::config::HubConfig;
use crate::library::{Library, blocking};

/// Redirects that are followed at most.
const MAX_REDIRECTS: usize = 5;
/// The longest silence of the hub while it sends a file.
const SILENCE: Duration = Duration::from_secs(60);
/// The longest wait for what the hub says of a repository or a file.
const ANSWER: Duration = Duration::from_secs(15);
/// The longest wait for a connection. Short: where the hub cannot be reached, another source may be.
const CONNECT: Duration = Duration::from_secs(4);
/// The longest listing of a repository.
const MAX_LISTING: usize = 8 << 20;

/// A hub and how to ask it.
pub(crate) struct Hub {
    base: Url,
    token: Option<Secret<String>>,
    client: OnceLock<reqwest::Client>,
}

/// What a repository has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repository {
    /// The files' paths, as far as they are plain names.
    pub(crate) files: Vec<String>,
    /// The licence that its card names.
    pub(crate) licence: Option<String>,
}

/// A file that is here, or that the hub has.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    /// Its path in the model's folder.
    name: String,
    /// Repository and path, for people.
    label: String,
    url: Url,
    /// The SHA-256 that it must have, where it is known before the download.
    expected: Option<String>,
    etag: String,
    bytes: Option<u64>,
    is_here: bool,
}

/// What the hub says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stated {
    /// The SHA-256, where the hub states one (it does for large files).
    sha256: Option<String>,
    etag: String,
    bytes: Option<u64>,
}

impl Hub {
    /// # Errors
    /// Invalid, where the base URL is not an http or https one.
    pub(crate) fn new(config: &HubConfig) -> Result<Self> {
        let invalid = || Error::invalid(format!("`{}` is not the URL of a hub.", config.base_url));
        let base: Url = config.base_url.parse().map_err(|_| invalid())?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(invalid());
        }
        Ok(Self { base, token: config.token.clone(), client: OnceLock::new() })
    }

    /// What a repository has.
    pub(crate) async fn repository(&self, repo: &str) -> Result<Repository> {
        #[derive(Deserialize)]
        struct Listing {
            siblings: Vec<Sibling>,
            #[serde(default, rename = "cardData")]
            card: Option<CardData>,
        }
        #[derive(Deserialize)]
        struct Sibling {
            rfilename: String,
        }
        #[derive(Deserialize)]
        struct CardData {
            #[serde(default)]
            license: serde_json::Value,
            #[serde(default)]
            license_name: serde_json::Value,
        }
        let url = self.url(&format!("api/models/{repo}"))?;
        let response = within(ANSWER, self.send(Method::GET, url, None, Follow::All)).await??;
        let response = refuse(response, repo)?;
        let mut body = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = within(SILENCE, stream.next()).await? {
            body.extend_from_slice(&chunk.map_err(|e| unreachable(&self.base, &e))?);
            if body.len() > MAX_LISTING {
                return Err(Error::invalid(format!("The hub's listing of `{repo}` is too long.")));
            }
        }
        let listing: Listing = serde_json::from_slice(&body)
            .map_err(|e| Error::unavailable(format!("The hub's listing of `{repo}` cannot be read: {e}.")))?;
        let licence = listing.card.and_then(|card| match (card.license.as_str(), card.license_name.as_str()) {
            (None | Some("other"), Some(name)) => Some(name.to_owned()),
            (name, _) => name.map(str::to_owned),
        });
        // The names become paths here, so that those which are more than plain names are left out.
        let files = listing.siblings.into_iter().map(|file| file.rfilename).filter(|path| is_plain(path)).collect();
        Ok(Repository { files, licence: licence.filter(|name| !name.is_empty()) })
    }

    /// Asks the hub for each file's size and SHA-256, except for those that are here; chosen ones keep their order.
    pub(crate) async fn locate(
        &self,
        library: &Arc<Library>,
        (repo, revision): (&str, &str),
        files: &[(Chosen, String)],
        meter: &Meter,
    ) -> Result<Vec<Located>> {
        meter.begin(format!("asking {} for {repo}", host(&self.base)), None);
        let mut located = Vec::new();
        for (file, sha256) in files {
            let url = self.url(&format!("{repo}/resolve/{revision}/{}", file.path))?;
            let label = format!("{repo}/{}", file.path);
            located.push(self.locate_one(library, &file.name, label, url, sha256, meter).await?);
        }
        Ok(located)
    }

    async fn locate_one(
        &self,
        library: &Arc<Library>,
        name: &str,
        label: String,
        url: Url,
        pinned: &str,
        meter: &Meter,
    ) -> Result<Located> {
        let name = name.to_owned();
        if let Some(bytes) = kept(library, pinned, meter).await? {
            let (expected, bytes) = (Some(pinned.to_owned()), Some(bytes));
            return Ok(Located { name, label, url, expected, etag: String::new(), bytes, is_here: true });
        }
        let stated = self.state(&url, &label).await?;
        let expected = if pinned.is_empty() { stated.sha256.clone() } else { Some(pinned.to_owned()) };
        if let (Some(pinned), Some(theirs)) = (&expected, &stated.sha256)
            && pinned != theirs
        {
            return Err(wrong_hash(&label, theirs, pinned));
        }
        let here = kept(library, expected.as_deref().unwrap_or_default(), meter).await?;
        let (bytes, is_here) = (here.or(stated.bytes), here.is_some());
        Ok(Located { name, label, url, expected, etag: stated.etag, bytes, is_here })
    }

    /// What the hub says of a file, before any redirect to another host.
    async fn state(&self, url: &Url, label: &str) -> Result<Stated> {
        let response = within(ANSWER, self.send(Method::HEAD, url.clone(), None, Follow::SameHost)).await??;
        let response = if response.status().is_redirection() { response } else { refuse(response, label)? };
        let text = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.trim_start_matches("W/").trim_matches('"').to_owned())
        };
        let etag = text("x-linked-etag").or_else(|| text("etag")).unwrap_or_default();
        let is_sha256 = etag.len() == 64 && etag.bytes().all(|b| b.is_ascii_hexdigit());
        let size = if response.status().is_redirection() { None } else { text("content-length") };
        Ok(Stated {
            sha256: is_sha256.then(|| etag.to_ascii_lowercase()),
            bytes: text("x-linked-size").or(size).and_then(|size| size.parse().ok()),
            etag,
        })
    }

    fn url(&self, path: &str) -> Result<Url> {
        let text = format!("{}/{path}", self.base.as_str().trim_end_matches('/'));
        text.parse().map_err(|e| Error::invalid(format!("`{text}` is not a URL: {e}.")))
    }

    /// Sends a request, following redirects as `follow` says. The token goes to the hub's own origin alone, and an
    /// https hub's redirects stay on https.
    async fn send(&self, method: Method, url: Url, range: Option<String>, follow: Follow) -> Result<Response> {
        let mut url = url;
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.client()?.request(method.clone(), url.clone());
            if let Some(token) = self.token.as_ref().filter(|_| url.origin() == self.base.origin()) {
                request = request.bearer_auth(token.reveal());
            }
            if let Some(range) = &range {
                request = request.header(header::RANGE, range);
            }
            // The bytes are wanted as they are stored: resuming counts them.
            request = request.header(header::ACCEPT_ENCODING, "identity");
            let response = within(SILENCE, request.send()).await?.map_err(|e| unreachable(&url, &e))?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let next = location.and_then(|location| url.join(location).ok()).ok_or_else(|| bad_redirect(&url))?;
            let allowed = next.scheme() == "https" || (next.scheme() == "http" && self.base.scheme() == "http");
            if !allowed {
                return Err(bad_redirect(&url));
            }
            if follow == Follow::SameHost && next.origin() != url.origin() {
                return Ok(response);
            }
            // A linked file's statement stands on the first answer, also where the file lies on the same host.
            if follow == Follow::SameHost && response.headers().contains_key("x-linked-etag") {
                return Ok(response);
            }
            url = next;
        }
        Err(Error::unavailable(format!("`{}` redirects too often.", host(&self.base))))
    }

    fn client(&self) -> Result<&reqwest::Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .user_agent(concat!("craton/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Error::internal)?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follow {
    /// All.
    All,
    /// Those that stay on the host; the answer that leads elsewhere is returned.
    SameHost,
}

/// The size of a blob that is in place and verified.
async fn kept(library: &Arc<Library>, sha256: &str, meter: &Meter) -> Result<Option<u64>> {
    if sha256.is_empty() {
        return Ok(None);
    }
    meter.say("verifying what is here");
    let (library, sha256, cancelled) = (library.clone(), sha256.to_owned(), meter.cancelled.clone());
    blocking(move || library.has_blob(&sha256, Some(&cancelled))).await
}

/// The bytes of the files together, where the hub told them all.
pub(crate) fn total(files: &[Located]) -> Option<u64> {
    files.iter().map(|file| file.bytes).sum()
}

/// The files of the catalogue, as a repository has them: each has its path for its name.
pub(crate) fn pinned(files: &[HubFile]) -> Vec<(Chosen, String)> {
    let chosen = |file: &HubFile| Chosen { name: file.path.clone(), path: file.path.clone() };
    files.iter().map(|file| (chosen(file), file.sha256.clone())).collect()
}

/// The files of a repository that make up a model.
pub(crate) fn chosen(repo: &str, repository: &Repository, asked: Option<&str>) -> Result<Vec<(Chosen, String)>> {
    let files = choose(&format!("`{repo}`"), &repository.files, asked)?;
    Ok(files.into_iter().map(|file| (file, String::new())).collect())
}

/// The error of an answer that is none.
fn refuse(response: Response, label: &str) -> Result<Response> {
    match response.status() {
        status if status.is_success() => Ok(response),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Error::denied(format!("The hub refuses `{label}`."))
            .with_hint("It may be gated: accept its terms on the hub, then set HF_TOKEN to a token that may read it.")),
        StatusCode::NOT_FOUND => Err(Error::not_found(format!("The hub has no `{label}`."))
            .with_hint("Check the spelling: `hf:ORG/REPO/FILE`. A private repository needs HF_TOKEN.")),
        status => Err(Error::unavailable(format!("The hub answers {status} for `{label}`."))),
    }
}

/// The outcome, unless it takes longer than `limit`.
async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Result<T> {
    let outcome = tokio::time::timeout(limit, future).await;
    outcome.map_err(|_| Error::unavailable(format!("The hub was silent for {} seconds.", limit.as_secs())))
}

fn unreachable(url: &Url, error: &reqwest::Error) -> Error {
    Error::unavailable(format!("`{}` cannot be reached.", host(url))).with_detail(format!("{error:?}"))
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("the hub")
}

fn bad_redirect(url: &Url) -> Error {
    Error::invalid(format!("`{}` redirects to somewhere that is not https.", host(url)))
}

fn wrong_hash(label: &str, found: &str, expected: &str) -> Error {
    Error::invalid(format!("`{label}` has the SHA-256 `{found}`, and `{expected}` was expected. It is not kept."))
        .with_hint("The file was changed at its source or on the way. Do not use it before you know why.")
}
