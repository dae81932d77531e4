//! Prose in several languages. Codes (`preferences`, `medium`) are never translated; everything a person reads is a
//! [`Text`], written in English and, as far as somebody did the work, in other languages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The language that every text has, and that stands in for a missing translation.
pub const FALLBACK_LANGUAGE: &str = "en";

/// The languages in which the shipped entries are complete, as ISO 639-1 codes.
pub const LANGUAGES: [&str; 4] = ["en", "fr", "de", "es"];

/// One statement in several languages: ISO 639-1 code to text, `en` always among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(BTreeMap<String, String>);

impl Text {
    /// The text in this language, if it is translated. Only the primary part of a BCP 47 tag counts.
    #[must_use]
    pub fn get(&self, language: &str) -> Option<&str> {
        self.0.get(&primary(language)).map(String::as_str)
    }

    /// The English text; empty only for a text that was never validated.
    #[must_use]
    pub fn english(&self) -> &str {
        self.0.get(FALLBACK_LANGUAGE).map_or("", String::as_str)
    }

    /// Languages and texts, by language code.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(language, text)| (language.as_str(), text.as_str()))
    }

    /// What is wrong with this text, if anything.
    pub(super) fn problem(&self) -> Option<String> {
        if !self.0.contains_key(FALLBACK_LANGUAGE) {
            return Some("has no English text (`en`)".to_owned());
        }
        self.iter().find_map(|(language, text)| {
            if language.len() != 2 || !language.bytes().all(|b| b.is_ascii_lowercase()) {
                Some(format!("`{language}` is not an ISO 639-1 language code"))
            } else if text.trim().is_empty() || text.trim() != text {
                Some(format!("the text in `{language}` is empty or has blanks around it"))
            } else {
                None
            }
        })
    }
}

/// The primary language of a BCP 47 tag in lower case: `fr-CA` and `FR` are `fr`.
pub(super) fn primary(language: &str) -> String {
    language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}
