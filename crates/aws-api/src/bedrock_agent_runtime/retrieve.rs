//! `Retrieve`.

use aws_wire::generated::bedrock_agent_runtime::{RetrieveRequest, RetrieveResponse};
use base::Error;

use super::search::{refuse_guardrail, search};
use super::shapes;
use crate::body::full;
use crate::call::{Answer, name_model};
use crate::dispatch::AwsCall;

pub(super) async fn retrieve(call: AwsCall) -> Answer {
    let input: RetrieveRequest = call.decode()?;
    refuse_guardrail(input.guardrail_configuration.as_ref())?;
    if input.retrieval_query.image.is_some() {
        return Err(
            Error::not_implemented("Retrieving by an image is not implemented (`retrievalQuery.image`).").into()
        );
    }
    let text = input.retrieval_query.text.filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| Error::invalid("The query is empty.").with_hint("Send `retrievalQuery.text`."))?;
    let mut search = search(input.knowledge_base_id, text, input.retrieval_configuration, input.user_context)?;
    search.retrieve.next = input.next_token;
    let found = call.api.answers().retrieve(&call.ctx, search).await?;
    if found.usage.input > 0 {
        call.answered.note_usage(found.usage);
    }
    let output = RetrieveResponse {
        retrieval_results: found.retrieved.passages.iter().map(shapes::result).collect(),
        next_token: found.retrieved.next,
        guardrail_action: None,
    };
    let mut response = call.encode(&output).map(full);
    if let Some(ranked_by) = &found.ranked_by {
        name_model(&mut response, ranked_by);
    }
    Ok(response)
}
