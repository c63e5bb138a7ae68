//! What the worker counts for `/metrics`.

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

pub(super) struct Meters {
    pub(super) prompt_tokens: Counter,
    pub(super) cached_tokens: Counter,
    pub(super) completion_tokens: Counter,
    pub(super) active: Gauge,
    pub(super) queued: Gauge,
    pub(super) queue: Histogram,
    pub(super) first_token: Histogram,
    pub(super) next_token: Histogram,
}

impl Meters {
    pub(super) fn new(model: &str) -> Self {
        let model = model.to_owned();
        Self {
            prompt_tokens: counter!("craton_inference_prompt_tokens_total", "model" => model.clone()),
            cached_tokens: counter!("craton_inference_cached_tokens_total", "model" => model.clone()),
            completion_tokens: counter!("craton_inference_completion_tokens_total", "model" => model.clone()),
            active: gauge!("craton_inference_active_sequences", "model" => model.clone()),
            queued: gauge!("craton_inference_queued_requests", "model" => model.clone()),
            queue: histogram!("craton_inference_queue_seconds", "model" => model.clone()),
            first_token: histogram!("craton_inference_first_token_seconds", "model" => model.clone()),
            next_token: histogram!("craton_inference_next_token_seconds", "model" => model),
        }
    }
}
