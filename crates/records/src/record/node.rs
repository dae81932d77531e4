//! JSON-LD nodes field by field; what is empty is not written.

use serde_json::{Map, Value, json};

/// A node in the making, or fields of one.
#[derive(Default)]
pub(super) struct Node(Map<String, Value>);

impl Node {
    pub(super) fn of(term: &str) -> Self {
        Self::of_all(&[term])
    }

    pub(super) fn of_all(terms: &[&str]) -> Self {
        let mut map = Map::new();
        let value = if let [one] = terms { json!(one) } else { json!(terms) };
        map.insert("@type".to_owned(), value);
        Self(map)
    }

    pub(super) fn id(mut self, iri: String) -> Self {
        self.0.shift_insert(0, "@id".to_owned(), Value::String(iri));
        self
    }

    /// Appends a field. An empty text or list is left out when the node is done, as is `null`, which keeps a place.
    pub(super) fn put(&mut self, key: &str, value: impl Into<Value>) -> &mut Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Fills a place that was kept.
    pub(super) fn set(&mut self, key: &str, value: Value) {
        self.0.insert(key.to_owned(), value);
    }

    pub(super) fn maybe(&mut self, key: &str, text: Option<&str>) -> &mut Self {
        self.put(key, text)
    }

    /// Appends fields that were made before.
    pub(super) fn extend(&mut self, fields: &Map<String, Value>) {
        self.0.extend(fields.iter().map(|(key, value)| (key.clone(), value.clone())));
    }

    pub(super) fn done(self) -> Value {
        Value::Object(self.fields())
    }

    pub(super) fn fields(mut self) -> Map<String, Value> {
        self.0.retain(|_, value| match value {
            Value::Null => false,
            Value::String(text) => !text.trim().is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => true,
        });
        self.0
    }
}

/// A text with its language.
pub(super) fn tongued(text: &str, language: &str) -> Value {
    json!({"@value": text, "@language": language})
}
