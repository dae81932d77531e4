//! Reading one field as what it must be. Every refusal names the field by its JSON pointer and the rule it broke, and
//! never repeats what was sent: a stranger's text, possibly about a person.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use avow_schemas::fate::{RejectCode, Rejection};
use jiff::Timestamp;
use uuid::Uuid;

use super::node::{Node, Object};

/// Entries of a map, items of a list.
pub const MOST_ENTRIES: usize = 500;
/// Characters of a name that is given in a map or list.
pub const MOST_NAME_CHARS: usize = 64;

/// A field and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Field<'n, 'a> {
    pointer: &'static str,
    node: Option<&'n Node<'a>>,
}

type Read<T> = Result<Option<T>, Rejection>;

impl<'n, 'a> Field<'n, 'a> {
    pub(super) fn new(pointer: &'static str, node: Option<&'n Node<'a>>) -> Self {
        Self { pointer, node: node.filter(|node| **node != Node::Null) }
    }

    /// A refusal of this field.
    pub fn refuse(&self, rule: &str) -> Rejection {
        Rejection::new(RejectCode::InvalidValue, format!("{}: {rule}", self.pointer))
    }

    /// The refusal for its absence.
    pub fn missing(&self) -> Rejection {
        Rejection::new(RejectCode::MissingField, format!("{} is required", self.pointer))
    }

    /// Text of at most `most` characters, none of them a control character. Empty text is as good as absent.
    pub fn text(&self, most: usize) -> Read<&'n str> {
        let Some(node) = self.node else { return Ok(None) };
        let Node::Text(text) = node else { return Err(self.refuse("must be text")) };
        if text.len() > most && text.chars().count() > most {
            return Err(self.refuse(&format!("must have at most {most} characters")));
        }
        if text.chars().any(char::is_control) {
            return Err(self.refuse("must not hold control characters"));
        }
        Ok(Some(text.as_ref()).filter(|text| !text.is_empty()))
    }

    /// A word of a closed list.
    pub fn word<T: Copy>(&self, parse: fn(&str) -> Option<T>, all: &[T], name: fn(T) -> &'static str) -> Read<T> {
        let list = || all.iter().map(|word| name(*word)).collect::<Vec<_>>().join(", ");
        match self.node {
            None => Ok(None),
            Some(Node::Text(text)) => match parse(text) {
                Some(word) => Ok(Some(word)),
                None => Err(self.refuse(&format!("must be one of {}", list()))),
            },
            Some(_) => Err(self.refuse(&format!("must be text, one of {}", list()))),
        }
    }

    pub fn flag(&self) -> Read<bool> {
        match self.node {
            None => Ok(None),
            Some(Node::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.refuse("must be true or false")),
        }
    }

    /// A whole number; `3.0` is one.
    pub fn whole(&self, range: RangeInclusive<i64>) -> Read<i64> {
        let number = match self.node {
            None => return Ok(None),
            Some(Node::Whole(number)) => Some(*number),
            #[expect(clippy::cast_possible_truncation, reason = "of a number without fraction below 2^53")]
            Some(Node::Number(number)) if number.fract() == 0.0 && number.abs() < 9e15 => Some(*number as i64),
            Some(_) => None,
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(self.refuse(&format!("must be a whole number from {} to {}", range.start(), range.end()))),
        }
    }

    /// A UUID in its usual form of 36 characters, not the nil one.
    pub fn uuid(&self) -> Read<Uuid> {
        match self.node {
            None => Ok(None),
            Some(Node::Text(text)) => match plain_uuid(text) {
                Some(id) => Ok(Some(id)),
                None => Err(self.refuse("must be a UUID of 36 characters, not the nil UUID")),
            },
            Some(_) => Err(self.refuse("must be text, a UUID")),
        }
    }

    /// A time in RFC 3339 with an offset, as milliseconds since 1970 (what is finer is cut off).
    pub fn time(&self) -> Read<i64> {
        match self.node {
            None => Ok(None),
            Some(Node::Text(text)) => match rfc3339(text) {
                Some(at) => Ok(Some(at)),
                None => Err(self.refuse("must be a time in RFC 3339 with an offset, like 2026-11-24T10:15:02.123Z")),
            },
            Some(_) => Err(self.refuse("must be text, a time in RFC 3339")),
        }
    }

    /// An object with fixed members; those that are unknown are named elsewhere.
    pub fn object(&self) -> Read<&'n Object<'a>> {
        match self.node {
            None => Ok(None),
            Some(Node::Object(object)) => Ok(Some(object)),
            Some(_) => Err(self.refuse("must be an object")),
        }
    }

    /// An object whose members are data: at most [`MOST_ENTRIES`].
    pub fn map(&self) -> Result<&'n [(std::borrow::Cow<'a, str>, Node<'a>)], Rejection> {
        let members = self.object()?.map_or(&[][..], |object| &object.members);
        if members.len() > MOST_ENTRIES {
            return Err(self.refuse(&format!("must have at most {MOST_ENTRIES} members")));
        }
        Ok(members)
    }

    /// A map of names to true or false. `name` makes a name canonical or refuses it by `None`; where two names become one
    /// and contradict each other, the answer is `false`: consent must be unambiguous (Art. 4(11) GDPR).
    pub fn flags(
        &self,
        rule: &str,
        name: impl Fn(&str) -> Option<String>,
    ) -> Result<BTreeMap<String, bool>, Rejection> {
        let mut flags = BTreeMap::new();
        for (at, (key, node)) in self.map()?.iter().enumerate() {
            let Some(key) = name(key) else {
                return Err(self.refuse(&format!("member {} has a wrong name: {rule}", at + 1)));
            };
            let Node::Bool(flag) = node else {
                return Err(self.refuse(&format!("member {} must be true or false", at + 1)));
            };
            flags.entry(key).and_modify(|before| *before &= flag).or_insert(*flag);
        }
        Ok(flags)
    }

    /// A list of names.
    pub fn names(&self, rule: &str, fits: impl Fn(&str) -> bool) -> Result<Vec<String>, Rejection> {
        let items = match self.node {
            None => return Ok(Vec::new()),
            Some(Node::List(items)) => items,
            Some(_) => return Err(self.refuse("must be a list of names")),
        };
        if items.len() > MOST_ENTRIES {
            return Err(self.refuse(&format!("must have at most {MOST_ENTRIES} items")));
        }
        let name = |(at, node): (usize, &Node<'_>)| match node {
            Node::Text(text) if fits(text) => Ok(text.as_ref().to_owned()),
            _ => Err(self.refuse(&format!("item {} is no name: {rule}", at + 1))),
        };
        items.iter().enumerate().map(name).collect()
    }
}

/// A member of an object with fixed members.
pub fn member<'n, 'a>(object: Option<&'n Object<'a>>, name: &str, pointer: &'static str) -> Field<'n, 'a> {
    Field::new(pointer, object.and_then(|object| object.get(name)))
}

/// A name without control characters, of 1 to `most` characters.
pub fn is_name(text: &str, most: usize) -> bool {
    !text.is_empty() && (text.len() <= most || text.chars().count() <= most) && !text.chars().any(char::is_control)
}

/// A UUID of 36 characters; the nil UUID is nobody's id.
pub(super) fn plain_uuid(text: &str) -> Option<Uuid> {
    if text.len() != 36 {
        return None;
    }
    Uuid::try_parse(text).ok().filter(|id| !id.is_nil())
}

/// RFC 3339 `date-time`, and nothing of what jiff reads beyond it (zone annotations, missing seconds, a comma).
fn rfc3339(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let shape = b"dddd-dd-ddTdd:dd:dd";
    if bytes.len() < shape.len() + 1 || bytes.len() > 40 {
        return None;
    }
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'd' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't'),
        other => byte == other,
    };
    if !bytes.iter().zip(shape).all(fits) {
        return None;
    }
    let rest = &bytes[shape.len()..];
    let offset = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 || digits > 9 {
                return None;
            }
            &fraction[digits..]
        }
        None => rest,
    };
    let zulu = matches!(offset, b"Z" | b"z");
    let numeric = offset.len() == 6 && matches!(offset[0], b'+' | b'-') && offset[3] == b':';
    if !zulu && !numeric {
        return None;
    }
    text.parse::<Timestamp>().ok().map(|at| at.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Option<i64> {
        rfc3339(text)
    }

    #[test]
    fn times_are_rfc_3339_to_the_millisecond() {
        let expected = Some(1_795_515_302_123);
        assert_eq!(time("2026-11-24T10:15:02.123Z"), expected);
        assert_eq!(time("2026-11-24t11:15:02.1239+01:00"), expected);
        assert_eq!(time("2026-11-24T04:45:02.123456789-05:30"), expected);
        assert_eq!(time("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(time("2016-12-31T23:59:60Z"), time("2016-12-31T23:59:59Z"));
        for bad in [
            "",
            "2026-11-24",
            "2026-11-24T10:15:02",
            "2026-11-24 10:15:02Z",
            "2026-11-24T10:15Z",
            "2026-11-24T10:15:02,5Z",
            "2026-11-24T10:15:02.Z",
            "2026-11-24T10:15:02+01",
            "2026-11-24T10:15:02+01:00[Europe/Paris]",
            "2026-13-24T10:15:02Z",
            "2026-02-30T10:15:02Z",
            "2026-11-24T25:15:02Z",
            "+002026-11-24T10:15:02Z",
            "２０２６-11-24T10:15:02Z",
            "1795515302123",
        ] {
            assert_eq!(time(bad), None, "{bad}");
        }
    }

    #[test]
    fn uuids_have_one_form() {
        assert!(plain_uuid("0199f0a2-6f0b-7c31-9d5e-0d6f2c1f9a10").is_some());
        assert!(plain_uuid("0199F0A2-6F0B-7C31-9D5E-0D6F2C1F9A10").is_some());
        for bad in [
            "0199f0a26f0b7c319d5e0d6f2c1f9a10",
            "{0199f0a2-6f0b-7c31-9d5e-0d6f2c1f9a1}",
            "00000000-0000-0000-0000-000000000000",
            "x",
        ] {
            assert!(plain_uuid(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn contradicting_names_deny() {
        let node: Node<'_> = serde_json::from_str(r#"{"A":true,"a":false,"b":true,"B":true}"#).unwrap();
        let flags = Field::new("/categories", Some(&node)).flags("", |key| Some(key.to_ascii_lowercase())).unwrap();
        assert_eq!(flags, BTreeMap::from([("a".into(), false), ("b".into(), true)]));
    }
}
