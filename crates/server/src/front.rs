//! The first to see a request: health, metrics and the console are answered here, limits are kept here, all else goes to the API.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_api::{Api, ResponseBody};
use base::Error;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::console;
use crate::lingering::Lingering;
use crate::settings::Limits;

/// Routes requests between the API and what the server itself answers.
pub(crate) struct Front {
    api: Api,
    metrics: PrometheusHandle,
    ready: AtomicBool,
    stopping: AtomicBool,
    places: Arc<Semaphore>,
    timeout: Duration,
    /// Bytes.
    longest_head: usize,
}

impl Front {
    /// A front that keeps `limits`; it is not ready before [`Front::begin`].
    pub(crate) fn new(api: Api, metrics: PrometheusHandle, limits: &Limits) -> Self {
        Self {
            api,
            metrics,
            ready: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            places: Arc::new(Semaphore::new(limits.concurrent_requests)),
            timeout: limits.request_timeout,
            longest_head: limits.headers,
        }
    }

    /// From now on `/readyz` says ready.
    pub(crate) fn begin(&self) {
        self.ready.store(true, Ordering::SeqCst);
    }

    /// From now on `/readyz` says not ready, and the API takes no more requests.
    pub(crate) fn stop(&self) {
        self.ready.store(false, Ordering::SeqCst);
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, request: Request<Incoming>, peer: SocketAddr, tls: bool) -> Response<Guarded> {
        let stopping = self.stopping.load(Ordering::SeqCst);
        let ends_connection = stopping && request.version() < Version::HTTP_2;
        let (request, client_waits) = Lingering::wrap(request);
        let mut response = self.answer_while(stopping, request, peer, tls).await;
        if ends_connection || client_waits.now() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn answer_while(
        &self,
        stopping: bool,
        request: Request<Lingering>,
        peer: SocketAddr,
        tls: bool,
    ) -> Response<Guarded> {
        let (parts, body) = request.into_parts();
        if let Some(page) = Page::of(&parts) {
            return self.page(page, &parts).map(|bytes| Guarded::new(full(bytes), None));
        }
        if length_of(&parts) > self.longest_head {
            return self.api.refuse_head(&parts, self.longest_head).map(|body| Guarded::new(body, None));
        }
        if stopping {
            return self.refuse_for_now(&parts, Error::unavailable("The server is stopping."));
        }
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            return self.refuse_for_now(&parts, Error::throttled("Too many requests are being served."));
        };
        let head = head_of(&parts);
        let call = self.api.call(Request::from_parts(parts, body), peer, tls);
        let response = match tokio::time::timeout(self.timeout, call).await {
            Ok(response) => response,
            Err(_) => {
                let refusal =
                    Error::timeout(format!("The request took longer than {} seconds.", self.timeout.as_secs()));
                self.api.refuse(&head, refusal)
            }
        };
        response.map(|body| Guarded::new(body, Some(place)))
    }

    /// The answer to a request that may succeed a moment later.
    fn refuse_for_now(&self, parts: &Parts, refusal: Error) -> Response<Guarded> {
        let refusal = refusal.with_hint("Try again in a moment.");
        let mut response = self.api.refuse(parts, refusal).map(|body| Guarded::new(body, None));
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        response
    }

    fn page(&self, page: Page, parts: &Parts) -> Response<Bytes> {
        match page {
            Page::Console => console::answer(&parts.method, parts.uri.path()),
            Page::Health => text(StatusCode::OK, "ok\n"),
            Page::Readiness if self.ready.load(Ordering::SeqCst) => text(StatusCode::OK, "ready\n"),
            Page::Readiness => text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
            Page::Metrics => self.metrics(),
            Page::Home => {
                let mut response = text(StatusCode::TEMPORARY_REDIRECT, "");
                response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/console/"));
                response
            }
        }
    }

    fn metrics(&self) -> Response<Bytes> {
        if let Some(bytes) = aws_api::resident_bytes() {
            // Exact up to 2^53 bytes.
            #[expect(clippy::cast_precision_loss)]
            metrics::gauge!("process_resident_memory_bytes").set(bytes as f64);
        }
        let told = self.metrics.render() + &self.api.endpoint_metrics();
        let mut response = Response::new(Bytes::from(told));
        let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

/// What is answered without the API. Nothing of it is a caller's: it is the same for everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    Console,
    Health,
    Readiness,
    Metrics,
    /// The root, in a browser.
    Home,
}

impl Page {
    /// The page that a request asks for; `None` where it is for the API. A signed request always is.
    fn of(parts: &Parts) -> Option<Self> {
        let path = parts.uri.path();
        if aws_api::is_signed(parts) {
            return None;
        }
        if console::owns(path) {
            return Some(Self::Console);
        }
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            return None;
        }
        match path {
            "/healthz" => Some(Self::Health),
            "/readyz" => Some(Self::Readiness),
            "/metrics" => Some(Self::Metrics),
            "/" if wants_page(parts) => Some(Self::Home),
            _ => None,
        }
    }
}

fn wants_page(parts: &Parts) -> bool {
    let accept = parts.headers.get(header::ACCEPT);
    accept.is_some_and(|v| v.to_str().is_ok_and(|v| v.contains("text/html")))
}

fn text(status: StatusCode, body: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// The bytes of a head, as HTTP/1.1 writes it.
fn length_of(parts: &Parts) -> usize {
    let line = parts.method.as_str().len() + parts.uri.path_and_query().map_or(1, |path| path.as_str().len());
    let headers = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    line + "  HTTP/1.1\r\n\r\n".len() + headers.sum::<usize>()
}

/// A request's head without what only a handler needs.
fn head_of(parts: &Parts) -> Parts {
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = parts.method.clone();
    head.uri = parts.uri.clone();
    head.headers = parts.headers.clone();
    head
}

fn full(bytes: Bytes) -> ResponseBody {
    Full::new(bytes).boxed_unsync()
}

/// A response body that keeps its request's place until it has been sent or dropped.
pub(crate) struct Guarded {
    body: ResponseBody,
    _place: Option<OwnedSemaphorePermit>,
}

impl Guarded {
    fn new(body: ResponseBody, place: Option<OwnedSemaphorePermit>) -> Self {
        Self { body, _place: place }
    }
}

impl Body for Guarded {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
#[path = "front/tests.rs"]
mod tests;
