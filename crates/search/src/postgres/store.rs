//! The tables of the shared back end, and every statement on them.
//!
//! `search_documents.lengths` has a number for each text field. A user is kept as `u:NAME` and a group as `g:NAME`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value as Json;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{AssertSqlSafe, PgTransaction, Postgres, QueryBuilder, Row as _};

use super::{filters, rows};
use crate::analysis::Language;
use crate::bm25::{B, K1};
use crate::document::{Acl, Document, Schema};
use crate::embedded::Analysed;
use crate::filter::Filter;
use crate::principals::Caller;
use crate::{Error, Result};

/// The members of a list, before the list's expression.
pub(super) const MEMBERS: &str = "SELECT 1 FROM jsonb_array_elements_text(";

const TABLES: &str = r#"
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE IF NOT EXISTS search_indexes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    format integer NOT NULL,
    schema text NOT NULL
);
CREATE TABLE IF NOT EXISTS search_documents (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    index_id bigint NOT NULL REFERENCES search_indexes (id) ON DELETE CASCADE,
    key text COLLATE "C" NOT NULL,
    language smallint,
    public boolean NOT NULL,
    allowed text[] NOT NULL,
    denied text[] NOT NULL,
    metadata jsonb NOT NULL,
    fields text NOT NULL,
    lengths integer[] NOT NULL,
    vector vector,
    UNIQUE (index_id, key)
);
CREATE TABLE IF NOT EXISTS search_postings (
    index_id bigint NOT NULL,
    field smallint NOT NULL,
    term text COLLATE "C" NOT NULL,
    document_id bigint NOT NULL REFERENCES search_documents (id) ON DELETE CASCADE,
    frequency integer NOT NULL,
    PRIMARY KEY (index_id, field, term, document_id)
);
CREATE INDEX IF NOT EXISTS search_postings_document ON search_postings (document_id);
"#;

/// The format of the tables' contents.
const FORMAT: i32 = 1;
/// A number of ours among PostgreSQL's advisory locks.
const MIGRATION: i64 = 0x4352_5453_5243_4831;

pub(super) fn failed(error: sqlx::Error) -> Error {
    Error::Database { reason: error.to_string() }
}

/// Makes the tables where they are missing.
pub(super) async fn migrate(pool: &PgPool) -> Result<()> {
    let mut tx = pool.begin().await.map_err(failed)?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATION).execute(&mut *tx).await.map_err(failed)?;
    sqlx::raw_sql(TABLES).execute(&mut *tx).await.map_err(failed)?;
    tx.commit().await.map_err(failed)
}

/// The number of the index of that name, made where it is missing.
pub(super) async fn index(pool: &PgPool, name: &str, schema: &Schema) -> Result<i64> {
    let unreadable = |error: serde_json::Error| Error::Database { reason: error.to_string() };
    let wanted = serde_json::to_string(schema).map_err(unreadable)?;
    let insert = "INSERT INTO search_indexes (name, format, schema) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";
    sqlx::query(insert).bind(name).bind(FORMAT).bind(&wanted).execute(pool).await.map_err(failed)?;
    let row = sqlx::query("SELECT id, format, schema FROM search_indexes WHERE name = $1").bind(name);
    let row = row.fetch_one(pool).await.map_err(failed)?;
    let format: i32 = column(&row, "format")?;
    if format > FORMAT {
        let (found, newest) = (format.unsigned_abs(), FORMAT.unsigned_abs());
        return Err(Error::Format { file: name.into(), found, newest });
    }
    let found: Schema = serde_json::from_str(&column::<String>(&row, "schema")?).map_err(unreadable)?;
    if found != *schema {
        return Err(Error::Schema { folder: name.into(), reason: format!("{found:?} rather than {schema:?}") });
    }
    column(&row, "id")
}

/// Removes an index; its documents and their postings go with it.
pub(super) async fn remove(pool: &PgPool, index: i64) -> Result<()> {
    let query = sqlx::query("DELETE FROM search_indexes WHERE id = $1").bind(index);
    query.execute(pool).await.map(drop).map_err(failed)
}

fn column<'r, T: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>>(row: &'r PgRow, name: &str) -> Result<T> {
    row.try_get(name).map_err(failed)
}

/// Lets one batch at a time change an index, so that batches never wait for each other in a circle.
pub(super) async fn lock(tx: &mut PgTransaction<'_>, index: i64) -> Result<()> {
    let query = sqlx::query("SELECT id FROM search_indexes WHERE id = $1 FOR UPDATE").bind(index);
    query.execute(&mut **tx).await.map(drop).map_err(failed)
}

pub(super) async fn put(
    tx: &mut PgTransaction<'_>,
    index: i64,
    document: &Document,
    analysed: &Analysed,
) -> Result<()> {
    delete(tx, index, &document.key).await?;
    let (allowed, denied) = principals(&document.acl);
    let lengths: Vec<i32> = analysed.lengths.iter().map(|length| length.cast_signed()).collect();
    let insert = "INSERT INTO search_documents \
        (index_id, key, language, public, allowed, denied, metadata, fields, lengths, vector) \
        VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10::vector) RETURNING id";
    let row = sqlx::query(insert)
        .bind(index)
        .bind(&document.key)
        .bind(document.language.map(|language| i16::from(language.number())))
        .bind(document.acl.public)
        .bind(allowed)
        .bind(denied)
        .bind(rows::metadata(&document.metadata))
        .bind(Json::from_iter(document.fields.clone()).to_string())
        .bind(lengths)
        .bind(document.vector.as_deref().map(vector_text))
        .fetch_one(&mut **tx)
        .await
        .map_err(failed)?;
    let id: i64 = column(&row, "id")?;
    let postings = "INSERT INTO search_postings (index_id, field, term, document_id, frequency) \
        SELECT $1, field, term, $2, frequency FROM unnest($3::int2[], $4::text[], $5::int4[]) AS t (field, term, frequency)";
    sqlx::query(postings)
        .bind(index)
        .bind(id)
        .bind(analysed.terms.iter().map(|(field, ..)| *field as i16).collect::<Vec<_>>())
        .bind(analysed.terms.iter().map(|(_, term, _)| term.clone()).collect::<Vec<_>>())
        .bind(analysed.terms.iter().map(|(.., frequency)| i32::from(*frequency)).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await
        .map(drop)
        .map_err(failed)
}

pub(super) async fn delete(tx: &mut PgTransaction<'_>, index: i64, key: &str) -> Result<u64> {
    let query = sqlx::query("DELETE FROM search_documents WHERE index_id = $1 AND key = $2").bind(index).bind(key);
    query.execute(&mut **tx).await.map(|done| done.rows_affected()).map_err(failed)
}

pub(super) async fn delete_prefix(tx: &mut PgTransaction<'_>, index: i64, prefix: &str) -> Result<u64> {
    let query = "DELETE FROM search_documents WHERE index_id = $1 AND starts_with(key, $2)";
    let done = sqlx::query(query).bind(index).bind(prefix).execute(&mut **tx).await;
    done.map(|done| done.rows_affected()).map_err(failed)
}

pub(super) async fn set_acl(tx: &mut PgTransaction<'_>, index: i64, key: &str, acl: &Acl) -> Result<u64> {
    let (allowed, denied) = principals(acl);
    let query = "UPDATE search_documents SET public = $3, allowed = $4, denied = $5 WHERE index_id = $1 AND key = $2";
    let query = sqlx::query(query).bind(index).bind(key).bind(acl.public).bind(allowed).bind(denied);
    query.execute(&mut **tx).await.map(|done| done.rows_affected()).map_err(failed)
}

fn principals(acl: &Acl) -> (Vec<String>, Vec<String>) {
    let of = |users: &BTreeSet<String>, groups: &BTreeSet<String>| {
        let users = users.iter().map(|user| format!("u:{user}"));
        users.chain(groups.iter().map(|group| format!("g:{group}"))).collect()
    };
    (of(&acl.allowed_users, &acl.allowed_groups), of(&acl.denied_users, &acl.denied_groups))
}

fn vector_text(vector: &[f32]) -> String {
    let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
    format!("[{}]", numbers.join(","))
}

/// A transaction whose statements all see the database as it was at the first.
pub(super) async fn at_one_instant(pool: &PgPool) -> Result<PgTransaction<'static>> {
    pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map_err(failed)
}

/// Which documents of an index take part.
pub(super) struct Permitted<'a> {
    pub(super) index: i64,
    pub(super) caller: &'a Caller,
    pub(super) filter: Option<&'a Filter>,
}

impl Permitted<'_> {
    /// Appends the condition that the caller may see the documents `d`.
    fn push(&self, query: &mut QueryBuilder<Postgres>) {
        let user = self.caller.user.iter().map(|user| format!("u:{user}"));
        let caller: Vec<String> = user.chain(self.caller.groups.iter().map(|group| format!("g:{group}"))).collect();
        query.push("d.index_id = ").push_bind(self.index);
        query.push(" AND (d.public OR d.allowed && ").push_bind(caller.clone());
        query.push("::text[]) AND NOT d.denied && ").push_bind(caller).push("::text[]");
    }

    /// Appends the condition that the documents `d` meet the filter.
    fn push_filter(&self, query: &mut QueryBuilder<Postgres>) {
        match self.filter {
            Some(filter) => filters::push(query, filter),
            None => {
                query.push("true");
            }
        }
    }
}

/// Counts over the documents that the caller may see.
pub(super) struct Counts {
    pub(super) visible: u64,
    pub(super) matching: u64,
    /// How many terms each field has, all documents together.
    pub(super) totals: Vec<u64>,
}

pub(super) async fn counts(tx: &mut PgTransaction<'_>, among: &Permitted<'_>, fields: usize) -> Result<Counts> {
    let mut query = QueryBuilder::new("SELECT count(*) AS visible, count(*) FILTER (WHERE ");
    among.push_filter(&mut query);
    query.push(") AS matching, ARRAY[");
    for field in 1..=fields {
        query.push(if field == 1 { "" } else { ", " });
        query.push(format!("coalesce(sum(d.lengths[{field}]), 0)::int8"));
    }
    query.push("] AS totals FROM search_documents d WHERE ");
    among.push(&mut query);
    let row = query.build().fetch_one(&mut **tx).await.map_err(failed)?;
    let number = |name: &str| column::<i64>(&row, name).map(i64::unsigned_abs);
    let totals = column::<Vec<i64>>(&row, "totals")?.into_iter().map(i64::unsigned_abs).collect();
    Ok(Counts { visible: number("visible")?, matching: number("matching")?, totals })
}

/// The languages of the documents that the caller may see; `other` is that of those that name none.
pub(super) async fn languages(
    tx: &mut PgTransaction<'_>,
    among: &Permitted<'_>,
    other: Language,
) -> Result<BTreeSet<Language>> {
    let mut query = QueryBuilder::new("SELECT DISTINCT d.language FROM search_documents d WHERE ");
    among.push(&mut query);
    let rows = query.build().fetch_all(&mut **tx).await.map_err(failed)?;
    rows.iter().map(|row| Ok(language(row)?.unwrap_or(other))).collect()
}

/// How many of the documents that the caller may see have each term: `(field, term, documents)`.
pub(super) async fn frequencies(
    tx: &mut PgTransaction<'_>,
    among: &Permitted<'_>,
    terms: Vec<String>,
) -> Result<Vec<(usize, String, u64)>> {
    let mut query = QueryBuilder::new(
        "SELECT p.field, p.term, count(*) AS documents FROM search_postings p \
         JOIN search_documents d ON d.id = p.document_id WHERE p.index_id = ",
    );
    query.push_bind(among.index).push(" AND p.term = ANY(").push_bind(terms).push(") AND ");
    among.push(&mut query);
    query.push(" GROUP BY p.field, p.term");
    let rows = query.build().fetch_all(&mut **tx).await.map_err(failed)?;
    let read = |row: &PgRow| {
        let field: i16 = column(row, "field")?;
        Ok((field.unsigned_abs() as usize, column(row, "term")?, column::<i64>(row, "documents")?.unsigned_abs()))
    };
    rows.iter().map(read).collect()
}

/// A term of a query with what a document gets for it, but for how often the document has it.
pub(super) struct Weight {
    pub(super) field: usize,
    pub(super) term: String,
    pub(super) weight: f64,
    /// The field's mean length.
    pub(super) average: f64,
}

/// The best documents by their words, with their keys and scores.
pub(super) async fn best_by_words(
    tx: &mut PgTransaction<'_>,
    among: &Permitted<'_>,
    weights: &[Weight],
    limit: usize,
) -> Result<Vec<(i64, String, f64)>> {
    let mut query = QueryBuilder::new(format!(
        "SELECT d.id, d.key, sum(w.weight * p.frequency / \
         (p.frequency + {K1}::float8 * (1 - {B}::float8 + {B}::float8 * d.lengths[p.field + 1] / w.average))) AS score \
         FROM unnest("
    ));
    query.push_bind(weights.iter().map(|weight| weight.field as i16).collect::<Vec<_>>()).push("::int2[], ");
    query.push_bind(weights.iter().map(|weight| weight.term.clone()).collect::<Vec<_>>()).push("::text[], ");
    query.push_bind(weights.iter().map(|weight| weight.weight).collect::<Vec<_>>()).push("::float8[], ");
    query.push_bind(weights.iter().map(|weight| weight.average).collect::<Vec<_>>()).push("::float8[]) ");
    query.push("AS w (field, term, weight, average) JOIN search_postings p ON p.field = w.field AND p.term = w.term ");
    query.push("AND p.index_id = ").push_bind(among.index);
    query.push(" JOIN search_documents d ON d.id = p.document_id WHERE ");
    among.push(&mut query);
    query.push(" AND ");
    among.push_filter(&mut query);
    query.push(" GROUP BY d.id, d.key ORDER BY score DESC, d.key LIMIT ").push_bind(limit as i64);
    scored(&query.build().fetch_all(&mut **tx).await.map_err(failed)?)
}

/// The most similar documents, with their keys and similarities.
pub(super) async fn best_by_vector(
    tx: &mut PgTransaction<'_>,
    among: &Permitted<'_>,
    vector: &[f32],
    limit: usize,
) -> Result<Vec<(i64, String, f64)>> {
    let mut query = QueryBuilder::new("SELECT d.id, d.key, -(d.vector <#> ");
    query.push_bind(vector_text(vector));
    query.push("::vector) AS score FROM search_documents d WHERE d.vector IS NOT NULL AND ");
    among.push(&mut query);
    query.push(" AND ");
    among.push_filter(&mut query);
    query.push(" ORDER BY score DESC, d.key LIMIT ").push_bind(limit as i64);
    scored(&query.build().fetch_all(&mut **tx).await.map_err(failed)?)
}

fn scored(rows: &[PgRow]) -> Result<Vec<(i64, String, f64)>> {
    rows.iter().map(|row| Ok((column(row, "id")?, column(row, "key")?, column(row, "score")?))).collect()
}

/// The similarity of each of these documents that has a vector.
pub(super) async fn similarities(tx: &mut PgTransaction<'_>, ids: &[i64], vector: &[f32]) -> Result<HashMap<i64, f64>> {
    let query =
        "SELECT id, -(vector <#> $2::vector) AS score FROM search_documents WHERE id = ANY($1) AND vector IS NOT NULL";
    let rows = sqlx::query(query).bind(ids).bind(vector_text(vector)).fetch_all(&mut **tx).await.map_err(failed)?;
    rows.iter().map(|row| Ok((column(row, "id")?, column(row, "score")?))).collect()
}

/// A posting: how often a document has a term in a field, and the field's length there.
pub(super) struct Posting {
    pub(super) id: i64,
    pub(super) field: usize,
    pub(super) term: String,
    pub(super) frequency: u16,
    pub(super) length: u32,
}

/// The postings of these documents for these terms.
pub(super) async fn postings(tx: &mut PgTransaction<'_>, ids: &[i64], terms: &[String]) -> Result<Vec<Posting>> {
    let query = "SELECT p.document_id, p.field, p.term, p.frequency, d.lengths[p.field + 1] AS length \
        FROM search_postings p JOIN search_documents d ON d.id = p.document_id \
        WHERE p.document_id = ANY($1) AND p.term = ANY($2) ORDER BY p.document_id, p.field, p.term";
    let rows = sqlx::query(query).bind(ids).bind(terms).fetch_all(&mut **tx).await.map_err(failed)?;
    let read = |row: &PgRow| {
        Ok(Posting {
            id: column(row, "document_id")?,
            field: column::<i16>(row, "field")?.unsigned_abs() as usize,
            term: column(row, "term")?,
            frequency: u16::try_from(column::<i32>(row, "frequency")?).unwrap_or(u16::MAX),
            length: column::<i32>(row, "length")?.unsigned_abs(),
        })
    };
    rows.iter().map(read).collect()
}

const DOCUMENT: &str = "SELECT id, key, language, public, allowed, denied, metadata::text AS metadata, fields, \
    vector::text AS vector FROM search_documents d WHERE ";

/// These documents by their numbers.
pub(super) async fn documents(tx: &mut PgTransaction<'_>, ids: &[i64]) -> Result<BTreeMap<i64, Document>> {
    let query = sqlx::query(AssertSqlSafe(format!("{DOCUMENT} id = ANY($1)"))).bind(ids);
    let rows = query.fetch_all(&mut **tx).await.map_err(failed)?;
    rows.iter().map(|row| Ok((column(row, "id")?, document(row)?))).collect()
}

pub(super) async fn get(pool: &PgPool, index: i64, key: &str) -> Result<Option<Document>> {
    let query = sqlx::query(AssertSqlSafe(format!("{DOCUMENT} index_id = $1 AND key = $2"))).bind(index).bind(key);
    query.fetch_optional(pool).await.map_err(failed)?.as_ref().map(document).transpose()
}

pub(super) async fn get_permitted(pool: &PgPool, index: i64, caller: &Caller, key: &str) -> Result<Option<Document>> {
    let mut query = QueryBuilder::new(DOCUMENT);
    Permitted { index, caller, filter: None }.push(&mut query);
    query.push(" AND d.key = ").push_bind(key.to_owned());
    query.build().fetch_optional(pool).await.map_err(failed)?.as_ref().map(document).transpose()
}

pub(super) async fn keys(
    pool: &PgPool,
    index: i64,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>> {
    let query = "SELECT key FROM search_documents \
        WHERE index_id = $1 AND starts_with(key, $2) AND ($3::text IS NULL OR key > $3) ORDER BY key LIMIT $4";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = sqlx::query(query).bind(index).bind(prefix).bind(after).bind(limit).fetch_all(pool).await;
    rows.map_err(failed)?.iter().map(|row| column(row, "key")).collect()
}

fn malformed(what: &str) -> Error {
    Error::Database { reason: format!("a document's {what} is not what is written there") }
}

fn language(row: &PgRow) -> Result<Option<Language>> {
    let number: Option<i16> = column(row, "language")?;
    let known = |number: i16| u8::try_from(number).ok().and_then(Language::from_number);
    number.map(|number| known(number).ok_or_else(|| malformed("language"))).transpose()
}

fn document(row: &PgRow) -> Result<Document> {
    let metadata = rows::read_metadata(&column::<String>(row, "metadata")?).ok_or_else(|| malformed("metadata"))?;
    let fields = serde_json::from_str(&column::<String>(row, "fields")?).map_err(|_| malformed("text"))?;
    let vector: Option<String> = column(row, "vector")?;
    let vector = vector.map(|text| {
        let numbers = text.trim_matches(['[', ']']).split(',').map(str::parse);
        numbers.collect::<std::result::Result<Vec<f32>, _>>().map_err(|_| malformed("vector"))
    });
    let names = |column_name: &str, kind: &str| -> Result<_> {
        let all: Vec<String> = column(row, column_name)?;
        Ok(all.iter().filter_map(|name| name.strip_prefix(kind)).map(str::to_owned).collect())
    };
    let acl = Acl {
        public: column(row, "public")?,
        allowed_users: names("allowed", "u:")?,
        allowed_groups: names("allowed", "g:")?,
        denied_users: names("denied", "u:")?,
        denied_groups: names("denied", "g:")?,
    };
    Ok(Document {
        key: column(row, "key")?,
        fields,
        language: language(row)?,
        metadata,
        acl,
        vector: vector.transpose()?,
    })
}
