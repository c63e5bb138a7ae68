//! Knowledge bases, as evaluation jobs ask them: with the configurations of `CreateEvaluationJob`, for the job's role.

use std::sync::Arc;

use async_trait::async_trait;
use aws_wire::generated::bedrock_agent_runtime::{
    KnowledgeBaseRetrievalConfiguration, RetrieveAndGenerateConfiguration,
};
use base::{Error, Result};
use identity::{Access, Ask as Permission, Ctx, Identity};
use knowledge::Knowledge;
use models::{Determinism, Models, Priority, Serving};
use orchestration::answers::{Answer, Answers, Source};
use orchestration::evaluations::Rag;
use orchestration::evaluations::dataset::{Citation, Output, Passage};
use orchestration::evaluations::outcome::{Spent, Tokens};
use serde_json::Value;

use super::asks::Asking;
use super::generation::Asked;
use super::search::search;
use super::shapes;

/// Answers from knowledge bases for evaluation jobs. A job's role needs what callers of the operations need; `knowledge` and
/// `models` tell what that is.
#[must_use]
pub fn evaluated(answers: Answers, identity: Identity, knowledge: Knowledge, models: Models) -> Arc<dyn Rag> {
    Arc::new(Evaluated { answers, identity, knowledge, models })
}

struct Evaluated {
    answers: Answers,
    identity: Identity,
    knowledge: Knowledge,
    models: Models,
}

#[async_trait]
impl Rag for Evaluated {
    async fn retrieve(&self, ctx: &Ctx, configuration: &Value, query: &str) -> Result<(Output, Spent)> {
        let base = named(configuration)?;
        let wire = configuration["knowledgeBaseRetrievalConfiguration"].clone();
        let wire: KnowledgeBaseRetrievalConfiguration = serde_json::from_value(wire).map_err(invalid)?;
        self.permit(ctx, self.asking(ctx).of_retrieval(base, Some(&wire)).await?).await?;
        let found = self.answers.retrieve(ctx, search(base.to_owned(), query.to_owned(), Some(wire), None)?).await?;
        let passages = found.retrieved.passages.iter().map(passage).collect();
        let spent = Spent { filter: found.usage.into(), ..Spent::default() };
        Ok((Output { source: Some(base.to_owned()), passages, ..Output::default() }, spent))
    }

    async fn retrieve_and_generate(
        &self,
        ctx: &Ctx,
        configuration: &Value,
        history: &[(String, String)],
        query: &str,
    ) -> Result<(Output, Spent)> {
        let base = named(&configuration["knowledgeBaseConfiguration"])?.to_owned();
        let wire: RetrieveAndGenerateConfiguration =
            serde_json::from_value(renamed(configuration.clone())).map_err(invalid)?;
        self.permit(ctx, self.asking(ctx).of_generation(Some(&wire)).await?).await?;
        let mut ask = Asked::once(question(history, query), wire).decode()?;
        if let Source::Document(_) = ask.source {
            return Err(Error::not_implemented("Evaluation of external sources is not implemented.")
                .with_hint("Name a knowledge base."));
        }
        let model = ask.generation.as_ref().map(|generation| generation.model.clone());
        if let Some(generation) = &mut ask.generation {
            // A job repeats to the byte, and does not hold up whoever waits for an answer.
            generation.writing.serving = Serving { priority: Priority::Low, deterministic: Determinism::Here };
            generation.writing.sampling.temperature.get_or_insert(0.0);
            generation.writing.sampling.seed.get_or_insert(0);
        }
        let answer = self.answers.answer(ctx, ask).await?.collect().await?;
        let output = Output {
            text: Some(answer.text.clone()),
            model,
            source: Some(base),
            passages: answer.passages.iter().map(passage).collect(),
            citations: citations(&answer),
        };
        let filter = Tokens::from(answer.conditions);
        Ok((output, Spent { generator: Tokens::from(answer.usage).without(filter), filter }))
    }
}

impl Evaluated {
    fn asking<'a>(&'a self, ctx: &'a Ctx) -> Asking<'a> {
        Asking { ctx, knowledge: &self.knowledge, models: &self.models }
    }

    async fn permit(&self, ctx: &Ctx, asks: Vec<Permission>) -> Result<()> {
        for ask in asks {
            self.identity.permit(ctx, &ask, Access::Read).await?;
        }
        Ok(())
    }
}

fn named(configuration: &Value) -> Result<&str> {
    configuration["knowledgeBaseId"].as_str().ok_or_else(|| Error::invalid("`knowledgeBaseId` is missing."))
}

fn invalid(error: serde_json::Error) -> Error {
    Error::invalid(format!("The configuration of the knowledge base is invalid: {error}."))
}

/// The configuration as `RetrieveAndGenerate` takes it, which calls one member otherwise.
fn renamed(mut configuration: Value) -> Value {
    for part in ["knowledgeBaseConfiguration", "externalSourcesConfiguration"] {
        let generation = configuration.pointer_mut(&format!("/{part}/generationConfiguration"));
        if let Some(generation) = generation.and_then(Value::as_object_mut)
            && let Some(inference) = generation.remove("kbInferenceConfig")
        {
            generation.insert("inferenceConfig".to_owned(), inference);
        }
    }
    configuration
}

/// The question of a turn, after the turns before.
fn question(history: &[(String, String)], query: &str) -> String {
    let turns = history.iter().map(|(asked, answered)| format!("User: {asked}\nAssistant: {answered}\n"));
    let turns: String = turns.collect();
    if turns.is_empty() { query.to_owned() } else { format!("{turns}User: {query}") }
}

fn passage(found: &knowledge::Passage) -> Passage {
    let metadata = shapes::metadata(found).unwrap_or_default().into_iter().collect();
    Passage { name: Some(found.document.clone()), text: found.text.clone(), metadata }
}

fn citations(answer: &Answer) -> Vec<Citation> {
    let of = |citation: &orchestration::answers::Citation| {
        let (start, end) = shapes::characters(&answer.text, &citation.span);
        let cited = citation.references.iter().filter_map(|reference| answer.passages.get(reference.passage));
        Citation {
            span: Some((start as u64, end as u64)),
            text: answer.text[citation.span.clone()].to_owned(),
            passages: cited.map(passage).collect(),
        }
    };
    answer.citations.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_generation_of_an_evaluation_is_that_of_the_operation() {
        let asked = json!({"knowledgeBaseConfiguration": {"generationConfiguration": {"kbInferenceConfig": {"a": 1}}}});
        let wanted = json!({"knowledgeBaseConfiguration": {"generationConfiguration": {"inferenceConfig": {"a": 1}}}});
        assert_eq!(renamed(asked), wanted);
    }

    #[test]
    fn earlier_turns_stand_before_the_question() {
        assert_eq!(question(&[], "now"), "now");
        let history = [("then".to_owned(), "so".to_owned())];
        assert_eq!(question(&history, "now"), "User: then\nAssistant: so\nUser: now");
    }
}
