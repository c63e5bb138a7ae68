//! `CreateDataSource`, `GetDataSource`, `ListDataSources`, `UpdateDataSource`, `DeleteDataSource`.

use aws_wire::generated::bedrock_agent::{
    ChunkingConfiguration, ChunkingStrategy, CreateDataSourceRequest, CreateDataSourceResponse, DataDeletionPolicy,
    DataSource as Shape, DataSourceConfiguration, DataSourceStatus, DataSourceSummary, DataSourceType,
    DeleteDataSourceRequest, DeleteDataSourceResponse, FixedSizeChunkingConfiguration, GetDataSourceRequest,
    GetDataSourceResponse, HierarchicalChunkingConfiguration, HierarchicalChunkingLevelConfiguration,
    ListDataSourcesRequest, ListDataSourcesResponse, S3DataSourceConfiguration, SemanticChunkingConfiguration,
    ServerSideEncryptionConfiguration, UpdateDataSourceRequest, UpdateDataSourceResponse, VectorIngestionConfiguration,
};
use base::{Error, Result};
use knowledge::{Chunking, DataSource, DeletionPolicy, NewDataSource, Origin};

use super::{page, status};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn create(call: AwsCall) -> Answer {
    let input: CreateDataSourceRequest = call.decode()?;
    let new = NewDataSource {
        name: input.name,
        description: input.description,
        origin: origin(input.data_source_configuration)?,
        chunking: chunking(input.vector_ingestion_configuration)?,
        deletion: deletion(input.data_deletion_policy),
        request_token: input.client_token,
    };
    own_key(input.server_side_encryption_configuration)?;
    let made = call.api.knowledge().create_data_source(&call.ctx, &input.knowledge_base_id, new).await?;
    Ok(call.encode(&CreateDataSourceResponse { data_source: shape(made)? }).map(full))
}

pub(super) async fn get(call: AwsCall) -> Answer {
    let input: GetDataSourceRequest = call.decode()?;
    let (base, id) = (&input.knowledge_base_id, &input.data_source_id);
    let found = call.api.knowledge().data_source(&call.ctx, base, id).await?;
    Ok(call.encode(&GetDataSourceResponse { data_source: shape(found)? }).map(full))
}

pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListDataSourcesRequest = call.decode()?;
    let page = page(input.max_results, input.next_token.as_deref())?;
    let found = call.api.knowledge().data_sources(&call.ctx, &input.knowledge_base_id, &page).await?;
    let summary = |source: DataSource| {
        Ok(DataSourceSummary {
            knowledge_base_id: source.knowledge_base,
            data_source_id: source.id,
            name: source.name,
            status: status(DataSourceStatus::from_wire, source.status.as_str())?,
            description: source.description,
            updated_at: source.modified.into(),
        })
    };
    let output = ListDataSourcesResponse {
        next_token: found.next_token(),
        data_source_summaries: found.items.into_iter().map(summary).collect::<Result<_>>()?,
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn update(call: AwsCall) -> Answer {
    let input: UpdateDataSourceRequest = call.decode()?;
    let update = NewDataSource {
        name: input.name,
        description: input.description,
        origin: origin(input.data_source_configuration)?,
        chunking: chunking(input.vector_ingestion_configuration)?,
        deletion: deletion(input.data_deletion_policy),
        request_token: None,
    };
    own_key(input.server_side_encryption_configuration)?;
    let (base, id) = (&input.knowledge_base_id, &input.data_source_id);
    let source = call.api.knowledge().update_data_source(&call.ctx, base, id, update).await?;
    Ok(call.encode(&UpdateDataSourceResponse { data_source: shape(source)? }).map(full))
}

pub(super) async fn delete(call: AwsCall) -> Answer {
    let input: DeleteDataSourceRequest = call.decode()?;
    let (base, id) = (&input.knowledge_base_id, &input.data_source_id);
    let gone = call.api.knowledge().delete_data_source(&call.ctx, base, id).await?;
    let output = DeleteDataSourceResponse {
        knowledge_base_id: gone.knowledge_base,
        data_source_id: gone.id,
        status: status(DataSourceStatus::from_wire, gone.status.as_str())?,
    };
    Ok(call.encode(&output).map(full))
}

fn not_implemented(what: &str, hint: &str) -> Error {
    Error::not_implemented(format!("{what} is not implemented.")).with_hint(hint)
}

/// # Errors
/// NotImplemented, for a key of the customer's own: what is ingested is not encrypted under it.
fn own_key(configuration: Option<ServerSideEncryptionConfiguration>) -> Result<()> {
    match configuration.and_then(|configuration| configuration.kms_key_arn) {
        Some(_) => Err(not_implemented(
            "Encryption of a data source under a key of your own (`kmsKeyArn`)",
            "Leave `serverSideEncryptionConfiguration` out, and keep the data folder on an encrypted disk.",
        )),
        None => Ok(()),
    }
}

fn origin(configuration: DataSourceConfiguration) -> Result<Origin> {
    match (configuration.r#type, configuration.s3_configuration) {
        (DataSourceType::S3, Some(s3)) => Ok(Origin::S3 {
            bucket_arn: s3.bucket_arn,
            prefixes: s3.inclusion_prefixes.unwrap_or_default(),
            owner: s3.bucket_owner_account_id,
        }),
        (DataSourceType::S3, None) => {
            Err(Error::invalid("`s3Configuration` is missing.").with_hint("A data source of the type `S3` needs it."))
        }
        (DataSourceType::Custom, _) => Ok(Origin::Custom),
        (other, _) => {
            let what = format!("A data source of the type `{}`", other.as_str());
            Err(not_implemented(&what, "Give the type `S3` or `CUSTOM`."))
        }
    }
}

fn deletion(policy: Option<DataDeletionPolicy>) -> DeletionPolicy {
    match policy {
        Some(DataDeletionPolicy::Retain) => DeletionPolicy::Retain,
        _ => DeletionPolicy::Delete,
    }
}

fn chunking(configuration: Option<VectorIngestionConfiguration>) -> Result<Option<Chunking>> {
    let Some(configuration) = configuration else { return Ok(None) };
    if configuration.custom_transformation_configuration.is_some() {
        let hint = "Cut the documents before they are ingested, and give the chunking strategy `NONE`.";
        return Err(not_implemented(
            "A transformation by a Lambda function (`customTransformationConfiguration`)",
            hint,
        ));
    }
    if let Some(parsing) = &configuration.parsing_configuration {
        let what = format!("The parsing strategy `{}`", parsing.parsing_strategy.as_str());
        return Err(not_implemented(&what, "Leave `parsingConfiguration` out: documents are read without a model."));
    }
    if configuration.context_enrichment_configuration.is_some() {
        return Err(not_implemented("`contextEnrichmentConfiguration`", "Leave it out."));
    }
    configuration.chunking_configuration.map(strategy).transpose()
}

fn strategy(configuration: ChunkingConfiguration) -> Result<Chunking> {
    let missing =
        |member: &str| Error::invalid(format!("`{member}` is missing.")).with_hint("The chunking strategy needs it.");
    let count = |value: i32| usize::try_from(value).map_err(Error::internal);
    match configuration.chunking_strategy {
        ChunkingStrategy::None => Ok(Chunking::None),
        ChunkingStrategy::FixedSize => {
            let fixed = configuration.fixed_size_chunking_configuration;
            let fixed = fixed.ok_or_else(|| missing("fixedSizeChunkingConfiguration"))?;
            Ok(Chunking::Fixed {
                max_tokens: count(fixed.max_tokens)?,
                overlap_percentage: count(fixed.overlap_percentage)?,
            })
        }
        ChunkingStrategy::Hierarchical => {
            let levels = configuration.hierarchical_chunking_configuration;
            let levels = levels.ok_or_else(|| missing("hierarchicalChunkingConfiguration"))?;
            let [parent, child] = levels.level_configurations.as_slice() else {
                return Err(Error::invalid("`levelConfigurations` has not two levels."));
            };
            Ok(Chunking::Hierarchical {
                parent_tokens: count(parent.max_tokens)?,
                child_tokens: count(child.max_tokens)?,
                overlap_tokens: count(levels.overlap_tokens)?,
            })
        }
        ChunkingStrategy::Semantic => {
            let semantic = configuration.semantic_chunking_configuration;
            let semantic = semantic.ok_or_else(|| missing("semanticChunkingConfiguration"))?;
            Ok(Chunking::Semantic {
                max_tokens: count(semantic.max_tokens)?,
                buffer_size: count(semantic.buffer_size)?,
                breakpoint_percentile: u32::try_from(semantic.breakpoint_percentile_threshold)
                    .map_err(Error::internal)?,
            })
        }
    }
}

fn shape(source: DataSource) -> Result<Shape> {
    let (kind, s3_configuration) = match source.origin {
        Origin::S3 { bucket_arn, prefixes, owner } => {
            let inclusion_prefixes = Some(prefixes).filter(|prefixes| !prefixes.is_empty());
            let s3 = S3DataSourceConfiguration { bucket_arn, inclusion_prefixes, bucket_owner_account_id: owner };
            (DataSourceType::S3, Some(s3))
        }
        Origin::Custom => (DataSourceType::Custom, None),
    };
    let chunking_configuration = source.chunking.map(chunking_shape).transpose()?;
    Ok(Shape {
        knowledge_base_id: source.knowledge_base,
        data_source_id: source.id,
        name: source.name,
        status: status(DataSourceStatus::from_wire, source.status.as_str())?,
        description: source.description,
        data_source_configuration: DataSourceConfiguration {
            r#type: kind,
            s3_configuration,
            managed_knowledge_base_connector_configuration: None,
            web_configuration: None,
            confluence_configuration: None,
            salesforce_configuration: None,
            share_point_configuration: None,
        },
        server_side_encryption_configuration: None,
        vector_ingestion_configuration: chunking_configuration.map(|chunking| VectorIngestionConfiguration {
            chunking_configuration: Some(chunking),
            ..VectorIngestionConfiguration::default()
        }),
        data_deletion_policy: DataDeletionPolicy::from_wire(source.deletion.as_str()),
        created_at: source.created.into(),
        updated_at: source.modified.into(),
        failure_reasons: None,
    })
}

fn chunking_shape(chunking: Chunking) -> Result<ChunkingConfiguration> {
    let count = |value: usize| i32::try_from(value).map_err(Error::internal);
    let strategy = |chunking_strategy| ChunkingConfiguration {
        chunking_strategy,
        fixed_size_chunking_configuration: None,
        hierarchical_chunking_configuration: None,
        semantic_chunking_configuration: None,
    };
    Ok(match chunking {
        Chunking::None => strategy(ChunkingStrategy::None),
        Chunking::Fixed { max_tokens, overlap_percentage } => ChunkingConfiguration {
            fixed_size_chunking_configuration: Some(FixedSizeChunkingConfiguration {
                max_tokens: count(max_tokens)?,
                overlap_percentage: count(overlap_percentage)?,
            }),
            ..strategy(ChunkingStrategy::FixedSize)
        },
        Chunking::Hierarchical { parent_tokens, child_tokens, overlap_tokens } => {
            let level = |tokens| count(tokens).map(|max_tokens| HierarchicalChunkingLevelConfiguration { max_tokens });
            ChunkingConfiguration {
                hierarchical_chunking_configuration: Some(HierarchicalChunkingConfiguration {
                    level_configurations: vec![level(parent_tokens)?, level(child_tokens)?],
                    overlap_tokens: count(overlap_tokens)?,
                }),
                ..strategy(ChunkingStrategy::Hierarchical)
            }
        }
        Chunking::Semantic { max_tokens, buffer_size, breakpoint_percentile } => ChunkingConfiguration {
            semantic_chunking_configuration: Some(SemanticChunkingConfiguration {
                max_tokens: count(max_tokens)?,
                buffer_size: count(buffer_size)?,
                breakpoint_percentile_threshold: i32::try_from(breakpoint_percentile).map_err(Error::internal)?,
            }),
            ..strategy(ChunkingStrategy::Semantic)
        },
    })
}
