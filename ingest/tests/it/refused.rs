//! Single events that are refused: every code, and every field of the schema with every wrong type.

use insta::assert_json_snapshot;
use serde_json::{Map, Value, json};

use crate::server::{Server, answer, decided, with};

const SCHEMA: &str = include_str!("../../../schemas/json/event.schema.json");
const ID: &str = "0199f0a2-6f0b-7c31-9d5e-0d6f2c1f9a10";

#[tokio::test(flavor = "multi_thread")]
async fn each_code_says_what_is_wrong_and_where() {
    let server = Server::start().await;
    let without = |name: &str| with(json!({ "id": ID, name: null }));
    let nothing = json!({ "id": ID, "categories": {}, "services": null });
    let mut answers = Map::new();
    for (name, event) in [
        ("missing id", with(json!({ "id": null }))),
        ("missing site", without("site")),
        ("missing type", without("type")),
        ("missing occurred_at", without("occurred_at")),
        ("missing subject", without("subject")),
        ("missing choice", with(nothing)),
        ("invalid id", with(json!({ "id": "00000000-0000-0000-0000-000000000000" }))),
        ("invalid type", with(json!({ "id": ID, "type": "clicked" }))),
        ("invalid method", with(json!({ "id": ID, "method": "implied" }))),
        ("invalid subject on loaded", with(json!({ "id": ID, "type": "loaded" }))),
        ("invalid text hash", with(json!({ "id": ID, "banner": { "text_hash": "sha256:12" } }))),
        ("invalid language", with(json!({ "id": ID, "banner": { "language": "x".repeat(65) } }))),
        ("invalid category", with(json!({ "id": ID, "categories": { "necessary": true, "été": true } }))),
        ("invalid service", with(json!({ "id": ID, "services": { "Chaport": true } }))),
        ("invalid page", with(json!({ "id": ID, "page": "shop.example/checkout" }))),
        ("invalid effort", with(json!({ "id": ID, "effort": { "clicks": -1 } }))),
        ("unknown site", with(json!({ "id": ID, "site": "elsewhere.example" }))),
        ("too old", with(json!({ "id": ID, "occurred_at": "1970-01-01T00:00:00Z" }))),
        ("in the future", with(json!({ "id": ID, "occurred_at": "2099-01-01T00:00:00Z" }))),
        ("too large", with(json!({ "id": ID, "signals": { "tcf": "C".repeat(70_000) } }))),
    ] {
        let (status, body) = answer(server.post(event.to_string())).await;
        assert_eq!(status, 422, "{name}: {body}");
        answers.insert(name.into(), body);
    }
    let twice = r#"{"id": "0199f0a2-6f0b-7c31-9d5e-0d6f2c1f9a10", "type": "shown", "type": "decided"}"#;
    let (status, body) = answer(server.post(twice)).await;
    assert_eq!(status, 422);
    answers.insert("repeated name".into(), body);
    assert_json_snapshot!("refused", answers);
}

/// JSON pointer and schema of every field and member, as the schema lists them.
fn fields(properties: &Map<String, Value>, parent: &str) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (name, schema) in properties {
        let pointer = format!("{parent}/{name}");
        if let Some(members) = schema.get("properties").and_then(Value::as_object) {
            all.extend(fields(members, &pointer));
        }
        all.push((pointer, schema.clone()));
    }
    all
}

/// The JSON types that a schema takes; a closed list takes text.
fn types(schema: &Value) -> Vec<String> {
    match &schema["type"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(some) => some.iter().map(|t| t.as_str().unwrap().to_owned()).collect(),
        _ => vec!["string".into(), "null".into()],
    }
}

/// An event on which the field at `pointer` has a meaning, with `value` there.
fn event_with(pointer: &str, value: Value) -> Value {
    let path: Vec<&str> = pointer.split('/').skip(1).collect();
    let mut event = match path[0] {
        "observed" => with(json!({ "type": "observed" })),
        "state" => with(json!({ "type": "loaded", "subject": null })),
        _ => decided(),
    };
    event[path[0]] = match path[..] {
        [_, member] => json!({ member: value }),
        _ => value,
    };
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_refuses_every_wrong_type() {
    let server = Server::start().await;
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let fields = fields(schema["$defs"]["event"]["properties"].as_object().unwrap(), "");
    assert_eq!(fields.len(), 39, "a new field needs no line here, but this count says that it is seen");
    let samples = [
        ("string", json!("5\u{0}")),
        ("integer", json!(5)),
        ("number", json!(1.5)),
        ("boolean", json!(true)),
        ("array", json!([[1]])),
        ("object", json!({ "a": [] })),
        ("null", Value::Null),
    ];
    let mut tried = 0;
    for (pointer, schema) in &fields {
        let taken = types(schema);
        let required = !taken.contains(&"null".to_owned());
        for (kind, sample) in &samples {
            // Right types have their rules tested elsewhere; a control character is right nowhere.
            let right = taken.iter().any(|t| t == kind) && *kind != "string";
            let members = matches!(*kind, "array" | "object") && right;
            if right && !members && !(required && *kind == "null") {
                continue;
            }
            let holds_data = schema.get("properties").is_none();
            if members && !holds_data {
                continue;
            }
            let event = event_with(pointer, sample.clone());
            let (status, body) = answer(server.post(event.to_string())).await;
            let code = if required && *kind == "null" { "missing_field" } else { "invalid_value" };
            let refused = &body["rejected"][0];
            let expected = if pointer == "/site" && *kind == "string" { "invalid_value" } else { code };
            assert_eq!((status, refused["code"].as_str()), (422, Some(expected)), "{pointer} {kind} {body}");
            assert!(refused["detail"].as_str().unwrap().starts_with(pointer.as_str()), "{pointer} {kind} {body}");
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
    assert_eq!(server.events().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_written_without_personal_data() {
    let server = Server::start().await;
    let mail = "jane.doe@example.org";
    for event in [
        with(json!({ "services": { mail: true } })),
        with(json!({ "categories": { "marketing": mail } })),
        with(json!({ "banner": { "version": format!("{mail}{}", "x".repeat(80)) } })),
        with(json!({ "page": mail })),
        with(json!({ "view": { mail: mail }, mail: 1 })),
        with(json!({ "purposes": { mail: [] } })),
        with(json!({ "observed": { "cookies": [mail, {}] } })),
        with(json!({ "occurred_at": mail })),
        with(json!({ "subject": mail })),
    ] {
        assert_eq!(answer(server.post(event.to_string())).await.0, 422, "{event}");
    }
    let refusals = server.refusals().await;
    assert_eq!(refusals.len(), 9);
    for refusal in refusals {
        let text = serde_json::to_string(&refusal).unwrap();
        assert!(!text.contains("jane"), "{text}");
    }
}
