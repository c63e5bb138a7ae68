//! What the operations on imports and batches ask of their caller's policies: on the ARNs of what is named, with its tags.

use aws_wire::generated::bedrock::{
    CreateModelImportJobRequest, CreateModelInvocationJobRequest, ListTagsForResourceRequest, TagResourceRequest,
    UntagResourceRequest,
};
use base::{Arn, ErrorKind};
use futures::future::FutureExt as _;
use identity::{Ask, Ctx};

use super::tags::pairs;
use crate::bedrock_runtime;
use crate::call::Asked;
use crate::dispatch::AwsCall;

/// To start an import; to give tags, too, where it does. Each list of tags is asked about by itself: in one request a tag
/// of the model would stand in for the job's of the same key.
pub(super) fn create(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: CreateModelImportJobRequest = call.decode()?;
        let lists = [("model-import-job", pairs(input.job_tags)), ("imported-model", pairs(input.imported_model_tags))];
        let start = |tags| Ask::new("bedrock:CreateModelImportJob", "*").request_tags(tags);
        let mut asks = Vec::new();
        for (kind, tags) in lists.iter().filter(|(_, tags)| !tags.is_empty()) {
            asks.push(start(tags));
            asks.push(Ask::new("bedrock:TagResource", arn(&call.ctx, kind, "*")).request_tags(tags));
        }
        if asks.is_empty() {
            asks.push(start(&[]));
        }
        Ok(asks)
    }
    .boxed()
}

/// The job that is named.
pub(super) fn job(call: &AwsCall) -> Asked<'_> {
    async move {
        let named = call.label("jobIdentifier");
        let (found, tags) = match call.api.models().import_job(&call.ctx, &named).await {
            Ok(job) => (job.arn.to_string(), job.tags),
            Err(error) if error.kind == ErrorKind::NotFound => (arn(&call.ctx, "model-import-job", &named), Vec::new()),
            Err(error) => return Err(error.into()),
        };
        Ok(vec![Ask::new("bedrock:GetModelImportJob", found).resource_tags(&tags)])
    }
    .boxed()
}

/// To read the model that is named.
pub(super) fn read_model(call: &AwsCall) -> Asked<'_> {
    model(call, "bedrock:GetImportedModel")
}

/// To delete the model that is named.
pub(super) fn delete_model(call: &AwsCall) -> Asked<'_> {
    model(call, "bedrock:DeleteImportedModel")
}

fn model<'a>(call: &'a AwsCall, action: &'static str) -> Asked<'a> {
    async move {
        let named = call.label("modelIdentifier");
        let (found, tags) = match call.api.models().imported_model(&call.ctx, &named).await {
            Ok(model) => (model.arn.to_string(), model.tags),
            Err(error) if error.kind == ErrorKind::NotFound => (arn(&call.ctx, "imported-model", &named), Vec::new()),
            Err(error) => return Err(error.into()),
        };
        Ok(vec![Ask::new(action, found).resource_tags(&tags)])
    }
    .boxed()
}

/// To start a batch on the model that is named; to give its job tags, too, where it does.
pub(super) fn create_batch(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: CreateModelInvocationJobRequest = call.decode()?;
        let (action, tags) = ("bedrock:CreateModelInvocationJob", pairs(input.tags));
        let model = bedrock_runtime::asks(call.api.models(), &call.ctx, action, &input.model_id).await?;
        let mut asks: Vec<Ask> = model.into_iter().map(|ask| ask.request_tags(&tags)).collect();
        let jobs = arn(&call.ctx, "model-invocation-job", "*");
        asks.push(Ask::new(action, &jobs).request_tags(&tags));
        if !tags.is_empty() {
            asks.push(Ask::new("bedrock:TagResource", jobs).request_tags(&tags));
        }
        Ok(asks)
    }
    .boxed()
}

/// To read the batch that is named.
pub(super) fn read_batch(call: &AwsCall) -> Asked<'_> {
    batch(call, "bedrock:GetModelInvocationJob")
}

/// To stop the batch that is named.
pub(super) fn stop_batch(call: &AwsCall) -> Asked<'_> {
    batch(call, "bedrock:StopModelInvocationJob")
}

fn batch<'a>(call: &'a AwsCall, action: &'static str) -> Asked<'a> {
    async move {
        let named = call.label("jobIdentifier");
        let (found, tags) = match call.api.models().batch(&call.ctx, &named).await {
            Ok(job) => (job.arn.to_string(), job.tags),
            Err(error) if error.kind == ErrorKind::NotFound => {
                (arn(&call.ctx, "model-invocation-job", &named), Vec::new())
            }
            Err(error) => return Err(error.into()),
        };
        Ok(vec![Ask::new(action, found).resource_tags(&tags)])
    }
    .boxed()
}

/// To read the tags of what is named.
pub(super) fn list_tags(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: ListTagsForResourceRequest = call.decode()?;
        Ok(vec![tagged(call, "bedrock:ListTagsForResource", &input.resource_arn).await?])
    }
    .boxed()
}

/// To give tags.
pub(super) fn tag(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: TagResourceRequest = call.decode()?;
        let ask = tagged(call, "bedrock:TagResource", &input.resource_arn).await?;
        Ok(vec![ask.request_tags(&pairs(Some(input.tags)))])
    }
    .boxed()
}

/// To take tags.
pub(super) fn untag(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: UntagResourceRequest = call.decode()?;
        let ask = tagged(call, "bedrock:UntagResource", &input.resource_arn).await?;
        Ok(vec![ask.keys("aws:TagKeys", input.tag_keys)])
    }
    .boxed()
}

async fn tagged(call: &AwsCall, action: &'static str, resource: &str) -> Result<Ask, crate::errors::Failure> {
    // Of what is not there the handler tells.
    let tags = super::tags::of(call, resource).await.unwrap_or_default();
    Ok(Ask::new(action, canonical(&call.ctx, resource)).resource_tags(&tags))
}

/// An ARN of the caller's account and region as policies name it, whatever partition or separator it was sent with; any
/// other is left as it is.
fn canonical(ctx: &Ctx, sent: &str) -> String {
    let parsed = sent.parse::<Arn>().ok();
    let own = parsed.filter(|arn| *arn.account == *ctx.account().as_str() && *arn.region == *ctx.region().as_str());
    match own.as_ref().and_then(|own| Some((own.resource_type()?, own.resource_id()))) {
        Some((
            kind @ ("model-import-job"
            | "imported-model"
            | "model-invocation-job"
            | "evaluation-job"
            | "application-inference-profile"),
            id,
        )) => arn(ctx, kind, id),
        _ => sent.to_owned(),
    }
}

/// The ARN of what is named; an ARN is its own.
fn arn(ctx: &Ctx, kind: &str, named: &str) -> String {
    if named.starts_with("arn:") {
        return named.to_owned();
    }
    format!("arn:aws:bedrock:{}:{}:{kind}/{named}", ctx.region(), ctx.account())
}
