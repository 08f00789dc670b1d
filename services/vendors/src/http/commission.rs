//! What the marketplace keeps.

use axum::extract::State;
use kit::Problem;
use kit::http::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::domain::commission::{RULES_MAX, Rule};

/// The rules on commission.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    /// As they were given. The most particular one that fits a line counts: a store's before a category's before an amount's.
    data: Vec<Rule>,
    /// The rate where none fits, in basis points.
    default_basis_points: i64,
}

/// All rules anew.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RulesBody {
    /// In place of all that there are; at most 1,000.
    rules: Vec<Rule>,
}

/// The rules on commission.
#[utoipa::path(get, path = "/api/v1/vendors/commission-rules", tag = "vendors", responses((status = 200, body = Rules)))]
pub async fn get_rules(State(app): State<App>) -> Result<axum::Json<Rules>, Problem> {
    let data = app.rules().await?;
    Ok(axum::Json(Rules { data, default_basis_points: app.default_rate }))
}

/// Replaces all rules on commission. Orders that were placed keep the rates of their time.
#[utoipa::path(put, path = "/api/v1/vendors/commission-rules", tag = "vendors", request_body = RulesBody,
    responses((status = 200, body = Rules), (status = 422)))]
pub async fn put_rules(State(app): State<App>, Json(body, _): Json<RulesBody>) -> Result<axum::Json<Rules>, Problem> {
    if body.rules.len() > RULES_MAX {
        return Err(Problem::unprocessable("too_many_rules", format!("expected at most {RULES_MAX} rules, found {}", body.rules.len())));
    }
    let data = app.set_rules(body.rules).await?;
    Ok(axum::Json(Rules { data, default_basis_points: app.default_rate }))
}
