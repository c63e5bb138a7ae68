//! `bedrock`: the catalogue of foundation models, models that are imported, batch inference, evaluation jobs, inference
//! profiles, and endpoints of the marketplace.

mod asks;
pub(crate) mod errors;
mod evaluation_config;
mod evaluation_jobs;
mod foundation_models;
mod import_jobs;
mod imported_models;
mod inference_params;
mod inference_profiles;
mod invocation_jobs;
mod marketplace;
mod tags;

pub(crate) use evaluation_config::{asked, custom_metric};
pub(crate) use evaluation_jobs::{
    arn as evaluation_arn, asks_to_create, check_application, summary as evaluation_summary, warn,
};
pub(crate) use marketplace::ROWS as MARKETPLACE_ROWS;
pub(crate) use tags::pairs as tag_pairs;

use futures::future::FutureExt as _;
use identity::Access;

use crate::bedrock_runtime::foundation_model_arn;
use crate::call::{Check, Row};

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[
    Row {
        operation: "ListFoundationModels",
        action: "bedrock:ListFoundationModels",
        access: Access::Read,
        check: Check::Arn(|_| "*".to_owned()),
        handler: |call| foundation_models::list(call).boxed(),
    },
    Row {
        operation: "GetFoundationModel",
        action: "bedrock:GetFoundationModel",
        access: Access::Read,
        check: Check::Arn(|call| foundation_model_arn(&call.ctx, &call.label("modelIdentifier"))),
        handler: |call| foundation_models::get(call).boxed(),
    },
    Row {
        operation: "CreateModelImportJob",
        action: "bedrock:CreateModelImportJob",
        access: Access::Write,
        check: Check::Asks(asks::create),
        handler: |call| import_jobs::create(call).boxed(),
    },
    Row {
        operation: "GetModelImportJob",
        action: "bedrock:GetModelImportJob",
        access: Access::Read,
        check: Check::Asks(asks::job),
        handler: |call| import_jobs::get(call).boxed(),
    },
    Row {
        operation: "ListModelImportJobs",
        action: "bedrock:ListModelImportJobs",
        access: Access::Read,
        check: Check::Arn(|_| "*".to_owned()),
        handler: |call| import_jobs::list(call).boxed(),
    },
    Row {
        operation: "GetImportedModel",
        action: "bedrock:GetImportedModel",
        access: Access::Read,
        check: Check::Asks(asks::read_model),
        handler: |call| imported_models::get(call).boxed(),
    },
    Row {
        operation: "ListImportedModels",
        action: "bedrock:ListImportedModels",
        access: Access::Read,
        check: Check::Arn(|_| "*".to_owned()),
        handler: |call| imported_models::list(call).boxed(),
    },
    Row {
        operation: "DeleteImportedModel",
        action: "bedrock:DeleteImportedModel",
        access: Access::Write,
        check: Check::Asks(asks::delete_model),
        handler: |call| imported_models::delete(call).boxed(),
    },
    Row {
        operation: "CreateModelInvocationJob",
        action: "bedrock:CreateModelInvocationJob",
        access: Access::Write,
        check: Check::Asks(asks::create_batch),
        handler: |call| invocation_jobs::create(call).boxed(),
    },
    Row {
        operation: "GetModelInvocationJob",
        action: "bedrock:GetModelInvocationJob",
        access: Access::Read,
        check: Check::Asks(asks::read_batch),
        handler: |call| invocation_jobs::get(call).boxed(),
    },
    Row {
        operation: "ListModelInvocationJobs",
        action: "bedrock:ListModelInvocationJobs",
        access: Access::Read,
        check: Check::Arn(|_| "*".to_owned()),
        handler: |call| invocation_jobs::list(call).boxed(),
    },
    Row {
        operation: "StopModelInvocationJob",
        action: "bedrock:StopModelInvocationJob",
        access: Access::Write,
        check: Check::Asks(asks::stop_batch),
        handler: |call| invocation_jobs::stop(call).boxed(),
    },
    Row {
        operation: "CreateEvaluationJob",
        action: "bedrock:CreateEvaluationJob",
        access: Access::Write,
        check: Check::Asks(evaluation_jobs::create_asks),
        handler: |call| evaluation_jobs::create(call).boxed(),
    },
    Row {
        operation: "GetEvaluationJob",
        action: "bedrock:GetEvaluationJob",
        access: Access::Read,
        check: Check::Asks(evaluation_jobs::get_asks),
        handler: |call| evaluation_jobs::get(call).boxed(),
    },
    Row {
        operation: "ListEvaluationJobs",
        action: "bedrock:ListEvaluationJobs",
        access: Access::Read,
        check: Check::Arn(|_| "*".to_owned()),
        handler: |call| evaluation_jobs::list(call).boxed(),
    },
    Row {
        operation: "StopEvaluationJob",
        action: "bedrock:StopEvaluationJob",
        access: Access::Write,
        check: Check::Asks(evaluation_jobs::stop_asks),
        handler: |call| evaluation_jobs::stop(call).boxed(),
    },
    Row {
        operation: "BatchDeleteEvaluationJob",
        action: "bedrock:BatchDeleteEvaluationJob",
        access: Access::Write,
        check: Check::Asks(evaluation_jobs::delete_asks),
        handler: |call| evaluation_jobs::delete(call).boxed(),
    },
    Row {
        operation: "ListTagsForResource",
        action: "bedrock:ListTagsForResource",
        access: Access::Read,
        check: Check::Asks(asks::list_tags),
        handler: |call| tags::list(call).boxed(),
    },
    Row {
        operation: "TagResource",
        action: "bedrock:TagResource",
        access: Access::Write,
        check: Check::Asks(asks::tag),
        handler: |call| tags::tag(call).boxed(),
    },
    Row {
        operation: "UntagResource",
        action: "bedrock:UntagResource",
        access: Access::Write,
        check: Check::Asks(asks::untag),
        handler: |call| tags::untag(call).boxed(),
    },
    Row {
        operation: "CreateInferenceProfile",
        action: "bedrock:CreateInferenceProfile",
        access: Access::Write,
        check: Check::Asks(inference_profiles::create_asks),
        handler: |call| inference_profiles::create(call).boxed(),
    },
    Row {
        operation: "GetInferenceProfile",
        action: "bedrock:GetInferenceProfile",
        access: Access::Read,
        check: Check::Asks(inference_profiles::get_asks),
        handler: |call| inference_profiles::get(call).boxed(),
    },
    Row {
        operation: "ListInferenceProfiles",
        action: "bedrock:ListInferenceProfiles",
        access: Access::Read,
        check: Check::Arn(|_| "*".to_owned()),
        handler: |call| inference_profiles::list(call).boxed(),
    },
    Row {
        operation: "DeleteInferenceProfile",
        action: "bedrock:DeleteInferenceProfile",
        access: Access::Write,
        check: Check::Asks(inference_profiles::delete_asks),
        handler: |call| inference_profiles::delete(call).boxed(),
    },
];
