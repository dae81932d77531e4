//! How long a cookie lives. The file holds a code; the words for it are made here, in four languages, so that no entry
//! has to translate "6 months" again.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::text::primary;

/// The lifetime of a cookie or storage entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Ends with the browser session (or, for `sessionStorage`, with the tab).
    Session,
    /// Has no expiry of its own, as `localStorage`.
    Persistent,
    /// Not established from any public source.
    Unknown,
    /// A whole number of one unit, an ISO 8601 duration such as `P1Y`, `P6M`, `P30D`, `PT30M`.
    For(u16, Unit),
}

/// The unit of a [`Lifetime::For`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Calendar years, `P1Y`.
    Years,
    /// Calendar months, `P6M`.
    Months,
    /// Days, `P30D`.
    Days,
    /// Hours, `PT12H`.
    Hours,
    /// Minutes, `PT30M`.
    Minutes,
}

impl Lifetime {
    /// Reads the code of the file format.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        match code {
            "session" => return Some(Self::Session),
            "persistent" => return Some(Self::Persistent),
            "unknown" => return Some(Self::Unknown),
            _ => {}
        }
        let (digits, unit) = if let Some(time) = code.strip_prefix("PT") {
            let (digits, unit) = time.split_at_checked(time.len().checked_sub(1)?)?;
            (digits, if unit == "H" { Unit::Hours } else { (unit == "M").then_some(Unit::Minutes)? })
        } else {
            let date = code.strip_prefix('P')?;
            let (digits, unit) = date.split_at_checked(date.len().checked_sub(1)?)?;
            let unit = match unit {
                "Y" => Unit::Years,
                "M" => Unit::Months,
                "D" => Unit::Days,
                _ => return None,
            };
            (digits, unit)
        };
        let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        plain.then(|| digits.parse().ok())?.map(|number| Self::For(number, unit))
    }

    /// The lifetime in words, `1 year`, `6 mois`, `Sitzung`; English if the language is none of the four.
    #[must_use]
    pub fn words(self, language: &str) -> String {
        // Columns: en, fr, de, es. Each unit has its singular and its plural.
        let column = match primary(language).as_str() {
            "fr" => 1,
            "de" => 2,
            "es" => 3,
            _ => 0,
        };
        let word = |words: [&str; 4]| words[column].to_owned();
        match self {
            Self::Session => word(["session", "session", "Sitzung", "sesión"]),
            Self::Persistent => {
                word(["until it is deleted", "jusqu’à suppression", "bis zur Löschung", "hasta su eliminación"])
            }
            Self::Unknown => word(["unknown", "inconnue", "unbekannt", "desconocida"]),
            Self::For(number, unit) => {
                let (one, many) = match unit {
                    Unit::Years => (["year", "an", "Jahr", "año"], ["years", "ans", "Jahre", "años"]),
                    Unit::Months => (["month", "mois", "Monat", "mes"], ["months", "mois", "Monate", "meses"]),
                    Unit::Days => (["day", "jour", "Tag", "día"], ["days", "jours", "Tage", "días"]),
                    Unit::Hours => (["hour", "heure", "Stunde", "hora"], ["hours", "heures", "Stunden", "horas"]),
                    Unit::Minutes => {
                        (["minute", "minute", "Minute", "minuto"], ["minutes", "minutes", "Minuten", "minutos"])
                    }
                };
                format!("{number} {}", word(if number == 1 { one } else { many }))
            }
        }
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session => f.write_str("session"),
            Self::Persistent => f.write_str("persistent"),
            Self::Unknown => f.write_str("unknown"),
            Self::For(number, Unit::Years) => write!(f, "P{number}Y"),
            Self::For(number, Unit::Months) => write!(f, "P{number}M"),
            Self::For(number, Unit::Days) => write!(f, "P{number}D"),
            Self::For(number, Unit::Hours) => write!(f, "PT{number}H"),
            Self::For(number, Unit::Minutes) => write!(f, "PT{number}M"),
        }
    }
}

impl Serialize for Lifetime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| {
            de::Error::custom(format!("`{code}` is none of session, persistent, unknown, P1Y, P6M, P30D, PT12H, PT30M"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_survive_and_nonsense_does_not() {
        for code in ["session", "persistent", "unknown", "P1Y", "P6M", "P30D", "PT12H", "PT30M"] {
            assert_eq!(Lifetime::parse(code).map(|l| l.to_string()).as_deref(), Some(code));
        }
        for code in
            ["", "P", "PT", "PY", "P0D", "P01D", "P-1D", "P+1D", "1Y", "P1W", "PT1S", "P1é", "P99999999D", "Session"]
        {
            assert_eq!(Lifetime::parse(code), None, "{code}");
        }
    }

    #[test]
    fn words_follow_number_and_language() {
        assert_eq!(Lifetime::For(1, Unit::Years).words("en"), "1 year");
        assert_eq!(Lifetime::For(6, Unit::Months).words("fr-FR"), "6 mois");
        assert_eq!(Lifetime::For(6, Unit::Months).words("de"), "6 Monate");
        assert_eq!(Lifetime::For(1, Unit::Years).words("es"), "1 año");
        assert_eq!(Lifetime::Session.words("pt"), "session");
    }
}
