//! JSON as it was sent, borrowed from the body: nothing is interpreted, nothing refused but what is no JSON. Unlike
//! `serde_json::Value` it borrows its text and remembers that a member was repeated (RFC 8259, section 4, leaves open
//! what a repeated name means: here it means that the event is malformed).

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// One JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node<'a> {
    Null,
    Bool(bool),
    /// A number without fraction or exponent that fits.
    Whole(i64),
    Number(f64),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Object(Object<'a>),
}

/// A JSON object, its members in the order sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object<'a> {
    pub members: Vec<(Cow<'a, str>, Node<'a>)>,
    /// Whether some name occurs twice.
    pub repeated: bool,
}

impl<'a> Object<'a> {
    fn new(members: Vec<(Cow<'a, str>, Node<'a>)>) -> Self {
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        let repeated = names.windows(2).any(|pair| pair[0] == pair[1]);
        Self { members, repeated }
    }

    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        self.members.iter().find(|(member, _)| member == name).map(|(_, node)| node)
    }
}

impl Node<'_> {
    /// Whether an object anywhere within repeats a name. The depth is bounded by the decoder.
    pub fn repeats_a_name(&self) -> bool {
        match self {
            Self::List(items) => items.iter().any(Node::repeats_a_name),
            Self::Object(object) => object.repeated || object.members.iter().any(|(_, node)| node.repeats_a_name()),
            _ => false,
        }
    }
}

/// Text that borrows where it holds no escapes.
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Node<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E: Error>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Whole(value))
    }
    #[expect(clippy::cast_precision_loss, reason = "beyond i64 it is out of every range anyway")]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(i64::try_from(value).map_or(Node::Number(value as f64), Node::Whole))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value))
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some((Text(name), node)) = members.next_entry()? {
            list.push((name, node));
        }
        Ok(Node::Object(Object::new(list)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_was_sent_and_sees_repeats_at_any_depth() {
        let node: Node<'_> = serde_json::from_str(r#"{"a":[1,2.5,true,null,"x\ny"],"b":{}}"#).unwrap();
        let Node::Object(object) = &node else { panic!("{node:?}") };
        let list = vec![
            Node::Whole(1),
            Node::Number(2.5),
            Node::Bool(true),
            Node::Null,
            Node::Text(Cow::Owned("x\ny".into())),
        ];
        assert_eq!(object.get("a"), Some(&Node::List(list)));
        assert_eq!(object.get("b"), Some(&Node::Object(Object::default())));
        for (json, repeats) in [
            (r#"{"a":1,"b":{"a":1}}"#, false),
            (r#"{"a":1,"a":1}"#, true),
            (r#"{"a":[{"b":{"x":1,"\u0078":2}}]}"#, true),
        ] {
            let node: Node<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(node.repeats_a_name(), repeats, "{json}");
        }
    }
}
