//! A whole entry in one language: what `/api/v1/services/{slug}?language=` answers and what a report prints. The shape
//! is described at [`Catalog::localized`].
//!
//! The entry is serialised and then walked, so a field that the format gains is in the answer without a line here.

use serde_json::{Map, Value, json};

use super::Catalog;
use super::entry::Service;
use super::lifetime::Lifetime;
use super::text::{FALLBACK_LANGUAGE, primary};

/// Top-level lists that may be unknown; they are `[]` then, so that a reader can always iterate.
const LISTS: [&str; 3] = ["recipients", "domains", "cookies"];

pub(super) fn localize(catalog: &Catalog, service: &Service, language: &str) -> Value {
    let mut walk = Walk { language: primary(language), fallbacks: Vec::new() };
    // A `Service` has string keys and no floats: it always serialises.
    let whole = serde_json::to_value(service).unwrap_or_default();
    let Value::Object(fields) = walk.value(whole, "") else { return Value::Null };

    let mut entry = Map::new();
    entry.insert("language".to_owned(), json!(walk.language));
    entry.insert("fallbacks".to_owned(), json!(walk.fallbacks));
    for (key, value) in fields {
        let value = match key.as_str() {
            list if LISTS.contains(&list) && value.is_null() => json!([]),
            "related" => {
                service.related.iter().map(|slug| json!({"slug": slug, "name": name(catalog, slug.as_str())})).collect()
            }
            _ => value,
        };
        entry.insert(key, value);
    }
    for cookie in items(&mut entry, "cookies") {
        put_duration(cookie, &walk.language);
    }
    for alternative in items(&mut entry, "alternatives") {
        let name = alternative.get("slug").and_then(Value::as_str).and_then(|slug| name(catalog, slug));
        alternative.insert("name".to_owned(), json!(name));
    }
    Value::Object(entry)
}

fn name<'a>(catalog: &'a Catalog, slug: &str) -> Option<&'a str> {
    catalog.get(slug).map(|service| service.name.as_str())
}

fn items<'a>(entry: &'a mut Map<String, Value>, list: &str) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    entry.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

fn put_duration(cookie: &mut Map<String, Value>, language: &str) {
    let code = cookie.get("duration").cloned().unwrap_or_default();
    if let Some(lifetime) = code.as_str().and_then(Lifetime::parse) {
        cookie.insert("duration".to_owned(), json!(lifetime.words(language)));
    }
    cookie.insert("duration_code".to_owned(), code);
}

struct Walk {
    language: String,
    /// Paths of the texts for which English stood in.
    fallbacks: Vec<String>,
}

impl Walk {
    fn value(&mut self, value: Value, path: &str) -> Value {
        match value {
            // No object of the format but a text has a key of two letters, and every text has `en`.
            Value::Object(mut texts) if texts.contains_key(FALLBACK_LANGUAGE) => {
                let own = texts.remove(self.language.as_str());
                own.or_else(|| {
                    self.fallbacks.push(path.to_owned());
                    texts.remove(FALLBACK_LANGUAGE)
                })
                .unwrap_or_default()
            }
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(key, value)| {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    let value = self.value(value, &path);
                    (key, value)
                });
                Value::Object(fields.collect())
            }
            Value::Array(items) => {
                items.into_iter().enumerate().map(|(i, item)| self.value(item, &format!("{path}[{i}]"))).collect()
            }
            plain => plain,
        }
    }
}
