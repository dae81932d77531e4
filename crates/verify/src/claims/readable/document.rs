//! records.jsonld against what is opened. It has one node to a line (`avow-records`, `document`): records, and what they refer
//! to, which nothing is compared with, and which therefore must say nothing of anybody's consent.

use std::io::{Read, Seek};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::bundle::{Bundle, BundleError};
use crate::claims::Faults;
use crate::events::{Events, Identity, written};
use crate::said::{Answer, Answers, Said};

pub const NAME: &str = "records.jsonld";

/// The types of what records refer to.
const DESCRIBED: [&str; 21] = [
    "dpv:Authority",
    "dpv:DataController",
    "dpv:DataProcessor",
    "dpv:DataSubProcessor",
    "dpv:DataSubjectDataSource",
    "dpv:DataSubjectRight",
    "dpv:JointDataControllers",
    "dpv:LegalBasis",
    "dpv:Location",
    "dpv:PersonalData",
    "dpv:Purpose",
    "dpv:Recipient",
    "dpv:Rule",
    "dpv:SensitivePersonalData",
    "dpv:Service",
    "dpv:StorageDeletion",
    "dpv:StorageDuration",
    "dpv:StorageLocation",
    "dpv:ThirdParty",
    "dpv:WithdrawConsent",
    "eu-gdpr:A7-3",
];

/// Of a node what is compared.
#[derive(Deserialize, Default)]
struct Node {
    #[serde(rename = "@id", default)]
    id: String,
    #[serde(rename = "@type", default)]
    kind: Kind,
    #[serde(rename = "avow:recordCount", default)]
    count: Option<u64>,
    #[serde(rename = "avow:site", default)]
    site: String,
    #[serde(rename = "avow:event", default)]
    event: String,
    #[serde(rename = "avow:eventType", default)]
    event_type: String,
    #[serde(rename = "avow:source", default)]
    source: String,
    #[serde(rename = "avow:regime", default)]
    regime: String,
    #[serde(rename = "avow:receivedAt", default)]
    received_at: String,
    #[serde(rename = "avow:settingsVersion", default)]
    settings_version: i64,
    #[serde(rename = "avow:ledger", default)]
    place: Option<Place>,
    #[serde(rename = "dpv:hasDataSubject", default)]
    subject: Option<Subject>,
    #[serde(rename = "dct:language", default)]
    language: String,
    #[serde(rename = "dpv:hasNotice", default)]
    notices: Vec<Notice>,
    #[serde(rename = "dpv:hasProcess", default)]
    processes: Vec<Process>,
    #[serde(rename = "avow:notDisclosed", default)]
    not_disclosed: Vec<String>,
    #[serde(rename = "dpv:hasConsentStatus", default)]
    statuses: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Kind {
    One(String),
    Many(Vec<String>),
}

impl Default for Kind {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Kind {
    fn all(&self) -> &[String] {
        match self {
            Self::One(kind) => std::slice::from_ref(kind),
            Self::Many(kinds) => kinds,
        }
    }

    fn only(&self) -> Option<&str> {
        if let [kind] = self.all() { Some(kind) } else { None }
    }
}

impl Node {
    /// Whether it is something that records refer to, and says nothing that they do.
    fn is_described(&self) -> bool {
        let kinds = self.kind.all();
        let is_party = matches!(self.kind.only(), Some("dpv:DataController" | "dpv:DataProcessor"));
        (is_party || self.id.starts_with("_:"))
            && !kinds.is_empty()
            && kinds.iter().all(|kind| DESCRIBED.contains(&kind.as_str()))
            && [&self.site, &self.event, &self.event_type].into_iter().all(String::is_empty)
            && (self.place.is_none() && self.subject.is_none() && self.statuses.is_none())
            && (self.notices.is_empty() && self.processes.is_empty() && self.not_disclosed.is_empty())
    }
}

#[derive(Deserialize)]
struct Place {
    #[serde(rename = "avow:ledgerName")]
    ledger: String,
    #[serde(rename = "avow:leafIndex")]
    leaf: u64,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(rename = "dct:identifier")]
    id: String,
}

#[derive(Deserialize, Default)]
struct Notice {
    #[serde(rename = "@type", default)]
    kind: String,
    #[serde(rename = "dct:identifier", default)]
    text_hash: String,
    #[serde(rename = "owl:versionInfo", default)]
    version: String,
    #[serde(rename = "avow:variant", default)]
    variant: String,
}

#[derive(Deserialize)]
struct Process {
    #[serde(rename = "dct:identifier")]
    target: String,
    #[serde(rename = "dpv:hasConsentStatus", default)]
    statuses: Vec<Status>,
}

#[derive(Deserialize)]
struct Status {
    #[serde(rename = "@type")]
    kind: String,
    #[serde(rename = "dpv:isIndicatedAtTime", default)]
    at: String,
    #[serde(rename = "dpv:hasIndicationMethod", default)]
    method: String,
}

/// Compares each record; how many there are.
pub fn compare<R: Read + Seek>(
    bundle: &Bundle<R>,
    events: &mut Events,
    faults: &mut Faults,
) -> Result<u64, BundleError> {
    let (mut records, mut counted, mut is_closed) = (0, None, false);
    bundle.each_line(NAME, |number, line| {
        let node = line.strip_suffix(b",").unwrap_or(line);
        match (number, node) {
            (1, node) if node.starts_with(b"{\"@context\":") && node.ends_with(b",\"@graph\":[") => return,
            (_, b"]}") if !is_closed => return is_closed = true,
            _ => {}
        }
        let node: Node = match serde_json::from_slice(node) {
            Ok(node) => node,
            Err(error) => return faults.add(format!("line {number} of {NAME}: {error}")),
        };
        match (node.kind.only(), node.count) {
            (Some("dcat:Dataset"), None) if number == 2 => {}
            (None, Some(count)) if counted.is_none() && node.kind.all().is_empty() => counted = Some(count),
            (Some("dpv:ConsentRecord"), None) if counted.is_none() => {
                records += 1;
                if let Err(why) = compare_record(&node, events) {
                    faults.add(format!("line {number} of {NAME} {why}"));
                }
            }
            (_, None) if node.is_described() => {}
            _ => faults.add(format!("line {number} of {NAME} is no record")),
        }
    })?;
    if counted != Some(records) || !is_closed {
        faults.add(format!("{NAME} is not whole"));
    }
    Ok(records)
}

fn compare_record(node: &Node, events: &mut Events) -> Result<(), &'static str> {
    let place = node.place.as_ref().ok_or("names no leaf")?;
    let found = events.find(&place.ledger, place.leaf);
    let (event, said, settings) = found.ok_or("is of a record that is not opened")?;
    if std::mem::replace(&mut event.in_document, true) {
        return Err("is there twice");
    }
    let none = Notice::default();
    let banner = node.notices.iter().find(|notice| notice.kind == "dpv:ConsentNotice").unwrap_or(&none);
    let identity = Identity {
        id: &node.event,
        site: &node.site,
        subject: node.subject.as_ref().map(|subject| subject.id.as_str()).unwrap_or_default(),
        kind: &node.event_type,
        received_at: &node.received_at,
        source: &node.source,
        language: &node.language,
        banner_version: &banner.version,
        variant: &banner.variant,
        text_hash: &banner.text_hash,
        regime: &node.regime,
        config_version: node.settings_version,
    };
    if !event.is(&identity) {
        return Err("says something else than the opened record");
    }
    let occurred_at = written(event.occurred_at);
    let mut answers = Answers::default();
    answers.services.extend(node.not_disclosed.iter().map(|service| (service.as_str(), Answer::NotDisclosed)));
    for process in &node.processes {
        let Some(answer) = answered(process, said, &occurred_at)? else { continue };
        match (process.target.split_once('/'), answer) {
            (Some(("service", slug)), answer) => {
                if answers.services.insert(slug, answer).is_some() {
                    return Err("names a service twice");
                }
            }
            (Some(("purpose", id)), Answer::Granted) => _ = answers.granted_purposes.insert(id.replace(' ', "_")),
            (Some(("purpose", id)), _) => _ = answers.denied_purposes.insert(id.replace(' ', "_")),
            _ => return Err("has a process of nothing"),
        }
    }
    if said.agrees(&answers, settings) { Ok(()) } else { Err("has other answers than the opened record") }
}

/// The answer that a process states, at the time and by the act of the event.
fn answered(process: &Process, said: &Said, occurred_at: &str) -> Result<Option<Answer>, &'static str> {
    let mut answer = None;
    for status in &process.statuses {
        let stated = match status.kind.as_str() {
            "dpv:ConsentGiven" | "dpv:RenewedConsentGiven" => Some(Answer::Granted),
            "dpv:ConsentRefused" | "dpv:ConsentWithdrawn" => Some(Answer::Denied),
            "dpv:ConsentRequested" | "dpv:ConsentRequestDeferred" => None,
            // That it ran out, or that the settings outgrew it, follows from the rest.
            "dpv:ConsentExpired" | "dpv:ConsentInvalidated" => continue,
            _ => return Err("has a status of nobody's"),
        };
        if status.at != occurred_at || status.method != said.method.as_deref().unwrap_or_default() {
            return Err("has a status of another time or act than the opened record");
        }
        if stated.is_some() && answer.replace(stated).is_some() {
            return Err("states two answers at once");
        }
    }
    Ok(answer.flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_records_refer_to_says_nothing_of_consent() {
        let described = |text: &str| serde_json::from_str::<Node>(text).unwrap().is_described();
        assert!(described(r#"{"@id": "_:n1", "@type": "dpv:Purpose", "dct:description": "..."}"#));
        assert!(described(r#"{"@id": "_:n2", "@type": ["dpv:Recipient", "dpv:DataProcessor"]}"#));
        assert!(described(r#"{"@id": "urn:uuid:0", "@type": "dpv:DataController", "dpv:hasName": "x"}"#));
        for text in [
            r#"{"@id": "urn:uuid:0", "@type": "dpv:Purpose"}"#,
            r#"{"@id": "_:n1"}"#,
            r#"{"@id": "_:n1", "@type": "dpv:ConsentGiven"}"#,
            r#"{"@id": "_:n1", "@type": ["dpv:Purpose", "dpv:ConsentRecord"]}"#,
            r#"{"@id": "_:n1", "@type": "dpv:Process", "dct:identifier": "service/x"}"#,
            r#"{"@id": "_:n1", "@type": "dpv:Purpose", "dpv:hasConsentStatus": [{"@type": "dpv:ConsentGiven"}]}"#,
            r#"{"@id": "_:n1", "@type": "dpv:Purpose", "avow:event": "0"}"#,
        ] {
            assert!(!described(text), "{text}");
        }
    }
}
