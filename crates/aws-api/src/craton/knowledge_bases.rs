//! Craton's own questions to knowledge bases: why passages are found, a document's chunks, answers without a model.
//!
//! Places are told in characters (Unicode scalar values). Those of citations end at their last character, as Bedrock's do;
//! those of chunks and highlights after it.

use std::collections::BTreeMap;
use std::ops::Range;

use aws_wire::generated::bedrock_agent_runtime::RetrievalFilter;
use base::{Error, Result};
use futures::future::FutureExt as _;
use http::StatusCode;
use identity::Ask as Wish;
use knowledge::{Chunk, DocumentName, Passage, Retrieve, SearchType};
use models::ServedBy;
use orchestration::answers::{
    Answer as Given, Ask, Citation, Found, Generation, RerankMetadata, Reranking, Search, Source, Unsupported, Voice,
};
use search::fusion::Part;
use serde_json::{Value, json};

use crate::bedrock_agent_runtime::shapes::{characters, location, metadata};
use crate::bedrock_agent_runtime::{filters, knowledge_base};
use crate::bedrock_runtime;
use crate::call::{Answer, Asked, Call, Labels, json as respond, name_model};
use crate::json_fields::{Fields, Wording};

#[cfg(test)]
mod tests;

/// What permits to read the text of any document of a knowledge base.
pub(super) const READ_DOCUMENT: &str = "craton:ReadKnowledgeBaseDocument";

/// The most results of a request.
const MOST_RESULTS: u32 = 100;
/// The most chunks that are joined to a passage on each side.
const MOST_NEIGHBOURS: u32 = 10;
/// What a search is described by.
const SEARCHING: [&str; 8] =
    ["text", "numberOfResults", "searchType", "filter", "userId", "neighbours", "nearDuplicates", "rerankingModelId"];

/// `POST /craton/v1/knowledge-bases/{id}/explain`: what is found, and why.
pub(super) async fn explain(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?;
    root.only(&SEARCHING)?;
    let search = search(&root, call.label(0))?;
    let Found { retrieved: found, ranked_by, .. } = call.api.answers().retrieve(&call.ctx, search).await?;
    Ok(respond(
        StatusCode::OK,
        &json!({
            "results": found.passages.iter().map(explained).collect::<Vec<Value>>(),
            "searchType": named(found.search),
            "visible": found.visible,
            "matching": found.matching,
            "filter": found.filter,
            "embeddingModel": found.embedding_model,
            "rankedBy": ranked_by.as_ref().map(served),
        }),
    ))
}

/// `POST /craton/v1/knowledge-bases/{id}/ask`: an answer with the places that support it, by a model or without one.
pub(super) async fn ask(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?;
    root.only(&[&SEARCHING[..], &["mode", "modelId", "sessionId"]].concat())?;
    let search = search(&root, call.label(0))?;
    let model = model(&root)?.map(str::to_owned);
    let ask = Ask {
        text: search.retrieve.text.clone(),
        source: Source::KnowledgeBase(search),
        generation: model.map(|model| Generation { model, ..Generation::default() }),
        orchestration: None,
        session: root.text("sessionId")?.map(str::to_owned),
        session_key: None,
        unsupported: Unsupported::default(),
    };
    let answer = call.api.answers().answer(&call.ctx, ask).await?.collect().await?;
    call.answered.note_usage(answer.usage);
    let mut response = respond(StatusCode::OK, &answered(&answer));
    if let Some(served_by) = &answer.served_by {
        name_model(&mut response, served_by);
    }
    Ok(response)
}

/// `GET /craton/v1/knowledge-bases/{id}/documents/{document}/chunks`: a document's text and where its chunks are.
pub(super) async fn chunks(call: Call<Labels>) -> Answer {
    let data_source = call.query("dataSourceId").filter(|id| !id.is_empty());
    let data_source = data_source.ok_or_else(|| {
        Error::invalid("`dataSourceId` is missing.").with_hint("Name the document's data source in the query string.")
    })?;
    let (knowledge_base, document) = (call.label(0).to_owned(), call.label(1).to_owned());
    let name = DocumentName { knowledge_base, data_source, document };
    let knowledge = call.api.knowledge();
    let chunks = knowledge.chunks(&call.ctx, &name).await?;
    let document = knowledge.document_text(&call.ctx, &name).await?;
    let counted = Counted::of(&document.text, &chunks);
    let places: Vec<Value> = chunks.iter().map(|chunk| described(chunk, &counted)).collect();
    Ok(respond(
        StatusCode::OK,
        &json!({
            "text": document.text,
            "title": document.title,
            "language": document.language,
            "warnings": document.warnings,
            "chunks": places,
        }),
    ))
}

/// What retrieving asks for: as `Retrieve`, and a model where one ranks.
pub(super) fn may_retrieve(call: &Call<Labels>) -> Asked<'_> {
    async move {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        Ok(retrieving(call, &body).await?)
    }
    .boxed()
}

async fn retrieving(call: &Call<Labels>, body: &Value) -> Result<Vec<Wish>> {
    let mut asks = vec![knowledge_base(call.api.knowledge(), &call.ctx, "bedrock:Retrieve", call.label(0)).await?];
    if let Some(model) = body["rerankingModelId"].as_str() {
        asks.push(Wish::new("bedrock:Rerank", "*"));
        asks.extend(bedrock_runtime::asks(call.api.models(), &call.ctx, "bedrock:InvokeModel", model).await?);
    }
    Ok(asks)
}

/// What an answer asks for: as `RetrieveAndGenerate`, and the model where one writes.
pub(super) fn may_ask(call: &Call<Labels>) -> Asked<'_> {
    async move {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let mut asks = retrieving(call, &body).await?;
        asks.push(Wish::new("bedrock:RetrieveAndGenerate", "*"));
        if let Some(model) = body["modelId"].as_str() {
            asks.extend(bedrock_runtime::asks(call.api.models(), &call.ctx, "bedrock:InvokeModel", model).await?);
        }
        Ok(asks)
    }
    .boxed()
}

/// What reading a document's chunks asks for, whoever may read the document. It is an action of its own: what tells of a
/// document's state must not tell its text to whom its list leaves out.
pub(super) fn may_see_chunks(call: &Call<Labels>) -> Asked<'_> {
    async move { Ok(vec![knowledge_base(call.api.knowledge(), &call.ctx, READ_DOCUMENT, call.label(0)).await?]) }
        .boxed()
}

/// The model that is to write: none in the mode `extractive`.
fn model<'a>(root: &Fields<'a>) -> Result<Option<&'a str>> {
    let mode = root.optional("mode").map(|node| node.one_of(&["extractive", "generate"])).transpose()?;
    let model = root.text("modelId")?.filter(|model| !model.is_empty());
    match (mode, model) {
        (Some("extractive"), Some(_)) => Err(Error::invalid("`modelId` goes with the mode `generate`.")),
        (Some("generate"), None) => Err(Error::invalid("`modelId` is missing.")
            .with_hint("Name the model that writes, or ask in the mode `extractive`.")),
        (_, model) => Ok(model),
    }
}

/// What is retrieved, and the model that ranks it, where one does.
fn search(root: &Fields<'_>, base: &str) -> Result<Search> {
    let model = root.text("rerankingModelId")?.filter(|model| !model.is_empty());
    let reranking =
        model.map(|model| Reranking { model: model.to_owned(), results: None, metadata: RerankMetadata::default() });
    Ok(Search { reranking, ..Search::of(retrieve(root, base)?) })
}

fn retrieve(root: &Fields<'_>, base: &str) -> Result<Retrieve> {
    let mut retrieve = Retrieve::new(base, root.required("text")?.text()?);
    if let Some(results) = root.count("numberOfResults", 1, MOST_RESULTS)? {
        retrieve.results = results as usize;
    }
    let kinds = ["HYBRID", "SEMANTIC", "LEXICAL"];
    retrieve.search = root.optional("searchType").map(|node| node.one_of(&kinds)).transpose()?.map(|kind| match kind {
        "SEMANTIC" => SearchType::Semantic,
        "LEXICAL" => SearchType::Lexical,
        _ => SearchType::Hybrid,
    });
    if let Some(node) = root.optional("filter") {
        let wire: RetrievalFilter = serde_json::from_value(node.value.clone())
            .map_err(|error| node.error(&format!("it is no filter: {error}")))?;
        retrieve.filter = Some(filters::filter(wire)?);
    }
    if let Some(neighbours) = root.count("neighbours", 0, MOST_NEIGHBOURS)? {
        retrieve.neighbours = neighbours as usize;
    }
    retrieve.near_duplicates = root.boolean("nearDuplicates")?.unwrap_or(false);
    retrieve.user = root.text("userId")?.filter(|user| !user.is_empty()).map(str::to_owned);
    Ok(retrieve)
}

fn named(search: SearchType) -> &'static str {
    match search {
        SearchType::Hybrid => "HYBRID",
        SearchType::Semantic => "SEMANTIC",
        SearchType::Lexical => "LEXICAL",
    }
}

fn explained(passage: &Passage) -> Value {
    let side = |part: &Option<Part>| {
        part.map(|part| json!({ "rank": part.rank, "score": part.score, "normalized": part.normalised }))
    };
    let terms = passage.explanation.terms.iter().map(|term| {
        json!({
            "field": term.field,
            "term": term.term,
            "frequency": term.frequency,
            "documents": term.documents,
            "idf": term.idf,
            "score": term.score,
        })
    });
    let highlights = passage.highlights().into_iter();
    let highlights = highlights.map(|span| json!({ "start": span.start_char, "end": span.end_char }));
    json!({
        "chunk": passage.chunk,
        "documentId": passage.document,
        "dataSourceId": passage.data_source,
        "location": location(passage),
        "text": passage.text,
        "page": passage.page,
        "score": passage.score,
        "lexical": side(&passage.explanation.lexical),
        "vector": side(&passage.explanation.vector),
        "terms": terms.collect::<Vec<Value>>(),
        "highlights": highlights.collect::<Vec<Value>>(),
        "metadata": metadata(passage).unwrap_or_default(),
    })
}

/// How many characters stand before the bytes where chunks begin and end.
struct Counted(BTreeMap<usize, usize>);

impl Counted {
    /// Walks the text once, however many chunks it has. A place after its end is its end, one within a character that
    /// character's.
    fn of(text: &str, chunks: &[Chunk]) -> Self {
        let spans = chunks.iter().flat_map(|chunk| std::iter::once(&chunk.span).chain(&chunk.parent));
        let mut counted: BTreeMap<usize, usize> = spans.flat_map(|span| [(span.start, 0), (span.end, 0)]).collect();
        let (mut walked, mut characters) = (0, 0);
        for (place, before) in &mut counted {
            let place = text.floor_char_boundary(*place);
            characters += text[walked..place].chars().count();
            (walked, *before) = (place, characters);
        }
        Self(counted)
    }

    fn at(&self, place: usize) -> usize {
        self.0.get(&place).copied().unwrap_or_default()
    }
}

fn described(chunk: &Chunk, counted: &Counted) -> Value {
    let place = |span: &Range<usize>| (counted.at(span.start), counted.at(span.end));
    let (start, end) = place(&chunk.span);
    json!({
        "key": chunk.key,
        "start": start,
        "end": end,
        "parent": chunk.parent.as_ref().map(|span| { let (start, end) = place(span); json!({ "start": start, "end": end }) }),
        "page": chunk.page,
        "tokens": chunk.tokens,
        "text": chunk.text,
    })
}

fn answered(answer: &Given) -> Value {
    json!({
        "answer": answer.text,
        "citations": answer.citations.iter().map(|one| cited(one, answer)).collect::<Vec<Value>>(),
        "noAnswer": answer.voice == Voice::Nobody,
        "voice": match answer.voice {
            Voice::Model => "model",
            Voice::Passages => "passages",
            Voice::PassagesInstead => "passages-instead",
            Voice::Nobody => "nobody",
        },
        "sessionId": answer.session,
        "results": answer.passages.iter().map(explained).collect::<Vec<Value>>(),
        "leftOut": answer.left_out,
        "served": answer.served_by.as_ref().map(served),
        "usage": { "inputTokens": answer.usage.input, "outputTokens": answer.usage.output },
    })
}

fn cited(citation: &Citation, answer: &Given) -> Value {
    let (start, end) = characters(&answer.text, &citation.span);
    let references = citation.references.iter().filter_map(|reference| {
        let passage = answer.passages.get(reference.passage)?;
        let (from, to) = characters(&passage.text, &reference.span);
        Some(json!({
            "result": reference.passage,
            "text": passage.text,
            "documentId": passage.document,
            "dataSourceId": passage.data_source,
            "page": passage.page,
            "location": location(passage),
            "metadata": metadata(passage).unwrap_or_default(),
            "sourceSpan": { "start": from, "end": to },
        }))
    });
    json!({ "span": { "start": start, "end": end }, "references": references.collect::<Vec<Value>>() })
}

fn served(served_by: &ServedBy) -> Value {
    json!({ "name": served_by.name, "substituted": served_by.substituted, "upstream": served_by.upstream })
}
