//! The engines' errors, as callers see them.

use base::Error;

/// The error of a request that the loaded model `name` refused or failed.
pub(crate) fn of_invocation(name: &str, error: inference::Error) -> Error {
    use inference::Error as Engine;
    match error {
        Engine::ModelFile { .. } => of_loading(name, error),
        Engine::ContextOverflow { prompt, context } => Error::invalid("Input is too long for requested model.")
            .with_hint(format!("The prompt has {prompt} tokens and the context of `{name}` holds {context}.")),
        Engine::InputTooLong { index, tokens, limit } => Error::invalid("Input is too long for requested model.")
            .with_hint(format!("Text {index} has {tokens} tokens and `{name}` reads {limit}.")),
        Engine::QueueFull { queued, retry_after } => {
            let error = throttled(name).with_detail(format!("{queued} requests wait for `{name}`"));
            let Some(after) = retry_after else { return error };
            let error = error.with_retry_after(after);
            let seconds = error.retry_after_seconds().unwrap_or(1);
            error.with_hint(format!("The queue of `{name}` is full. Try again in {seconds} s."))
        }
        Engine::Request { reason } => Error::invalid(format!("The request is malformed: {reason}.")),
        Engine::Constraint { reason } => Error::invalid(format!("The schema cannot be followed: {reason}.")),
        Engine::Template { reason } => {
            Error::invalid(format!("The chat template of `{name}` refuses the messages: {reason}."))
        }
        Engine::TemplateUnavailable { reason } => {
            Error::unavailable(format!("The chat template of `{name}` could not be rendered: {reason}."))
                .with_hint("Try again.")
        }
        Engine::DeadlineExceeded => too_late(),
        Engine::Cancelled => Error::unavailable("The request was cancelled."),
        Engine::Stopped => Error::unavailable(format!("The model `{name}` was unloaded.")).with_hint("Try again."),
        Engine::NoMemory { .. } => of_memory(name, &error),
        // The engine is opened again for the next request.
        Engine::Engine { reason } => Error::unavailable(format!("The engine of the model `{name}` failed."))
            .with_hint("Try again: the model goes on with the next request.")
            .with_detail(reason),
    }
}

/// The error of an answer that was not complete when its request's time was over.
pub(crate) fn too_late() -> Error {
    Error::timeout("The model took longer than the request may.")
        .with_hint("Ask for fewer tokens, or start the server with a longer `--request-timeout`.")
}

/// The error of a model for which the system gives no memory.
fn of_memory(name: &str, error: &inference::Error) -> Error {
    let hint = "Lower `parallel`, `context` or `replicas`, set `cache_type` to `q8_0`, or choose a smaller model.";
    Error::unavailable(format!("The model `{name}` cannot be loaded: {error}.")).with_hint(hint)
}

/// The error of a model that could not be loaded.
pub(crate) fn of_loading(name: &str, error: inference::Error) -> Error {
    if let inference::Error::NoMemory { .. } = &error {
        return of_memory(name, &error);
    }
    let inference::Error::ModelFile { hint, .. } = &error else {
        return Error::unavailable(format!("The model `{name}` cannot be loaded.")).with_detail(error);
    };
    let again = format!("Run `craton models remove {name}` and `craton models pull {name}` to fetch it again.");
    let hint = if hint.is_empty() { again } else { format!("{}. {again}", hint.trim_end_matches('.')) };
    Error::damaged(format!("The model `{name}` cannot be loaded: {error}.")).with_hint(hint)
}

/// The error of an imported model that could not be loaded.
pub(crate) fn of_loading_imported(name: &str, error: inference::Error) -> Error {
    let again = "Delete the model and import it again.";
    match &error {
        inference::Error::ModelFile { reason, .. } => {
            Error::damaged(format!("The model `{name}` cannot be loaded: {reason}.")).with_hint(again)
        }
        inference::Error::NoMemory { .. } => of_memory(name, &error),
        other => Error::unavailable(format!("The model `{name}` cannot be loaded.")).with_detail(other),
    }
}

/// The error of a model that has as many requests waiting as may wait.
pub(crate) fn throttled(name: &str) -> Error {
    Error::throttled("Too many requests, please wait before trying again.")
        .with_hint(format!("The queue of `{name}` is full."))
}

/// The error of a model that is asked for what it is not for.
pub(crate) fn wrong_kind(name: &str, what: &str) -> Error {
    Error::invalid(format!("The model `{name}` does not {what}."))
        .with_hint("`craton models list` shows what each is for.")
}
