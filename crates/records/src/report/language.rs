//! The languages of reports and their texts: `messages/<language>.json`, the same keys in each.

use std::collections::BTreeMap;
use std::sync::LazyLock;

type Messages = BTreeMap<String, String>;

/// A language that reports are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    En,
    Fr,
    De,
    Es,
}

macro_rules! messages {
    ($file:literal) => {
        LazyLock::new(|| serde_json::from_str(include_str!(concat!("messages/", $file, ".json"))).unwrap_or_default())
    };
}

static EN: LazyLock<Messages> = messages!("en");
static FR: LazyLock<Messages> = messages!("fr");
static DE: LazyLock<Messages> = messages!("de");
static ES: LazyLock<Messages> = messages!("es");

impl Language {
    pub const ALL: [Self; 4] = [Self::En, Self::Fr, Self::De, Self::Es];

    /// The ISO 639-1 code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
            Self::De => "de",
            Self::Es => "es",
        }
    }

    /// The language of a BCP 47 tag, of which the primary part counts.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(primary))
    }

    pub(super) fn messages(self) -> &'static Messages {
        match self {
            Self::En => &EN,
            Self::Fr => &FR,
            Self::De => &DE,
            Self::Es => &ES,
        }
    }

    /// The text of a key. A test holds that every key in use is there; the key itself would stand in.
    pub(super) fn text(self, key: &'static str) -> &'static str {
        self.messages().get(key).map_or(key, String::as_str)
    }

    /// The text of a key with `{name}` filled in; what is filled in is not looked at again.
    pub(super) fn fill(self, key: &'static str, values: &[(&str, &str)]) -> String {
        let mut out = String::new();
        let mut rest = self.text(key);
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, after)) = after.split_once('}') else { break };
            out.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// A count with its thousands apart, as the language does.
    pub(super) fn number(self, number: u64) -> String {
        let apart = match self {
            Self::En => ',',
            Self::De => '.',
            Self::Fr | Self::Es => '\u{a0}',
        };
        let digits = number.to_string();
        let mut out = String::new();
        for (n, digit) in digits.chars().enumerate() {
            if n > 0 && (digits.len() - n).is_multiple_of(3) {
                out.push(apart);
            }
            out.push(digit);
        }
        out
    }

    /// A number with so many decimals, as the language writes it.
    pub(super) fn decimal(self, number: f64, decimals: usize) -> String {
        let text = format!("{number:.decimals$}");
        if self == Self::En { text } else { text.replace('.', ",") }
    }

    /// A fraction in percent, with one decimal.
    pub(super) fn percent(self, fraction: f64) -> String {
        let apart = if self == Self::En { "" } else { "\u{a0}" };
        format!("{}{apart}%", self.decimal(fraction * 100.0, 1))
    }

    /// The mark between a term and its value.
    pub(super) const fn colon(self) -> &'static str {
        match self {
            Self::Fr => "\u{a0}: ",
            _ => ": ",
        }
    }
}
