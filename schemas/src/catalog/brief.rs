//! What an operator's own entry may leave out. `slug`, `name` and `category` have to be there; everything else that is not
//! stated is put in as such: codes as `unknown`, prose as "Not stated.", facts under `unknown`, lists empty. Whether the browser
//! may be written to without consent is no matter of opinion: unless the entry says otherwise, it may not (Art. 5(3) of
//! Directive 2002/58/EC).
//!
//! A text may be given as a plain string, which is English then, and an operator by its name alone.

use serde_json::{Map, Value, json};

/// Texts of an entry that stand by themselves.
const TEXTS: [&str; 8] = [
    "summary",
    "what_it_does",
    "eprivacy_note",
    "risk_note",
    "retention",
    "deletion_on_withdrawal",
    "consent_text",
    "disambiguation",
];
/// Keys under which the entry's objects and lists hold a text.
const INNER_TEXTS: [&str; 5] = ["note", "text", "purpose", "question", "answer"];
/// Facts that are either stated or named under `unknown`.
const FACTS: [&str; 8] =
    ["operator", "server_location", "transfers", "recipients", "retention", "domains", "cookies", "policy_url"];

fn not_stated() -> Value {
    json!({"en": "Not stated.", "fr": "Non précisé.", "de": "Nicht angegeben.", "es": "No se indica."})
}

fn consent_is_the_rule() -> Value {
    json!({
        "en": "Not stated. Consent is the rule (Art. 5(3) of Directive 2002/58/EC).",
        "fr": "Non précisé. Le consentement est la règle (article 5, paragraphe 3, de la directive 2002/58/CE).",
        "de": "Nicht angegeben. Die Einwilligung ist die Regel (Art. 5 Abs. 3 der Richtlinie 2002/58/EG).",
        "es": "No se indica. El consentimiento es la regla (artículo 5.3 de la Directiva 2002/58/CE).",
    })
}

/// The whole entry. What is no object is left for the parser to refuse.
pub(super) fn completed(entry: Value, today: jiff::civil::Date) -> Value {
    let Value::Object(given) = entry else { return entry };
    let mut entry = Map::new();
    for (key, value) in given.into_iter().filter(|(_, value)| !value.is_null()) {
        let value = match (key.as_str(), value) {
            ("operator", Value::String(name)) => json!({"name": name}),
            (key, Value::String(text)) if TEXTS.contains(&key) => json!({"en": text}),
            ("deployment", Value::Array(steps)) => steps.into_iter().map(text).collect(),
            (_, value) => inner(value),
        };
        entry.insert(key, value);
    }
    let text = not_stated;
    let defaults = [
        ("group", json!("other")),
        ("tags", json!([])),
        ("summary", text()),
        ("what_it_does", text()),
        ("how_it_tracks", json!({"techniques": [], "text": text()})),
        ("data_collected", json!([])),
        ("role", json!({"vendor": "unknown", "site": "unknown", "note": text()})),
        ("legal_basis", json!({"gdpr_basis": "unknown", "article": "", "note": text()})),
        ("eprivacy", json!("consent")),
        ("eprivacy_note", if entry.contains_key("eprivacy") { text() } else { consent_is_the_rule() }),
        ("risk_level", json!("unknown")),
        ("risk_note", text()),
        ("regulations", json!([])),
        ("dpia", json!({"advice": "unknown", "note": text(), "triggers": []})),
        ("special_category_risk", json!({"level": "unknown", "note": text()})),
        ("deletion_on_withdrawal", text()),
        ("consent_text", text()),
        ("deployment", json!([])),
        ("alternatives", json!([])),
        ("related", json!([])),
        ("faq", json!([])),
        ("sources", json!([])),
        ("checked_on", json!(today)),
        ("unknown", json!([])),
    ];
    for (key, value) in defaults {
        entry.entry(key).or_insert(value);
    }
    let category = entry.get("category").and_then(Value::as_str).unwrap_or_default().to_owned();
    for cookie in entry.get_mut("cookies").and_then(Value::as_array_mut).into_iter().flatten() {
        complete_cookie(cookie, &category);
    }
    name_unknown(&mut entry);
    Value::Object(entry)
}

fn text(value: Value) -> Value {
    if let Value::String(text) = value { json!({"en": text}) } else { value }
}

/// Plain strings where objects and lists of an entry hold texts.
fn inner(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(inner).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| {
                let value = if INNER_TEXTS.contains(&key.as_str()) { text(value) } else { value };
                (key, value)
            })
            .collect(),
        other => other,
    }
}

/// A cookie needs its name alone.
fn complete_cookie(cookie: &mut Value, category: &str) {
    if let Value::String(name) = cookie {
        *cookie = json!({"name": name.clone()});
    }
    let Value::Object(fields) = cookie else { return };
    let pattern = fields.get("name").and_then(Value::as_str).is_some_and(|name| name.contains('*'));
    let kind = match category {
        "necessary" | "statistics" | "marketing" => category,
        _ => "functional",
    };
    let defaults = [
        ("match", json!(if pattern { "pattern" } else { "exact" })),
        ("storage", json!("cookie")),
        ("type", json!(kind)),
        ("duration", json!("unknown")),
        ("purpose", not_stated()),
        ("eprivacy", json!("consent")),
        ("evidence", json!("report")),
    ];
    for (key, value) in defaults {
        fields.entry(key).or_insert(value);
    }
}

/// Names what is not stated, beside what the entry names itself.
fn name_unknown(entry: &mut Map<String, Value>) {
    let operator = entry.get("operator").and_then(Value::as_object);
    let country = operator.is_some_and(|operator| !operator.contains_key("country")).then_some("operator.country");
    let missing = FACTS.into_iter().filter(|fact| !entry.contains_key(*fact)).chain(country);
    let missing: Vec<Value> = missing.map(Value::from).collect();
    if let Some(Value::Array(unknown)) = entry.get_mut("unknown") {
        let new = missing.into_iter().filter(|name| !unknown.contains(name)).collect::<Vec<_>>();
        unknown.extend(new);
    }
}
