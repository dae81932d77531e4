//! Categories of consent: four canonical ones, the names that banners use for them, and a site's own.

use std::borrow::Cow;

pub const NECESSARY: &str = "necessary";
pub const PREFERENCES: &str = "preferences";
pub const STATISTICS: &str = "statistics";
pub const MARKETING: &str = "marketing";
/// The category of a service that neither the site's settings nor the catalogue know.
pub const UNKNOWN: &str = "unknown";

/// The names that banners use for the canonical categories.
const ALIASES: &[(&str, &str)] = &[
    ("essential", NECESSARY),
    ("required", NECESSARY),
    ("strictly_necessary", NECESSARY),
    ("functional", PREFERENCES),
    ("functionality", PREFERENCES),
    ("preference", PREFERENCES),
    ("personalization", PREFERENCES),
    ("analytics", STATISTICS),
    ("analytical", STATISTICS),
    ("performance", STATISTICS),
    ("statistic", STATISTICS),
    ("measurement", STATISTICS),
    ("ads", MARKETING),
    ("advertising", MARKETING),
    ("advertisement", MARKETING),
    ("targeting", MARKETING),
];

/// The canonical name of a category: `functional` -> `preferences`; lower case, `-` and spaces as `_`. `None` where the
/// text is no category name (1 to 64 characters of a-z 0-9 _ after that).
pub fn canonical(name: &str) -> Option<Cow<'_, str>> {
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let name = if name.bytes().all(fine) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.trim().to_ascii_lowercase().replace(['-', ' '], "_"))
    };
    if name.is_empty() || name.len() > 64 || !name.bytes().all(fine) {
        return None;
    }
    match ALIASES.iter().find(|(alias, _)| *alias == name) {
        Some((_, canonical)) => Some(Cow::Borrowed(canonical)),
        None => Some(name),
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn aliases_meet_their_category_and_own_names_stay() {
        for (name, expected) in [
            ("functional", Some("preferences")),
            ("Analytics", Some("statistics")),
            ("strictly-necessary", Some("necessary")),
            ("preferences", Some("preferences")),
            ("social_media", Some("social_media")),
            ("Social Media", Some("social_media")),
            ("", None),
            ("é", None),
        ] {
            assert_eq!(canonical(name).as_deref(), expected, "{name}");
        }
    }
}
