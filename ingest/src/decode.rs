//! From a body to its events: one event, `{"events": [...]}`, or a line for each (NDJSON). Splitting looks only at the
//! form; each [`Piece`] is read into [`Fields`] on its own, so that one broken event costs no other and memory never holds
//! more than one event taken apart.

mod depth;
pub mod field;
mod fields;
pub(crate) mod node;

use std::borrow::Cow;
use std::fmt;

use avow_schemas::fate::{RejectCode, Rejection};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

pub use fields::{Fields, Name};
use node::Text;

/// How deep an event may nest; ours nest 3 deep, 5 within a batch.
const MOST_DEPTH: usize = 32;
/// Bytes of one event.
pub const MOST_EVENT_BYTES: usize = 64 * 1024;

/// How a body is to be read, by its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `application/json`
    Json,
    /// `application/x-ndjson`
    Lines,
    /// `text/plain`: JSON, or NDJSON where it is that.
    Either,
}

/// One event's text.
#[derive(Debug)]
pub struct Piece<'a> {
    /// The line that held it (NDJSON), from 1.
    pub line: Option<usize>,
    text: Result<&'a str, Rejection>,
}

impl<'a> Piece<'a> {
    /// Takes the event apart.
    ///
    /// # Errors
    /// `malformed` or `too_large`, and why.
    pub fn read(self) -> Result<Fields<'a>, Rejection> {
        let read = self.text.and_then(|text| {
            if text.len() > MOST_EVENT_BYTES {
                let detail = format!("an event has at most {MOST_EVENT_BYTES} bytes");
                return Err(Rejection::new(RejectCode::TooLarge, detail));
            }
            if self.line.is_some() && depth::too_deep(text.as_bytes(), MOST_DEPTH).is_some() {
                let detail = format!("an event nests at most {MOST_DEPTH} deep");
                return Err(Rejection::new(RejectCode::Malformed, detail));
            }
            Fields::read(text)
        });
        match self.line {
            Some(line) => read.map_err(|r| Rejection::new(r.code, format!("line {line} of the body: {}", r.detail))),
            None => read,
        }
    }
}

/// Why a body holds no events at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// No JSON of a form that we take: what is wrong, and where if that is one place.
    Malformed { detail: String, at: Option<(usize, usize)> },
    /// More events than a request may hold.
    TooMany { most: usize },
}

impl Unreadable {
    fn malformed(detail: impl Into<String>) -> Self {
        Self::Malformed { detail: detail.into(), at: None }
    }
}

/// A body's events, in order, and what stood beside `events` and is not known.
#[derive(Debug, Default)]
pub struct Split<'a> {
    pub pieces: Vec<Piece<'a>>,
    pub beside: Vec<Cow<'a, str>>,
}

/// Splits a body into its events, of which it may hold `most` (at most [`MOST_EVENTS`]).
///
/// # Errors
/// Where the body as a whole cannot be read; then none of its events is known.
pub fn split(form: Form, body: &[u8], most: usize) -> Result<Split<'_>, Unreadable> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.trim_ascii().is_empty() {
        return Err(Unreadable::malformed("the body is empty"));
    }
    match form {
        Form::Json => document(body, most),
        Form::Lines => lines(body, most),
        Form::Either => match document(body, most) {
            Err(Unreadable::Malformed { .. }) if looks_like_lines(body) => lines(body, most),
            read => read,
        },
    }
}

/// Whether text that is no JSON document is NDJSON: its first two lines with anything on them begin like events.
fn looks_like_lines(body: &[u8]) -> bool {
    let mut full = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let mut begins = || full.next().is_some_and(|line| line.starts_with(b"{"));
    begins() && begins()
}

fn lines(body: &[u8], most: usize) -> Result<Split<'_>, Unreadable> {
    let mut pieces = Vec::new();
    for (at, line) in body.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        if pieces.len() == most {
            return Err(Unreadable::TooMany { most });
        }
        let text = std::str::from_utf8(line).map_err(|e| Rejection::new(RejectCode::Malformed, not_utf8(&e)));
        pieces.push(Piece { line: Some(at + 1), text });
    }
    Ok(Split { pieces, beside: Vec::new() })
}

fn document(body: &[u8], most: usize) -> Result<Split<'_>, Unreadable> {
    let at = |place: depth::Place| Some((place.line, place.column));
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        Err(e) => {
            let at = at(depth::place(body, e.valid_up_to()));
            return Err(Unreadable::Malformed { detail: not_utf8(&e), at });
        }
    };
    if let Some(place) = depth::too_deep(body, MOST_DEPTH) {
        let detail = format!("the body nests deeper than {MOST_DEPTH}");
        return Err(Unreadable::Malformed { detail, at: at(place) });
    }
    if !text.trim_ascii_start().starts_with('{') {
        return Err(Unreadable::malformed("the body must be an event, {\"events\": [...]}, or one event a line"));
    }
    let broken = |e: &serde_json::Error| Unreadable::Malformed { detail: syntax(e), at: Some((e.line(), e.column())) };
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|e| broken(&e))?;
    let piece = |text| Piece { line: None, text: Ok(text) };
    let (list, beside) = match envelope {
        Envelope::Event => return Ok(Split { pieces: vec![piece(text)], beside: Vec::new() }),
        Envelope::Ambiguous => return Err(Unreadable::malformed("\"events\" is repeated")),
        Envelope::Events { list, beside } => (list, beside),
    };
    if !list.get().starts_with('[') {
        return Err(Unreadable::malformed("\"events\" must be a list"));
    }
    let listed: Listed<'_> = serde_json::from_str(list.get()).map_err(|e| broken(&e))?;
    if listed.count > most {
        return Err(Unreadable::TooMany { most });
    }
    Ok(Split { pieces: listed.first.into_iter().map(|raw| piece(raw.get())).collect(), beside })
}

fn not_utf8(error: &std::str::Utf8Error) -> String {
    format!("not UTF-8 from byte {} on", error.valid_up_to())
}

/// What a JSON error says, without repeating input.
fn syntax(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Eof => format!("line {line}, column {column}: the JSON ends too early"),
        Category::Data | Category::Io => format!("line {line}, column {column}: not what an event holds there"),
        Category::Syntax => {
            let text = error.to_string();
            let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
            format!("line {line}, column {column}: {text}")
        }
    }
}

/// The outermost object.
enum Envelope<'a> {
    Event,
    Events { list: &'a RawValue, beside: Vec<Cow<'a, str>> },
    Ambiguous,
}

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EnvelopeVisitor;
        impl<'de> Visitor<'de> for EnvelopeVisitor {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Envelope<'de>, A::Error> {
                let (mut lists, mut beside) = (Vec::with_capacity(1), Vec::new());
                while let Some(Text(name)) = members.next_key::<Text<'de>>()? {
                    if name == "events" {
                        lists.push(members.next_value()?);
                    } else {
                        members.next_value::<IgnoredAny>()?;
                        beside.push(name);
                    }
                }
                Ok(match lists[..] {
                    [] => Envelope::Event,
                    [list] => Envelope::Events { list, beside },
                    _ => Envelope::Ambiguous,
                })
            }
        }
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

/// A list's items, without keeping more of them than a body may hold.
struct Listed<'a> {
    first: Vec<&'a RawValue>,
    count: usize,
}

/// Items beyond this many are counted, not kept: `max_events` cannot be set higher.
pub const MOST_EVENTS: usize = 10_000;

impl<'de: 'a, 'a> Deserialize<'de> for Listed<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListedVisitor;
        impl<'de> Visitor<'de> for ListedVisitor {
            type Value = Listed<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Listed<'de>, A::Error> {
                let mut listed = Listed { first: Vec::new(), count: 0 };
                while let Some(item) = items.next_element::<&RawValue>()? {
                    listed.count += 1;
                    if listed.count <= MOST_EVENTS {
                        listed.first.push(item);
                    }
                }
                Ok(listed)
            }
        }
        deserializer.deserialize_seq(ListedVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(form: Form, body: &str) -> Result<Vec<(Option<usize>, &str)>, Unreadable> {
        let split = split(form, body.as_bytes(), 3)?;
        Ok(split.pieces.into_iter().map(|piece| (piece.line, piece.text.unwrap())).collect())
    }

    #[test]
    fn three_forms() {
        assert_eq!(texts(Form::Json, " {\"a\":1}\n").unwrap(), [(None, " {\"a\":1}\n")]);
        assert_eq!(texts(Form::Json, "\u{feff}{}").unwrap(), [(None, "{}")]);
        assert_eq!(texts(Form::Json, r#"{"events":[{"a":1}, 7]}"#).unwrap(), [(None, r#"{"a":1}"#), (None, "7")]);
        assert_eq!(texts(Form::Json, r#"{"events":[]}"#).unwrap(), []);
        let ndjson = "{\"a\":1}\r\n\n{\"b\":\n";
        assert_eq!(texts(Form::Lines, ndjson).unwrap(), [(Some(1), r#"{"a":1}"#), (Some(3), "{\"b\":")]);
        assert_eq!(texts(Form::Either, ndjson).unwrap().len(), 2);
        assert_eq!(texts(Form::Either, "{\n  \"a\": 1\n}").unwrap().len(), 1);
    }

    #[test]
    fn what_stands_beside_events_is_named() {
        let split = split(Form::Json, br#"{"sent_at":"x","events":[{}]}"#, 3).unwrap();
        assert_eq!(split.beside, ["sent_at"]);
    }

    #[test]
    fn unreadable_bodies_say_what_and_where() {
        let malformed = |body: &[u8], form| match split(form, body, 3) {
            Err(Unreadable::Malformed { detail, at }) => (detail, at),
            other => panic!("{other:?}"),
        };
        for (body, detail, at) in [
            (&b" \n"[..], "the body is empty", None),
            (b"[{}]", "the body must be an event, {\"events\": [...]}, or one event a line", None),
            (b"{\"a\":\n", "line 2, column 0: the JSON ends too early", Some((2, 0))),
            (b"{\"a\":1}\n{\"b\":1}", "line 2, column 1: trailing characters", Some((2, 1))),
            (b"{\"a\":\"\xff\"}", "not UTF-8 from byte 6 on", Some((1, 7))),
            (br#"{"events":7}"#, "\"events\" must be a list", None),
            (br#"{"events":[],"events":[]}"#, "\"events\" is repeated", None),
        ] {
            assert_eq!(malformed(body, Form::Json), (detail.to_owned(), at));
        }
        let nested = "[".repeat(2_000);
        let body = format!("{{\"x\":{nested}");
        assert_eq!(malformed(body.as_bytes(), Form::Either), ("the body nests deeper than 32".into(), Some((1, 37))));
        for body in [r#"{"events":[1,2,3,4]}"#, "{}\n{}\n{}\n{}"] {
            assert_eq!(split(Form::Either, body.as_bytes(), 3).unwrap_err(), Unreadable::TooMany { most: 3 });
        }
    }

    #[test]
    fn a_broken_line_costs_itself_only() {
        let deep = "[".repeat(2_000);
        let long = format!("{{\"page\":\"{}\"}}", "x".repeat(MOST_EVENT_BYTES));
        let body = [b"{\"id\":", b"\n{}\n\xff\n".as_slice(), deep.as_bytes(), b"\n", long.as_bytes()].concat();
        let refused = |piece: Piece<'_>| piece.read().err().map(|r| (r.code, r.detail));
        let read: Vec<_> = split(Form::Lines, &body, 9).unwrap().pieces.into_iter().map(refused).collect();
        assert_eq!(
            read,
            [
                Some((RejectCode::Malformed, "line 1 of the body: line 1, column 6: the JSON ends too early".into())),
                None,
                Some((RejectCode::Malformed, "line 3 of the body: not UTF-8 from byte 0 on".into())),
                Some((RejectCode::Malformed, "line 4 of the body: an event nests at most 32 deep".into())),
                Some((RejectCode::TooLarge, "line 5 of the body: an event has at most 65536 bytes".into())),
            ]
        );
    }
}
