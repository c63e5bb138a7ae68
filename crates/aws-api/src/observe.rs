//! What is told of each request: one log line, metrics, and an entry of the latest requests.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use base::{Error, RequestId, Timestamp};
use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use identity::Ctx;
use tracing::Span;

use crate::Api;
use crate::answered::Answered;
use crate::body::ResponseBody;
use crate::call::SERVED_BY;
use crate::recent::Entry;

tokio::task_local! {
    /// Why the streamed answer whose body is being asked for its next frame broke off.
    static BROKEN: Cell<Option<String>>;
}

/// Notes that the answer being streamed broke off with `error`, of which the client is told as `code`. To be called by
/// the stream of the response's body: a status of 200 is on its way, and nothing else would tell what became of the
/// request.
pub(crate) fn broke_off(code: impl Into<String>, error: &Error) {
    tracing::warn!(?error, "an answer broke off");
    // Where nobody watches there is nobody to tell.
    let _ = BROKEN.try_with(|broken| broken.set(Some(code.into())));
}

/// What is found out about a request on its way.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: RequestId,
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) ctx: Option<Ctx>,
    pub(crate) error_code: Option<String>,
    /// What the models answered.
    pub(crate) answered: Answered,
    /// Whether the console only looks: it asks again and again, and would push all others out of the latest requests.
    pub(crate) console_look: bool,
    pub(crate) time: Timestamp,
    pub(crate) started: Instant,
    pub(crate) span: Span,
}

impl Record {
    /// A request that arrives now.
    pub(crate) fn new(id: RequestId, time: Timestamp) -> Self {
        let span = tracing::info_span!(
            "request",
            request_id = %id,
            service = tracing::field::Empty,
            operation = tracing::field::Empty,
            account = tracing::field::Empty,
            principal = tracing::field::Empty,
        );
        Self {
            id,
            service: "unknown",
            operation: "unknown",
            ctx: None,
            error_code: None,
            answered: Answered::default(),
            console_look: false,
            time,
            started: Instant::now(),
            span,
        }
    }

    /// Notes what is asked.
    pub(crate) fn names(&mut self, service: &'static str, operation: &'static str) {
        self.service = service;
        self.operation = operation;
    }

    /// Writes what is known of the request on its span. To be called once: a span keeps every value that it is given.
    fn close(&self) {
        self.span.record("service", self.service);
        self.span.record("operation", self.operation);
    }

    /// Notes who asks.
    pub(crate) fn caller(&mut self, ctx: &Ctx) {
        if !self.span.is_disabled() {
            self.span.record("account", ctx.account().as_str());
            self.span.record("principal", ctx.principal().arn());
        }
        self.ctx = Some(ctx.clone());
    }
}

/// Tells of a request when its answer is complete: at once, or when the stream ends or its client leaves.
pub(crate) fn watch(api: &Api, record: Record, response: Response<ResponseBody>) -> Response<ResponseBody> {
    let served_by = response.headers().get(SERVED_BY).and_then(|value| value.to_str().ok());
    let served_by = served_by.map(|text| text.split(';').next().unwrap_or(text).to_owned());
    let closing = Closing { api: api.clone(), record: Some(record), status: response.status().as_u16(), served_by };
    if response.body().size_hint().exact().is_some() {
        drop(closing);
        return response;
    }
    response.map(|inner| Observed { inner, ended: false, closing }.boxed_unsync())
}

struct Closing {
    api: Api,
    record: Option<Record>,
    status: u16,
    served_by: Option<String>,
}

impl Drop for Closing {
    fn drop(&mut self) {
        let Some(record) = self.record.take() else { return };
        let took = record.started.elapsed();
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let (service, operation) = (record.service, record.operation);
        let status = status_text(self.status);
        metrics::counter!("craton_requests_total", "service" => service, "operation" => operation, "status" => status)
            .increment(1);
        metrics::histogram!("craton_request_duration_seconds", "service" => service, "operation" => operation)
            .record(took.as_secs_f64());
        if let Some(code) = &record.error_code {
            metrics::counter!(
                "craton_request_errors_total", "service" => service, "operation" => operation, "error" => code.clone()
            )
            .increment(1);
        }
        record.close();
        let error_code = record.error_code.as_deref();
        let told = record.answered.told();
        tracing::info!(
            parent: &record.span,
            status = self.status,
            duration_ms,
            error_code,
            prompt_tokens = told.as_ref().map(|told| told.prompt_tokens),
            cached_tokens = told.as_ref().map(|told| told.cached_tokens),
            output_tokens = told.as_ref().map(|told| told.output_tokens),
            queued_ms = told.as_ref().and_then(|told| told.queued_ms),
            first_token_ms = told.as_ref().and_then(|told| told.first_token_ms),
            "request served"
        );
        if let Some(ctx) = record.ctx.as_ref().filter(|_| !record.console_look) {
            self.api.recent().push(Entry {
                request_id: record.id.to_string(),
                account: ctx.account().clone(),
                time: record.time,
                service,
                operation,
                status: self.status,
                error_code: record.error_code,
                duration_ms,
                principal: ctx.principal().arn(),
                served_by: self.served_by.take(),
                answered: told,
            });
        }
    }
}

/// Statuses are few: metrics get them without an allocation.
fn status_text(status: u16) -> &'static str {
    const KNOWN: [(u16, &str); 19] = [
        (200, "200"),
        (201, "201"),
        (202, "202"),
        (204, "204"),
        (400, "400"),
        (401, "401"),
        (403, "403"),
        (404, "404"),
        (405, "405"),
        (408, "408"),
        (409, "409"),
        (413, "413"),
        (429, "429"),
        (431, "431"),
        (500, "500"),
        (501, "501"),
        (502, "502"),
        (503, "503"),
        (504, "504"),
    ];
    KNOWN.iter().find(|(known, _)| *known == status).map_or("other", |(_, text)| text)
}

/// A streamed body that knows when it is over.
struct Observed {
    inner: ResponseBody,
    ended: bool,
    closing: Closing,
}

impl Body for Observed {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let _entered = this.closing.record.as_ref().map(|record| record.span.clone().entered());
        let (frame, broken) = BROKEN.sync_scope(Cell::new(None), || {
            let frame = Pin::new(&mut this.inner).poll_frame(context);
            (frame, BROKEN.with(Cell::take))
        });
        if let (Some(code), Some(record)) = (broken, &mut this.closing.record) {
            record.error_code = Some(code);
        }
        if matches!(frame, Poll::Ready(None)) {
            this.ended = true;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        if !self.ended
            && let Some(record) = &mut self.closing.record
        {
            record.error_code.get_or_insert_with(|| "ClientDisconnected".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record as Values};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// Keeps what is recorded on spans, as a log keeps it: each value after the one before.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    impl Visit for Log {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.lock().unwrap().push(format!("{field}={value:?}"));
        }
    }

    impl Subscriber for Log {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, values: &Values<'_>) {
            values.record(&mut self.clone());
        }

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &Event<'_>) {}

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn each_field_of_a_request_is_logged_once_however_often_it_is_found_out() {
        let log = Log::default();
        tracing::subscriber::with_default(log.clone(), || {
            let id = "7a9d1c2e-0000-4000-8000-000000000001".parse().unwrap();
            let mut record = Record::new(id, Timestamp(0));
            record.names("openai", "unknown");
            record.names("openai", "CreateEmbedding");
            record.close();
        });
        assert_eq!(*log.0.lock().unwrap(), [r#"service="openai""#, r#"operation="CreateEmbedding""#]);
    }
}
