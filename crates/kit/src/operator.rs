//! What an operator may see and mend in a service: sagas, dead letters, dead jobs, replays. Every service answers it; the gateway
//! asks all of them and merges. Times are microseconds since 1970, ids text.

mod proto;

use axum::Router;
use contracts::proto::operator::operator_server::{Operator, OperatorServer};
use contracts::proto::operator::{
    DeadJobRequest, DeadJobResponse, DeadLetterGroup, DeadLetterGroupResponse, DeadLetterRequest, DeadLetterResponse, GetReplayRequest,
    ListDeadJobsRequest, ListDeadJobsResponse, ListDeadLetterGroupsRequest, ListDeadLetterGroupsResponse, ListDeadLettersRequest,
    ListDeadLettersResponse, ListSagasRequest, ListSagasResponse, LogPlace, ReadLogRequest, ReadLogResponse, Replay, SagaRequest,
    SagaResponse, StartReplayRequest,
};
use tonic::{Request, Response, Status};
use tower::ServiceExt;
use uuid::Uuid;

use crate::Problem;
use crate::db::{Db, DbError};
use crate::events::{Cancelled, Place, Replays, dead_letters, part};
use crate::jobs::dead;
use crate::saga::{Aborted, Retried, SagaView, Sagas};

/// What a saga that an operator turned back is told as the code.
const TURNED_BACK: &str = "turned_back_by_operator";

/// The operator's side of a service, to be merged into its gRPC router.
pub fn operator_router(db: Db, sagas: Option<Sagas>, replays: Replays) -> Router {
    let server = OperatorServer::new(Desk { db, sagas, replays });
    let server = server.map_request(|request: http::Request<axum::body::Body>| request.map(tonic::body::Body::new));
    Router::new().route_service("/haat.operator.v1.Operator/{*method}", server)
}

#[derive(Clone)]
struct Desk {
    db: Db,
    sagas: Option<Sagas>,
    replays: Replays,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Operator for Desk {
    async fn list_sagas(&self, request: Request<ListSagasRequest>) -> Answer<ListSagasResponse> {
        let filter = proto::filter(request.into_inner())?;
        let sagas = match &self.sagas {
            Some(sagas) => sagas.list(filter).await.map_err(failed)?,
            None => Vec::new(),
        };
        Ok(Response::new(ListSagasResponse { sagas: sagas.into_iter().map(|s| proto::saga(self.db.service(), s)).collect() }))
    }

    async fn get_saga(&self, request: Request<SagaRequest>) -> Answer<SagaResponse> {
        let id = proto::id("saga", &request.into_inner().id)?;
        self.saga(id).await
    }

    async fn retry_saga(&self, request: Request<SagaRequest>) -> Answer<SagaResponse> {
        let id = proto::id("saga", &request.into_inner().id)?;
        let sagas = self.sagas.as_ref().ok_or_else(|| no("saga"))?;
        match sagas.retry(id).await.map_err(failed)? {
            Retried::Moving => self.saga(id).await,
            Retried::Missing => Err(no("saga")),
            Retried::NotStuck(status) => {
                let detail = format!("only a stuck saga can be retried; this one is {}", status.as_str());
                Err(Problem::conflict("saga_not_stuck", detail).into())
            }
        }
    }

    async fn compensate_saga(&self, request: Request<SagaRequest>) -> Answer<SagaResponse> {
        let id = proto::id("saga", &request.into_inner().id)?;
        let sagas = self.sagas.as_ref().ok_or_else(|| no("saga"))?;
        match sagas.compensate(id, TURNED_BACK).await.map_err(failed)? {
            Aborted::Unwinding => self.saga(id).await,
            Aborted::Missing => Err(no("saga")),
            Aborted::TooLate => {
                Err(Problem::conflict("saga_past_pivot", "this saga has passed the point up to which it can be undone").into())
            }
        }
    }

    async fn list_dead_letters(&self, request: Request<ListDeadLettersRequest>) -> Answer<ListDeadLettersResponse> {
        let request = request.into_inner();
        let (limit, before) = (proto::limit(request.limit), proto::optional_id("dead letter", &request.before)?);
        let found = self.db.read(move |q| dead_letters::list(q, limit, before)).await.map_err(failed)?;
        let dead_letters = found.into_iter().map(|letter| proto::dead_letter(self.db.service(), letter)).collect();
        Ok(Response::new(ListDeadLettersResponse { dead_letters }))
    }

    async fn retry_dead_letter(&self, request: Request<DeadLetterRequest>) -> Answer<DeadLetterResponse> {
        let id = proto::id("dead letter", &request.into_inner().id)?;
        let found = dead_letters::retry(&self.db, id).await.map_err(failed)?;
        Ok(Response::new(DeadLetterResponse { found }))
    }

    async fn discard_dead_letter(&self, request: Request<DeadLetterRequest>) -> Answer<DeadLetterResponse> {
        let id = proto::id("dead letter", &request.into_inner().id)?;
        let found = dead_letters::discard(&self.db, id).await.map_err(failed)?;
        Ok(Response::new(DeadLetterResponse { found }))
    }

    async fn list_dead_letter_groups(&self, _: Request<ListDeadLetterGroupsRequest>) -> Answer<ListDeadLetterGroupsResponse> {
        let found: Result<_, DbError> = self.db.read(dead_letters::groups).await;
        let groups = found.map_err(failed)?.into_iter().map(|group| proto::dead_letter_group(self.db.service(), group)).collect();
        Ok(Response::new(ListDeadLetterGroupsResponse { groups }))
    }

    async fn retry_dead_letter_group(&self, request: Request<DeadLetterGroup>) -> Answer<DeadLetterGroupResponse> {
        let group = request.into_inner();
        let count = dead_letters::retry_group(&self.db, &group.source, &group.r#type, &group.error).await.map_err(failed)?;
        Ok(Response::new(DeadLetterGroupResponse { count: proto::count(count) }))
    }

    async fn discard_dead_letter_group(&self, request: Request<DeadLetterGroup>) -> Answer<DeadLetterGroupResponse> {
        let group = request.into_inner();
        let count = dead_letters::discard_group(&self.db, &group.source, &group.r#type, &group.error).await.map_err(failed)?;
        Ok(Response::new(DeadLetterGroupResponse { count: proto::count(count) }))
    }

    async fn list_dead_jobs(&self, request: Request<ListDeadJobsRequest>) -> Answer<ListDeadJobsResponse> {
        let request = request.into_inner();
        let (limit, before) = (proto::limit(request.limit), proto::optional_id("dead job", &request.before)?);
        let found = self.db.read(move |q| dead::list(q, limit, before)).await.map_err(failed)?;
        Ok(Response::new(ListDeadJobsResponse {
            dead_jobs: found.into_iter().map(|job| proto::dead_job(self.db.service(), job)).collect(),
        }))
    }

    async fn retry_dead_job(&self, request: Request<DeadJobRequest>) -> Answer<DeadJobResponse> {
        let id = proto::id("dead job", &request.into_inner().id)?;
        Ok(Response::new(DeadJobResponse { found: dead::retry(&self.db, id).await.map_err(failed)? }))
    }

    async fn discard_dead_job(&self, request: Request<DeadJobRequest>) -> Answer<DeadJobResponse> {
        let id = proto::id("dead job", &request.into_inner().id)?;
        Ok(Response::new(DeadJobResponse { found: dead::discard(&self.db, id).await.map_err(failed)? }))
    }

    async fn read_log(&self, request: Request<ReadLogRequest>) -> Answer<ReadLogResponse> {
        let ReadLogRequest { place, limit } = request.into_inner();
        let place = place.map(|p| Place { after: p.after, until: p.until });
        let part = self.db.read(move |q| part(q, place, limit)).await.map_err(failed)?;
        let next = part.next.map(|p| LogPlace { after: p.after, until: p.until });
        Ok(Response::new(ReadLogResponse { events: part.events, next }))
    }

    async fn start_replay(&self, request: Request<StartReplayRequest>) -> Answer<Replay> {
        let model = request.into_inner().read_model;
        match self.replays.start(&model).await.map_err(failed)? {
            Some(id) => self.replay(id).await,
            None => Err(no("read model")),
        }
    }

    async fn get_replay(&self, request: Request<GetReplayRequest>) -> Answer<Replay> {
        let id = proto::id("replay", &request.into_inner().id)?;
        self.replay(id).await
    }

    async fn cancel_replay(&self, request: Request<GetReplayRequest>) -> Answer<Replay> {
        let id = proto::id("replay", &request.into_inner().id)?;
        match self.replays.cancel(id).await.map_err(failed)? {
            Cancelled::Now => self.replay(id).await,
            Cancelled::InPlace => {
                Err(Problem::conflict("replay_in_place", "the model was emptied for it: it has to be built to its end").into())
            }
            Cancelled::Over => Err(Problem::conflict("replay_over", "it is over already").into()),
            Cancelled::Missing => Err(no("replay")),
        }
    }
}

impl Desk {
    async fn saga(&self, id: Uuid) -> Answer<SagaResponse> {
        let found: Option<SagaView> = match &self.sagas {
            Some(sagas) => sagas.get(id).await.map_err(failed)?,
            None => None,
        };
        let saga = found.ok_or_else(|| no("saga"))?;
        Ok(Response::new(SagaResponse { saga: Some(proto::saga(self.db.service(), saga)) }))
    }

    async fn replay(&self, id: Uuid) -> Answer<Replay> {
        let found = self.replays.get(id).await.map_err(failed)?;
        found.map(|replay| Response::new(proto::replay(replay))).ok_or_else(|| no("replay"))
    }
}

fn failed(e: DbError) -> Status {
    Problem::from(e).into()
}

fn no(what: &str) -> Status {
    Problem::not_found(what).into()
}
