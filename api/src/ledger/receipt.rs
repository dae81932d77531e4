//! `GET /receipt/{id}`: a receipt becomes a proof.

use std::sync::Arc;

use avow_ledger::{Note, ReceiptId, TlogProof};
use avow_trees::TreeError;
use avow_trees::read::Reader;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;

use crate::Api;
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};

/// Redeems a receipt: the proof (C2SP tlog-proof) that the event's leaf is in its site's log. Until a checkpoint covers the
/// leaf, and where there is no such event, there is none (404, `no_proof`): ask again until the receipt's deadline.
#[utoipa::path(
    get, path = "/receipt/{id}", operation_id = "redeemReceipt", tag = "ledger",
    params(("id" = String, Path, description = "The receipt's id")),
    responses(
        (status = 200, description = "The proof", body = String, content_type = "text/plain"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn redeem(State(api): State<Arc<Api>>, Segments(id): Segments<String>) -> Result<Response, Problem> {
    let none = || Problem::not_found("no_proof", "there is no proof for this receipt, or not yet");
    let id: ReceiptId = id.parse().map_err(|_| none())?;
    let leaf = api.warehouse.committed(&id.site, &id.commitment, id.received_at).await?.ok_or_else(none)?;
    let checkpoint = api.warehouse.checkpoint(&leaf.ledger).await?.filter(|checkpoint| leaf.leaf < checkpoint.size);
    let checkpoint = checkpoint.ok_or_else(none)?;
    let reader = Reader::new(Arc::clone(&api.warehouse));
    let broken = |error: TreeError| {
        tracing::error!(%error, "ledger.proof_missing");
        Problem::internal(error.to_string())
    };
    let hashes = reader.inclusion(&leaf.ledger, leaf.leaf, checkpoint.size).await.map_err(broken)?;
    let note = Note::parse(&checkpoint.note).map_err(|error| broken(error.into()))?;
    let proof = TlogProof { extra: None, index: leaf.leaf, hashes, checkpoint: note };
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    Ok((headers, proof.to_string()).into_response())
}
