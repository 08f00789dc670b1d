use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tower::ServiceExt;

use super::Peer;
use crate::Tasks;

/// The length of the HTTP/2 preface: a connection that has sent as much has shown which protocol it speaks.
const PREFACE_BYTES: usize = 24;
/// Pause after a failed `accept`, most often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What one listener allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections; further ones wait in the kernel's queue.
    pub connections_max: usize,
    /// How long the head of a request may take, and how long a connection may idle between two.
    pub idle_seconds: u64,
    /// How large the head of a request may be.
    pub head_bytes_max: usize,
    /// Open requests on one HTTP/2 connection.
    pub streams_max: u32,
    /// How long open requests may take to end at a graceful stop.
    pub drain_seconds: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { connections_max: 8_192, idle_seconds: 60, head_bytes_max: 32 * 1024, streams_max: 256, drain_seconds: 20 }
    }
}

pub(super) async fn serve(listener: TcpListener, router: Router, tasks: Tasks, limits: Limits) {
    let places = Arc::new(Semaphore::new(limits.connections_max));
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            biased;
            () = tasks.stopping() => return,
            next = next => next,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = connection(stream, Peer(peer), router.clone(), tasks.clone(), limits, place);
                drop(tasks.spawn(connection));
            }
            Err(e) => {
                tracing::warn!(error = %e, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: Peer, router: Router, tasks: Tasks, limits: Limits, _place: OwnedSemaphorePermit) {
    // Fails only for a connection that is gone, which the first read will find out.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.map(axum::body::Body::new)
    }));
    let io = TokioIo::new(Prompt::new(stream, Duration::from_secs(limits.idle_seconds)));
    let builder = builder(limits);
    let mut serving = std::pin::pin!(builder.serve_connection_with_upgrades(io, service));
    let outcome = tokio::select! {
        biased;
        outcome = serving.as_mut() => outcome,
        () = tasks.stopping() => {
            serving.as_mut().graceful_shutdown();
            match tokio::time::timeout(Duration::from_secs(limits.drain_seconds), serving).await {
                Ok(outcome) => outcome,
                Err(_) => return tracing::warn!(peer = %peer.0, "a connection was cut at the stop: its request did not end"),
            }
        }
    };
    if let Err(e) = outcome {
        tracing::debug!(peer = %peer.0, error = %e, "connection ended");
    }
}

fn builder(limits: Limits) -> Builder<TokioExecutor> {
    let idle = Duration::from_secs(limits.idle_seconds);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(limits.head_bytes_max);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(idle)
        .keep_alive_timeout(idle)
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX));
    builder
}

/// A stream whose other end must show within a time which protocol it speaks, where afterwards the protocol's own
/// timeouts hold, and must take within the same time something of what is written: who does not read is dropped.
struct Prompt {
    stream: TcpStream,
    patience: Duration,
    first_bytes: Pin<Box<Sleep>>,
    read_bytes: usize,
    /// Since nothing more could be written.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Prompt {
    fn new(stream: TcpStream, patience: Duration) -> Prompt {
        Prompt { stream, patience, first_bytes: Box::pin(tokio::time::sleep(patience)), read_bytes: 0, stalled: None }
    }

    /// What a write comes to: an error where the other end has taken nothing for too long.
    fn written(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Prompt {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.read_bytes >= PREFACE_BYTES {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let before = buffer.filled().len();
        if let Poll::Ready(done) = Pin::new(&mut self.stream).poll_read(cx, buffer) {
            self.read_bytes += buffer.filled().len() - before;
            return Poll::Ready(done);
        }
        ready!(self.first_bytes.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::time::Instant;

    use super::*;

    /// Time that is paused goes on by itself as soon as everybody waits.
    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_dropped() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut prompt = Prompt::new(listener.accept().await.unwrap().0, Duration::from_secs(60));
        let began = Instant::now();
        let error = loop {
            if let Err(e) = prompt.write_all(&[0; 64 * 1024]).await {
                break e;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= Duration::from_secs(60));
        drop(client);
    }
}
