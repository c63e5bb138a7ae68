//! `ListFoundationModels` and `GetFoundationModel`.

use aws_wire::generated::bedrock::{
    FoundationModelDetails, FoundationModelLifecycle, FoundationModelLifecycleStatus, FoundationModelSummary,
    GetFoundationModelRequest, GetFoundationModelResponse, InferenceType, ListFoundationModelsRequest,
    ListFoundationModelsResponse, ModelCustomization, ModelModality,
};
use models::{FoundationModel, Lifecycle};

use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

/// The models, by vendor, customisation, modality and type of inference.
pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListFoundationModelsRequest = call.decode()?;
    let models = call.api.models().foundation_models(&call.ctx).await?;
    let wanted = |model: &&FoundationModel| {
        input.by_provider.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(&model.provider_name))
            && input.by_output_modality.is_none_or(|modality| model.output_modalities.contains(&modality.as_str()))
            && input.by_inference_type.is_none_or(|kind| model.inference_types.contains(&kind.as_str()))
            && input.by_customization_type.is_none_or(|kind| model.customizations.contains(&kind.as_str()))
    };
    let summaries = models.iter().filter(wanted).map(summary).collect();
    Ok(call.encode(&ListFoundationModelsResponse { model_summaries: Some(summaries) }).map(full))
}

/// One model, by id or ARN.
pub(super) async fn get(call: AwsCall) -> Answer {
    let input: GetFoundationModelRequest = call.decode()?;
    let model = call.api.models().foundation_model(&call.ctx, &input.model_identifier).await?;
    let s = summary(&model);
    let details = FoundationModelDetails {
        model_arn: s.model_arn,
        model_id: s.model_id,
        model_name: s.model_name,
        provider_name: s.provider_name,
        input_modalities: s.input_modalities,
        output_modalities: s.output_modalities,
        response_streaming_supported: s.response_streaming_supported,
        customizations_supported: s.customizations_supported,
        inference_types_supported: s.inference_types_supported,
        model_lifecycle: s.model_lifecycle,
    };
    Ok(call.encode(&GetFoundationModelResponse { model_details: Some(details) }).map(full))
}

fn summary(model: &FoundationModel) -> FoundationModelSummary {
    let modalities = |names: &[&str]| Some(names.iter().filter_map(|name| ModelModality::from_wire(name)).collect());
    let status = match model.lifecycle {
        Lifecycle::Active => FoundationModelLifecycleStatus::Active,
        Lifecycle::Legacy => FoundationModelLifecycleStatus::Legacy,
    };
    FoundationModelSummary {
        model_arn: model.arn.clone(),
        model_id: model.id.clone(),
        model_name: Some(model.name.clone()),
        provider_name: Some(model.provider_name.clone()),
        input_modalities: modalities(&model.input_modalities),
        output_modalities: modalities(&model.output_modalities),
        response_streaming_supported: Some(model.streaming),
        customizations_supported: Some(
            model.customizations.iter().filter_map(|c| ModelCustomization::from_wire(c)).collect(),
        ),
        // The list also knows `INFERENCE_PROFILE`, which is no value of the service model.
        inference_types_supported: Some(
            model.inference_types.iter().filter_map(|t| InferenceType::from_wire(t)).collect(),
        ),
        model_lifecycle: Some(FoundationModelLifecycle {
            status,
            start_of_life_time: None,
            end_of_life_time: None,
            legacy_time: None,
            public_extended_access_time: None,
        }),
    }
}
