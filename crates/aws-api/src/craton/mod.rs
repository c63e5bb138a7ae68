//! Craton's own API under `/craton/v1`: JSON, signed for the service `craton` or sent by the console.

mod accounts;
mod aliases;
mod api_keys;
mod backups;
mod batches;
mod endpoints;
pub(crate) mod errors;
mod evaluations;
mod explanations;
mod fits;
mod imported_models;
mod imports;
mod jobs;
mod knowledge_bases;
mod models;
mod policies;
mod pools;
mod profiles;
mod quantizations;
mod quotas;
mod requests;
mod scores;
mod session;
mod status;
mod tunings;
mod who_can;

pub use imports::describe_facts as describe_checkpoint;
pub(crate) use imports::quantization;
pub(crate) use scores::PATH as SCORE_PATH;
pub(crate) use session::{PATH as SESSION_PATH, Visit, session};
pub use status::resident_bytes;

use base::Error;
use futures::future::FutureExt as _;
use http::{Response, StatusCode};
use identity::{Access, Ctx};

use crate::body::{ResponseBody, full};
use crate::call::{Call, Check, Labels, Row};
use crate::rest::Route;

/// A row whose resource is `craton:REGION:ACCOUNT:KIND/LABEL`, or all of the kind; or one that `asks` of a thing by its id.
macro_rules! route {
    ($method:literal $pattern:literal, $operation:literal, $access:ident, $kind:literal, $handler:path) => {
        route!($method $pattern, $operation, $access, Check::Arn(|call| resource(call, $kind)), $handler)
    };
    ($method:literal $pattern:literal, $operation:literal, $access:ident, asks $asks:path, $handler:path) => {
        route!($method $pattern, $operation, $access, Check::Asks($asks), $handler)
    };
    ($method:literal $pattern:literal, $operation:literal, $access:ident, $check:expr, $handler:path) => {
        Route {
            method: $method,
            pattern: concat!("/craton/v1/", $pattern),
            row: Row {
                operation: $operation,
                action: concat!("craton:", $operation),
                access: Access::$access,
                check: $check,
                handler: |call| $handler(call).boxed(),
            },
        }
    };
}

/// The operations, but for the console's session, which is there before a caller is known.
pub(crate) const ROUTES: &[Route] = &[
    route!("GET" "status", "GetStatus", Read, "status", status::get),
    route!("GET" "models", "ListModels", Read, "model", models::list),
    route!("POST" "models/pull", "PullModel", Write, "model", models::pull),
    route!("GET" "models/{name}", "GetModel", Read, "model", models::get),
    route!("DELETE" "models/{name}", "RemoveModel", Write, "model", models::remove),
    route!("GET" "models/{name}/fit", "PredictModelFit", Read, "model", fits::get),
    route!("POST" "models/{name}/accept-terms", "AcceptModelTerms", Write, "model", models::accept_terms),
    route!("POST" "models/{name}/verify-template", "VerifyModelTemplate", Write, "model", models::verify_template),
    route!("POST" "models/{name}/quantize", "QuantizeModel", Write, "model", quantizations::quantize),
    route!("POST" "models/{name}/tunings", "TuneModel", Write, "model", tunings::start),
    route!("GET" "models/{name}/tunings", "ListTunings", Read, "model", tunings::list),
    route!("GET" "models/{name}/tunings/{job}", "GetTuning", Read, "model", tunings::get),
    route!("DELETE" "models/{name}/tuning", "ResetTuning", Write, "model", tunings::reset),
    route!("POST" "models/{name}/unload", "UnloadModel", Write, "model", models::unload),
    route!("POST" "models/{name}/forget", "ForgetModel", Write, "model", models::forget),
    route!("GET" "aliases", "ListAliases", Read, "alias", aliases::list),
    route!("PUT" "aliases/{modelId}", "PutAlias", Write, "alias", aliases::put),
    route!("DELETE" "aliases/{modelId}", "DeleteAlias", Write, "alias", aliases::delete),
    route!("GET" "pools", "ListPools", Read, "pool", pools::list),
    route!("GET" "pools/{name}", "GetPool", Read, "pool", pools::get),
    route!("PUT" "pools/{name}", "PutPool", Write, "pool", pools::put),
    route!("DELETE" "pools/{name}", "DeletePool", Write, "pool", pools::delete),
    route!("GET" "endpoints", "ListEndpointFigures", Read, "endpoint", endpoints::list),
    route!("GET" "endpoints/{name}/figures", "GetEndpointFigures", Read, "endpoint", endpoints::get),
    route!("GET" "endpoints/{name}/fit", "GetEndpointFigures", Read, "endpoint", endpoints::fit),
    route!("GET" "quotas", "ListQuotas", Read, "quota", quotas::list),
    route!("PUT" "quotas/{account}", "PutQuota", Write, "quota", quotas::put),
    route!("PUT" "quotas/{account}/{model}", "PutQuota", Write, "quota", quotas::put),
    route!("DELETE" "quotas/{account}", "ResetQuota", Write, "quota", quotas::delete),
    route!("DELETE" "quotas/{account}/{model}", "ResetQuota", Write, "quota", quotas::delete),
    route!("GET" "inference-profiles", "ListInferenceProfileRoutings", Read, "inference-profile", profiles::list),
    route!("GET" "inference-profiles/{id}", "GetInferenceProfileRouting", Read, "inference-profile", profiles::get),
    route!("PUT" "inference-profiles/{id}/routing", "PutInferenceProfileRouting", Write, "inference-profile", profiles::route),
    route!("DELETE" "inference-profiles/{id}/routing", "DeleteInferenceProfileRouting", Write, "inference-profile", profiles::unroute),
    route!("GET" "jobs", "ListJobs", Read, "job", jobs::list),
    route!("GET" "jobs/{id}", "GetJob", Read, "job", jobs::get),
    route!("POST" "jobs/{id}/cancel", "CancelJob", Write, "job", jobs::cancel),
    route!("GET" "jobs/{id}/events", "WatchJob", Read, "job", jobs::events),
    route!("POST" "imports/check", "CheckImport", Read, "import", imports::check),
    route!("POST" "imports/policies", "DescribeImportPolicies", Read, "import", imports::policies),
    route!("GET" "imports/{job}", "GetImport", Read, asks imports::asks, imports::get),
    route!("GET" "imported-models/{model}", "GetImportedModelCard", Read, asks imported_models::asks, imported_models::get),
    route!("GET" "batches/{job}", "GetBatch", Read, asks batches::asks, batches::get),
    route!("POST" "evaluation-jobs", "CreateEvaluation", Write, asks evaluations::create_asks, evaluations::create),
    route!("GET" "evaluation-jobs", "ListEvaluations", Read, asks evaluations::list_asks, evaluations::list),
    route!("GET" "evaluation-jobs/{job}/report", "GetEvaluationReport", Read, asks evaluations::asks, evaluations::report),
    route!("GET" "evaluation-jobs/{job}/records", "ListEvaluationRecords", Read, asks evaluations::asks, evaluations::rows),
    route!("GET" "evaluation-jobs/{job}/compare/{other}", "CompareEvaluations", Read, asks evaluations::both_asks, evaluations::compare),
    route!("POST" "evaluation-jobs/{job}/pairwise/{other}", "CompareEvaluationsPairwise", Write, asks evaluations::both_asks, evaluations::start_pairwise),
    route!("GET" "pairwise-comparisons/{id}", "GetPairwiseComparison", Read, "pairwise-comparison", evaluations::pairwise),
    route!("POST" "evaluation-datasets/check", "CheckEvaluationDataset", Read, "evaluation-dataset", evaluations::check_dataset),
    route!("POST" "evaluation-jobs/{job}/calibrate", "CalibrateJudge", Write, asks evaluations::calibrate_asks, evaluations::calibrate),
    route!("GET" "judges/{model}/passport", "GetJudgePassport", Read, "judge", evaluations::passport),
    route!("POST" "backups", "CreateBackup", Write, "backup", backups::create),
    route!("GET" "accounts", "ListAccounts", Read, "account", accounts::list),
    route!("POST" "accounts", "CreateAccount", Write, "account", accounts::create),
    route!("GET" "api-keys", "ListApiKeys", Read, "api-key", api_keys::list),
    route!("POST" "api-keys", "CreateApiKey", Write, "api-key", api_keys::create),
    route!("DELETE" "api-keys/{id}", "DeleteApiKey", Write, "api-key", api_keys::delete),
    route!("GET" "requests", "ListRequests", Read, "request", requests::list),
    route!("GET" "requests/{id}/explanation", "ExplainRequest", Read, "request", explanations::get),
    Route {
        method: "POST",
        pattern: scores::PATH,
        row: Row {
            operation: "Score",
            action: "bedrock:InvokeModel",
            access: Access::Read,
            check: Check::Model(scores::model),
            handler: |call| scores::score(call).boxed(),
        },
    },
    Route {
        method: "POST",
        pattern: "/craton/v1/knowledge-bases/{id}/explain",
        row: Row {
            operation: "ExplainRetrieval",
            action: "bedrock:Retrieve",
            access: Access::Read,
            check: Check::Asks(knowledge_bases::may_retrieve),
            handler: |call| knowledge_bases::explain(call).boxed(),
        },
    },
    Route {
        method: "POST",
        pattern: "/craton/v1/knowledge-bases/{id}/ask",
        row: Row {
            operation: "AskKnowledgeBase",
            action: "bedrock:RetrieveAndGenerate",
            access: Access::Read,
            check: Check::Asks(knowledge_bases::may_ask),
            handler: |call| knowledge_bases::ask(call).boxed(),
        },
    },
    Route {
        method: "GET",
        pattern: "/craton/v1/knowledge-bases/{id}/documents/{document}/chunks",
        row: Row {
            operation: "ListDocumentChunks",
            action: knowledge_bases::READ_DOCUMENT,
            access: Access::Read,
            check: Check::Asks(knowledge_bases::may_see_chunks),
            handler: |call| knowledge_bases::chunks(call).boxed(),
        },
    },
    route!("POST" "policies/validate", "ValidatePolicy", Read, "policy", policies::validate),
    route!("GET" "who-can", "WhoCan", Read, "policy", who_can::get),
];

fn resource(call: &Call<Labels>, kind: &str) -> String {
    arn(&call.ctx, kind, if call.route.0.is_empty() { "*" } else { call.label(0) })
}

fn arn(ctx: &Ctx, kind: &str, id: &str) -> String {
    format!("arn:aws:craton:{}:{}:{kind}/{id}", ctx.region(), ctx.account())
}

/// The error for a request that no route takes.
pub(crate) fn unknown_route(method: &str, path: &str) -> Error {
    Error::not_found(format!("There is no `{method} {path}`."))
}

fn no_content() -> Response<ResponseBody> {
    let mut response = Response::new(full(""));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
