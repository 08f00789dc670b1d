//! A publisher's log, read from another process over gRPC: what a subscriber finds there, and when it looks, is the same
//! as in process. Its position still lies in the subscriber's own schema.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use contracts::Envelope;
use contracts::proto::log::log_client::LogClient;
use contracts::proto::log::log_server::{Log, LogServer};
use contracts::proto::log::{PositionRequest, PositionResponse, ReadRequest, ReadResponse, WaitRequest, WaitResponse};
use tonic::{Request, Response, Status};
use tower::ServiceExt;

use super::run_after;
use crate::channel::Channel;
use crate::db::{Db, DbError, Query};
use crate::{Problem, Tasks};

/// Where every service answers for its log; the internal listener lets in who declares that it reads it.
pub(crate) const PATH: &str = "/haat.log.v1.Log/";
/// Of these methods the one that a publisher asks its subscribers.
pub(crate) const POSITION: &str = "/haat.log.v1.Log/Position";
/// The largest answer that a subscriber takes, in bytes.
const ANSWER_MAX: usize = 64 << 20;
/// Events of one answer at most.
const EVENTS_MAX: i64 = 256;
/// How long a subscriber asks to wait, in milliseconds; also the most that is granted.
const WAIT_MS: i64 = 10_000;
/// Another node of the publisher may have written: somebody who waits looks for himself, in milliseconds.
const LOOK_MS: u64 = 500;
/// What is said where a subscriber was ahead of its publisher before it read anything.
const AHEAD: &str = "more was read than was ever written: the publisher was restored from a backup that is older than the subscriber; see docs/operations/backup.md";
/// After a publisher could not be reached, in milliseconds.
const AWAY_MS: u64 = 500;

#[derive(Clone)]
struct Publisher {
    db: Db,
    bus: bus::Local,
    tasks: Tasks,
}

/// The publisher's side, to be merged into a service's gRPC router.
pub(crate) fn log_router(db: &Db, bus: &bus::Local, tasks: &Tasks) -> Router {
    let server = LogServer::new(Publisher { db: db.clone(), bus: bus.clone(), tasks: tasks.clone() });
    let server = server.map_request(|request: http::Request<axum::body::Body>| request.map(tonic::body::Body::new));
    Router::new().route_service("/haat.log.v1.Log/{*method}", server)
}

#[tonic::async_trait]
impl Log for Publisher {
    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<ReadResponse>, Status> {
        let ReadRequest { position, limit } = request.into_inner();
        let run = self.db.read(move |q| run_after(q, position, limit.clamp(1, EVENTS_MAX))).await.map_err(failed)?;
        let events = run.events.iter().map(|e| e.to_cloud_event().to_string()).collect();
        Ok(Response::new(ReadResponse { events, held_back: run.held_back }))
    }

    async fn wait(&self, request: Request<WaitRequest>) -> Result<Response<WaitResponse>, Status> {
        let WaitRequest { seen, wait_ms } = request.into_inner();
        let until = tokio::time::Instant::now() + Duration::from_millis(wait_ms.clamp(0, WAIT_MS).unsigned_abs());
        let mut woken = self.bus.watch(self.db.service());
        loop {
            woken.borrow_and_update();
            let newest = self.db.read(newest).await.map_err(failed)?;
            if newest > seen || tokio::time::Instant::now() >= until || self.tasks.is_stopping() {
                return Ok(Response::new(WaitResponse { newest }));
            }
            let look = until.min(tokio::time::Instant::now() + Duration::from_millis(LOOK_MS));
            tokio::select! {
                biased;
                () = self.tasks.stopping() => {}
                _ = woken.changed() => {}
                () = tokio::time::sleep_until(look) => {}
            }
        }
    }

    async fn position(&self, request: Request<PositionRequest>) -> Result<Response<PositionResponse>, Status> {
        let source = request.into_inner().source;
        let position = self.db.read(move |q| position_in(q, &source)).await.map_err(failed)?;
        Ok(Response::new(PositionResponse { position }))
    }
}

/// The position of the newest event of the service's log; 0 where there is none.
pub fn newest(q: &mut Query) -> Result<i64, DbError> {
    let row = q.row("SELECT COALESCE(MAX(position), 0) FROM own.events", &[])?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// How far the service has read the log of `source`; 0 where it has not begun.
pub(crate) fn position_in(q: &mut Query, source: &str) -> Result<i64, DbError> {
    let row = q.row("SELECT position FROM own.readers WHERE source = $1", crate::params![source])?;
    row.map_or(Ok(0), |row| row.get(0))
}

fn failed(e: DbError) -> Status {
    Problem::from(e).into()
}

/// The subscriber's side: the log of `source` at the other end of `channel`.
pub(crate) fn remote_log(channel: Channel, source: &'static str) -> bus::LogReader {
    Arc::new(move |position, limit| {
        let channel = channel.clone();
        Box::pin(async move {
            let failed = |reason: String| bus::ReadError { source_name: source.to_owned(), reason };
            let request = ReadRequest { position, limit: i64::try_from(limit).unwrap_or(EVENTS_MAX) };
            let answer = client(channel).read(request).await.map_err(|e| failed(e.message().to_owned()))?.into_inner();
            let events = answer.events.iter().map(|text| serde_json::from_str(text).and_then(Envelope::from_cloud_event));
            let events = events.collect::<Result<Vec<_>, _>>().map_err(|e| failed(e.to_string()))?;
            Ok(bus::LogRun { events, held_back: answer.held_back })
        })
    })
}

/// Wakes the readers of `source` whenever something was committed to its log at the other end of `channel`.
pub(crate) async fn watch_remote(channel: Channel, source: &'static str, subscriber: Db, bus: bus::Local, tasks: Tasks) {
    let mut seen = -1;
    let before: i64 = subscriber.read(move |q| position_in(q, source)).await.unwrap_or(0);
    while !tasks.is_stopping() {
        let mut client = client(channel.clone());
        let answer = tokio::select! {
            biased;
            () = tasks.stopping() => return,
            answer = client.wait(patient(seen)) => answer,
        };
        match answer.map(|a| a.into_inner().newest) {
            Ok(newest) if newest == seen => {}
            Ok(newest) => {
                if seen < 0 && newest < before {
                    let subscriber = subscriber.service();
                    tracing::error!(subscriber, source, position = before, end = newest, "{AHEAD}");
                }
                seen = newest;
                bus.wake(source);
            }
            Err(e) => {
                tracing::debug!(source, reason = e.message(), "the log of a service elsewhere cannot be watched now");
                tokio::select! {
                    biased;
                    () = tasks.stopping() => return,
                    () = tokio::time::sleep(Duration::from_millis(AWAY_MS)) => {}
                }
            }
        }
    }
}

/// Asks to be told what is newer than `seen`, and waits for longer than the publisher may take to say that nothing is.
fn patient(seen: i64) -> Request<WaitRequest> {
    let mut request = Request::new(WaitRequest { seen, wait_ms: WAIT_MS });
    request.set_timeout(Duration::from_millis(2 * WAIT_MS.unsigned_abs()));
    request
}

fn client(channel: Channel) -> LogClient<Channel> {
    LogClient::new(channel).max_decoding_message_size(ANSWER_MAX)
}
