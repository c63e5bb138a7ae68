//! `CreateInferenceProfile`, `GetInferenceProfile`, `ListInferenceProfiles`, `DeleteInferenceProfile`, and what they ask of
//! their caller's policies.

use aws_wire::generated::bedrock::{
    CreateInferenceProfileRequest, CreateInferenceProfileResponse, DeleteInferenceProfileRequest,
    DeleteInferenceProfileResponse, GetInferenceProfileRequest, GetInferenceProfileResponse, InferenceProfileModel,
    InferenceProfileModelSource, InferenceProfileStatus, InferenceProfileSummary, InferenceProfileType,
    ListInferenceProfilesRequest, ListInferenceProfilesResponse,
};
use base::{ErrorKind, PageRequest};
use futures::future::FutureExt as _;
use identity::{Ask, Ctx};
use models::{InferenceProfile, NewProfile, ProfileKind};

use super::tags::pairs;
use crate::body::full;
use crate::call::{Answer, Asked};
use crate::dispatch::AwsCall;

/// What Bedrock lists at once at most, and here where nothing is said.
const PAGE: u32 = 1000;

/// Makes an application profile.
pub(super) async fn create(call: AwsCall) -> Answer {
    let input: CreateInferenceProfileRequest = call.decode()?;
    let InferenceProfileModelSource::CopyFrom(copy_from) = input.model_source;
    let new = NewProfile {
        name: input.inference_profile_name,
        description: input.description,
        copy_from,
        tags: pairs(input.tags),
        request_token: input.client_request_token,
    };
    let profile = call.api.models().create_inference_profile(&call.ctx, new).await?;
    let status = Some(InferenceProfileStatus::Active);
    Ok(call.encode(&CreateInferenceProfileResponse { inference_profile_arn: profile.arn, status }).map(full))
}

/// One profile, by id or ARN.
pub(super) async fn get(call: AwsCall) -> Answer {
    let input: GetInferenceProfileRequest = call.decode()?;
    let profile = call.api.models().inference_profile(&call.ctx, &input.inference_profile_identifier).await?;
    let s = summary(profile);
    let output = GetInferenceProfileResponse {
        inference_profile_name: s.inference_profile_name,
        description: s.description,
        created_at: s.created_at,
        updated_at: s.updated_at,
        inference_profile_arn: s.inference_profile_arn,
        models: s.models,
        inference_profile_id: s.inference_profile_id,
        status: s.status,
        r#type: s.r#type,
    };
    Ok(call.encode(&output).map(full))
}

/// The profiles, by type.
pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListInferenceProfilesRequest = call.decode()?;
    let limit = input.max_results.and_then(|most| u32::try_from(most).ok()).unwrap_or(PAGE);
    let page = PageRequest::from_token(limit, input.next_token.as_deref())?;
    let kind = input.type_equals.map(|kind| match kind {
        InferenceProfileType::SystemDefined => ProfileKind::System,
        InferenceProfileType::Application => ProfileKind::Application,
    });
    let profiles = call.api.models().inference_profiles(&call.ctx, kind, &page).await?;
    let output = ListInferenceProfilesResponse {
        next_token: profiles.next_token(),
        inference_profile_summaries: Some(profiles.items.into_iter().map(summary).collect()),
    };
    Ok(call.encode(&output).map(full))
}

/// Removes an application profile.
pub(super) async fn delete(call: AwsCall) -> Answer {
    let input: DeleteInferenceProfileRequest = call.decode()?;
    call.api.models().delete_inference_profile(&call.ctx, &input.inference_profile_identifier).await?;
    Ok(call.encode(&DeleteInferenceProfileResponse {}).map(full))
}

fn summary(profile: InferenceProfile) -> InferenceProfileSummary {
    let models = profile.models.into_iter().map(|arn| InferenceProfileModel { model_arn: Some(arn) });
    InferenceProfileSummary {
        inference_profile_name: profile.name,
        description: profile.description,
        created_at: profile.created.map(Into::into),
        updated_at: profile.updated.map(Into::into),
        inference_profile_arn: profile.arn,
        models: models.collect(),
        inference_profile_id: profile.id,
        status: InferenceProfileStatus::Active,
        r#type: match profile.kind {
            ProfileKind::System => InferenceProfileType::SystemDefined,
            ProfileKind::Application => InferenceProfileType::Application,
        },
    }
}

/// To make a profile: the source and the profile to be, with the tags; to give tags, too, where it does.
pub(super) fn create_asks(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: CreateInferenceProfileRequest = call.decode()?;
        let InferenceProfileModelSource::CopyFrom(source) = input.model_source;
        let tags = pairs(input.tags);
        let new = arn(&call.ctx, "application-inference-profile", "*");
        let mut asks = vec![
            Ask::new("bedrock:CreateInferenceProfile", source).request_tags(&tags),
            Ask::new("bedrock:CreateInferenceProfile", new.clone()).request_tags(&tags),
        ];
        if !tags.is_empty() {
            asks.push(Ask::new("bedrock:TagResource", new).request_tags(&tags));
        }
        Ok(asks)
    }
    .boxed()
}

/// To read the profile that is named.
pub(super) fn get_asks(call: &AwsCall) -> Asked<'_> {
    named(call, "bedrock:GetInferenceProfile")
}

/// To delete the profile that is named.
pub(super) fn delete_asks(call: &AwsCall) -> Asked<'_> {
    named(call, "bedrock:DeleteInferenceProfile")
}

fn named<'a>(call: &'a AwsCall, action: &'static str) -> Asked<'a> {
    async move {
        let named = call.label("inferenceProfileIdentifier");
        let (found, tags) = match call.api.models().inference_profile(&call.ctx, &named).await {
            Ok(profile) => (profile.arn, profile.tags),
            Err(error) if error.kind == ErrorKind::NotFound && named.starts_with("arn:") => {
                (named.into_owned(), Vec::new())
            }
            Err(error) if error.kind == ErrorKind::NotFound => {
                (arn(&call.ctx, "application-inference-profile", &named), Vec::new())
            }
            Err(error) => return Err(error.into()),
        };
        Ok(vec![Ask::new(action, found).resource_tags(&tags)])
    }
    .boxed()
}

fn arn(ctx: &Ctx, kind: &str, id: &str) -> String {
    format!("arn:aws:bedrock:{}:{}:{kind}/{id}", ctx.region(), ctx.account())
}
