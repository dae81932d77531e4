//! One event's fields by name, as they were sent: which are there, which are unknown. What they must hold is for the
//! steps to say, through [`Field`].

use std::borrow::Cow;
use std::fmt;

use avow_schemas::fate::{RejectCode, Rejection};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use uuid::Uuid;

use super::field::{Field, plain_uuid};
use super::node::{Node, Text};

macro_rules! names {
    ($($variant:ident = $name:literal $pointer:literal),+ $(,)?) => {
        /// The fields of an event, in the order of `schemas/json/event.schema.json`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Name { $($variant),+ }

        impl Name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            /// The field's JSON pointer (RFC 6901) within its event.
            pub const fn pointer(self) -> &'static str {
                match self { $(Self::$variant => $pointer),+ }
            }
        }
    };
}

names!(
    Id = "id" "/id", Site = "site" "/site", Type = "type" "/type", Subject = "subject" "/subject", View = "view" "/view",
    Prompt = "prompt" "/prompt", Layer = "layer" "/layer", OccurredAt = "occurred_at" "/occurred_at",
    SentAt = "sent_at" "/sent_at", Banner = "banner" "/banner", Regime = "regime" "/regime", Method = "method" "/method",
    Categories = "categories" "/categories", Services = "services" "/services", Purposes = "purposes" "/purposes",
    Objections = "objections" "/objections", Signals = "signals" "/signals", Page = "page" "/page",
    Effort = "effort" "/effort", ExpiresAt = "expires_at" "/expires_at", Previous = "previous" "/previous",
    State = "state" "/state", Observed = "observed" "/observed",
);

const COUNT: usize = Name::ALL.len();

/// Members of the fields that are objects with fixed members.
const MEMBERS: &[(Name, &[&str])] = &[
    (Name::Banner, &["version", "language", "variant", "text_hash"]),
    (Name::Objections, &["purposes", "services"]),
    (Name::Signals, &["tcf", "gpp", "consent_mode", "gpc"]),
    (Name::Effort, &["clicks", "ms"]),
    (Name::Observed, &["cookies", "domains", "others", "state"]),
];

/// An event as sent.
#[derive(Debug, Default)]
pub struct Fields<'a> {
    known: [Option<Node<'a>>; COUNT],
    unknown: Vec<Cow<'a, str>>,
    repeated: Option<Name>,
}

impl<'a> Fields<'a> {
    /// Reads the text of one event, which must be an object in which no name is repeated.
    ///
    /// # Errors
    /// `malformed`, and where.
    pub fn read(text: &'a str) -> Result<Self, Rejection> {
        let malformed = |detail: String| Err(Rejection::new(RejectCode::Malformed, detail));
        if !text.trim_ascii_start().starts_with('{') {
            return malformed("an event is a JSON object".into());
        }
        let fields: Self = match serde_json::from_str(text) {
            Ok(fields) => fields,
            Err(error) => return malformed(super::syntax(&error)),
        };
        let nested = || Name::ALL.iter().find(|name| fields.node(**name).is_some_and(Node::repeats_a_name));
        match fields.repeated.as_ref().or_else(nested) {
            Some(name) => malformed(format!("{}: a name is repeated, so what is meant is open", name.pointer())),
            None => Ok(fields),
        }
    }

    fn node(&self, name: Name) -> Option<&Node<'a>> {
        self.known[name as usize].as_ref()
    }

    /// A field, to be read as what it must be. `null` is as good as absent.
    pub fn field(&self, name: Name) -> Field<'_, 'a> {
        Field::new(name.pointer(), self.node(name))
    }

    /// The id, if it is one, for answers about an event that was refused for something else.
    pub fn claimed_id(&self) -> Option<Uuid> {
        match self.node(Name::Id) {
            Some(Node::Text(text)) => plain_uuid(text),
            _ => None,
        }
    }

    /// JSON pointers of what was sent but is no field of an event.
    pub fn unknown(&self) -> impl Iterator<Item = String> {
        let top = self.unknown.iter().map(|name| pointer("", name));
        let nested = MEMBERS.iter().flat_map(|(field, members)| {
            let Some(Node::Object(object)) = self.node(*field) else { return Vec::new() };
            let strange = object.members.iter().filter(|(name, _)| !members.contains(&name.as_ref()));
            strange.map(|(name, _)| pointer(field.pointer(), name)).collect()
        });
        top.chain(nested)
    }
}

/// A pointer to a member (RFC 6901, section 3), its name cut at 64 characters: it is a stranger's text.
fn pointer(parent: &str, name: &str) -> String {
    let name: String = name.chars().take(64).collect();
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Fields::default();
                while let Some(Text(name)) = members.next_key()? {
                    let Some(known) = Name::parse(&name) else {
                        members.next_value::<IgnoredAny>()?;
                        fields.unknown.push(name);
                        continue;
                    };
                    let before = fields.known[known as usize].replace(members.next_value()?);
                    if before.is_some() {
                        fields.repeated = Some(known);
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_members_are_named_by_pointer() {
        let text = r#"{"id":"x","fo/o":[[1]],"banner":{"version":"1","colour":"red"},"effort":5,"signals":null}"#;
        let fields = Fields::read(text).unwrap();
        assert_eq!(fields.unknown().collect::<Vec<_>>(), ["/fo~1o", "/banner/colour"]);
        assert_eq!(fields.claimed_id(), None);
    }

    #[test]
    fn what_is_no_event_says_why() {
        for (text, detail) in [
            ("[]", "an event is a JSON object"),
            ("7", "an event is a JSON object"),
            ("{\"id\": ", "line 1, column 7: the JSON ends too early"),
            ("{\"id\": \"x\",}", "line 1, column 12: trailing comma"),
            ("{} x", "line 1, column 4: trailing characters"),
            (r#"{"id":"a","id":"a"}"#, "/id: a name is repeated, so what is meant is open"),
            (r#"{"services":{"a":true,"a":false}}"#, "/services: a name is repeated, so what is meant is open"),
            (r#"{"id":"\ud800"}"#, "line 1, column 14: unexpected end of hex escape"),
        ] {
            let rejection = Fields::read(text).unwrap_err();
            assert_eq!((rejection.code, rejection.detail.as_str()), (RejectCode::Malformed, detail), "{text}");
        }
    }
}
