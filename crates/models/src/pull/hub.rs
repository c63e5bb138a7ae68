//! `hf:` sources: files of a hub, fetched with resume and checked against their SHA-256.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base::{Error, Result, Secret};
use futures::StreamExt as _;
use reqwest::{Method, Response, StatusCode, Url, header};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::local_file::{COMPANIONS, NEEDED};
use super::meter::Meter;
use super::puller::Fetched;
use crate::catalogue::HubFile;
use crate::config::HubConfig;
use crate::library::{Library, ManifestFile, Trust, blocking, hash_file, hex, io_error, stopped};

/// Redirects that are followed at most.
const MAX_REDIRECTS: usize = 5;
/// The longest silence of the hub.
const SILENCE: Duration = Duration::from_secs(60);
/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(15);
/// The longest listing of a repository.
const MAX_LISTING: usize = 8 << 20;

/// A hub and how to ask it.
pub(crate) struct Hub {
    base: Url,
    token: Option<Secret<String>>,
    client: OnceLock<reqwest::Client>,
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

    /// Fetches the files that the catalogue names.
    pub(crate) async fn fetch_files(
        &self,
        library: &Arc<Library>,
        repo: &str,
        revision: &str,
        files: &[HubFile],
        main: &str,
        meter: &Meter,
    ) -> Result<Fetched> {
        let mut fetched = Vec::new();
        for file in files {
            fetched.push(self.fetch_file(library, repo, revision, file, meter).await?);
        }
        let pinned = files.iter().any(|file| file.path == main && !file.sha256.is_empty());
        let label = if let [only] = files { format!("hf:{repo}/{}", only.path) } else { format!("hf:{repo}") };
        Ok(Fetched {
            files: fetched,
            main: main.to_owned(),
            trust: if pinned { Trust::Pinned } else { Trust::FirstDownload },
            source: label,
            provider: repo.split('/').next().unwrap_or(repo).to_owned(),
        })
    }

    /// Fetches a file that the user names, or chooses what a repository has to be loaded.
    pub(crate) async fn fetch_any(
        &self,
        library: &Arc<Library>,
        repo: &str,
        file: Option<&str>,
        meter: &Meter,
    ) -> Result<Fetched> {
        let chosen = match file {
            Some(file) if file.ends_with(".gguf") => vec![file.to_owned()],
            Some(file) if !file.ends_with(".safetensors") => {
                return Err(Error::invalid(format!("`{file}` is no model file."))
                    .with_hint("Name a `.gguf` or a `.safetensors` file."));
            }
            _ => choose(repo, file, &self.list(repo).await?)?,
        };
        let main = chosen[0].clone();
        let files: Vec<HubFile> = chosen.into_iter().map(|path| HubFile { path, sha256: String::new() }).collect();
        let mut fetched = self.fetch_files(library, repo, "main", &files, &main, meter).await?;
        fetched.source = file.map_or_else(|| format!("hf:{repo}"), |file| format!("hf:{repo}/{file}"));
        Ok(fetched)
    }

    async fn list(&self, repo: &str) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Repo {
            siblings: Vec<Sibling>,
        }
        #[derive(Deserialize)]
        struct Sibling {
            rfilename: String,
        }
        let url = self.url(&format!("api/models/{repo}"))?;
        let response = self.send(Method::GET, url, None, Follow::All).await?;
        let response = refuse(response, repo)?;
        let mut body = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = quiet(stream.next()).await? {
            body.extend_from_slice(&chunk.map_err(|e| unreachable(&self.base, &e))?);
            if body.len() > MAX_LISTING {
                return Err(Error::invalid(format!("The hub's listing of `{repo}` is too long.")));
            }
        }
        let listed: Repo = serde_json::from_slice(&body)
            .map_err(|e| Error::unavailable(format!("The hub's listing of `{repo}` cannot be read: {e}.")))?;
        Ok(listed.siblings.into_iter().map(|sibling| sibling.rfilename).collect())
    }

    async fn fetch_file(
        &self,
        library: &Arc<Library>,
        repo: &str,
        revision: &str,
        file: &HubFile,
        meter: &Meter,
    ) -> Result<ManifestFile> {
        let name = file.path.clone();
        if let Some(bytes) = kept(library, &file.sha256, meter).await? {
            return Ok(ManifestFile { name, sha256: file.sha256.clone(), bytes });
        }
        let url = self.url(&format!("{repo}/resolve/{revision}/{}", file.path))?;
        let label = format!("{repo}/{}", file.path);
        let stated = self.state(&url, &label).await?;
        let expected = if file.sha256.is_empty() { stated.sha256.clone() } else { Some(file.sha256.clone()) };
        if let (Some(pinned), Some(theirs)) = (&expected, &stated.sha256)
            && pinned != theirs
        {
            return Err(wrong_hash(&label, theirs, pinned));
        }
        if let Some(sha256) = &expected
            && let Some(bytes) = kept(library, sha256, meter).await?
        {
            return Ok(ManifestFile { name, sha256: sha256.clone(), bytes });
        }
        let key = expected.clone().unwrap_or_else(|| hex(&Sha256::digest(format!("{url} {}", stated.etag))));
        let partial = library.partial(&format!("{key}.part"));
        // The lock lasts as long as the file is written, so that two processes do not write the same partial file.
        let (held, lock, cancelled) = (library.clone(), format!("blob-{key}"), meter.cancelled.clone());
        let _alone = blocking(move || held.lock(&lock, &cancelled)).await?;
        self.download(library, &url, &label, &stated, &partial, meter).await?;
        meter.say(format!("verifying {}", file.path));
        let (library, cancelled) = (library.clone(), meter.cancelled.clone());
        blocking(move || {
            let sha256 = hash_file(&partial, &cancelled)?;
            if let Some(expected) = expected.filter(|expected| *expected != sha256) {
                let _ = fs::remove_file(&partial);
                return Err(wrong_hash(&label, &sha256, &expected));
            }
            let bytes = fs::metadata(&partial).map_err(|e| io_error("read", &partial, &e))?.len();
            library.adopt(&partial, &sha256)?;
            Ok(ManifestFile { name, sha256, bytes })
        })
        .await
    }

    /// What the hub says of a file, before any redirect to another host.
    async fn state(&self, url: &Url, label: &str) -> Result<Stated> {
        let response = self.send(Method::HEAD, url.clone(), None, Follow::SameHost).await?;
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

    /// Completes the partial file. A connection that is cut is taken up again as long as each brings something.
    async fn download(
        &self,
        library: &Arc<Library>,
        url: &Url,
        label: &str,
        stated: &Stated,
        partial: &Path,
        meter: &Meter,
    ) -> Result<()> {
        meter.begin(format!("downloading {label}"), stated.bytes);
        loop {
            let have = tokio::fs::metadata(partial).await.map_or(0, |facts| facts.len());
            if stated.bytes == Some(have) {
                return Ok(());
            }
            let (held, rest) = (library.clone(), stated.bytes.unwrap_or(0).saturating_sub(have));
            blocking(move || held.check_space(rest)).await?;
            meter.set(have);
            match self.download_rest(url, label, have, stated.bytes, partial, meter).await? {
                End::Complete => return Ok(()),
                End::Cut if tokio::fs::metadata(partial).await.map_or(0, |facts| facts.len()) > have => {
                    tracing::info!(file = label, "the connection was cut; the download goes on where it stopped");
                }
                End::Cut => {
                    return Err(Error::unavailable(format!("The download of `{label}` was cut off."))
                        .with_hint("Pull again: it goes on where it stopped."));
                }
            }
        }
    }

    async fn download_rest(
        &self,
        url: &Url,
        label: &str,
        have: u64,
        total: Option<u64>,
        partial: &Path,
        meter: &Meter,
    ) -> Result<End> {
        let range = (have > 0).then(|| format!("bytes={have}-"));
        let response = self.send(Method::GET, url.clone(), range, Follow::All).await?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            // What is here is not a beginning of what the hub has: begin again.
            tokio::fs::remove_file(partial).await.map_err(|e| io_error("remove", partial, &e))?;
            return Err(Error::unavailable(format!("The download of `{label}` has to begin again.")));
        }
        let response = refuse(response, label)?;
        let goes_on = response.status() == StatusCode::PARTIAL_CONTENT && starts_at(&response) == Some(have);
        if response.status() == StatusCode::PARTIAL_CONTENT && !goes_on {
            return Err(Error::unavailable(format!("The hub sent another part of `{label}` than was asked for.")));
        }
        let begins_at = if goes_on { have } else { 0 };
        meter.set(begins_at);
        let mut options = tokio::fs::OpenOptions::new();
        options.create(true).write(true).append(goes_on).truncate(!goes_on);
        let file = options.open(partial).await.map_err(|e| io_error("write", partial, &e))?;
        let expected = total.or_else(|| response.content_length().map(|rest| begins_at + rest));
        let mut file = tokio::io::BufWriter::with_capacity(1 << 20, file);
        let outcome = receive(response, &mut file, begins_at, expected, label, partial, meter).await;
        // What has come is kept, whatever ended the connection.
        file.flush().await.map_err(|e| io_error("write", partial, &e))?;
        outcome
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
            let response = quiet(request.send()).await?.map_err(|e| unreachable(&url, &e))?;
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

/// How a connection ended.
enum End {
    Complete,
    Cut,
}

async fn receive(
    response: Response,
    file: &mut (impl tokio::io::AsyncWrite + Unpin),
    begins_at: u64,
    expected: Option<u64>,
    label: &str,
    partial: &Path,
    meter: &Meter,
) -> Result<End> {
    let mut have = begins_at;
    let mut stream = response.bytes_stream();
    loop {
        let next = tokio::select! {
            () = meter.cancelled.cancelled() => return Err(stopped()),
            next = tokio::time::timeout(SILENCE, stream.next()) => next,
        };
        match next {
            Ok(Some(Ok(chunk))) => {
                have += chunk.len() as u64;
                if expected.is_some_and(|expected| have > expected) {
                    return Err(Error::invalid(format!("The hub sent more of `{label}` than it declared.")));
                }
                file.write_all(&chunk).await.map_err(|e| io_error("write", partial, &e))?;
                meter.advance(chunk.len() as u64)?;
            }
            Ok(None) if expected.is_none_or(|expected| have == expected) => return Ok(End::Complete),
            Ok(None | Some(Err(_))) | Err(_) => return Ok(End::Cut),
        }
    }
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

/// Chooses the files of a repository: what is loaded comes first.
fn choose(repo: &str, asked: Option<&str>, files: &[String]) -> Result<Vec<String>> {
    let ggufs: Vec<&String> = files.iter().filter(|file| file.ends_with(".gguf") && !file.contains("mmproj")).collect();
    let weights = asked.unwrap_or("model.safetensors");
    let has = |name: &str| files.iter().any(|file| file == name);
    if ggufs.is_empty() || asked.is_some() {
        if !has(weights) || !NEEDED.iter().all(|name| has(name)) {
            return Err(Error::invalid(format!("`{repo}` has no model that can be loaded."))
                .with_hint("Name a repository with `.gguf` files, or with `model.safetensors`, `config.json` and `tokenizer.json`."));
        }
        let beside = COMPANIONS.iter().filter(|name| has(name)).map(|name| (*name).to_owned());
        return Ok(std::iter::once(weights.to_owned()).chain(beside).collect());
    }
    let usual = ggufs.iter().filter(|file| file.to_ascii_lowercase().contains("q4_k_m")).collect::<Vec<_>>();
    match (ggufs.as_slice(), usual.as_slice()) {
        ([only], _) => Ok(vec![(*only).clone()]),
        (_, [usual]) => Ok(vec![(**usual).clone()]),
        _ => {
            let names: Vec<&str> = ggufs.iter().take(12).map(|file| file.as_str()).collect();
            Err(Error::invalid(format!("`{repo}` has {} `.gguf` files.", ggufs.len())).with_hint(format!(
                "Name one, such as `hf:{repo}/{}`. It has: {}.",
                names[0],
                names.join(", ")
            )))
        }
    }
}

/// The offset that a partial answer begins at.
fn starts_at(response: &Response) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
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

async fn quiet<T>(future: impl Future<Output = T>) -> Result<T> {
    let timeout = tokio::time::timeout(SILENCE, future).await;
    timeout.map_err(|_| Error::unavailable(format!("The hub was silent for {} seconds.", SILENCE.as_secs())))
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

#[cfg(test)]
pub(crate) fn choose_for_test(asked: Option<&str>, files: &[&str]) -> Result<Vec<String>> {
    choose("org/repo", asked, &files.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>())
}
