//! One line of `disclosures.jsonl`: a record opened so that its leaf can be computed from it (`schemas/leaf/v1.md`).

use std::borrow::Cow;

use avow_ledger::commitment::{Commitment, Field, verify_disclosure};
use avow_ledger::{Hash, LeafKind, hex, merkle};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The file of which each line is one.
pub const DISCLOSURES: &str = "disclosures.jsonl";

/// A line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosure<'a> {
    pub ledger: String,
    pub leaf: u64,
    /// The leaf's first byte.
    pub kind: u8,
    /// Of an event that is opened as a whole: its seed, 32 bytes in hexadecimal, and all fields in order.
    #[serde(default)]
    seed: Option<String>,
    #[serde(default, borrow)]
    fields: Option<Vec<(Name<'a>, &'a RawValue)>>,
    /// Of an event that is opened in part.
    #[serde(default)]
    parts: Option<Vec<Field>>,
    /// Of a control record.
    #[serde(default)]
    pub body: Option<String>,
    /// Its subject was erased: nothing is opened.
    #[serde(default)]
    redacted: bool,
}

/// Of a field; mostly as it stands in the line.
#[derive(Debug, Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// A field that is opened.
pub enum Value<'a> {
    /// In canonical JSON.
    Raw(&'a str),
    /// The same, from an event that is opened in part.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// In canonical JSON.
    pub fn json(&self) -> &'a [u8] {
        match self {
            Self::Raw(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// As whatever it is to be; `None` where it is something else.
    pub fn read<T: Deserialize<'a>>(&self) -> Option<T> {
        serde_json::from_slice(self.json()).ok()
    }
}

/// What a line comes to.
pub enum Opened {
    /// The leaf hash that follows from what is disclosed.
    Leaf(Hash),
    /// Nothing is disclosed of it.
    Redacted,
    /// It is no disclosure, for this reason.
    Broken(&'static str),
}

/// The bytes of a UUID.
pub fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32).map(u128::to_be_bytes)
}

impl Disclosure<'_> {
    /// Whose event it is, as far as that is shown: of an event without a subject nobody's.
    pub fn subject(&self) -> Option<Option<[u8; 16]>> {
        let value = self.fields.as_ref()?.iter().find(|(name, _)| name.0 == "subject")?.1;
        let Some(text) = serde_json::from_str::<Option<&str>>(value.get()).ok()? else { return Some(None) };
        Some(Some(uuid(text)?))
    }

    /// Calls `field` with every field that is opened.
    pub fn each_field<'a>(&'a self, mut field: impl FnMut(&'a str, Value<'a>)) {
        for (name, value) in self.fields.iter().flatten() {
            field(&name.0, Value::Raw(value.get()));
        }
        for part in self.parts.iter().flatten() {
            if let Field::Opened { name, value, .. } = part {
                field(name, Value::Bytes(value));
            }
        }
    }

    /// The site that it says it is of.
    pub fn site(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct OfSite {
            site: String,
        }
        let of_body = || serde_json::from_str::<OfSite>(self.body()?).ok().map(|body| body.site);
        let mut site = None;
        self.each_field(|name, value| {
            if name == "site" {
                site = value.read();
            }
        });
        site.or_else(of_body)
    }

    /// Whether nothing of it is opened.
    pub fn is_redacted(&self) -> bool {
        self.redacted
    }

    /// The body of a control record.
    pub fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }

    /// The leaf hash (RFC 6962) that follows from what is disclosed.
    pub fn open(&self) -> Opened {
        if self.redacted {
            return Opened::Redacted;
        }
        let commitment = match (&self.seed, &self.fields, &self.parts, &self.body) {
            (Some(seed), Some(fields), None, None) if self.kind == LeafKind::Event as u8 => {
                let Some(seed) = hex::decode(seed) else { return Opened::Broken("its seed is not 32 bytes") };
                let mut commitment = Commitment::new(&seed);
                for (name, value) in fields {
                    commitment.field(&name.0, value.get().as_bytes());
                }
                commitment.finish()
            }
            (None, None, Some(parts), None) if self.kind == LeafKind::Event as u8 => verify_disclosure(parts),
            (None, None, None, Some(body)) if self.kind != LeafKind::Event as u8 => {
                Sha256::digest(body.as_bytes()).into()
            }
            _ => return Opened::Broken("it opens nothing"),
        };
        let mut entry = [self.kind; 33];
        entry[1..].copy_from_slice(&commitment);
        Opened::Leaf(merkle::leaf_hash(&entry))
    }
}
