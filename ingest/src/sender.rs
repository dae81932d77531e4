//! Who sends a request: read from its head, before its body. Whatever identifies a person (address, user agent) is
//! reduced here by the steps that are for it, and is gone afterwards.

use std::net::SocketAddr;

use avow_control::{Caller, Control};
use avow_schemas::control::Scope;
use avow_schemas::event::Source;
use axum::extract::ConnectInfo;
use http::header::{AUTHORIZATION, ORIGIN};
use http::request::Parts;

use crate::answer::Problem;
use crate::steps::agent::{Agent, Agents};
use crate::steps::place::{Place, Places};

/// A request's sender.
#[derive(Debug, Clone)]
pub struct Sender {
    /// The holder of a token; a beacon has none.
    pub caller: Option<Caller>,
    /// The header `Origin`, where there is one.
    pub origin: Option<String>,
    pub source: Source,
    pub import: bool,
    /// Whether a receipt is asked for each event.
    pub receipt: bool,
    pub agent: Agent,
    pub place: Place,
    /// `Sec-GPC: 1`.
    pub gpc: bool,
    /// Milliseconds since 1970.
    pub received_at: i64,
}

/// Reads who sends a request.
///
/// # Errors
/// 401 for a token that is none, or an import without one; 403 for a token that may not do this.
pub fn read(parts: &Parts, control: &Control, agents: &Agents, places: &Places) -> Result<Sender, Problem> {
    let import = wants(parts, "import");
    let caller = caller(parts, control)?;
    let scope = if import { Scope::Admin } else { Scope::EventsWrite };
    match &caller {
        Some(caller) if !caller.has(scope) => return Err(Problem::scope_missing(scope)),
        None if import => return Err(Problem::unauthorized("an import needs a token of scope admin")),
        _ => {}
    }
    let origin = parts.headers.get(ORIGIN).map(|origin| String::from_utf8_lossy(origin.as_bytes()).into_owned());
    let source = match (&caller, &origin) {
        (Some(_), _) if import => Source::Import,
        (Some(_), _) => Source::Token,
        (None, Some(_)) => Source::Origin,
        (None, None) => Source::None,
    };
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
    Ok(Sender {
        agent: if caller.is_some() { Agent::UNSEEN } else { agents.reduced(&parts.headers) },
        place: places.reduced(&parts.headers, peer, caller.is_some()),
        gpc: parts.headers.get("sec-gpc").is_some_and(|value| value.as_bytes().trim_ascii() == b"1"),
        received_at: jiff::Timestamp::now().as_millisecond(),
        caller,
        origin,
        source,
        import,
        receipt: wants(parts, "receipt"),
    })
}

/// Whether the query has `name=1`.
fn wants(parts: &Parts, name: &str) -> bool {
    let is_asked =
        |pair: &str| pair.split_once('=').is_some_and(|(n, value)| n == name && matches!(value, "1" | "true"));
    parts.uri.query().is_some_and(|query| query.split('&').any(is_asked))
}

fn caller(parts: &Parts, control: &Control) -> Result<Option<Caller>, Problem> {
    let Some(value) = parts.headers.get(AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| value.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    match token.and_then(|token| control.authenticate(token)) {
        Some(caller) => Ok(Some(caller)),
        None => Err(Problem::unauthorized("the bearer token is not valid")),
    }
}
