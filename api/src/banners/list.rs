//! `GET /api/v1/banners`.

use std::sync::Arc;

use avow_control::Banner;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{BannerLine, may_read_of};
use crate::access::Bearer;
use crate::extract::Parameters;
use crate::problem::{Problem, ProblemDocument};
use crate::sites::list::may_read;
use crate::{Api, sealed};

const MOST: usize = 1_000;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BannerPage {
    /// Without it: every site that the token may see.
    pub site: Option<String>,
    /// 1 to 1,000; 100 where none is given.
    pub limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Banners {
    pub banners: Vec<BannerLine>,
    pub next_cursor: Option<String>,
}

/// Banner artefacts in the order in which they were first put, in pages.
#[utoipa::path(
    get, path = "/api/v1/banners", operation_id = "listBanners", tag = "banners", params(BannerPage),
    responses(
        (status = 200, body = Banners),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_banners(
    State(api): State<Arc<Api>>,
    Bearer(caller): Bearer,
    Parameters(page): Parameters<BannerPage>,
) -> Result<Json<Banners>, Problem> {
    may_read(&caller)?;
    let directory = api.control.directory();
    let sites: Vec<&str> = match page.site.as_deref() {
        Some(site) => {
            may_read_of(&caller, site)?;
            let known = directory.site(site).map(|_| site);
            vec![known.ok_or_else(|| Problem::not_found("unknown_site", format!("there is no site {site:?}")))?]
        }
        None => directory.sites().map(|(site, _)| site.as_str()).filter(|site| caller.may_see(site)).collect(),
    };
    let limit = page.limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::unprocessable("invalid_limit", format!("limit must be 1 to {MOST}")).at("limit"));
    }
    let list = format!("banners of {sites:?}");
    let offset = match page.cursor.as_deref() {
        None => 0,
        Some(cursor) => sealed::offset(&list, cursor)
            .ok_or_else(|| Problem::unprocessable("invalid_cursor", "the cursor is not of this list").at("cursor"))?,
    };
    let mut banners: Vec<&Arc<Banner>> = sites.iter().flat_map(|site| directory.banners(site)).collect();
    banners.sort_by(|a, b| (a.known_from(), &a.site, &a.text_hash).cmp(&(b.known_from(), &b.site, &b.text_hash)));
    let lines: Vec<BannerLine> = banners.iter().skip(offset).take(limit).map(|banner| BannerLine::of(banner)).collect();
    let next = offset.saturating_add(lines.len());
    let next_cursor = (next < banners.len()).then(|| sealed::cursor(&list, next));
    Ok(Json(Banners { banners: lines, next_cursor }))
}
