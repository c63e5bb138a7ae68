//! Connections: accepts them, speaks HTTP/1.1 and HTTP/2 with or without TLS, and ends them gracefully.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::front::Front;
use crate::settings::Limits;

/// How long a client may take to finish the TLS handshake, to begin its first request, or to finish a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may leave what was sent to it unread before its connection is given up and its answer with it.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Pause after a failed accept, which happens when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How much longer a head may be than the limit for [`Front`] to say so. Beyond it the protocol's own layer refuses,
/// without a word of why.
const HEAD_MARGIN: usize = 64 << 10;

/// Serves `listener` until `stop`, then lets running requests finish for at most `limits.shutdown_grace`, or until `now`.
/// Meanwhile it still takes connections, so that probes see that the server stops.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    front: Arc<Front>,
    limits: &Limits,
    stop: CancellationToken,
    now: CancellationToken,
) {
    let doors = Doors {
        listener,
        tls,
        front,
        builder: Arc::new(builder(limits)),
        connections: TaskTracker::new(),
        now: now.clone(),
    };
    let (graceful, late) = (GracefulShutdown::new(), GracefulShutdown::new());
    tokio::select! {
        () = doors.admit(&graceful) => {}
        () = stop.cancelled() => {}
    }
    // Before the next connection comes in.
    doors.front.stop();
    // Connections that come late are not waited for: nothing but probes and refusals is answered on them.
    tokio::select! {
        () = doors.admit(&late) => {}
        () = finish(graceful, limits.shutdown_grace, &now) => {}
    }
    let Doors { listener, connections, .. } = doors;
    drop(listener);
    connections.close();
    // Dropping a connection drops its response stream, which cancels the generation behind it.
    now.cancel();
    connections.wait().await;
}

/// Where connections come in.
struct Doors {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    front: Arc<Front>,
    builder: Arc<auto::Builder<TokioExecutor>>,
    connections: TaskTracker,
    now: CancellationToken,
}

impl Doors {
    /// Serves each connection that comes, on a task of its own; never ends.
    async fn admit(&self, graceful: &GracefulShutdown) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => self.serve(stream, peer, graceful.watcher()),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        let (front, builder, now) = (self.front.clone(), self.builder.clone(), self.now.clone());
        let connection = connection(stream, peer, self.tls.clone(), front, builder, watcher);
        self.connections.spawn(async move {
            tokio::select! {
                () = connection => {}
                () = now.cancelled() => {}
            }
        });
    }
}

async fn finish(graceful: GracefulShutdown, grace: Duration, now: &CancellationToken) {
    tokio::select! {
        () = graceful.shutdown() => tracing::info!("all requests finished"),
        () = tokio::time::sleep(grace) => tracing::warn!(seconds = grace.as_secs(), "cancelling the requests that still run"),
        () = now.cancelled() => tracing::warn!("cancelling the requests that still run"),
    }
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    let head = limits.headers.saturating_add(HEAD_MARGIN);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(head);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX))
        .max_concurrent_streams(256)
        .keep_alive_interval(Duration::from_secs(20));
    builder
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    front: Arc<Front>,
    builder: Arc<auto::Builder<TokioExecutor>>,
    watcher: Watcher,
) {
    // Small event-stream frames must leave at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, %peer, "cannot switch off delayed sending");
    }
    let stream = impatient(stream, UNREAD_TIMEOUT);
    match tls {
        None => speak(stream, peer, false, front, &builder, watcher).await,
        Some(acceptor) => match tokio::time::timeout(HEAD_TIMEOUT, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => speak(stream, peer, true, front, &builder, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, %peer, "the TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
        },
    }
}

/// The stream, which fails when a write has waited for `patience`.
fn impatient<S: AsyncRead + AsyncWrite>(stream: S, patience: Duration) -> Pin<Box<TimeoutStream<S>>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(patience));
    Box::pin(stream)
}

async fn speak<S>(
    stream: S,
    peer: SocketAddr,
    tls: bool,
    front: Arc<Front>,
    builder: &auto::Builder<TokioExecutor>,
    watcher: Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let spoken = Arc::new(AtomicBool::new(false));
    let heard = spoken.clone();
    let service = service_fn(move |request| {
        let front = front.clone();
        heard.store(true, Ordering::Relaxed);
        async move { Ok::<_, std::convert::Infallible>(front.answer(request, peer, tls).await) }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    match unless_silent(watcher.watch(connection.into_owned()), &spoken, HEAD_TIMEOUT).await {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::debug!(%error, %peer, "the connection ended early"),
        None => tracing::debug!(%peer, "the connection brought no request"),
    }
}

/// Runs `connection` to its end, unless after `patience` nothing has been `spoken` on it. Until its first bytes tell the
/// version of HTTP, no other limit applies to a connection.
async fn unless_silent<F: Future>(connection: F, spoken: &AtomicBool, patience: Duration) -> Option<F::Output> {
    tokio::pin!(connection);
    match tokio::time::timeout(patience, &mut connection).await {
        Ok(ended) => Some(ended),
        Err(_) if spoken.load(Ordering::Relaxed) => Some(connection.await),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn a_connection_without_a_request_is_given_up() {
        let silent = AtomicBool::new(false);
        assert_eq!(unless_silent(std::future::pending::<()>(), &silent, Duration::ZERO).await, None);
        assert_eq!(unless_silent(std::future::ready(1), &silent, Duration::ZERO).await, Some(1));
    }

    #[tokio::test]
    async fn a_connection_whose_client_reads_nothing_is_given_up() {
        let (ours, _theirs) = tokio::io::duplex(16);
        let mut stream = impatient(ours, Duration::from_millis(1));
        stream.write_all(&[0; 16]).await.unwrap();
        assert_eq!(stream.write_all(&[0]).await.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_connection_that_was_used_may_stay() {
        let spoken = AtomicBool::new(true);
        let (end, ended) = tokio::sync::oneshot::channel();
        let task = async {
            tokio::task::yield_now().await;
            end.send(2)
        };
        let (found, sent) = tokio::join!(unless_silent(ended, &spoken, Duration::ZERO), task);
        assert_eq!((found, sent), (Some(Ok(2)), Ok(())));
    }
}
