//! The fields of an event that its ledger leaf commits to, in the order that `schemas/leaf/v1.md` freezes.

use serde_json::{Value, json};

use crate::event::ConsentEvent;

/// Calls `field(name, value in canonical JSON)` for each field in order. The buffer is reused between fields.
pub fn each_field(event: &ConsentEvent, mut field: impl FnMut(&str, &[u8])) {
    let mut buffer = Vec::with_capacity(128);
    for (name, value) in fixed_fields(event) {
        buffer.clear();
        write_canonical(&value, &mut buffer);
        field(name, &buffer);
    }
    let mut name = String::with_capacity(64);
    for (prefix, map) in [("categories/", &event.categories), ("services/", &event.services)] {
        for (key, value) in map {
            name.clear();
            name.push_str(prefix);
            name.push_str(key);
            field(&name, if *value { b"true" } else { b"false" });
        }
    }
}

fn fixed_fields(event: &ConsentEvent) -> [(&'static str, Value); 24] {
    let text = |value: Option<&'static str>| value.map_or(Value::Null, Value::from);
    [
        ("id", json!(event.id)),
        ("site", json!(event.site)),
        ("type", event.kind.as_str().into()),
        ("subject", json!(event.subject)),
        ("occurred_at", event.occurred_at.into()),
        ("received_at", event.received_at.into()),
        ("clock", json!({"occurred_at": event.occurred_at_claimed, "sent_at": event.sent_at})),
        ("source", event.source.as_str().into()),
        ("prompt", json!({"layer": event.layer, "prompt": event.prompt.as_str(), "view": event.view})),
        (
            "banner",
            json!({"language": event.language, "text_hash": event.text_hash, "variant": event.variant, "version": event.banner_version}),
        ),
        ("regime", event.regime.as_str().into()),
        ("method", text(event.method.map(|m| m.as_str()))),
        ("purposes", json!(event.purposes)),
        ("objections", json!(event.objections)),
        ("signals", json!({"consent_mode": event.consent_mode, "gpc": event.gpc, "gpp": event.gpp, "tcf": event.tcf})),
        ("page", json!({"host": event.host, "path": event.path})),
        ("effort", json!({"clicks": event.effort_clicks, "ms": event.effort_ms})),
        ("expires_at", json!(event.expires_at)),
        ("previous", json!(event.previous)),
        ("state", text(event.state.map(|s| s.as_str()))),
        ("observed", json!(event.observed)),
        ("place", json!({"country": event.country, "region": event.region})),
        (
            "client",
            json!({"bot": event.bot.as_str(), "browser": event.browser, "device": event.device, "os": event.os}),
        ),
        ("config_version", event.config_version.0.into()),
    ]
}

/// RFC 8785. The library's writer sorts keys by UTF-16; values here nest three deep at most and cannot fail to encode.
fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        other => {
            if let Ok(text) = serde_json_canonicalizer::to_vec(other) {
                out.extend_from_slice(&text);
            }
        }
    }
}
