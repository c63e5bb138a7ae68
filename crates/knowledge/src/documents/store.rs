//! The rows of documents.

use std::collections::HashMap;

use ::store::{Row, Store, Tx, Value, params};
use base::{PageRequest, Result};
use search::Acl;
use search::analysis::Language;
use serde::{Deserialize, Serialize};

use super::{DocumentStatus, Entry, Indexed, Location, hash_of};
use crate::ingestion::store::Counted;
use crate::realm::{Realm, count, integer, json, parse};

/// A document's row, without what was handed in, which may be large.
macro_rules! select {
    ($rest:literal) => {
        select!("", $rest)
    };
    ($more:literal, $rest:literal) => {
        concat!(
            "SELECT hash, name, kind, status, reason, etag, sidecar_etag, content_hash, embedded_hash, sidecar_hash, \
             language, title, warnings, chunks, acl, job, modified_at",
            $more,
            " FROM knowledge_documents ",
            $rest
        )
    };
}

/// Notes in a document's row that the index may not be as it says. What is set sees the row as it was.
macro_rules! doubted {
    ($more:literal) => {
        concat!(
            "INSERT INTO knowledge_documents (account, region, knowledge_base, source, hash, name, kind, status, warnings, \
             acl, modified_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'IN_PROGRESS', '[]', $8, $9) \
             ON CONFLICT (account, region, knowledge_base, source, hash) DO UPDATE SET etag = NULL, sidecar_etag = NULL, \
             sidecar_hash = CASE WHEN knowledge_documents.content_hash IS NULL THEN knowledge_documents.sidecar_hash \
             ELSE '' END",
            $more
        )
    };
}

/// A data source of a knowledge base.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) realm: &'a Realm,
    pub(crate) base: &'a str,
    pub(crate) source: &'a str,
}

/// Who may read a document, as its column keeps it.
#[derive(Serialize, Deserialize)]
struct AclColumn {
    // The first: `commonest_language` looks for it.
    public: bool,
    users: Vec<String>,
    groups: Vec<String>,
    denied_users: Vec<String>,
    denied_groups: Vec<String>,
    #[serde(default)]
    handed_in: bool,
}

/// All documents of a data source.
pub(crate) async fn all(store: &Store, place: Place<'_>) -> Result<Vec<Entry>> {
    let Place { realm, base, source } = place;
    store
        .read(|tx| async move {
            let sql = select!("WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4");
            let rows = tx.fetch_all(sql, params![&realm.account, &realm.region, base, source]).await?;
            rows.iter().map(read).collect()
        })
        .await
}

/// Those of a page, by name, and one more where there is one.
pub(super) async fn list(store: &Store, place: Place<'_>, page: &PageRequest) -> Result<Vec<Entry>> {
    let Place { realm, base, source } = place;
    store
        .read(|tx| async move {
            let sql = select!(
                "WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND name > $5 \
                 ORDER BY name LIMIT $6"
            );
            let (after, limit) = (page.after.as_deref().unwrap_or_default(), i64::from(page.limit) + 1);
            let rows = tx.fetch_all(sql, params![&realm.account, &realm.region, base, source, after, limit]).await?;
            rows.iter().map(read).collect()
        })
        .await
}

/// The document of this name.
pub(crate) async fn find(store: &Store, place: Place<'_>, name: &str) -> Result<Option<Entry>> {
    store.read(|tx| async move { find_in(&tx, place, name).await }).await
}

/// How many documents one query asks for.
const ASKED: usize = 16;

/// Documents by their names, as [`find`], in the same order.
pub(crate) async fn find_all(store: &Store, place: Place<'_>, names: &[&str]) -> Result<Vec<Option<Entry>>> {
    let Place { realm, base, source } = place;
    let hashes: &Vec<String> = &names.iter().map(|name| hash_of(name)).collect();
    store
        .read(|tx| async move {
            let sql = select!(
                "WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND hash IN \
                 ($5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)"
            );
            let mut found: HashMap<String, Entry> = HashMap::with_capacity(hashes.len());
            for asked in hashes.chunks(ASKED) {
                let mut params = params![&realm.account, &realm.region, base, source].to_vec();
                // One statement serves fewer as well: it names the first one again.
                params.extend((0..ASKED).map(|at| Value::from(asked.get(at).unwrap_or(&asked[0]))));
                for row in tx.fetch_all(sql, &params).await? {
                    found.insert(row.text("hash")?, read(&row)?);
                }
            }
            Ok(hashes.iter().map(|hash| found.get(hash).cloned()).collect())
        })
        .await
}

async fn find_in(tx: &Tx, Place { realm, base, source }: Place<'_>, name: &str) -> Result<Option<Entry>> {
    let sql = select!("WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND hash = $5");
    let hash = hash_of(name);
    let row = tx.fetch_optional(sql, params![&realm.account, &realm.region, base, source, &hash]).await?;
    row.as_ref().map(read).transpose()
}

/// A document that is indexed no longer.
#[derive(Debug, Clone)]
pub(crate) struct Removed {
    pub(crate) name: String,
    /// Which of what was handed in of it asked for that.
    pub(crate) handed_in: Option<String>,
}

/// Writes what became of documents, and counts it for their job, if there is one, all at once. What was handed in of them
/// and is dealt with is forgotten; what was handed in since stays.
pub(crate) async fn save(
    store: &Store,
    place: Place<'_>,
    entries: &[Entry],
    removed: &[Removed],
    counted: Option<(&str, &Counted)>,
) -> Result<()> {
    store
        .write(|tx| async move {
            for entry in entries {
                put(&tx, place, entry).await?;
            }
            for removed in removed {
                remove(&tx, place, removed).await?;
            }
            match counted {
                Some((job, counted)) => crate::ingestion::store::add(&tx, place, job, counted).await,
                None => Ok(()),
            }
        })
        .await
}

/// What of a document may not be in the index as its row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Its text, and what is said of it.
    Text,
    /// What is said of it alone.
    Said,
}

/// Notes that documents are about to change in the index, all at once: whatever their objects are next time, they are not
/// taken for those that were indexed. Documents that have no row get one, so that it is known what to remove.
pub(crate) async fn doubt(
    store: &Store,
    place: Place<'_>,
    documents: &[(&Entry, Doubt)],
    now: base::Timestamp,
) -> Result<()> {
    if documents.is_empty() {
        return Ok(());
    }
    let Place { realm, base, source } = place;
    let nobody = &acl_column(None)?;
    store
        .write(|tx| async move {
            for (entry, doubt) in documents {
                // The hash of nothing that there is takes the place of one that is known.
                let sql = match doubt {
                    Doubt::Text => doubted!(
                        ", content_hash = CASE WHEN knowledge_documents.content_hash IS NULL THEN NULL ELSE '' END"
                    ),
                    Doubt::Said => doubted!(""),
                };
                let hash = entry.hash();
                let (name, kind) = (entry.location.name(), entry.location.kind());
                let params = params![&realm.account, &realm.region, base, source, &hash, name, kind, nobody, now];
                tx.execute(sql, params).await?;
            }
            Ok(())
        })
        .await
}

async fn put(tx: &Tx, Place { realm, base, source }: Place<'_>, entry: &Entry) -> Result<()> {
    let sql = "INSERT INTO knowledge_documents (account, region, knowledge_base, source, hash, name, kind, status, reason,
                 etag, sidecar_etag, content_hash, embedded_hash, sidecar_hash, language, title, warnings, chunks, acl, job,
                 modified_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
               ON CONFLICT (account, region, knowledge_base, source, hash) DO UPDATE SET name = excluded.name,
                 kind = excluded.kind, status = excluded.status, reason = excluded.reason, etag = excluded.etag,
                 sidecar_etag = excluded.sidecar_etag, content_hash = excluded.content_hash,
                 embedded_hash = excluded.embedded_hash, sidecar_hash = excluded.sidecar_hash,
                 language = excluded.language, title = excluded.title, warnings = excluded.warnings,
                 chunks = excluded.chunks, acl = excluded.acl, job = excluded.job,
                 pending = CASE WHEN knowledge_documents.pending_id = $22 THEN NULL ELSE knowledge_documents.pending END,
                 modified_at = excluded.modified_at";
    let indexed = entry.indexed.as_ref();
    let warnings = json(&indexed.map_or(&[][..], |indexed| indexed.warnings.as_slice()))?;
    let handed_in = entry.handed_acl.as_ref().map(|acl| (acl, true));
    let acl = acl_column(indexed.map(|indexed| (&indexed.acl, indexed.acl_handed_in)).or(handed_in))?;
    let hash = entry.hash();
    let params = params![
        &realm.account,
        &realm.region,
        base,
        source,
        &hash,
        entry.location.name(),
        entry.location.kind(),
        entry.status.as_str(),
        entry.reason.as_ref(),
        entry.etag.as_ref(),
        entry.sidecar_etag.as_ref(),
        indexed.map(|indexed| &indexed.content),
        indexed.map(|indexed| &indexed.preface),
        indexed.map(|indexed| &indexed.sidecar),
        indexed.and_then(|indexed| indexed.language.as_ref()),
        indexed.and_then(|indexed| indexed.title.as_ref()),
        &warnings,
        integer(indexed.map_or(0, |indexed| indexed.chunks))?,
        &acl,
        entry.job.as_ref(),
        entry.modified,
        entry.handed_in.as_deref().unwrap_or_default(),
    ];
    tx.execute(sql, params).await.map(drop)
}

async fn remove(tx: &Tx, Place { realm, base, source }: Place<'_>, removed: &Removed) -> Result<()> {
    let hash = hash_of(&removed.name);
    let handed_in = removed.handed_in.as_deref().unwrap_or_default();
    let params = params![&realm.account, &realm.region, base, source, &hash, handed_in];
    let sql = "DELETE FROM knowledge_documents
               WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND hash = $5
                 AND (pending IS NULL OR pending_id = $6)";
    if tx.execute(sql, params).await? > 0 {
        return Ok(());
    }
    // It was handed in again meanwhile, and nothing of it is indexed.
    let sql =
        "UPDATE knowledge_documents SET content_hash = NULL, embedded_hash = NULL, sidecar_hash = NULL, etag = NULL,
                 sidecar_etag = NULL, chunks = 0
               WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND hash = $5";
    tx.execute(sql, &params[..5]).await.map(drop)
}

/// Something that was handed in, or is to be removed: where its document stands now, and what was handed in, sealed.
pub(crate) struct HandedIn {
    pub(crate) location: Location,
    pub(crate) status: DocumentStatus,
    pub(crate) id: String,
    /// Who may read it, where that was said.
    pub(crate) acl: Option<Acl>,
    pub(crate) pending: Vec<u8>,
}

/// A request with a token, and what it is answered.
pub(super) struct Answered {
    pub(super) token: String,
    /// What it asks for, as one value.
    pub(super) hash: String,
    pub(super) answer: String,
    pub(super) now: base::Timestamp,
    /// Requests of before that are forgotten.
    pub(super) forgotten_before: base::Timestamp,
}

/// What the request with this token asked for, and what it was answered, where that was not before `since`.
pub(super) async fn answered(
    store: &Store,
    Place { realm, base, source }: Place<'_>,
    token: &str,
    since: base::Timestamp,
) -> Result<Option<(String, String)>> {
    store
        .read(|tx| async move {
            let sql = "SELECT request_hash, answer FROM knowledge_requests WHERE account = $1 AND region = $2
                         AND knowledge_base = $3 AND source = $4 AND token = $5 AND created_at >= $6";
            let params = params![&realm.account, &realm.region, base, source, token, since];
            let row = tx.fetch_optional(sql, params).await?;
            row.map(|row| Ok((row.text("request_hash")?, row.text("answer")?))).transpose()
        })
        .await
}

/// Keeps a request's answer; false, where another one with its token was kept.
async fn keep_answer(tx: &Tx, Place { realm, base, source }: Place<'_>, request: &Answered) -> Result<bool> {
    let sql =
        "DELETE FROM knowledge_requests WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4
                 AND created_at < $5";
    let params = params![&realm.account, &realm.region, base, source, request.forgotten_before];
    tx.execute(sql, params).await?;
    let Answered { token, hash, answer, now, .. } = request;
    let sql = "INSERT INTO knowledge_requests (account, region, knowledge_base, source, token, request_hash, answer,
                 created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
               ON CONFLICT (account, region, knowledge_base, source, token) DO NOTHING";
    let params = params![&realm.account, &realm.region, base, source, token, hash, answer, *now];
    Ok(tx.execute(sql, params).await? > 0)
}

/// Keeps what was handed in until it is dealt with, and the answer of its request, where that has a token. What is indexed of
/// the documents stays. False, where another request with the token was kept; nothing is changed then.
pub(super) async fn hand_in(
    store: &Store,
    place: Place<'_>,
    handed_in: &[HandedIn],
    request: Option<&Answered>,
    now: base::Timestamp,
) -> Result<bool> {
    let Place { realm, base, source } = place;
    store
        .write(|tx| async move {
            if let Some(request) = request
                && !keep_answer(&tx, place, request).await?
            {
                return Ok(false);
            }
            for HandedIn { location, status, id, acl, pending } in handed_in {
                let acl = &acl_column(acl.as_ref().map(|acl| (acl, true)))?;
                let sql = "INSERT INTO knowledge_documents (account, region, knowledge_base, source, hash, name, kind,
                             status, warnings, acl, pending, modified_at, pending_id)
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '[]', $9, $10, $11, $12)
                           ON CONFLICT (account, region, knowledge_base, source, hash) DO UPDATE SET
                             status = excluded.status, reason = NULL, pending = excluded.pending,
                             pending_id = excluded.pending_id, modified_at = excluded.modified_at,
                             acl = CASE WHEN knowledge_documents.content_hash IS NULL THEN excluded.acl
                                        ELSE knowledge_documents.acl END";
                let hash = hash_of(location.name());
                let params = params![
                    &realm.account,
                    &realm.region,
                    base,
                    source,
                    &hash,
                    location.name(),
                    location.kind(),
                    status.as_str(),
                    acl,
                    pending,
                    now,
                    id,
                ];
                tx.execute(sql, params).await?;
            }
            Ok(true)
        })
        .await
}

/// About how many bytes are read at once of what was handed in.
const MOST_PENDING: i64 = 32 << 20;

/// What was handed in for a data source first and is not dealt with yet, at most `limit` and [`MOST_PENDING`] bytes, or one.
pub(crate) async fn pending(store: &Store, place: Place<'_>, limit: u32) -> Result<Vec<(Entry, Vec<u8>)>> {
    let Place { realm, base, source } = place;
    store
        .read(|tx| async move {
            let sql = "SELECT CAST(length(pending) AS BIGINT) AS bytes FROM knowledge_documents
                       WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND pending IS NOT NULL
                       ORDER BY modified_at, hash LIMIT $5";
            let sizes = tx.fetch_all(sql, params![&realm.account, &realm.region, base, source, limit]).await?;
            let (mut bytes, mut limit) = (0, 0);
            for size in sizes {
                bytes += size.int("bytes")?;
                if limit > 0 && bytes > MOST_PENDING {
                    break;
                }
                limit += 1;
            }
            let sql = select!(
                ", pending, pending_id",
                "WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND pending IS NOT NULL \
                 ORDER BY modified_at, hash LIMIT $5"
            );
            let rows = tx.fetch_all(sql, params![&realm.account, &realm.region, base, source, limit]).await?;
            let handed_in = |row: &Row| {
                let entry = Entry { handed_in: row.opt_text("pending_id")?, ..read(row)? };
                Ok((entry, row.bytes("pending")?))
            };
            rows.iter().map(handed_in).collect()
        })
        .await
}

/// Whether something was handed in for a data source that is not dealt with yet.
pub(crate) async fn any_pending(store: &Store, place: Place<'_>) -> Result<bool> {
    let Place { realm, base, source } = place;
    store
        .read(|tx| async move {
            let sql = "SELECT hash FROM knowledge_documents
                       WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND pending IS NOT NULL
                       LIMIT 1";
            Ok(tx.fetch_optional(sql, params![&realm.account, &realm.region, base, source]).await?.is_some())
        })
        .await
}

/// The data sources for which something was handed in that is not dealt with.
pub(crate) async fn sources_with_pending(store: &Store) -> Result<Vec<(Realm, String, String)>> {
    store
        .read(|tx| async move {
            let sql = "SELECT DISTINCT account, region, knowledge_base, source FROM knowledge_documents
                       WHERE pending IS NOT NULL";
            let rows = tx.fetch_all(sql, params![]).await?;
            let place = |row: &Row| {
                Ok((crate::knowledge_bases::store::realm(row)?, row.text("knowledge_base")?, row.text("source")?))
            };
            rows.iter().map(place).collect()
        })
        .await
}

/// What the column of an access list that lets everybody read begins with: `AclColumn` is written in the order of its fields.
const PUBLIC: &str = r#"{"public":true,%"#;

/// The language of most documents of a knowledge base that everybody may read, where one is known.
pub(crate) async fn commonest_language(store: &Store, realm: &Realm, base: &str) -> Result<Option<Language>> {
    store
        .read(|tx| async move {
            let sql = "SELECT language FROM knowledge_documents
                       WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND language IS NOT NULL
                         AND acl LIKE $4
                       GROUP BY language ORDER BY COUNT(*) DESC, language LIMIT 1";
            let row = tx.fetch_optional(sql, params![&realm.account, &realm.region, base, PUBLIC]).await?;
            let code = row.map(|row| row.text("language")).transpose()?;
            Ok(code.as_deref().map(Language::from_code))
        })
        .await
}

fn acl_column(acl: Option<(&Acl, bool)>) -> Result<String> {
    let nobody = Acl::default();
    let (acl, handed_in) = acl.unwrap_or((&nobody, false));
    let list = |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect();
    json(&AclColumn {
        public: acl.public,
        users: list(&acl.allowed_users),
        groups: list(&acl.allowed_groups),
        denied_users: list(&acl.denied_users),
        denied_groups: list(&acl.denied_groups),
        handed_in,
    })
}

fn read(row: &Row) -> Result<Entry> {
    let column: AclColumn = parse("acl", &row.text("acl")?)?;
    let acl = Acl {
        public: column.public,
        allowed_users: column.users.into_iter().collect(),
        allowed_groups: column.groups.into_iter().collect(),
        denied_users: column.denied_users.into_iter().collect(),
        denied_groups: column.denied_groups.into_iter().collect(),
    };
    let handed_acl = column.handed_in.then(|| acl.clone());
    let hashes = (row.opt_text("content_hash")?, row.opt_text("embedded_hash")?, row.opt_text("sidecar_hash")?);
    let indexed = match hashes {
        (Some(content), Some(preface), Some(sidecar)) => Some(Indexed {
            content,
            preface,
            sidecar,
            acl,
            acl_handed_in: column.handed_in,
            language: row.opt_text("language")?,
            title: row.opt_text("title")?,
            warnings: parse("warnings", &row.text("warnings")?)?,
            chunks: count(row.int("chunks")?)?,
        }),
        _ => None,
    };
    Ok(Entry {
        location: Location::from_row(&row.text("kind")?, row.text("name")?)?,
        status: DocumentStatus::from_row(&row.text("status")?)?,
        reason: row.opt_text("reason")?,
        etag: row.opt_text("etag")?,
        sidecar_etag: row.opt_text("sidecar_etag")?,
        indexed,
        handed_acl,
        job: row.opt_text("job")?,
        handed_in: None,
        modified: row.time("modified_at")?,
    })
}
