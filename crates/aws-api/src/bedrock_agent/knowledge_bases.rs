//! `CreateKnowledgeBase`, `GetKnowledgeBase`, `ListKnowledgeBases`, `UpdateKnowledgeBase`, `DeleteKnowledgeBase`.

use aws_wire::generated::bedrock_agent::{
    CreateKnowledgeBaseRequest, CreateKnowledgeBaseResponse, DeleteKnowledgeBaseRequest, DeleteKnowledgeBaseResponse,
    EmbeddingDataType, GetKnowledgeBaseRequest, GetKnowledgeBaseResponse, KnowledgeBase as Shape,
    KnowledgeBaseConfiguration, KnowledgeBaseStatus, KnowledgeBaseSummary, KnowledgeBaseType,
    ListKnowledgeBasesRequest, ListKnowledgeBasesResponse, StorageConfiguration, UpdateKnowledgeBaseRequest,
    UpdateKnowledgeBaseResponse,
};
use base::{Error, Result};
use futures::future::FutureExt as _;
use identity::Ask;
use knowledge::{KnowledgeBase, KnowledgeBaseUpdate, NewKnowledgeBase, Tags};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{page, status};
use crate::body::full;
use crate::call::{Answer, Asked};
use crate::dispatch::AwsCall;

/// To make a knowledge base; to give it tags, too, where it has some.
pub(super) fn create_asks(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: CreateKnowledgeBaseRequest = call.decode()?;
        let tags: Tags = input.tags.unwrap_or_default().into_iter().collect();
        let mut asks = vec![Ask::new("bedrock:CreateKnowledgeBase", "*").request_tags(&tags)];
        if !tags.is_empty() {
            asks.push(Ask::new("bedrock:TagResource", "*").request_tags(&tags));
        }
        Ok(asks)
    }
    .boxed()
}

pub(super) async fn create(call: AwsCall) -> Answer {
    let input: CreateKnowledgeBaseRequest = call.decode()?;
    let (embedding_model, dimensions) = embedding(&input.knowledge_base_configuration)?;
    let new = NewKnowledgeBase {
        name: input.name,
        description: input.description,
        role_arn: input.role_arn,
        embedding_model,
        dimensions,
        configuration: value(&input.knowledge_base_configuration)?,
        storage: input.storage_configuration.as_ref().map(storage).transpose()?,
        tags: input.tags.unwrap_or_default().into_iter().collect(),
        request_token: input.client_token,
    };
    let made = call.api.knowledge().create_knowledge_base(&call.ctx, new).await?;
    Ok(call.encode(&CreateKnowledgeBaseResponse { knowledge_base: shape(made)? }).map(full))
}

pub(super) async fn get(call: AwsCall) -> Answer {
    let input: GetKnowledgeBaseRequest = call.decode()?;
    let found = call.api.knowledge().knowledge_base(&call.ctx, &input.knowledge_base_id).await?;
    Ok(call.encode(&GetKnowledgeBaseResponse { knowledge_base: shape(found)? }).map(full))
}

pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListKnowledgeBasesRequest = call.decode()?;
    let page = page(input.max_results, input.next_token.as_deref())?;
    let found = call.api.knowledge().knowledge_bases(&call.ctx, &page).await?;
    let summary = |base: KnowledgeBase| {
        Ok(KnowledgeBaseSummary {
            knowledge_base_id: base.id,
            name: base.name,
            description: base.description,
            status: status(KnowledgeBaseStatus::from_wire, base.status.as_str())?,
            updated_at: base.modified.into(),
        })
    };
    let output = ListKnowledgeBasesResponse {
        next_token: found.next_token(),
        knowledge_base_summaries: found.items.into_iter().map(summary).collect::<Result<_>>()?,
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn update(call: AwsCall) -> Answer {
    let input: UpdateKnowledgeBaseRequest = call.decode()?;
    if input.metadata_configurations.is_some() {
        return Err(Error::not_implemented("`metadataConfigurations` of a knowledge base is not implemented.")
            .with_hint("Leave it out: all metadata can be filtered by.")
            .into());
    }
    let update = KnowledgeBaseUpdate {
        name: input.name,
        description: input.description,
        role_arn: input.role_arn,
        configuration: value(&input.knowledge_base_configuration)?,
        storage: input.storage_configuration.as_ref().map(storage).transpose()?,
    };
    let base = call.api.knowledge().update_knowledge_base(&call.ctx, &input.knowledge_base_id, update).await?;
    Ok(call.encode(&UpdateKnowledgeBaseResponse { knowledge_base: shape(base)? }).map(full))
}

pub(super) async fn delete(call: AwsCall) -> Answer {
    let input: DeleteKnowledgeBaseRequest = call.decode()?;
    let gone = call.api.knowledge().delete_knowledge_base(&call.ctx, &input.knowledge_base_id).await?;
    let output = DeleteKnowledgeBaseResponse {
        knowledge_base_id: gone.id,
        status: status(KnowledgeBaseStatus::from_wire, gone.status.as_str())?,
    };
    Ok(call.encode(&output).map(full))
}

/// The members of a storage configuration by its type.
const STORES: [(&str, &str); 8] = [
    ("OPENSEARCH_SERVERLESS", "opensearchServerlessConfiguration"),
    ("OPENSEARCH_MANAGED_CLUSTER", "opensearchManagedClusterConfiguration"),
    ("PINECONE", "pineconeConfiguration"),
    ("REDIS_ENTERPRISE_CLOUD", "redisEnterpriseCloudConfiguration"),
    ("RDS", "rdsConfiguration"),
    ("MONGO_DB_ATLAS", "mongoDbAtlasConfiguration"),
    ("NEPTUNE_ANALYTICS", "neptuneAnalyticsConfiguration"),
    ("S3_VECTORS", "s3VectorsConfiguration"),
];

/// A storage configuration, which has the member of its type.
fn storage(configuration: &StorageConfiguration) -> Result<Value> {
    let configuration = value(configuration)?;
    let kind = configuration["type"].as_str().unwrap_or_default();
    match STORES.iter().find(|(name, _)| *name == kind) {
        Some((_, member)) if configuration.get(member).is_none() => {
            Err(Error::invalid(format!("`storageConfiguration.{member}` is missing.")).with_hint(format!(
                "A store of the type `{kind}` needs it; without `storageConfiguration` Craton keeps the vectors."
            )))
        }
        _ => Ok(configuration),
    }
}

/// The embedding model that a configuration names, and the length of vectors that it asks for.
fn embedding(configuration: &KnowledgeBaseConfiguration) -> Result<(String, Option<usize>)> {
    let kind = configuration.r#type.as_str();
    if configuration.r#type != KnowledgeBaseType::Vector {
        return Err(Error::not_implemented(format!("Knowledge bases of the type `{kind}` are not implemented."))
            .with_hint("Give the type `VECTOR` and `vectorKnowledgeBaseConfiguration`."));
    }
    let Some(vector) = &configuration.vector_knowledge_base_configuration else {
        return Err(Error::invalid("`vectorKnowledgeBaseConfiguration` is missing.")
            .with_hint("A knowledge base of the type `VECTOR` needs it."));
    };
    let refused =
        |what: &str| Error::not_implemented(format!("`{what}` is not implemented.")).with_hint("Leave it out.");
    if vector.supplemental_data_storage_configuration.is_some() {
        return Err(refused("supplementalDataStorageConfiguration"));
    }
    let settings = vector.embedding_model_configuration.as_ref();
    let Some(settings) = settings.and_then(|settings| settings.bedrock_embedding_model_configuration.as_ref()) else {
        return Ok((vector.embedding_model_arn.clone(), None));
    };
    if settings.audio.is_some() || settings.video.is_some() || settings.model_configuration.is_some() {
        return Err(refused("audio`, `video` or `modelConfiguration"));
    }
    if settings.embedding_data_type.as_ref().is_some_and(|kind| *kind != EmbeddingDataType::Float32) {
        return Err(Error::not_implemented("Binary vectors (`embeddingDataType`) are not implemented.")
            .with_hint("Give `FLOAT32`, or leave it out."));
    }
    let dimensions = settings.dimensions.and_then(|dimensions| usize::try_from(dimensions).ok());
    Ok((vector.embedding_model_arn.clone(), dimensions))
}

/// A structure as the domain keeps it to give it back.
fn value<T: Serialize>(shape: &T) -> Result<Value> {
    serde_json::to_value(shape).map_err(Error::internal)
}

fn given_back<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(Error::internal)
}

fn shape(base: KnowledgeBase) -> Result<Shape> {
    Ok(Shape {
        knowledge_base_id: base.id,
        name: base.name,
        knowledge_base_arn: base.arn,
        description: base.description,
        role_arn: base.role_arn,
        knowledge_base_configuration: given_back::<KnowledgeBaseConfiguration>(base.configuration)?,
        storage_configuration: base.storage.map(given_back::<StorageConfiguration>).transpose()?,
        status: status(KnowledgeBaseStatus::from_wire, base.status.as_str())?,
        created_at: base.created.into(),
        updated_at: base.modified.into(),
        failure_reasons: None,
        metadata_configurations: None,
    })
}
