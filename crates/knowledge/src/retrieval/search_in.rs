//! Asking the index.

use std::collections::HashSet;
use std::sync::Arc;

use base::{Error, PageRequest, Result};
use identity::Ctx;
use search::query::{Hit, Languages, MAX_LIMIT, Results};
use search::{Caller, Query};

use super::passages::Expansion;
use super::resemblance::Shingles;
use super::{Retrieve, Retrieved, SearchType};
use crate::documents::chunk::{Facts, TEXT};
use crate::indexes::Opened;
use crate::knowledge_bases::KnowledgeBase;
use crate::open::Knowledge;
use crate::ports::{EmbeddingModel, Purpose};

/// The most passages that a query may ask for: Bedrock's.
const MOST_RESULTS: usize = 100;
/// The longest query, in characters: Bedrock's.
const LONGEST_QUERY: usize = 20_000;
/// The most chunks that are joined on each side of a passage.
const MOST_NEIGHBOURS: usize = 10;
/// How many passages each side gives to the fusion, at least. All pages of a query have the same ranking: that of so many.
const CANDIDATES: usize = 100;
/// The most that each side gives where many passages say the same.
const MOST_RANKED: usize = 1_600;
/// How many whole pages a ranking gives, at least, where there are so many passages that differ.
const PAGES: usize = 3;
/// The most passages that can be turned over page by page.
const MOST_PAGED: usize = 500;

impl Knowledge {
    /// The passages that answer a query best, out of those that the reader may see. The caller's permission for
    /// `bedrock:Retrieve` was checked by the operation.
    ///
    /// # Errors
    /// NotFound, where there is no such knowledge base; Invalid; Conflict, where its embedding model was removed or
    /// is another one now; Denied, where its role may not ask that; Unavailable.
    pub async fn retrieve(&self, ctx: &Ctx, ask: Retrieve) -> Result<Retrieved> {
        check(&ask)?;
        let from = offset(ask.next.as_deref())?;
        let (realm, base, index) = self.opened(ctx, &ask.knowledge_base).await?;
        let search = ask.search.unwrap_or(SearchType::Hybrid);
        let caller = self.reader(ctx, ask.user.as_deref()).await?;
        let role = self.assume(&realm, &base.role_arn, &base.id).await?;
        let model = self.model_of(&role, &base).await?;
        let vector = match search {
            SearchType::Lexical => None,
            SearchType::Hybrid | SearchType::Semantic => Some(self.vector(&role, &base, &model, &ask.text).await?),
        };
        let candidates = match ask.candidates {
            Some(candidates) => candidates.max(ask.results + 1),
            None => CANDIDATES.max(PAGES * ask.results),
        };
        let query = Query {
            text: (search != SearchType::Semantic).then(|| ask.text.clone()),
            languages: Languages::Visible,
            vector: vector.map(|vector| vector.to_vec()),
            filter: ask.filter.clone(),
            fusion: search::Fusion::default(),
            candidates: candidates.min(MAX_LIMIT),
            ..Query::new(caller.clone())
        };
        let (results, more) = self.best(&index, &caller, query, &ask, from).await?;
        let expansion = Expansion { index: &index, caller: &caller, neighbours: ask.neighbours };
        let mut passages = Vec::with_capacity(results.hits.len());
        for hit in results.hits {
            passages.extend(expansion.passage(hit).await?);
        }
        Ok(Retrieved {
            passages,
            next: more.then(|| token(from + ask.results)),
            search,
            visible: results.visible,
            matching: results.matching,
            filter: results.filter,
            embedding_model: model.served_by,
        })
    }

    /// The query's vector, kept from the last time where it was asked before.
    async fn vector(&self, role: &Ctx, base: &KnowledgeBase, model: &EmbeddingModel, text: &str) -> Result<Arc<[f32]>> {
        if let Some(kept) = self.inner.vectors.get(&model.fingerprint, text) {
            return Ok(kept);
        }
        let asked = vec![text.to_owned()];
        let mut vectors = self.inner.embedder.embed(role, &base.embedding_model, asked, Purpose::Query).await?;
        let vector: Arc<[f32]> = vectors.pop().ok_or_else(|| Error::internal("no vector"))?.into();
        self.inner.vectors.put(&model.fingerprint, text, Arc::clone(&vector));
        Ok(vector)
    }

    /// The hits of the page that begins with the passage `from`, and whether there are more. Of chunks with one parent the
    /// best one counts, and of texts that say nearly the same, unless all are wanted.
    async fn best(
        &self,
        index: &Opened,
        caller: &Caller,
        mut query: Query,
        ask: &Retrieve,
        from: usize,
    ) -> Result<(Results, bool)> {
        let (wanted, near_duplicates) = (from + ask.results + 1, ask.near_duplicates);
        // How far the ranking reaches depends on the first pages alone, whichever is asked for.
        let enough = PAGES * ask.results + 1;
        let most = wanted.max(enough);
        let mut limit = most.min(query.candidates);
        loop {
            let limited = Query { caller: caller.clone(), limit, ..query.clone() };
            let mut results = index.index().search(limited).await?;
            let hits = std::mem::take(&mut results.hits);
            let found = hits.len();
            let distinct = tokio::task::spawn_blocking(move || distinct(hits, near_duplicates, most)).await;
            let distinct = distinct.map_err(Error::internal)??;
            let is_cut = found >= limit;
            if distinct.len() < most && is_cut && limit < query.candidates {
                limit = (limit * 2).min(query.candidates);
                continue;
            }
            // Where most of the ranking says the same, what says something else may stand behind it.
            let may_grow = is_cut && (query.candidates as u64) < results.matching && query.candidates < MOST_RANKED;
            if ask.candidates.is_none() && distinct.len() < enough && may_grow {
                query.candidates = (query.candidates * 4).min(MOST_RANKED);
                continue;
            }
            let more = distinct.len() >= wanted && wanted <= MOST_PAGED;
            results.hits = distinct.into_iter().skip(from).take(ask.results).collect();
            return Ok((results, more));
        }
    }
}

/// The first `wanted` of the hits, without those that a better one stands for.
fn distinct(hits: Vec<Hit>, near_duplicates: bool, wanted: usize) -> Result<Vec<Hit>> {
    let (mut kept, mut shingles, mut parents) = (Vec::new(), Vec::<Shingles>::new(), HashSet::new());
    for hit in hits {
        let facts = Facts::read(&hit.key, &hit.metadata)?;
        if let Some(parent) = facts.parent
            && !parents.insert((facts.source, facts.location, parent.start))
        {
            continue;
        }
        if !near_duplicates {
            let its = Shingles::of(hit.fields.get(TEXT).map_or("", String::as_str));
            if shingles.iter().any(|other| other.resemble(&its)) {
                continue;
            }
            shingles.push(its);
        }
        kept.push(hit);
        if kept.len() == wanted {
            break;
        }
    }
    Ok(kept)
}

fn check(ask: &Retrieve) -> Result<()> {
    if ask.text.trim().is_empty() {
        return Err(Error::invalid("The query's text is empty.").with_hint("Ask something."));
    }
    let length = ask.text.chars().count();
    if length > LONGEST_QUERY {
        let text = format!("The query has {length} characters, more than {LONGEST_QUERY}.");
        return Err(Error::invalid(text).with_hint("Ask for less at once."));
    }
    if ask.results == 0 || ask.results > MOST_RESULTS {
        let text = format!("`{}` results cannot be asked for.", ask.results);
        return Err(Error::invalid(text).with_hint(format!("Ask for 1 to {MOST_RESULTS}.")));
    }
    if ask.neighbours > MOST_NEIGHBOURS {
        let text = format!("`{}` neighbours on each side cannot be asked for.", ask.neighbours);
        return Err(Error::invalid(text).with_hint(format!("Ask for at most {MOST_NEIGHBOURS}.")));
    }
    Ok(())
}

/// The place in the ranking that a token means.
fn offset(token: Option<&str>) -> Result<usize> {
    let Some(after) = PageRequest::from_token(1, token)?.after else { return Ok(0) };
    let offset = after.parse().ok().filter(|offset| *offset <= MOST_PAGED);
    offset.ok_or_else(|| Error::invalid("The pagination token is invalid."))
}

fn token(offset: usize) -> String {
    let page = base::Page::<()> { items: Vec::new(), next_after: Some(offset.to_string()) };
    page.next_token().unwrap_or_default()
}
