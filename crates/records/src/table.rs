//! `records.csv`: events for a spreadsheet, one row each. [`COLUMNS`] documents them.
//!
//! Lists are separated by one space; times are RFC 3339 in UTC. A cell that a visitor or an operator wrote and that
//! a spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, tab or carriage return) gets an apostrophe
//! in front, as spreadsheets themselves mark text.

use avow_schemas::event::Method;
use serde_json::Value;

use crate::choice::{Answer, Choice, Target};
use crate::moment::written;
use crate::record::{RecordInput, decided, missing_fields, record_id};

/// Names and meanings of the columns, in order.
pub const COLUMNS: [(&str, &str); 27] = [
    ("record_id", "identifier of the consent record in records.jsonld; empty where there is none"),
    ("event_id", "identifier that the banner gave the event"),
    ("site", "site"),
    ("subject", "the banner's pseudonym of the visitor"),
    ("event_type", "shown, decided, withdrawn, observed or loaded"),
    ("occurred_at", "when it happened, the visitor's clock corrected"),
    ("received_at", "when the server received it"),
    ("logged_at", "when the server's log took it; no leaf commits to that"),
    ("source", "token, origin, none, pixel or import: how far its origin can be trusted"),
    ("language", "language of the banner"),
    ("banner_version", "version of the banner"),
    ("variant", "variant of the banner in a comparison"),
    ("text_hash", "hash of the banner as shown; the file of that name lies in artefacts/"),
    ("prompt", "why the banner was there"),
    ("method", "the act by which the choice was made; not in a cut export"),
    ("regime", "opt_in, opt_out, notice or none"),
    ("granted_services", "services consented to"),
    ("refused_services", "services refused"),
    ("withdrawn_services", "services whose consent was withdrawn"),
    ("not_disclosed_services", "services that the banner did not list: neither granted nor refused"),
    ("granted_purposes", "purposes consented to"),
    ("refused_purposes", "purposes refused or withdrawn"),
    ("settings_version", "version of the site's settings in force"),
    ("ledger", "name of the ledger"),
    ("leaf_index", "index of the event's leaf in the ledger"),
    ("missing_fields", "fields of ISO/IEC TS 27560 that the operator has not configured"),
    ("withheld", "how many services and purposes are left out of a cut export"),
];

/// The row of one event. `record` is its consent record, where it has one.
#[must_use]
pub fn row(input: &RecordInput<'_>, record: Option<&Value>) -> [String; COLUMNS.len()] {
    let event = input.event;
    let text = |value: Option<&str>| guarded(value.unwrap_or_default());
    let (choices, withheld) = decided(input);
    let services = |wanted: Answer| {
        named(&choices, |target, answer| match target {
            Target::Service(service) if answer == wanted => Some(service.to_string()),
            _ => None,
        })
    };
    let purposes = |wanted: &[Answer]| {
        named(&choices, |target, answer| match target {
            Target::Purpose(purpose) if wanted.contains(&answer) => Some(purpose.replace(' ', "_")),
            _ => None,
        })
    };
    let withheld = withheld.into_iter().map(|(field, count)| format!("{field}:{count}"));
    [
        record.map(|_| record_id(event).to_string()).unwrap_or_default(),
        event.id.to_string(),
        event.site.to_string(),
        event.subject.map(|subject| subject.to_string()).unwrap_or_default(),
        event.kind.as_str().to_owned(),
        written(event.occurred_at),
        written(event.received_at),
        input.place.map(|place| written(place.logged_at)).unwrap_or_default(),
        event.source.as_str().to_owned(),
        text(event.language.as_deref()),
        text(event.banner_version.as_deref()),
        text(event.variant.as_deref()),
        text(event.text_hash.as_deref()),
        event.prompt.as_str().to_owned(),
        text(input.method().map(Method::as_str)),
        event.regime.as_str().to_owned(),
        services(Answer::Granted),
        services(Answer::Denied),
        services(Answer::Withdrawn),
        services(Answer::NotDisclosed),
        guarded(&purposes(&[Answer::Granted])),
        guarded(&purposes(&[Answer::Denied, Answer::Withdrawn])),
        input.site.version.0.to_string(),
        input.place.map(|place| guarded(&place.ledger)).unwrap_or_default(),
        input.place.map(|place| place.leaf.0.to_string()).unwrap_or_default(),
        record.map(missing_fields).unwrap_or_default().join(" "),
        withheld.collect::<Vec<_>>().join(" "),
    ]
}

fn named(choices: &[Choice], name: impl Fn(&Target, Answer) -> Option<String>) -> String {
    let names: Vec<String> = choices.iter().filter_map(|choice| name(&choice.target, choice.answer)).collect();
    names.join(" ")
}

fn guarded(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::Case;

    fn whole(input: &RecordInput<'_>) -> [String; COLUMNS.len()] {
        row(input, Some(&crate::record::record(input)))
    }

    fn cell(row: &[String; COLUMNS.len()], name: &str) -> String {
        row[COLUMNS.iter().position(|(column, _)| *column == name).unwrap()].clone()
    }

    #[test]
    fn a_row_says_what_the_record_says() {
        let case = Case::chaport();
        let row = case.with(whole);
        assert_eq!(cell(&row, "granted_services"), "chaport");
        assert_eq!(cell(&row, "refused_services"), "crisp");
        assert_eq!(cell(&row, "leaf_index"), "17");
        assert_eq!(cell(&row, "withheld"), "");
        let cut = case.cut_to("chaport").with(whole);
        assert_eq!((cell(&cut, "refused_services"), cell(&cut, "method")), (String::new(), String::new()));
        assert_eq!(cell(&cut, "withheld"), "services:1 method:1");
    }

    #[test]
    fn no_cell_becomes_a_formula() {
        let mut case = Case::chaport();
        case.event.variant = Some("=HYPERLINK(\"http://x\")".into());
        assert!(cell(&case.with(whole), "variant").starts_with("'="));
        assert_eq!(guarded("B"), "B");
    }
}
