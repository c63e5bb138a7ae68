//! The shared back end: an index in a PostgreSQL database with the extension pgvector.
//!
//! The terms are those that the embedded back end makes; PostgreSQL's own text search takes no part. A query runs in one
//! transaction that sees one instant: the permitted documents, the statistics over them, and the scores by the formula
//! of [`crate::bm25`], computed in the database. The scan of vectors is exact.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgTransaction;
use sqlx::postgres::{PgPool, PgPoolOptions};

use crate::Result;
use crate::analysis::Language;
use crate::bm25::FieldStatistics;
use crate::document::{Applied, Change, Document, Schema};
use crate::embedded::analyse;
use crate::filter::Filter;
use crate::fusion::{Fused, Side, fuse};
use crate::index::Index;
use crate::principals::Caller;
use crate::query::{Explanation, Hit, Languages, Query, Results, TermPart, Wanted, terms};
use crate::ranking::Scored;

mod filters;
mod rows;
mod store;

use store::{Counts, Permitted, Weight};

/// The most connections of one [`Database`], however many indexes are in it. A query has one, and so has a change; others wait.
pub const MOST_CONNECTIONS: u32 = 16;
/// How long a connection is waited for, as that to the rows' database is.
const WAIT: Duration = Duration::from_secs(15);

/// A PostgreSQL database with the extension pgvector, for any number of indexes. Clones share its connections.
#[derive(Clone)]
pub struct Database {
    pool: PgPool,
}

impl Database {
    /// Connects to the database at `url`, and makes its tables where they are missing. Connections that break are made anew.
    ///
    /// # Errors
    /// Database: the URL is none, or it cannot be reached within 15 seconds, is too old, or has no pgvector.
    pub async fn connect(url: &str) -> Result<Self> {
        let options = PgPoolOptions::new().max_connections(MOST_CONNECTIONS).acquire_timeout(WAIT);
        let pool = options.connect_lazy(url).map_err(store::failed)?;
        store::migrate(&pool).await?;
        Ok(Self { pool })
    }

    /// Opens the index `name`, or makes an empty one where there is none.
    ///
    /// # Errors
    /// Invalid: the schema. Schema: the index was made with another one. Database.
    pub async fn index(&self, name: &str, schema: Schema) -> Result<Postgres> {
        schema.validate()?;
        let index = store::index(&self.pool, name, &schema).await?;
        Ok(Postgres { pool: self.pool.clone(), index, schema: Arc::new(schema) })
    }

    /// How many connections there are, idle ones included.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.pool.size()
    }

    /// Ends its connections; its indexes are of no use from then on.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// An index in a PostgreSQL database. Several processes may have it at once.
#[derive(Clone)]
pub struct Postgres {
    pool: PgPool,
    /// Its number in the database.
    index: i64,
    schema: Arc<Schema>,
}

impl Postgres {
    /// What its documents have in common.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Removes the index with all its documents.
    ///
    /// # Errors
    /// Database.
    pub async fn remove(&self) -> Result<()> {
        store::remove(&self.pool, self.index).await
    }
}

#[async_trait::async_trait]
impl Index for Postgres {
    async fn apply(&self, mut changes: Vec<Change>) -> Result<Applied> {
        changes.iter_mut().try_for_each(|change| change.normalise(&self.schema))?;
        let mut applied = Applied::default();
        let mut tx = self.pool.begin().await.map_err(store::failed)?;
        store::lock(&mut tx, self.index).await?;
        for change in &changes {
            match change {
                Change::Put(document) => {
                    let analysed = analyse(document, &self.schema);
                    store::put(&mut tx, self.index, document, &analysed).await?;
                    applied.put += 1;
                }
                Change::Delete { key } => applied.deleted += store::delete(&mut tx, self.index, key).await?,
                Change::DeletePrefix { prefix } => {
                    applied.deleted += store::delete_prefix(&mut tx, self.index, prefix).await?;
                }
                Change::SetAcl { key, acl } => {
                    applied.permissions += store::set_acl(&mut tx, self.index, key, acl).await?;
                }
            }
        }
        tx.commit().await.map_err(store::failed)?;
        Ok(applied)
    }

    async fn search(&self, query: Query) -> Result<Results> {
        let prepared = query.prepare(&self.schema)?;
        let mut tx = store::at_one_instant(&self.pool).await?;
        let among = Permitted { index: self.index, caller: &query.caller, filter: query.filter.as_ref() };
        let counts = store::counts(&mut tx, &among, self.schema.fields.len()).await?;
        let terms = match &query.text {
            Some(text) => Some(terms(text, &self.languages(&mut tx, &among, query.languages).await?)),
            None => None,
        };
        let words = match &terms {
            Some(terms) => self.statistics(&mut tx, &among, terms, &counts).await?,
            None => Vec::new(),
        };
        let weights: Vec<Weight> = words.iter().map(TermStatistics::weight).collect();
        let by_words = store::best_by_words(&mut tx, &among, &weights, prepared.candidates).await?;
        let by_vector = match &prepared.vector {
            Some(vector) => store::best_by_vector(&mut tx, &among, vector, prepared.candidates).await?,
            None => Vec::new(),
        };
        let candidates = by_words.iter().chain(&by_vector);
        let keys: HashMap<i64, String> = candidates.map(|(id, key, _)| (*id, key.clone())).collect();
        let ids: Vec<i64> = keys.keys().copied().collect();
        let parts = self.parts(&mut tx, &ids, &words).await?;
        let cosines = match &prepared.vector {
            Some(vector) => store::similarities(&mut tx, &ids, vector).await?,
            None => HashMap::new(),
        };
        let lexical = |id: i64| parts.get(&id).map(|parts| parts.iter().map(|part| part.score).sum());
        let similarity = |id: i64| cosines.get(&id).copied();
        let ranked =
            |found: Vec<(i64, String, f64)>| found.into_iter().map(|(id, _, score)| Scored { id, score }).collect();
        let text = terms.as_ref().map(|_| Side { candidates: ranked(by_words), score: &lexical });
        let vector = prepared.vector.as_ref().map(|_| Side { candidates: ranked(by_vector), score: &similarity });
        let fused = fuse(prepared.fusion, text, vector, prepared.limit, |id| keys.get(&id));
        Ok(Results {
            hits: hits(&mut tx, fused, parts).await?,
            visible: counts.visible,
            matching: counts.matching,
            filter: query.filter.as_ref().map(Filter::to_string),
        })
    }

    async fn get(&self, key: &str) -> Result<Option<Document>> {
        store::get(&self.pool, self.index, key).await
    }

    async fn get_permitted(&self, caller: &Caller, key: &str) -> Result<Option<Document>> {
        store::get_permitted(&self.pool, self.index, caller, key).await
    }

    async fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>> {
        store::keys(&self.pool, self.index, prefix, after, limit).await
    }
}

impl Postgres {
    /// The languages by which a query's text is analysed.
    async fn languages(
        &self,
        tx: &mut PgTransaction<'_>,
        among: &Permitted<'_>,
        asked: Languages,
    ) -> Result<BTreeSet<Language>> {
        match asked {
            Languages::Index => Ok([self.schema.language].into()),
            Languages::Only(language) => Ok([language].into()),
            Languages::Visible => store::languages(tx, among, self.schema.language).await,
        }
    }

    /// The terms of a query that any document has that the caller may see.
    async fn statistics(
        &self,
        tx: &mut PgTransaction<'_>,
        among: &Permitted<'_>,
        terms: &BTreeMap<String, Wanted>,
        counts: &Counts,
    ) -> Result<Vec<TermStatistics>> {
        let found = store::frequencies(tx, among, terms.keys().cloned().collect()).await?;
        let having: HashMap<(usize, &str), u64> =
            found.iter().map(|(field, term, documents)| ((*field, term.as_str()), *documents)).collect();
        let statistics = |(field, term, _): &(usize, String, u64)| {
            let (field, wanted) = (*field, terms.get(term)?);
            let statistics = FieldStatistics::new(counts.visible, counts.totals[field]);
            let documents =
                wanted.documents(counts.visible, |form| having.get(&(field, form)).copied().unwrap_or_default());
            let idf = statistics.idf(documents);
            let weight = self.schema.fields[field].weight * wanted.count() * idf;
            Some(TermStatistics { field, term: term.clone(), documents, idf, weight, statistics })
        };
        Ok(found.iter().filter_map(statistics).collect())
    }

    /// What each term gives to each of these documents.
    async fn parts(
        &self,
        tx: &mut PgTransaction<'_>,
        ids: &[i64],
        words: &[TermStatistics],
    ) -> Result<HashMap<i64, Vec<TermPart>>> {
        let known: HashMap<(usize, &str), &TermStatistics> =
            words.iter().map(|word| ((word.field, word.term.as_str()), word)).collect();
        let terms: Vec<String> = words.iter().map(|word| word.term.clone()).collect();
        let mut parts: HashMap<i64, Vec<TermPart>> = HashMap::new();
        for posting in store::postings(tx, ids, &terms).await? {
            if let Some(word) = known.get(&(posting.field, posting.term.as_str())) {
                parts.entry(posting.id).or_default().push(TermPart {
                    field: self.schema.fields[word.field].name.clone(),
                    term: word.term.clone(),
                    frequency: posting.frequency,
                    documents: word.documents,
                    idf: word.idf,
                    score: word.weight * word.statistics.saturation(posting.frequency, posting.length),
                });
            }
        }
        Ok(parts)
    }
}

async fn hits(
    tx: &mut PgTransaction<'_>,
    fused: Vec<Fused<i64>>,
    mut parts: HashMap<i64, Vec<TermPart>>,
) -> Result<Vec<Hit>> {
    let ids: Vec<i64> = fused.iter().map(|fused| fused.id).collect();
    let mut documents = store::documents(tx, &ids).await?;
    let mut hits = Vec::with_capacity(fused.len());
    for Fused { id, score, lexical, vector } in fused {
        // All of it was read at one instant.
        let Some(document) = documents.remove(&id) else { continue };
        let explanation = Explanation { lexical, vector, terms: parts.remove(&id).unwrap_or_default() };
        hits.push(Hit {
            key: document.key,
            score,
            fields: document.fields.into_iter().filter(|(_, text)| !text.is_empty()).collect(),
            language: document.language,
            metadata: document.metadata,
            explanation,
        });
    }
    Ok(hits)
}

/// A term of a query in a field.
struct TermStatistics {
    field: usize,
    term: String,
    documents: u64,
    idf: f64,
    weight: f64,
    statistics: FieldStatistics,
}

impl TermStatistics {
    fn weight(&self) -> Weight {
        let Self { field, weight, .. } = *self;
        Weight { field, term: self.term.clone(), weight, average: self.statistics.average }
    }
}
