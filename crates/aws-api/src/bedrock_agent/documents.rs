//! `IngestKnowledgeBaseDocuments`, `GetKnowledgeBaseDocuments`, `ListKnowledgeBaseDocuments`, `DeleteKnowledgeBaseDocuments`.

use aws_wire::generated::bedrock_agent::{
    AccessControlAccess, ContentDataSourceType, CustomDocumentIdentifier, CustomSourceType,
    DeleteKnowledgeBaseDocumentsRequest, DeleteKnowledgeBaseDocumentsResponse, DocumentAccessControlEntry,
    DocumentContent, DocumentIdentifier, DocumentMetadata, DocumentStatus, GetKnowledgeBaseDocumentsRequest,
    GetKnowledgeBaseDocumentsResponse, IngestKnowledgeBaseDocumentsRequest, IngestKnowledgeBaseDocumentsResponse,
    InlineContentType, KnowledgeBaseDocument, KnowledgeBaseDocumentDetail, ListKnowledgeBaseDocumentsRequest,
    ListKnowledgeBaseDocumentsResponse, MetadataAttribute, MetadataSourceType, MetadataValueType, S3Location,
};
use base::{Error, Result};
use knowledge::{AclEntry, CustomBody, DocumentDetail, Location, NewContent, NewDocument, NewMetadata};
use search::Value;

use super::{page, status};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn ingest(call: AwsCall) -> Answer {
    let input: IngestKnowledgeBaseDocumentsRequest = call.decode()?;
    let documents = input.documents.into_iter().map(document).collect::<Result<_>>()?;
    let (base, source, token) = (&input.knowledge_base_id, &input.data_source_id, input.client_token.as_deref());
    let details = call.api.knowledge().ingest_documents(&call.ctx, base, source, documents, token).await?;
    let details = Some(details.into_iter().map(detail).collect::<Result<_>>()?);
    Ok(call.encode(&IngestKnowledgeBaseDocumentsResponse { document_details: details }).map(full))
}

pub(super) async fn get(call: AwsCall) -> Answer {
    let input: GetKnowledgeBaseDocumentsRequest = call.decode()?;
    let locations = input.document_identifiers.into_iter().map(location).collect::<Result<_>>()?;
    let (base, source) = (&input.knowledge_base_id, &input.data_source_id);
    let details = call.api.knowledge().documents(&call.ctx, base, source, locations).await?;
    let details = Some(details.into_iter().map(detail).collect::<Result<_>>()?);
    Ok(call.encode(&GetKnowledgeBaseDocumentsResponse { document_details: details }).map(full))
}

pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListKnowledgeBaseDocumentsRequest = call.decode()?;
    let page = page(input.max_results, input.next_token.as_deref())?;
    let (base, source) = (&input.knowledge_base_id, &input.data_source_id);
    let found = call.api.knowledge().list_documents(&call.ctx, base, source, &page).await?;
    let output = ListKnowledgeBaseDocumentsResponse {
        next_token: found.next_token(),
        document_details: found.items.into_iter().map(detail).collect::<Result<_>>()?,
    };
    Ok(call.encode(&output).map(full))
}

pub(super) async fn delete(call: AwsCall) -> Answer {
    let input: DeleteKnowledgeBaseDocumentsRequest = call.decode()?;
    let locations = input.document_identifiers.into_iter().map(location).collect::<Result<_>>()?;
    let (base, source, token) = (&input.knowledge_base_id, &input.data_source_id, input.client_token.as_deref());
    let details = call.api.knowledge().delete_documents(&call.ctx, base, source, locations, token).await?;
    let details = Some(details.into_iter().map(detail).collect::<Result<_>>()?);
    Ok(call.encode(&DeleteKnowledgeBaseDocumentsResponse { document_details: details }).map(full))
}

fn missing(member: &str) -> Error {
    Error::invalid(format!("`{member}` is missing.")).with_hint("What is said of the document's type needs it.")
}

fn document(document: KnowledgeBaseDocument) -> Result<NewDocument> {
    let (metadata, acl) = match document.metadata {
        Some(metadata) => said(metadata)?,
        None => (None, None),
    };
    Ok(NewDocument { content: content(document.content)?, metadata, acl })
}

fn content(content: DocumentContent) -> Result<NewContent> {
    if content.data_source_type == ContentDataSourceType::S3 {
        let uri = content.s3.ok_or_else(|| missing("s3"))?.s3_location.uri;
        return Ok(NewContent::S3 { uri });
    }
    let custom = content.custom.ok_or_else(|| missing("custom"))?;
    let id = custom.custom_document_identifier.id;
    if custom.source_type == CustomSourceType::S3Location {
        let place = custom.s3_location.ok_or_else(|| missing("s3Location"))?;
        let body = CustomBody::S3 { uri: place.uri, owner: place.bucket_owner_account_id };
        return Ok(NewContent::Custom { id, body });
    }
    let inline = custom.inline_content.ok_or_else(|| missing("inlineContent"))?;
    let body = match inline.r#type {
        InlineContentType::Text => CustomBody::Text(inline.text_content.ok_or_else(|| missing("textContent"))?.data),
        _ => {
            let bytes = inline.byte_content.ok_or_else(|| missing("byteContent"))?;
            CustomBody::Bytes { media_type: bytes.mime_type, data: bytes.data.0.to_vec() }
        }
    };
    Ok(NewContent::Custom { id, body })
}

fn said(metadata: DocumentMetadata) -> Result<(Option<NewMetadata>, Option<Vec<AclEntry>>)> {
    let new = match metadata.r#type {
        MetadataSourceType::S3Location => {
            let place = metadata.s3_location.ok_or_else(|| missing("s3Location"))?;
            Some(NewMetadata::S3 { uri: place.uri, owner: place.bucket_owner_account_id })
        }
        _ => match metadata.inline_attributes {
            Some(attributes) => {
                Some(NewMetadata::Inline(attributes.into_iter().map(attribute).collect::<Result<_>>()?))
            }
            None => None,
        },
    };
    let entry = |entry: DocumentAccessControlEntry| AclEntry {
        name: entry.name,
        group: false,
        allow: entry.access == AccessControlAccess::Allow,
    };
    Ok((new, metadata.access_control_list.map(|entries| entries.into_iter().map(entry).collect())))
}

fn attribute(attribute: MetadataAttribute) -> Result<(String, Value)> {
    let (name, value) = (attribute.key, attribute.value);
    let absent = |member: &str| Error::invalid(format!("`{member}` of the metadata attribute `{name}` is missing."));
    let value = match value.r#type {
        MetadataValueType::Boolean => Value::Boolean(value.boolean_value.ok_or_else(|| absent("booleanValue"))?),
        MetadataValueType::Number => Value::Number(value.number_value.ok_or_else(|| absent("numberValue"))?),
        MetadataValueType::StringList => {
            Value::TextList(value.string_list_value.ok_or_else(|| absent("stringListValue"))?)
        }
        _ => Value::Text(value.string_value.ok_or_else(|| absent("stringValue"))?),
    };
    Ok((name, value))
}

fn location(identifier: DocumentIdentifier) -> Result<Location> {
    match identifier.data_source_type {
        ContentDataSourceType::S3 => Ok(Location::S3 { uri: identifier.s3.ok_or_else(|| missing("s3"))?.uri }),
        _ => Ok(Location::Custom { id: identifier.custom.ok_or_else(|| missing("custom"))?.id }),
    }
}

fn detail(detail: DocumentDetail) -> Result<KnowledgeBaseDocumentDetail> {
    let (kind, s3, custom) = match detail.location {
        Location::S3 { uri } => (ContentDataSourceType::S3, Some(S3Location { uri }), None),
        Location::Custom { id } => (ContentDataSourceType::Custom, None, Some(CustomDocumentIdentifier { id })),
    };
    Ok(KnowledgeBaseDocumentDetail {
        knowledge_base_id: detail.knowledge_base,
        data_source_id: detail.data_source,
        status: status(DocumentStatus::from_wire, detail.status.as_str())?,
        identifier: DocumentIdentifier { data_source_type: kind, s3, custom },
        status_reason: detail.reason,
        updated_at: Some(detail.modified.into()),
    })
}
