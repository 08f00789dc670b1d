//! The operator side of every service, asked at once and merged.

mod log;

use std::future::Future;
use std::time::Duration;

use contracts::Time;
use contracts::proto::operator as proto;
use contracts::proto::operator::operator_client::OperatorClient;
use futures::future::join_all;
use kit::channel::Channel;
use kit::http::{After, PageRequest};
use kit::{BuildError, Env, Problem};
use tonic::{Code, Response, Status};
use uuid::Uuid;

/// How long a service may take, in seconds; the others' answers do not wait longer.
const ANSWER_SECONDS_MAX: u64 = 5;

type Client = OperatorClient<Channel>;
type Answers<T> = Vec<(&'static str, Result<T, Status>)>;

/// The operator APIs of all services.
pub struct Operators(Vec<(&'static str, Client)>);

/// A page over all services.
#[derive(Debug)]
pub struct Merged<T> {
    /// Newest first.
    pub rows: Vec<T>,
    /// For the next page.
    pub next_cursor: Option<String>,
    /// Services that could not be asked.
    pub unavailable: Vec<&'static str>,
}

impl Operators {
    /// Of every declared service.
    pub fn new(env: &Env) -> Result<Operators, BuildError> {
        let services = env.directory.services().into_iter();
        services.map(|s| Ok((s, Client::new(env.channel(s)?)))).collect::<Result<_, _>>().map(Operators)
    }

    /// Whether a service answers at all.
    pub async fn answers(&self, service: &str) -> bool {
        let Some((_, client)) = self.0.iter().find(|(name, _)| *name == service) else { return false };
        let mut client = client.clone();
        let asked =
            in_time(async move { client.list_dead_letters(proto::ListDeadLettersRequest { limit: 1, ..Default::default() }).await });
        !matches!(asked.await, Err(status) if matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded))
    }

    /// Sagas of all services.
    pub async fn sagas(
        &self,
        wanted: proto::ListSagasRequest,
        limit: Option<i64>,
        cursor: Option<&str>,
    ) -> Result<Merged<proto::Saga>, Problem> {
        let filters = format!("sagas\n{}\n{}\n{}", wanted.status, wanted.r#type, wanted.subject);
        let page = PageRequest::new(limit, cursor, &filters)?;
        let wanted = proto::ListSagasRequest { limit: page.limit + 1, before: before(&page), ..wanted };
        let answers = self.ask(|mut client| {
            let wanted = wanted.clone();
            async move { client.list_sagas(wanted).await }
        });
        let named = |service: &str, s: proto::Saga| proto::Saga { service: service.to_owned(), ..s };
        Ok(merge(answers.await, &page, |a| a.sagas, named, |s| (&s.id, s.created_at)))
    }

    /// One saga, whosever it is.
    pub async fn saga(&self, id: Uuid) -> Result<proto::Saga, Problem> {
        let id = id.to_string();
        let answers = self.ask(|mut client| {
            let id = id.clone();
            async move { client.get_saga(proto::SagaRequest { id }).await }
        });
        let (service, answer) = one("saga", answers.await, |a| a.saga.is_some())?;
        answer.saga.map(|s| proto::Saga { service: service.to_owned(), ..s }).ok_or_else(|| Problem::not_found("saga"))
    }

    /// Takes up a stuck saga.
    pub async fn retry_saga(&self, id: Uuid) -> Result<proto::Saga, Problem> {
        let (service, mut client) = self.owner(id).await?;
        let answer = client.retry_saga(proto::SagaRequest { id: id.to_string() }).await.map_err(problem)?;
        answer.into_inner().saga.map(|s| proto::Saga { service, ..s }).ok_or_else(|| Problem::not_found("saga"))
    }

    /// Unwinds a saga.
    pub async fn compensate_saga(&self, id: Uuid) -> Result<proto::Saga, Problem> {
        let (service, mut client) = self.owner(id).await?;
        let answer = client.compensate_saga(proto::SagaRequest { id: id.to_string() }).await.map_err(problem)?;
        answer.into_inner().saga.map(|s| proto::Saga { service, ..s }).ok_or_else(|| Problem::not_found("saga"))
    }

    async fn owner(&self, id: Uuid) -> Result<(String, Client), Problem> {
        let service = self.saga(id).await?.service;
        let found = self.0.iter().find(|(name, _)| *name == service);
        found.map(|(_, client)| (service.clone(), client.clone())).ok_or_else(|| Problem::not_found("saga"))
    }

    /// Dead letters of all services.
    pub async fn dead_letters(&self, limit: Option<i64>, cursor: Option<&str>) -> Result<Merged<proto::DeadLetter>, Problem> {
        let page = PageRequest::new(limit, cursor, "dead letters")?;
        let wanted = proto::ListDeadLettersRequest { limit: page.limit + 1, before: before(&page) };
        let answers = self.ask(|mut client| {
            let wanted = wanted.clone();
            async move { client.list_dead_letters(wanted).await }
        });
        let named = |service: &str, d: proto::DeadLetter| proto::DeadLetter { service: service.to_owned(), ..d };
        Ok(merge(answers.await, &page, |a| a.dead_letters, named, |d| (&d.id, d.created_at)))
    }

    /// Delivers a dead letter again.
    pub async fn retry_dead_letter(&self, id: Uuid) -> Result<(), Problem> {
        let id = id.to_string();
        let answers = self.ask(|mut client| {
            let id = id.clone();
            async move { client.retry_dead_letter(proto::DeadLetterRequest { id }).await }
        });
        one("dead letter", answers.await, |a| a.found).map(drop)
    }

    /// Gives a dead letter up.
    pub async fn discard_dead_letter(&self, id: Uuid) -> Result<(), Problem> {
        let id = id.to_string();
        let answers = self.ask(|mut client| {
            let id = id.clone();
            async move { client.discard_dead_letter(proto::DeadLetterRequest { id }).await }
        });
        one("dead letter", answers.await, |a| a.found).map(drop)
    }

    /// Jobs of all services that failed for good.
    pub async fn dead_jobs(&self, limit: Option<i64>, cursor: Option<&str>) -> Result<Merged<proto::DeadJob>, Problem> {
        let page = PageRequest::new(limit, cursor, "dead jobs")?;
        let wanted = proto::ListDeadJobsRequest { limit: page.limit + 1, before: before(&page) };
        let answers = self.ask(|mut client| {
            let wanted = wanted.clone();
            async move { client.list_dead_jobs(wanted).await }
        });
        let named = |service: &str, j: proto::DeadJob| proto::DeadJob { service: service.to_owned(), ..j };
        Ok(merge(answers.await, &page, |a| a.dead_jobs, named, |j| (&j.id, j.created_at)))
    }

    /// Tries a dead job again.
    pub async fn retry_dead_job(&self, id: Uuid) -> Result<(), Problem> {
        let id = id.to_string();
        let answers = self.ask(|mut client| {
            let id = id.clone();
            async move { client.retry_dead_job(proto::DeadJobRequest { id }).await }
        });
        one("dead job", answers.await, |a| a.found).map(drop)
    }

    /// Gives a dead job up.
    pub async fn discard_dead_job(&self, id: Uuid) -> Result<(), Problem> {
        let id = id.to_string();
        let answers = self.ask(|mut client| {
            let id = id.clone();
            async move { client.discard_dead_job(proto::DeadJobRequest { id }).await }
        });
        one("dead job", answers.await, |a| a.found).map(drop)
    }

    /// Builds a read model anew, in the service that has it.
    pub async fn start_replay(&self, read_model: &str) -> Result<proto::Replay, Problem> {
        let answers = self.ask(|mut client| {
            let read_model = read_model.to_owned();
            async move { client.start_replay(proto::StartReplayRequest { read_model }).await }
        });
        one("read model", answers.await, |r| !r.id.is_empty()).map(|(_, replay)| replay)
    }

    /// How far a replay is.
    pub async fn replay(&self, id: Uuid) -> Result<proto::Replay, Problem> {
        let id = id.to_string();
        let answers = self.ask(|mut client| {
            let id = id.clone();
            async move { client.get_replay(proto::GetReplayRequest { id }).await }
        });
        one("replay", answers.await, |r| !r.id.is_empty()).map(|(_, replay)| replay)
    }

    /// Ends a replay.
    pub async fn cancel_replay(&self, id: Uuid) -> Result<proto::Replay, Problem> {
        let id = id.to_string();
        let answers = self.ask(|mut client| {
            let id = id.clone();
            async move { client.cancel_replay(proto::GetReplayRequest { id }).await }
        });
        one("replay", answers.await, |r| !r.id.is_empty()).map(|(_, replay)| replay)
    }

    /// Asks all services at once.
    async fn ask<T, F>(&self, call: impl Fn(Client) -> F) -> Answers<T>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        join_all(self.0.iter().map(|(service, client)| {
            let answer = in_time(call(client.clone()));
            async move { (*service, answer.await.map(Response::into_inner)) }
        }))
        .await
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let late = |_| Err(Status::deadline_exceeded("no answer in time"));
    tokio::time::timeout(Duration::from_secs(ANSWER_SECONDS_MAX), answer).await.unwrap_or_else(late)
}

/// Ids are in the order of time, so the last id of a page says where the next one begins, in every service alike.
fn before(page: &PageRequest) -> String {
    page.after.map(|after| after.id.to_string()).unwrap_or_default()
}

fn merge<A, T>(
    answers: Answers<A>,
    page: &PageRequest,
    rows: impl Fn(A) -> Vec<T>,
    named: impl Fn(&str, T) -> T,
    key: impl Fn(&T) -> (&String, i64),
) -> Merged<T> {
    let (mut all, mut unavailable) = (Vec::new(), Vec::new());
    for (service, answer) in answers {
        match answer {
            Ok(answer) => all.extend(rows(answer).into_iter().map(|row| named(service, row))),
            // A service without sagas and subscriptions has no operator side.
            Err(status) if status.code() == Code::Unimplemented => {}
            Err(status) => {
                tracing::warn!(service, %status, "the operator side of a service does not answer");
                unavailable.push(service);
            }
        }
    }
    all.sort_by(|a, b| key(b).0.cmp(key(a).0));
    let after = |row: &T| {
        let (id, created_at) = key(row);
        After { time: Time(created_at), id: id.parse().unwrap_or_default() }
    };
    // Several services may have a dead letter of one event. The cursor holds the event's id only, so a page ends behind all of
    // them, also where it becomes longer than was asked for by that.
    let same = |end: usize| end > 0 && all.get(end).is_some_and(|next| key(next).0 == key(&all[end - 1]).0);
    let mut page = page.clone();
    while same(page.limit as usize) {
        page.limit += 1;
    }
    let page = page.page(all, after);
    Merged { rows: page.data, next_cursor: page.next_cursor, unavailable }
}

/// The one answer that counts: nobody else knows the id.
fn one<T>(what: &str, answers: Answers<T>, found: impl Fn(&T) -> bool) -> Result<(&'static str, T), Problem> {
    let mut refused = None;
    for (service, answer) in answers {
        match answer {
            Ok(answer) if found(&answer) => return Ok((service, answer)),
            Ok(_) => {}
            Err(status) if matches!(status.code(), Code::NotFound | Code::Unimplemented) => {}
            Err(status) => refused = Some(status),
        }
    }
    Err(refused.map_or_else(|| Problem::not_found(what), problem))
}

/// What a service answered, for the operator to read.
fn problem(status: Status) -> Problem {
    match status.code() {
        Code::NotFound => Problem::not_found("saga"),
        Code::InvalidArgument => Problem::unprocessable("invalid", status.message()),
        Code::FailedPrecondition | Code::Aborted => Problem::conflict("not_possible_now", status.message()),
        Code::Unavailable | Code::DeadlineExceeded => Problem::unavailable("service_unavailable", status.message()),
        _ => Problem::internal(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a service answers that has dead letters of these events, newest first.
    fn answer(events: &[u128], page: &PageRequest) -> Vec<String> {
        let ids = events.iter().map(|n| Uuid::from_u128(*n).to_string());
        let older = ids.filter(|id| page.after.is_none() || *id < before(page));
        older.take(page.limit as usize + 1).collect()
    }

    #[test]
    fn every_page_goes_on_where_the_one_before_it_ended() {
        let services: [(&str, &[u128]); 4] =
            [("cart", &[9, 7, 5, 3]), ("catalog", &[9, 8, 7, 1]), ("vendors", &[7, 4, 3]), ("payments", &[])];
        let mut expected: Vec<_> =
            services.iter().flat_map(|(name, ids)| ids.iter().map(move |n| (Uuid::from_u128(*n).to_string(), *name))).collect();
        expected.sort();
        for limit in 1..=12 {
            let (mut seen, mut cursor): (Vec<_>, Option<String>) = (Vec::new(), None);
            loop {
                let page = PageRequest::new(Some(limit), cursor.as_deref(), "dead letters").unwrap();
                let answers = services.iter().map(|(name, ids)| (*name, Ok(answer(ids, &page)))).collect();
                let named = |service: &str, (id, _): (String, String)| (id, service.to_owned());
                let rows = |ids: Vec<String>| ids.into_iter().map(|id| (id, String::new())).collect();
                let found = merge(answers, &page, rows, named, |row| (&row.0, 0));
                seen.extend(found.rows);
                cursor = found.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            seen.sort();
            let seen: Vec<_> = seen.iter().map(|(id, service)| (id.clone(), service.as_str())).collect();
            assert_eq!(seen, expected, "pages of {limit}");
        }
    }
}
