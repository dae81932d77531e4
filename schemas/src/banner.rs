//! A banner artefact: what a visitor was shown. `schemas/json/banner-artefact.schema.json` is its shape. It is addressed by
//! the SHA-256 of its canonical JSON (RFC 8785), taken as it is: fields that are not known here are part of it too.

use std::collections::{BTreeMap, BTreeSet};

use oxilangtag::LanguageTag;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::category;
use crate::event::code;
use crate::ids::{ServiceId, SiteId};

/// Bytes of an artefact's canonical JSON at most.
pub const MOST_BYTES: usize = 256 << 10;
/// Characters of a version and a variant at most, as events have them.
const MOST_LABEL_CHARS: usize = 64;
const MOST_PURPOSE_CHARS: usize = 256;

code!(
    /// What a button of a banner does.
    ButtonAction {
        AcceptAll = "accept_all", RejectAll = "reject_all", Save = "save", Dismiss = "dismiss", OpenLayer = "open_layer",
        Link = "link",
    }
);
code!(
    /// The width at which a banner was photographed.
    Screen { Mobile = "mobile", Desktop = "desktop" }
);

/// The known fields of an artefact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// BCP 47.
    pub language: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    pub layers: Vec<Layer>,
    #[serde(default)]
    pub services: Vec<ServiceId>,
    #[serde(default)]
    pub purposes: Vec<String>,
    #[serde(default)]
    pub categories: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub text: String,
    #[serde(default)]
    pub buttons: Vec<Button>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    pub action: ButtonAction,
    pub label: String,
}

/// What is wrong with an artefact, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct InvalidArtefact {
    /// A JSON Pointer (RFC 6901) into the artefact.
    pub at: String,
    pub problem: String,
}

fn bad(at: impl Into<String>, problem: impl Into<String>) -> InvalidArtefact {
    InvalidArtefact { at: at.into(), problem: problem.into() }
}

impl Artefact {
    /// The known fields of an artefact, each of its right shape.
    ///
    /// # Errors
    /// The first field that is missing or not as it must be.
    pub fn of(artefact: &Value) -> Result<Self, InvalidArtefact> {
        objects_are_whole(artefact)?;
        let read: Self = serde_path_to_error::deserialize(artefact).map_err(|error| {
            let at = pointer(error.path());
            bad(at, error.into_inner().to_string())
        })?;
        read.checked()
    }

    fn checked(self) -> Result<Self, InvalidArtefact> {
        if LanguageTag::parse(self.language.as_str()).is_err() {
            return Err(bad("/language", format!("{:?} is no language tag (BCP 47)", self.language)));
        }
        for (at, label) in [("/version", &self.version), ("/variant", &self.variant)] {
            if label.as_ref().is_some_and(|label| label.chars().count() > MOST_LABEL_CHARS) {
                return Err(bad(at, format!("must have at most {MOST_LABEL_CHARS} characters")));
            }
        }
        if self.layers.is_empty() {
            return Err(bad("/layers", "must have at least one layer"));
        }
        repeated("services", self.services.iter().map(ServiceId::as_str))?;
        repeated("purposes", self.purposes.iter().map(String::as_str))?;
        repeated("categories", self.categories.iter().map(String::as_str))?;
        for (i, purpose) in self.purposes.iter().enumerate() {
            let fits = !purpose.is_empty()
                && purpose.chars().count() <= MOST_PURPOSE_CHARS
                && !purpose.contains(char::is_control);
            if !fits {
                let rule = format!("must have 1 to {MOST_PURPOSE_CHARS} characters, none of them a control character");
                return Err(bad(format!("/purposes/{i}"), rule));
            }
        }
        for (i, name) in self.categories.iter().enumerate() {
            if category::canonical(name).is_none() {
                return Err(bad(format!("/categories/{i}"), format!("{name:?} is no category name")));
            }
        }
        Ok(self)
    }
}

/// Objects are objects (serde would read a list for one), and have what they must have: of a field that is missing, serde
/// would name the object.
fn objects_are_whole(artefact: &Value) -> Result<(), InvalidArtefact> {
    let require = |object: &Value, at: &str, names: &[&str]| {
        let object = object.as_object().ok_or_else(|| bad(at, "must be an object"))?;
        match names.iter().find(|name| !object.contains_key(**name)) {
            Some(name) => Err(bad(format!("{at}/{name}"), format!("`{name}` is missing"))),
            None => Ok(()),
        }
    };
    require(artefact, "", &["language", "layers"])?;
    for (l, layer) in artefact["layers"].as_array().into_iter().flatten().enumerate() {
        require(layer, &format!("/layers/{l}"), &["text"])?;
        for (b, button) in layer["buttons"].as_array().into_iter().flatten().enumerate() {
            require(button, &format!("/layers/{l}/buttons/{b}"), &["action", "label"])?;
        }
    }
    Ok(())
}

fn repeated<'a>(field: &str, names: impl Iterator<Item = &'a str>) -> Result<(), InvalidArtefact> {
    let mut seen = BTreeSet::new();
    for (i, name) in names.enumerate() {
        if !seen.insert(name) {
            return Err(bad(format!("/{field}/{i}"), format!("{name:?} is listed twice")));
        }
    }
    Ok(())
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => format!("{pointer}/{key}"),
        Segment::Enum { variant } => format!("{pointer}/{variant}"),
        Segment::Unknown => pointer,
    })
}

/// What is kept beside an artefact: hashes, each `sha256:<hex>`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Of the code that collected the consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_hash: Option<String>,
    /// Of the banner as it was rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html_hash: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub screenshots: BTreeMap<Screen, String>,
}

impl Evidence {
    /// This, and of the earlier what this leaves out.
    #[must_use]
    pub fn over(self, earlier: &Self) -> Self {
        let mut screenshots = earlier.screenshots.clone();
        screenshots.extend(self.screenshots);
        Self {
            code_hash: self.code_hash.or_else(|| earlier.code_hash.clone()),
            html_hash: self.html_hash.or_else(|| earlier.html_hash.clone()),
            screenshots,
        }
    }
}

/// The public description of an artefact: the body of its control record, and so what its leaf commits to. The texts are
/// in it by `text_hash` alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Description<'a> {
    pub site: &'a SiteId,
    pub text_hash: &'a str,
    pub language: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<&'a str>,
    /// Layer by layer.
    pub buttons: Vec<&'a [Button]>,
    pub services: &'a [ServiceId],
    pub purposes: &'a [String],
    pub categories: &'a [String],
    #[serde(flatten)]
    pub evidence: &'a Evidence,
}

impl<'a> Description<'a> {
    pub fn of(site: &'a SiteId, text_hash: &'a str, artefact: &'a Artefact, evidence: &'a Evidence) -> Self {
        Self {
            site,
            text_hash,
            language: &artefact.language,
            version: artefact.version.as_deref(),
            variant: artefact.variant.as_deref(),
            buttons: artefact.layers.iter().map(|layer| layer.buttons.as_slice()).collect(),
            services: &artefact.services,
            purposes: &artefact.purposes,
            categories: &artefact.categories,
            evidence,
        }
    }
}

/// Of a description what an event is read against.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Listing {
    pub text_hash: String,
    #[serde(default)]
    pub services: BTreeSet<String>,
}

/// An artefact's canonical JSON and its address.
///
/// # Errors
/// Where the library does not write it, which a value that was read from JSON does not meet.
pub fn addressed(artefact: &Value) -> Result<(String, String), serde_json::Error> {
    let canonical = serde_json_canonicalizer::to_string(artefact)?;
    let address = sha256(canonical.as_bytes());
    Ok((canonical, address))
}

/// `sha256:` and 64 hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::from("sha256:"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The 32 bytes of `sha256:<hex>`, in upper or lower case.
pub fn digest(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("sha256:")?.as_bytes();
    let mut digest = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
        *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests;
