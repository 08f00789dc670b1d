//! What stores sell and earn, for themselves and for administrators.

use axum::extract::State;
use contracts::VendorId;
use kit::http::{Path, Period, Query};
use kit::{Caller, Problem, Role};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::own;
use crate::app::App;
use crate::domain::figures::{Day, Earnings, Metrics};

/// Days of a report where none are asked for.
const DAYS_DEFAULT: i64 = 30;
/// Days of a report at most.
const DAYS_MAX: i64 = 366;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PeriodParams {
    /// The first day, such as `2026-01-01`; days are UTC. The last 30 days where left out.
    from: Option<String>,
    /// The last day, at most 366 days after the first; today where left out.
    to: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AnalyticsParams {
    /// The first day, such as `2026-01-01`; days are UTC. The last 30 days where left out.
    from: Option<String>,
    /// The last day, at most 366 days after the first; today where left out.
    to: Option<String>,
    /// Which of the caller's stores.
    vendor_id: Option<VendorId>,
}

/// The days that a report tells of.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Scope {
    /// The store.
    vendor_id: VendorId,
    /// The first day.
    from: String,
    /// The last day.
    to: String,
}

/// What a store earned.
#[derive(Serialize, ToSchema)]
pub struct EarningsReport {
    #[serde(flatten)]
    scope: Scope,
    /// The whole period, by currency; empty where no money moved.
    totals: Vec<Earnings>,
    /// The days on which money moved, oldest first; one row per currency.
    days: Vec<EarningsOfDay>,
}

/// What a store earned on a day.
#[derive(Serialize, ToSchema)]
struct EarningsOfDay {
    /// Such as `2026-01-31`.
    day: String,
    #[serde(flatten)]
    earnings: Earnings,
}

/// What a store earned, by the days on which money moved.
#[utoipa::path(get, path = "/api/v1/vendors/{id}/earnings", tag = "vendors", params(("id" = VendorId, Path), PeriodParams),
    responses((status = 200, body = EarningsReport), (status = 400, description = "invalid_period"), (status = 404)))]
pub async fn get_earnings(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<VendorId>,
    Query(p): Query<PeriodParams>,
) -> Result<axum::Json<EarningsReport>, Problem> {
    let period = period(&app, &p)?;
    visible(&app, &caller, id).await?;
    let (totals, days) = app.earnings(id, period).await?;
    let of_day = |(day, sums)| EarningsOfDay { day: kit::http::day_text(day), earnings: Earnings::from(sums) };
    let (totals, days) = (totals.into_iter().map(Earnings::from).collect(), days.into_iter().map(of_day).collect());
    Ok(axum::Json(EarningsReport { scope: scope(id, period), totals, days }))
}

/// How a store does.
#[derive(Serialize, ToSchema)]
pub struct MetricsReport {
    #[serde(flatten)]
    scope: Scope,
    #[serde(flatten)]
    metrics: Metrics,
}

/// How a store does: its parts of the orders that were confirmed in a period, and what has become of them by now.
#[utoipa::path(get, path = "/api/v1/vendors/{id}/metrics", tag = "vendors", params(("id" = VendorId, Path), PeriodParams),
    responses((status = 200, body = MetricsReport), (status = 400, description = "invalid_period"), (status = 404)))]
pub async fn get_metrics(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<VendorId>,
    Query(p): Query<PeriodParams>,
) -> Result<axum::Json<MetricsReport>, Problem> {
    let period = period(&app, &p)?;
    visible(&app, &caller, id).await?;
    let metrics = app.metrics(id, period).await?;
    Ok(axum::Json(MetricsReport { scope: scope(id, period), metrics }))
}

/// A store at a glance.
#[derive(Serialize, ToSchema)]
pub struct AnalyticsReport {
    #[serde(flatten)]
    scope: Scope,
    /// As `GET /vendors/{id}/metrics`.
    metrics: Metrics,
    /// As the totals of `GET /vendors/{id}/earnings`.
    earnings: Vec<Earnings>,
    /// The days on which something was sold or money moved, oldest first; one row per currency.
    days: Vec<Day>,
}

/// The caller's own store at a glance: metrics, earnings, and both by day.
#[utoipa::path(get, path = "/api/v1/vendors/analytics", tag = "vendors", params(AnalyticsParams),
    responses((status = 200, body = AnalyticsReport), (status = 400, description = "invalid_period"), (status = 404)))]
pub async fn get_analytics(
    State(app): State<App>,
    caller: Caller,
    Query(p): Query<AnalyticsParams>,
) -> Result<axum::Json<AnalyticsReport>, Problem> {
    let period = period(&app, &PeriodParams { from: p.from, to: p.to })?;
    let id = own(&app, &caller, p.vendor_id).await?.id;
    let found = app.analytics(id, period).await?;
    let earnings = found.earnings.into_iter().map(Earnings::from).collect();
    Ok(axum::Json(AnalyticsReport { scope: scope(id, period), metrics: found.metrics, earnings, days: found.days }))
}

fn period(app: &App, p: &PeriodParams) -> Result<Period, Problem> {
    Period::new(p.from.as_deref(), p.to.as_deref(), app.clock.now(), DAYS_DEFAULT, DAYS_MAX)
}

fn scope(vendor_id: VendorId, period: Period) -> Scope {
    Scope { vendor_id, from: period.from(), to: period.to() }
}

/// `404` for whoever may not know what the store earns.
async fn visible(app: &App, caller: &Caller, id: VendorId) -> Result<(), Problem> {
    let user = caller.user()?.id;
    let may = caller.has(&[Role::Admin]) || app.stores_of(user).await?.iter().any(|s| s.id == id);
    if !may {
        return Err(Problem::not_found("store"));
    }
    Ok(app.store(id).await.map(drop)?)
}
