//! `GET /api/v1/tokens`.

use std::sync::Arc;

use avow_schemas::control::Scope;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Token, within};
use crate::Api;
use crate::access::{Bearer, require};
use crate::problem::{Problem, ProblemDocument};

#[derive(Serialize, ToSchema)]
pub struct Tokens {
    pub tokens: Vec<Token>,
}

/// The tokens, oldest first. A caller limited to sites sees those that go no further.
#[utoipa::path(
    get, path = "/api/v1/tokens", operation_id = "listTokens", tag = "tokens",
    responses(
        (status = 200, body = Tokens),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_tokens(State(api): State<Arc<Api>>, Bearer(caller): Bearer) -> Result<Json<Tokens>, Problem> {
    require(&caller, Scope::Admin, None)?;
    let directory = api.control.directory();
    let mut records: Vec<_> = directory.tokens().filter(|record| within(&caller, record)).collect();
    records.sort_by_key(|record| (record.made_at, record.id));
    Ok(Json(Tokens { tokens: records.into_iter().map(|record| Token::of(record)).collect() }))
}
