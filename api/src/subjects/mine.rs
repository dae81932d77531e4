//! `POST /v1/me`: a visitor's own record, by a receipt. Whoever has a receipt's seed, which only her browser was given, is
//! taken for her (GDPR, Art. 15 and 20; no other identification is asked for, Art. 12(6)).

use std::sync::Arc;

use avow_ledger::{ReceiptId, hex};
use avow_schemas::catalog::FALLBACK_LANGUAGE;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::export::{SubjectExport, held};
use crate::problem::{Problem, ProblemDocument};
use crate::{Api, extract};

/// A receipt, as `POST /v1/events?receipt=1` gave it; its note is not needed here.
#[derive(Deserialize, ToSchema)]
pub struct Mine {
    receipt: Held,
}

#[derive(Deserialize, ToSchema)]
struct Held {
    id: String,
    /// 32 bytes in hexadecimal.
    seed: String,
}

/// What is held of the visitor to whom this receipt was given: everything of her subject on that site. No token is needed; a
/// page of any origin may ask, with `application/json` or `text/plain`.
#[utoipa::path(
    post, path = "/v1/me", operation_id = "getMine", tag = "audit", request_body = Mine,
    responses(
        (status = 200, body = SubjectExport),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such receipt, not yet, or erased", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_mine(State(api): State<Arc<Api>>, body: Bytes) -> Result<Response, Problem> {
    let Mine { receipt } = extract::parse(&body)?;
    let none = || Problem::not_found("unknown_receipt", "nothing is held for this receipt, or not yet");
    let id: ReceiptId = receipt.id.parse().map_err(|_| none())?;
    let seed = hex::decode(&receipt.seed).ok_or_else(none)?;
    let found = api.warehouse.committed(&id.site, &id.commitment, id.received_at).await?;
    // Hashes are compared, so that the time says nothing of the seed.
    let found = found.filter(|found| found.seed != [0; 32] && Sha256::digest(found.seed) == Sha256::digest(seed));
    let subject = found.and_then(|found| found.subject).ok_or_else(none)?;
    let held = held(&api, &id.site, subject, FALLBACK_LANGUAGE).await?.ok_or_else(none)?;
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    Ok((headers, Json(held)).into_response())
}
