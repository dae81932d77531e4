//! Step 10: everything the server adds is put together with what was sent, and the event is whole.

use avow_schemas::event::{ConsentEvent, Seed};

use super::agent::Agent;
use super::clock::Times;
use super::page::Page;
use super::place::Place;
use super::signals::Signals;
use super::site::Known;
use super::validate::Content;
use crate::sender::Sender;

/// What the earlier steps have found out about an event.
pub struct Parts<'r> {
    pub known: Known<'r>,
    pub times: Times,
    pub signals: Signals,
    pub agent: Agent,
    pub place: &'r Place,
    pub page: Page,
    pub content: Content,
}

/// Puts the event together.
pub fn stamped(sender: &Sender, seed: Seed, parts: Parts<'_>) -> ConsentEvent {
    let Parts { known, times, signals, agent, place, page, content } = parts;
    ConsentEvent {
        id: content.id,
        site: known.site.clone(),
        kind: content.kind,
        subject: content.subject,
        view: content.view,
        prompt: content.prompt,
        layer: content.layer,
        occurred_at: times.occurred_at,
        occurred_at_claimed: times.claimed,
        sent_at: times.sent_at,
        received_at: sender.received_at,
        source: sender.source,
        banner_version: content.banner.version,
        language: content.banner.language,
        variant: content.banner.variant,
        text_hash: content.banner.text_hash,
        regime: content.regime,
        method: content.method,
        categories: content.choice.categories,
        services: content.choice.services,
        purposes: content.choice.purposes,
        objections: content.choice.objections,
        tcf: signals.tcf,
        gpp: signals.gpp,
        consent_mode: signals.consent_mode,
        gpc: signals.gpc,
        host: page.host,
        path: page.path,
        effort_clicks: content.effort_clicks,
        effort_ms: content.effort_ms,
        expires_at: content.expires_at,
        previous: content.previous,
        state: content.state,
        observed: content.observed,
        country: place.country.clone(),
        region: place.region.clone(),
        device: agent.device.map(str::to_owned),
        browser: agent.browser.map(str::to_owned),
        os: agent.os.map(str::to_owned),
        bot: agent.bot,
        config_version: times.in_force.version,
        seed,
    }
}
