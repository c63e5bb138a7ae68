//! `RetrieveAndGenerate` and `RetrieveAndGenerateStream`.

use aws_wire::generated::bedrock_agent_runtime::{
    CitationEvent, RetrieveAndGenerateOutput, RetrieveAndGenerateOutputEvent, RetrieveAndGenerateRequest,
    RetrieveAndGenerateResponse, RetrieveAndGenerateStreamRequest, RetrieveAndGenerateStreamResponse,
    RetrieveAndGenerateStreamResponseOutput,
};
use base::Error;
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _};
use http::{HeaderValue, Response};
use knowledge::Passage;
use orchestration::answers::{Answer as Given, AnswerEvent, AnswerStream, Voice};

use super::errors::{in_stream, wire};
use super::generation::Asked;
use super::shapes;
use crate::answered::Answered;
use crate::body::{full, streamed};
use crate::call::{Answer, WARNING, name_model};
use crate::dispatch::AwsCall;
use crate::observe;

/// What the header of warnings says where the passages speak in the model's place.
const UNSUPPORTED: &str =
    "unsupported; no sentence of the model's answer is said by a passage, the passages' own sentences answer";

/// Answers as a whole.
pub(super) async fn retrieve_and_generate(call: AwsCall) -> Answer {
    let ask = Asked::from(call.decode::<RetrieveAndGenerateRequest>()?).decode()?;
    let answer = call.api.answers().answer(&call.ctx, ask).await?.collect().await?;
    call.answered.note_usage(answer.usage);
    let output = RetrieveAndGenerateResponse {
        session_id: answer.session.clone(),
        output: RetrieveAndGenerateOutput { text: answer.text.clone() },
        citations: Some(shapes::citations(&answer)),
        guardrail_action: None,
    };
    let mut response = call.encode(&output).map(full);
    tell(&mut response, &answer);
    Ok(response)
}

/// Answers in events.
pub(super) async fn retrieve_and_generate_stream(call: AwsCall) -> Answer {
    let ask = Asked::from(call.decode::<RetrieveAndGenerateStreamRequest>()?).decode()?;
    let events = call.api.answers().answer(&call.ctx, ask).await?;
    let (session_id, served_by) = (events.session().to_owned(), events.served_by().cloned());
    let head = call.encode_stream_head(&RetrieveAndGenerateStreamResponse { session_id });
    let mut response = head.map(|()| streamed(encoded(events, call.answered.clone())));
    if let Some(served_by) = &served_by {
        name_model(&mut response, served_by);
    }
    Ok(response)
}

/// Says who speaks, where it is not plain.
fn tell(response: &mut Response<crate::body::ResponseBody>, answer: &Given) {
    if let Some(served_by) = &answer.served_by {
        name_model(response, served_by);
    }
    if answer.voice == Voice::PassagesInstead {
        response.headers_mut().insert(WARNING, HeaderValue::from_static(UNSUPPORTED));
    }
}

/// The events as frames; an error becomes one of the stream's exceptions and ends it.
fn encoded(events: AnswerStream, answered: Answered) -> impl Stream<Item = Bytes> + Send + 'static {
    let mut writer = Writer { passages: events.passages().to_vec(), text: String::new(), answered };
    events.flat_map(move |event| stream::iter(writer.frames(event)))
}

struct Writer {
    passages: Vec<Passage>,
    /// The text so far, in which citations count.
    text: String,
    answered: Answered,
}

impl Writer {
    fn frames(&mut self, event: Result<AnswerEvent, Error>) -> Vec<Bytes> {
        match event {
            Ok(AnswerEvent::Text(text)) => {
                self.text.push_str(&text);
                let output = RetrieveAndGenerateOutputEvent { text };
                vec![aws_wire::event(&RetrieveAndGenerateStreamResponseOutput::Output(output))]
            }
            Ok(AnswerEvent::Citation(citation)) => {
                vec![cited(shapes::citation(&citation, &self.text, &self.passages))]
            }
            Ok(AnswerEvent::Finished(answer)) => {
                self.answered.note_usage(answer.usage);
                match answer.voice {
                    Voice::Nobody => shapes::citations(&answer).into_iter().map(cited).collect(),
                    Voice::Model | Voice::Passages | Voice::PassagesInstead => Vec::new(),
                }
            }
            Err(error) => {
                observe::broke_off(wire(&error).code, &error);
                let (code, message) = in_stream(&error);
                vec![aws_wire::exception_event(code, &message)]
            }
        }
    }
}

/// A citation, in the members that clients read today and in the one that they read before.
fn cited(citation: aws_wire::generated::bedrock_agent_runtime::Citation) -> Bytes {
    let event = CitationEvent {
        generated_response_part: citation.generated_response_part.clone(),
        retrieved_references: citation.retrieved_references.clone(),
        citation: Some(citation),
    };
    aws_wire::event(&RetrieveAndGenerateStreamResponseOutput::Citation(event))
}
