//! `GET /api/v1/banners/{site}/{text_hash}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{BannerLine, KeptVersion, may_read_of, unknown};
use crate::Api;
use crate::access::Bearer;
use crate::extract::Segments;
use crate::problem::{Problem, ProblemDocument};

/// A banner artefact whole.
#[derive(Serialize, ToSchema)]
pub struct WholeBanner {
    #[serde(flatten)]
    pub line: BannerLine,
    /// As it was put.
    #[schema(value_type = Object)]
    pub artefact: Value,
    /// What was kept beside it, oldest first.
    pub versions: Vec<KeptVersion>,
}

/// One banner artefact with everything but the blobs.
#[utoipa::path(
    get, path = "/api/v1/banners/{site}/{text_hash}", operation_id = "getBanner", tag = "banners",
    params(
        ("site" = String, Path, description = "The site's name"),
        ("text_hash" = String, Path, description = "`sha256:<hex>` of the artefact"),
    ),
    responses(
        (status = 200, body = WholeBanner),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get_banner(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Segments((site, text_hash)): Segments<(String, String)>,
) -> Result<Json<WholeBanner>, Problem> {
    may_read_of(&caller, &site)?;
    let directory = api.control.directory();
    let banner = directory.banner(&site, &text_hash).ok_or_else(|| unknown(&site, &text_hash))?;
    let versions = banner.versions().iter().map(KeptVersion::of).collect();
    Ok(Json(WholeBanner { line: BannerLine::of(banner), artefact: banner.artefact.as_ref().clone(), versions }))
}
