//! What the records of a document have in common, described once: parties, services, purposes, data, recipients. A record
//! refers to such a node by its `@id` (JSON-LD 1.1, section 3.3), so that a million records do not say a million times what
//! the settings and the catalogue say once. The graph is the same.

use std::collections::HashMap;

use avow_schemas::ids::ConfigVersion;
use serde_json::{Map, Value};

use super::missing::Missing;
use super::node::Node;
use crate::choice::Target;

/// Properties whose nodes are described apart. The context takes their texts for names of nodes.
const DESCRIBED: [&str; 14] = [
    "dpv:hasAuthority",
    "dpv:hasConsentControl",
    "dpv:hasDataSource",
    "dpv:hasEntity",
    "dpv:hasJointDataControllers",
    "dpv:hasJurisdiction",
    "dpv:hasLegalBasis",
    "dpv:hasPersonalData",
    "dpv:hasPurpose",
    "dpv:hasRecipient",
    "dpv:hasRight",
    "dpv:hasRule",
    "dpv:hasService",
    "dpv:hasStorageCondition",
];

/// How much is remembered at once. Events may name purposes that nobody has heard of, as many as they like; what was
/// forgotten is described again, under another name.
const MOST: usize = 4096;

/// On what fields depend that many records have alike, in one document: one site, one language.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Settings(ConfigVersion),
    /// The purposes beside those of these targets in their categories.
    Purposes(ConfigVersion, Vec<(Target, Option<String>)>),
    /// What is known of a target in a category where consent is of this type.
    Process(ConfigVersion, Target, String, &'static str),
}

#[derive(Debug)]
struct Common {
    fields: Map<String, Value>,
    missing: Missing,
}

/// The nodes that a document has described so far; by default none are, and each record is whole in itself.
#[derive(Debug, Default)]
pub struct Shared(Option<Known>);

#[derive(Debug, Default)]
struct Known {
    common: HashMap<Key, Common>,
    /// By what they say.
    names: HashMap<String, String>,
    /// Blank nodes that were named.
    named: u64,
    new: Vec<Value>,
}

impl Shared {
    /// For a document in which records refer to nodes beside them.
    #[must_use]
    pub fn in_document() -> Self {
        Self(Some(Known::default()))
    }

    /// The nodes to which records made since the last call refer and which are not described yet.
    pub fn take_new(&mut self) -> Vec<Value> {
        self.0.as_mut().map(|known| std::mem::take(&mut known.new)).unwrap_or_default()
    }

    /// Appends the fields that `make` makes for `key`, by reference where that is the way; what they lack.
    pub(super) fn put(&mut self, node: &mut Node, key: Key, make: impl FnOnce(&mut Missing) -> Node) -> Missing {
        let make = || {
            let mut missing = Missing::default();
            let fields = make(&mut missing).fields();
            Common { fields, missing }
        };
        let Some(known) = &mut self.0 else {
            let common = make();
            node.extend(&common.fields);
            return common.missing;
        };
        let common = known.common(key, make);
        node.extend(&common.fields);
        common.missing
    }
}

impl Known {
    fn common(&mut self, key: Key, make: impl FnOnce() -> Common) -> &Common {
        if !self.common.contains_key(&key) && self.common.len() >= MOST {
            self.common.clear();
            self.names.clear();
        }
        let Self { common, names, named, new } = self;
        common.entry(key).or_insert_with(|| {
            let mut made = make();
            for (key, value) in &mut made.fields {
                if DESCRIBED.contains(&key.as_str()) {
                    describe(value, names, named, new);
                }
            }
            made
        })
    }
}

/// Puts names in the place of nodes.
fn describe(value: &mut Value, names: &mut HashMap<String, String>, named: &mut u64, new: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| describe(item, names, named, new)),
        Value::Object(node) => {
            let name = names.entry(Value::Object(node.clone()).to_string()).or_insert_with(|| {
                let own = node.get("@id").and_then(Value::as_str).map(str::to_owned);
                let name = own.unwrap_or_else(|| {
                    *named += 1;
                    let name = format!("_:n{named}");
                    node.shift_insert(0, "@id".to_owned(), name.clone().into());
                    name
                });
                new.push(Value::Object(std::mem::take(node)));
                name
            });
            *value = name.clone().into();
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::record::record_in;
    use crate::record::tests::Case;

    /// The record with every reference replaced by what it refers to.
    fn resolved(value: &Value, described: &BTreeMap<String, Value>) -> Value {
        match value {
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| match DESCRIBED.contains(&key.as_str()) {
                    true => (key.clone(), named(value, described)),
                    false => (key.clone(), resolved(value, described)),
                })
                .collect(),
            Value::Array(items) => items.iter().map(|item| resolved(item, described)).collect(),
            other => other.clone(),
        }
    }

    fn named(value: &Value, described: &BTreeMap<String, Value>) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| named(item, described)).collect(),
            Value::String(name) => described.get(name).unwrap_or(value).clone(),
            other => panic!("{other} is not described apart"),
        }
    }

    #[test]
    fn a_reference_stands_for_what_a_record_says_by_itself() {
        let mut with_purpose = Case::chaport();
        with_purpose.event.purposes = BTreeMap::from([("iab-1".into(), true)]);
        with_purpose.timelines.clear();
        let cases = [Case::chaport(), with_purpose, Case::chaport()];
        let mut shared = Shared::in_document();
        let mut described: BTreeMap<String, Value> = BTreeMap::new();
        for (n, case) in cases.iter().enumerate() {
            let short = case.with(|input| record_in(input, &mut shared));
            let new = shared.take_new();
            assert_eq!(new.is_empty(), n == 2, "{n}: {new:?}");
            for mut node in new {
                let name = node["@id"].as_str().unwrap().to_owned();
                if name.starts_with("_:") {
                    node.as_object_mut().unwrap().shift_remove("@id");
                }
                assert!(described.insert(name, node).is_none());
            }
            let whole = case.with(crate::record::record);
            assert_eq!(resolved(&short, &described), whole);
            assert!(short.to_string().len() * 3 < whole.to_string().len(), "{}", short.to_string().len());
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut shared = Shared::in_document();
        let mut seen = 0;
        for n in 0..2 * MOST {
            let key = Key::Process(ConfigVersion(1), Target::Purpose(n.to_string()), String::new(), "");
            let mut node = Node::default();
            shared.put(&mut node, key, |_| {
                let mut made = Node::default();
                made.put("dpv:hasPurpose", json!({"@type": "dpv:Purpose", "dct:identifier": n.to_string()}));
                made
            });
            assert_eq!(node.fields()["dpv:hasPurpose"], format!("_:n{}", n + 1));
            seen += shared.take_new().len();
            let known = shared.0.as_ref().unwrap();
            assert!(known.common.len() <= MOST && known.names.len() <= MOST);
        }
        assert_eq!(seen, 2 * MOST);
    }
}
