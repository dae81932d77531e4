//! `GET /v1/pixel.gif?e=<base64url>`: one event in an address, for pages without script. An address that stands in a page as it is
//! can have no id and no time of its own, so both may be left out; the server then makes them, and each time the picture is
//! fetched counts.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::answer::Problem;
use crate::ingest::Ingest;

/// One transparent point: GIF89a, a palette of two colours.
const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Handles `GET /v1/pixel.gif`. `HEAD` tells what would be sent, and counts nothing.
pub async fn get(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if parts.method == Method::HEAD {
        return picture();
    }
    let counted = async {
        let event = event(parts.uri.query())?;
        ingest.receive_pixel(&parts, &event).await.map(|_| picture())
    };
    ingest.counted(&parts, counted).await
}

fn picture() -> Response {
    let mut response = GIF.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/gif"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The event of a query, as JSON, with what was left out.
fn event(query: Option<&str>) -> Result<Vec<u8>, Problem> {
    let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let Some((_, text)) = pairs.into_iter().find(|(name, _)| *name == "e") else {
        return Err(Problem::malformed("the query has no e, the event as base64url of its JSON"));
    };
    // Whoever encodes the padding encodes nothing else.
    let text = text.replace("%3D", "=").replace("%3d", "=");
    let bytes = BASE64.decode(text).map_err(|error| Problem::malformed(format!("e is no base64url: {error}")))?;
    match serde_json::from_slice::<Map<String, Value>>(&bytes) {
        Ok(mut event) if !event.contains_key("events") => {
            event.entry("id").or_insert_with(|| json!(Uuid::now_v7()));
            event.entry("occurred_at").or_insert_with(|| json!(Timestamp::now()));
            serde_json::to_vec(&event).map_err(|error| Problem::malformed(error.to_string()))
        }
        Ok(_) => Err(Problem::malformed("e is one event, not a batch")),
        // What is no object is told where it is none.
        Err(_) => Ok(bytes),
    }
}
