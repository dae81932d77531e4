//! `/api/docs`: the OpenAPI document for people. Written by this process, once, as plain HTML: it loads nothing from
//! anywhere, and needs no script.

use std::fmt::Write;
use std::sync::LazyLock;

use axum::response::{Html, IntoResponse, Response};
use http::header;
use serde_json::Value;

use crate::openapi::document;

static PAGE: LazyLock<String> = LazyLock::new(|| page(&serde_json::to_value(document()).unwrap_or_default()));

/// Styles are of this page alone, so they may be named here rather than loosen the policy of all others.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}\
code,pre{font:14px/1.4 ui-monospace,monospace}pre{overflow:auto;padding:.75rem;background:#f3f3f3}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ccc}\
h3{margin-top:2.5rem}h3 b{display:inline-block;min-width:4.5rem}a{color:#0b5394}\
@media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#121212}pre{background:#222}a{color:#8ab4f8}th,td{border-color:#444}}";

/// `GET /api/docs`.
pub async fn serve() -> Response {
    let headers = [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-cache")];
    (headers, Html(PAGE.as_str())).into_response()
}

fn page(document: &Value) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Avow API</title><style>{STYLE}</style></head><body><main><h1>Avow API</h1><p>{}</p>\
         <p>The same for programs: <a href=\"/api/v1/openapi.json\">openapi.json</a> (OpenAPI 3.1).</p>",
        escaped(text(&document["info"]["description"]))
    );
    for tag in list(&document["tags"]) {
        let name = text(&tag["name"]);
        let _ = write!(html, "<h2>{}</h2>", escaped(text(&tag["description"])));
        for (path, operations) in entries(&document["paths"]) {
            for (method, operation) in entries(operations) {
                if list(&operation["tags"]).iter().any(|tag| tag == name) {
                    write_operation(&mut html, method, path, operation);
                }
            }
        }
    }
    html.push_str("<h2>Shapes</h2>");
    for (name, schema) in entries(&document["components"]["schemas"]) {
        let _ = write!(html, "<h3 id=\"{0}\">{0}</h3><p>{1}</p>", escaped(name), escaped(text(&schema["description"])));
        write_fields(&mut html, schema);
    }
    html.push_str("</main></body></html>");
    html
}

fn write_operation(html: &mut String, method: &str, path: &str, operation: &Value) {
    let id = escaped(text(&operation["operationId"]));
    let _ = write!(html, "<h3 id=\"{id}\"><b>{}</b> <code>{}</code></h3>", method.to_uppercase(), escaped(path));
    for part in ["summary", "description"] {
        let _ = write!(html, "<p>{}</p>", escaped(text(&operation[part])));
    }
    let parameters = list(&operation["parameters"]);
    if !parameters.is_empty() {
        html.push_str("<table><tr><th>Parameter</th><th>In</th><th></th></tr>");
        for parameter in parameters {
            let [name, place, about] = ["name", "in", "description"].map(|field| escaped(text(&parameter[field])));
            let _ = write!(html, "<tr><td><code>{name}</code></td><td>{place}</td><td>{about}</td></tr>");
        }
        html.push_str("</table>");
    }
    for (kind, body) in entries(&operation["requestBody"]["content"]) {
        let _ = write!(html, "<p>Takes {} as <code>{}</code></p>", shape(&body["schema"]), escaped(kind));
    }
    html.push_str("<table><tr><th>Status</th><th></th><th>Body</th></tr>");
    for (status, response) in entries(&operation["responses"]) {
        let bodies: Vec<String> = entries(&response["content"])
            .map(|(kind, body)| format!("{} <code>{}</code>", shape(&body["schema"]), escaped(kind)))
            .collect();
        let about = escaped(text(&response["description"]));
        let _ = write!(html, "<tr><td>{}</td><td>{about}</td><td>{}</td></tr>", escaped(status), bodies.join("<br>"));
    }
    html.push_str("</table>");
}

fn write_fields(html: &mut String, schema: &Value) {
    let parts = list(&schema["allOf"]);
    for part in parts {
        match part["$ref"].as_str() {
            Some(_) => {
                let _ = write!(html, "<p>With everything of {}.</p>", shape(part));
            }
            None => write_fields(html, part),
        }
    }
    let mut fields = entries(&schema["properties"]).peekable();
    if fields.peek().is_some() {
        html.push_str("<table><tr><th>Field</th><th>Type</th><th></th></tr>");
        for (name, field) in fields {
            let about = escaped(text(&field["description"]));
            let _ = write!(
                html,
                "<tr><td><code>{}</code></td><td>{}</td><td>{about}</td></tr>",
                escaped(name),
                shape(field)
            );
        }
        html.push_str("</table>");
    }
    if !schema["example"].is_null() {
        let example = serde_json::to_string_pretty(&schema["example"]).unwrap_or_default();
        let _ = write!(html, "<pre>{}</pre>", escaped(&example));
    }
}

/// A schema in a word or two, linked where it has a name.
fn shape(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("<a href=\"#{0}\">{0}</a>", escaped(name));
    }
    for choice in ["oneOf", "anyOf"] {
        let choices = list(&schema[choice]);
        if !choices.is_empty() {
            return choices.iter().map(shape).collect::<Vec<_>>().join(" or ");
        }
    }
    let kind = match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    };
    if schema["items"].is_object() {
        format!("{} of {}", escaped(&kind), shape(&schema["items"]))
    } else {
        escaped(&kind)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_names_every_operation_and_loads_nothing() {
        let page = &*super::PAGE;
        for operation in ["query", "live", "putSite", "createToken", "getSubject", "getExportBundle", "dataQuality"] {
            assert!(page.contains(&format!("<h3 id=\"{operation}\">")), "{operation}");
        }
        for loading in ["<script", "<link", "<img", "src=", "url(", "@import"] {
            assert!(!page.contains(loading), "{loading}");
        }
    }
}
