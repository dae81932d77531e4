//! The event fields of TS 27560: `event_time`, `validity_duration`, `entity_id`, `event_type`, `event_state`.

use avow_schemas::event::{Method, Regime};
use serde_json::{Value, json};

use super::missing::Missing;
use super::node::Node;
use super::{RecordInput, entities};
use crate::choice::{Answer, Choice, Target};
use crate::moment::written;
use crate::status::{Change, Status};

const DAY_MS: i64 = 86_400_000;

/// The states that this event brought about for a target, in order of time.
pub(super) fn states(
    input: &RecordInput<'_>,
    target: &Target,
    choice: Option<&Choice>,
    missing: &mut Missing,
) -> Vec<Value> {
    let event = input.event;
    let known: Vec<Change> =
        input.timelines.get(target).map(|line| line.of(event.id).copied().collect()).unwrap_or_default();
    let changes = if known.is_empty() { by_itself(input, choice).into_iter().collect() } else { known };
    missing.note_unless(!changes.is_empty(), "event_state");
    changes.iter().map(|change| state(input, change, missing)).collect()
}

/// What the event says where nobody knows the history.
fn by_itself(input: &RecordInput<'_>, choice: Option<&Choice>) -> Option<Change> {
    let status = match choice?.answer {
        Answer::Granted => Status::Given,
        Answer::Denied => Status::Refused,
        Answer::Withdrawn => Status::Withdrawn,
        Answer::NotDisclosed => return None,
    };
    let event = input.event;
    let days = i64::from(input.site.settings.validity_days.granted);
    let ends = event.expires_at.unwrap_or_else(|| event.occurred_at.saturating_add(days.saturating_mul(DAY_MS)));
    Some(Change { at: event.occurred_at, status, of: event.id, ends: status.is_in_force().then_some(ends) })
}

fn state(input: &RecordInput<'_>, change: &Change, missing: &mut Missing) -> Value {
    let event = input.event;
    let mut node = Node::of(change.status.term());
    node.put("dpv:isIndicatedAtTime", written(change.at));
    // That a consent ran out, or that the settings outgrew it, nobody expressed.
    if matches!(change.status, Status::Expired | Status::Invalidated) {
        return node.done();
    }
    let who = entities::indicated_by(event);
    missing.note_unless(who.is_some(), "entity_id");
    node.put("dpv:isIndicatedBy", who);
    node.maybe("dpv:hasIndicationMethod", input.method().map(Method::as_str));
    let duration = match (change.status, change.ends) {
        (_, Some(ends)) => json!({
            "@type": "dpv:UntilTimeDuration",
            "rdf:value": {"@value": written(ends), "@type": "xsd:dateTime"}
        }),
        (Status::Refused, None) => {
            let days = input.site.settings.validity_days.refused;
            json!({"@type": "dpv:TemporalDuration", "rdf:value": {"@value": format!("P{days}D"), "@type": "xsd:duration"}})
        }
        _ => json!({"@type": "dpv:UntilEventDuration", "rdf:value": "the data subject's next decision"}),
    };
    node.put("dpv:hasDuration", duration);
    node.done()
}

/// TS 27560 `event_type`: the kind of consent that was asked for. A banner asks by a button or a switch, so it is
/// expressed (DPV's word for "a direct action"); that it was *explicit* in the sense of GDPR Art. 9(2)(a) is for a court
/// to find, not for a machine to claim. Under other regimes than opt-in, and where a signal or a program spoke, only
/// that it was consent is said.
pub(super) fn consent_type(input: &RecordInput<'_>) -> &'static str {
    let event = input.event;
    match (event.regime, event.method) {
        (_, Some(Method::Gpc | Method::Api)) => "dpv:Consent",
        (Regime::OptIn, _) => "dpv:ExpressedConsent",
        _ => "dpv:Consent",
    }
}
