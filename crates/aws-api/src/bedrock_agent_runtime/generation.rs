//! What `RetrieveAndGenerate` asks, in Craton's own terms.

use std::collections::BTreeMap;

use aws_wire::generated::bedrock_agent_runtime::{
    ExternalSource, ExternalSourceType, ExternalSourcesRetrieveAndGenerateConfiguration, InferenceConfig,
    KnowledgeBaseRetrieveAndGenerateConfiguration, PerformanceConfigLatency, PerformanceConfiguration, PromptTemplate,
    RetrieveAndGenerateConfiguration, RetrieveAndGenerateRequest, RetrieveAndGenerateStreamRequest,
    RetrieveAndGenerateType, UserContext,
};
use base::{Error, Result};
use models::Sampling;
use orchestration::answers::{Ask, Document, Generation, Orchestration, Source, Unsupported, Writing};
use serde_json::Value;

use super::search::{refuse_guardrail, search};
use crate::bedrock_runtime::additional_fields;

/// What both operations take.
pub(super) struct Asked {
    text: String,
    configuration: Option<RetrieveAndGenerateConfiguration>,
    session: Option<String>,
    session_key: Option<String>,
    user: Option<UserContext>,
}

macro_rules! from_request {
    ($($request:ty),*) => {$(
        impl From<$request> for Asked {
            fn from(request: $request) -> Self {
                Self {
                    text: request.input.text,
                    configuration: request.retrieve_and_generate_configuration,
                    session: request.session_id,
                    session_key: request.session_configuration.map(|configuration| configuration.kms_key_arn),
                    user: request.user_context,
                }
            }
        }
    )*};
}

from_request!(RetrieveAndGenerateRequest, RetrieveAndGenerateStreamRequest);

impl Asked {
    /// # Errors
    /// Invalid, for a request that can never be answered; NotImplemented, naming what is not served.
    pub(super) fn decode(self) -> Result<Ask> {
        let missing = |what: &str| Error::invalid(format!("`{what}` is missing."));
        let configuration = self.configuration.ok_or_else(|| missing("retrieveAndGenerateConfiguration"))?;
        let (source, generation, orchestration) = match configuration.r#type {
            RetrieveAndGenerateType::KnowledgeBase => {
                let base = configuration.knowledge_base_configuration;
                from_knowledge_base(
                    base.ok_or_else(|| missing("knowledgeBaseConfiguration"))?,
                    self.text.clone(),
                    self.user,
                )?
            }
            RetrieveAndGenerateType::ExternalSources => {
                let external = configuration.external_sources_configuration;
                from_documents(external.ok_or_else(|| missing("externalSourcesConfiguration"))?)?
            }
        };
        Ok(Ask {
            text: self.text,
            source,
            generation: Some(generation),
            orchestration,
            session: self.session,
            session_key: self.session_key,
            unsupported: Unsupported::default(),
        })
    }
}

type Decoded = (Source, Generation, Option<Orchestration>);

fn from_knowledge_base(
    base: KnowledgeBaseRetrieveAndGenerateConfiguration,
    text: String,
    user: Option<UserContext>,
) -> Result<Decoded> {
    let generation = base.generation_configuration.unwrap_or_default();
    refuse_guardrail(generation.guardrail_configuration.as_ref())?;
    let writing = writing(
        generation.inference_config,
        generation.additional_model_request_fields,
        generation.performance_config,
    )?;
    let orchestration = base.orchestration_configuration.map(|wire| {
        Ok::<_, Error>(Orchestration {
            template: template(wire.prompt_template),
            decompose: wire.query_transformation_configuration.is_some(),
            writing: self::writing(
                wire.inference_config,
                wire.additional_model_request_fields,
                wire.performance_config,
            )?,
        })
    });
    let search = search(base.knowledge_base_id, text, base.retrieval_configuration, user)?;
    let generation = Generation { model: base.model_arn, template: template(generation.prompt_template), writing };
    Ok((Source::KnowledgeBase(search), generation, orchestration.transpose()?))
}

fn from_documents(external: ExternalSourcesRetrieveAndGenerateConfiguration) -> Result<Decoded> {
    let generation = external.generation_configuration.unwrap_or_default();
    refuse_guardrail(generation.guardrail_configuration.as_ref())?;
    let writing = writing(
        generation.inference_config,
        generation.additional_model_request_fields,
        generation.performance_config,
    )?;
    let source = external.sources.into_iter().next().ok_or_else(|| Error::invalid("`sources` is empty."))?;
    let generation = Generation { model: external.model_arn, template: template(generation.prompt_template), writing };
    Ok((Source::Document(document(source)?), generation, None))
}

fn document(source: ExternalSource) -> Result<Document> {
    let missing = |what: &str| Error::invalid(format!("`{what}` is missing."));
    match source.source_type {
        ExternalSourceType::S3 => {
            let location = source.s3_location.ok_or_else(|| missing("s3Location"))?;
            Ok(Document::S3 { uri: location.uri })
        }
        ExternalSourceType::ByteContent => {
            let content = source.byte_content.ok_or_else(|| missing("byteContent"))?;
            Ok(Document::Bytes { name: content.identifier, media_type: content.content_type, bytes: content.data.0 })
        }
    }
}

fn template(wire: Option<PromptTemplate>) -> Option<String> {
    wire.and_then(|template| template.text_prompt_template)
}

fn writing(
    inference: Option<InferenceConfig>,
    additional: Option<BTreeMap<String, Value>>,
    performance: Option<PerformanceConfiguration>,
) -> Result<Writing> {
    if performance.and_then(|performance| performance.latency) == Some(PerformanceConfigLatency::Optimized) {
        return Err(Error::invalid("Latency performance configuration is not supported for this model."));
    }
    let text = inference.and_then(|inference| inference.text_inference_config).unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "sampling parameters are single precision")]
    let mut sampling = Sampling {
        temperature: text.temperature.map(|temperature| temperature as f32),
        top_p: text.top_p.map(|share| share as f32),
        ..Sampling::default()
    };
    let serving = match additional {
        Some(fields) => additional_fields(&Value::Object(fields.into_iter().collect()), &mut sampling)?,
        None => models::Serving::default(),
    };
    let max_tokens = text.max_tokens.and_then(|tokens| u32::try_from(tokens).ok()).filter(|tokens| *tokens > 0);
    Ok(Writing { sampling, max_tokens, stop: text.stop_sequences.unwrap_or_default(), serving })
}
