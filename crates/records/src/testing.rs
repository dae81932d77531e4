//! Events and settings that the unit tests of several modules share.

use std::collections::BTreeMap;

use avow_schemas::event::{ConsentEvent, EventType, Method};
use avow_schemas::ids::{ConfigVersion, EventId, ServiceId, SiteId, SubjectId};
use avow_schemas::settings::{SiteSettings, SiteVersion};
use serde_json::json;
use uuid::Uuid;

/// A shop that has configured all that a record asks for.
pub(crate) fn settings() -> SiteSettings {
    let settings = json!({
        "name": "Shop",
        "services": {"chaport": "preferences", "crisp": "preferences", "flowconsent": "necessary"},
        "controllers": [{
            "name": "Shop GmbH", "address": "Gasse 1, 1010 Wien", "contact": "privacy@shop.example",
            "dpo": "dpo@shop.example"
        }],
        "processor": {"name": "Host AG", "address": "Weg 2, 8000 Zürich", "contact": "+41 44 000 00 00"},
        "notice_url": {"de": "https://shop.example/datenschutz", "en": "https://shop.example/privacy"},
        "jurisdictions": ["AT", "EU"],
        "authority": "Datenschutzbehörde (Wien)",
        "withdrawal": {"method": "Link in the footer of every page", "url": "https://shop.example/consent"},
        "purposes": [{
            "id": "support", "dpv": "dpv:CustomerCare", "text": {"en": "Answering questions", "de": "Fragen beantworten"},
            "legal_basis": "consent", "data": ["email", "chat_content"]
        }]
    });
    serde_json::from_value(settings).unwrap()
}

pub(crate) fn version(number: i64, from: i64, settings: SiteSettings) -> SiteVersion {
    let site = SiteId::new("shop.example").unwrap();
    SiteVersion { site, version: ConfigVersion(number), in_force_from: from, settings }
}

/// An event of the one subject, at this millisecond.
pub(crate) fn event(kind: EventType, at: i64) -> ConsentEvent {
    let id = EventId(Uuid::from_u128(0x1000 + at as u128));
    let mut event = ConsentEvent::least(kind, SiteId::new("shop.example").unwrap(), id, at);
    event.subject = Some(SubjectId(Uuid::from_u128(0x5b0c_6a5e)));
    event
}

/// A choice without content.
pub(crate) fn decided(at: i64) -> ConsentEvent {
    let mut event = event(EventType::Decided, at);
    event.method = Some(Method::Save);
    event
}

/// A choice of services by name.
pub(crate) fn says(at: i64, services: &[(&str, bool)]) -> ConsentEvent {
    let mut event = decided(at);
    event.services = services.iter().map(|(name, granted)| ((*name).to_owned(), *granted)).collect();
    event
}

pub(crate) fn service(slug: &str) -> ServiceId {
    ServiceId::new(slug).unwrap()
}

pub(crate) fn no_artefacts() -> BTreeMap<String, serde_json::Value> {
    BTreeMap::new()
}
