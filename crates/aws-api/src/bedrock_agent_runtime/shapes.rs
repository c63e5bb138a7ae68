//! Passages and citations on the wire.
//!
//! Places are told in characters (Unicode scalar values), and a span's end is that of its last character: of two published
//! answers of the service whose parts have 320 and 223 characters from 0 on, the spans end at 319 and 222.

use std::collections::BTreeMap;
use std::ops::Range;

use aws_wire::generated::bedrock_agent_runtime as wire;
use knowledge::{Location, Passage};
use orchestration::answers::{Answer, Citation, Voice};
use serde_json::Value as Json;

use super::filters::json;

/// A passage that was retrieved.
pub(super) fn result(passage: &Passage) -> wire::KnowledgeBaseRetrievalResult {
    wire::KnowledgeBaseRetrievalResult {
        content: content(passage),
        document_id: Some(passage.document.clone()),
        location: Some(location(passage)),
        metadata: metadata(passage),
        score: Some(passage.score),
    }
}

/// The citations of a whole answer. One that nothing supports is one part without a reference.
pub(super) fn citations(answer: &Answer) -> Vec<wire::Citation> {
    if answer.voice == Voice::Nobody {
        let part = part(&answer.text, &(0..answer.text.len()));
        return vec![wire::Citation { generated_response_part: Some(part), retrieved_references: Some(Vec::new()) }];
    }
    answer.citations.iter().map(|one| citation(one, &answer.text, &answer.passages)).collect()
}

/// A citation of an answer whose text this is so far.
pub(super) fn citation(citation: &Citation, text: &str, passages: &[Passage]) -> wire::Citation {
    let cited = citation.references.iter().filter_map(|reference| passages.get(reference.passage));
    wire::Citation {
        generated_response_part: Some(part(text, &citation.span)),
        retrieved_references: Some(cited.map(reference).collect()),
    }
}

/// A place in characters, both ends of which belong to it.
pub(crate) fn characters(text: &str, span: &Range<usize>) -> (usize, usize) {
    let start = text[..span.start].chars().count();
    let length = text[span.clone()].chars().count();
    (start, (start + length).saturating_sub(1).max(start))
}

/// The metadata of a passage as JSON.
pub(crate) fn metadata(passage: &Passage) -> Option<BTreeMap<String, Json>> {
    let metadata: BTreeMap<String, Json> =
        passage.metadata.iter().map(|(name, value)| (name.clone(), json(value))).collect();
    (!metadata.is_empty()).then_some(metadata)
}

/// Where a passage comes from.
pub(crate) fn location(passage: &Passage) -> wire::RetrievalResultLocation {
    let mut location = wire::RetrievalResultLocation {
        r#type: wire::RetrievalResultLocationType::S3,
        confluence_location: None,
        custom_document_location: None,
        google_drive_location: None,
        kendra_document_location: None,
        one_drive_location: None,
        s3_location: None,
        salesforce_location: None,
        share_point_location: None,
        sql_location: None,
        web_location: None,
    };
    match &passage.location {
        Location::S3 { uri } => {
            location.s3_location = Some(wire::RetrievalResultS3Location { uri: Some(uri.clone()) });
        }
        Location::Custom { id } => {
            location.r#type = wire::RetrievalResultLocationType::Custom;
            let custom = wire::RetrievalResultCustomDocumentLocation { id: Some(id.clone()) };
            location.custom_document_location = Some(custom);
        }
    }
    location
}

fn reference(passage: &Passage) -> wire::RetrievedReference {
    wire::RetrievedReference {
        content: Some(content(passage)),
        location: Some(location(passage)),
        metadata: metadata(passage),
    }
}

fn content(passage: &Passage) -> wire::RetrievalResultContent {
    wire::RetrievalResultContent {
        r#type: Some(wire::RetrievalResultContentType::Text),
        text: Some(passage.text.clone()),
        ..wire::RetrievalResultContent::default()
    }
}

fn part(text: &str, span: &Range<usize>) -> wire::GeneratedResponsePart {
    let (start, end) = characters(text, span);
    let count = |at: usize| i32::try_from(at).ok();
    wire::GeneratedResponsePart {
        text_response_part: Some(wire::TextResponsePart {
            text: Some(text[span.clone()].to_owned()),
            span: Some(wire::Span { start: count(start), end: count(end) }),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_in_characters_with_their_last_one() {
        let text = "für 5 € 𝄞 da";
        let euro = text.find('€').unwrap();
        assert_eq!(characters(text, &(euro..euro + 3)), (6, 6));
        let all = characters(text, &(0..text.len()));
        assert_eq!(all, (0, text.chars().count() - 1));
        let clef = text.find('𝄞').unwrap();
        assert_eq!(characters(text, &(clef..text.len())), (8, 11));
    }
}
