//! Event streams.

use aws_wire::generated::bedrock_runtime::ConversationRole;
use aws_wire::generated::bedrock_runtime::{
    ContentBlockDelta, ContentBlockDeltaEvent, ConverseStreamOutput, MessageStartEvent, PayloadPart, ResponseStream,
};
use aws_wire::{Blob, EventReader, Received, event, exception_event};
use proptest::prelude::*;
use serde_json::json;

fn read_all(bytes: &[u8]) -> Vec<Received> {
    let mut reader = EventReader::new();
    reader.push(bytes);
    let mut events = Vec::new();
    while let Some(event) = reader.read().unwrap() {
        events.push(event);
    }
    assert!(!reader.incomplete());
    events
}

fn named(name: &str, body: serde_json::Value) -> Received {
    Received::Event { name: name.to_owned(), body }
}

#[test]
fn events_carry_their_name_and_json() {
    let start = event(&ConverseStreamOutput::MessageStart(MessageStartEvent { role: ConversationRole::Assistant }));
    assert_eq!(read_all(&start), [named("messageStart", json!({ "role": "assistant" }))]);
}

#[test]
fn frames_have_the_documented_layout() {
    let frame = event(&ConverseStreamOutput::MessageStart(MessageStartEvent { role: ConversationRole::Assistant }));
    let total = u32::from_be_bytes(frame[..4].try_into().unwrap());
    assert_eq!(total as usize, frame.len());
    let text = String::from_utf8_lossy(&frame);
    for header in [
        ":event-type\u{7}\0\u{c}messageStart",
        ":content-type\u{7}\0\u{10}application/json",
        ":message-type\u{7}\0\u{5}event",
    ] {
        assert!(text.contains(header), "{text:?}");
    }
}

#[test]
fn bytes_travel_as_base64() {
    let chunk = event(&ResponseStream::Chunk(PayloadPart { bytes: Some(Blob::from(&b"{}"[..])) }));
    assert_eq!(read_all(&chunk), [named("chunk", json!({ "bytes": "e30=" }))]);
}

#[test]
fn an_exception_ends_the_stream_by_its_member_name() {
    let frame = exception_event("ThrottlingException", "Slow down.");
    let expected = Received::Exception { name: "throttlingException".to_owned(), message: "Slow down.".to_owned() };
    assert_eq!(read_all(&frame), [expected]);
}

#[test]
fn a_cut_stream_is_noticed() {
    let frame = exception_event("ThrottlingException", "Slow down.");
    let mut reader = EventReader::new();
    reader.push(&frame[..frame.len() - 1]);
    assert_eq!(reader.read().unwrap(), None);
    assert!(reader.incomplete());
}

fn delta(text: String) -> ConverseStreamOutput {
    ConverseStreamOutput::ContentBlockDelta(ContentBlockDeltaEvent {
        delta: ContentBlockDelta::Text(text),
        content_block_index: 0,
    })
}

proptest! {
    #[test]
    fn any_text_survives_any_split(texts in prop::collection::vec(".{0,40}", 1..5), step in 1_usize..50) {
        let stream: Vec<u8> = texts.iter().flat_map(|text| event(&delta(text.clone()))).collect();
        let mut reader = EventReader::new();
        let mut found = Vec::new();
        for piece in stream.chunks(step) {
            reader.push(piece);
            while let Some(event) = reader.read().unwrap() {
                found.push(event);
            }
        }
        let body = |text| json!({ "delta": { "text": text }, "contentBlockIndex": 0 });
        let expected: Vec<Received> = texts.iter().map(|text| named("contentBlockDelta", body(text))).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_damaged_frame_is_refused(at in 0_usize..60, bit in 0_u8..8) {
        let mut frame = exception_event("ThrottlingException", "Slow down.").to_vec();
        // Damage to the length alone may leave the reader waiting; everything else must be an error.
        let at = 4 + at % (frame.len() - 4);
        frame[at] ^= 1 << bit;
        let mut reader = EventReader::new();
        reader.push(&frame);
        prop_assert!(reader.read().is_err());
    }
}
