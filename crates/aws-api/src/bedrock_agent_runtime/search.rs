//! The configuration of a search.

use aws_wire::generated::bedrock_agent_runtime::{
    AttributeType, GuardrailConfiguration, ImplicitFilterConfiguration, KnowledgeBaseRetrievalConfiguration,
    MetadataConfigurationForReranking, RerankingMetadataSelectionMode, RerankingMetadataSelectiveModeConfiguration,
    SearchType as WireSearch, UserContext, VectorSearchBedrockRerankingConfiguration,
};
use base::{Error, Result};
use knowledge::{Retrieve, SearchType};
use orchestration::answers::{Attribute, AttributeKind, ImplicitFilter, RerankMetadata, Reranking, Search};

use super::filters::filter;

/// The search that a configuration describes.
///
/// # Errors
/// Invalid, for a filter that cannot be; NotImplemented, naming what is not served.
pub(super) fn search(
    knowledge_base: String,
    text: String,
    configuration: Option<KnowledgeBaseRetrievalConfiguration>,
    user: Option<UserContext>,
) -> Result<Search> {
    let configuration = configuration.unwrap_or_default();
    if configuration.managed_search_configuration.is_some() {
        return Err(Error::not_implemented("Managed search is not implemented (`managedSearchConfiguration`).")
            .with_hint("Use `vectorSearchConfiguration`."));
    }
    let vector = configuration.vector_search_configuration.unwrap_or_default();
    let mut retrieve = Retrieve::new(knowledge_base, text);
    if let Some(results) = vector.number_of_results {
        retrieve.results = usize::try_from(results).unwrap_or(1);
    }
    retrieve.search = vector.override_search_type.map(|wanted| match wanted {
        WireSearch::Semantic => SearchType::Semantic,
        WireSearch::Hybrid => SearchType::Hybrid,
    });
    retrieve.filter = vector.filter.map(filter).transpose()?;
    retrieve.user = user.map(|user| user.user_id).filter(|id| !id.is_empty());
    let reranking = vector.reranking_configuration.map(|reranking| {
        let missing = || Error::invalid("`bedrockRerankingConfiguration` is missing.");
        reranking.bedrock_reranking_configuration.ok_or_else(missing).and_then(reranked)
    });
    Ok(Search {
        retrieve,
        reranking: reranking.transpose()?,
        implicit_filter: vector.implicit_filter_configuration.map(implicit),
    })
}

/// # Errors
/// NotImplemented, where a guardrail is asked for.
pub(super) fn refuse_guardrail(guardrail: Option<&GuardrailConfiguration>) -> Result<()> {
    match guardrail {
        Some(guardrail) => {
            Err(Error::not_implemented(format!("Guardrails are not implemented (`{}`).", guardrail.guardrail_id))
                .with_hint("Send the request without a guardrail."))
        }
        None => Ok(()),
    }
}

fn reranked(wire: VectorSearchBedrockRerankingConfiguration) -> Result<Reranking> {
    let fields = wire.model_configuration.additional_model_request_fields.unwrap_or_default();
    refuse_fields(fields.keys().next().map(String::as_str))?;
    Ok(Reranking {
        model: wire.model_configuration.model_arn,
        results: wire.number_of_reranked_results.and_then(|results| usize::try_from(results).ok()),
        metadata: wire.metadata_configuration.map_or(RerankMetadata::None, metadata),
    })
}

/// # Errors
/// Invalid, where a reranking model is given a field.
pub(super) fn refuse_fields(first: Option<&str>) -> Result<()> {
    match first {
        Some(field) => Err(Error::invalid(format!("The reranking model takes no additional field `{field}`."))
            .with_hint("Leave `additionalModelRequestFields` out.")),
        None => Ok(()),
    }
}

fn metadata(wire: MetadataConfigurationForReranking) -> RerankMetadata {
    let names = |fields: Vec<aws_wire::generated::bedrock_agent_runtime::FieldForReranking>| {
        fields.into_iter().map(|field| field.field_name).collect()
    };
    match (wire.selection_mode, wire.selective_mode_configuration) {
        (RerankingMetadataSelectionMode::All, _) => RerankMetadata::All,
        (_, Some(RerankingMetadataSelectiveModeConfiguration::FieldsToInclude(fields))) => {
            RerankMetadata::Only(names(fields))
        }
        (_, Some(RerankingMetadataSelectiveModeConfiguration::FieldsToExclude(fields))) => {
            RerankMetadata::Without(names(fields))
        }
        (_, None) => RerankMetadata::None,
    }
}

fn implicit(wire: ImplicitFilterConfiguration) -> ImplicitFilter {
    let kind = |kind: AttributeType| match kind {
        AttributeType::Number => AttributeKind::Number,
        AttributeType::Boolean => AttributeKind::Boolean,
        AttributeType::StringList => AttributeKind::TextList,
        AttributeType::String => AttributeKind::Text,
    };
    let attribute = |wire: aws_wire::generated::bedrock_agent_runtime::MetadataAttributeSchema| Attribute {
        key: wire.key,
        kind: kind(wire.r#type),
        description: wire.description,
    };
    ImplicitFilter { model: wire.model_arn, attributes: wire.metadata_attributes.into_iter().map(attribute).collect() }
}
