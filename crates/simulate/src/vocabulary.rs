//! The words that events and settings are made of: services with their catalogue category, aliases of categories, and the
//! dimensions that a query may name.
//!
//! Written from `docs/metrics.md` and from the list of services in the product description, not from the product's code:
//! a slip in one of the two then shows as a difference.

/// The category whose services and decisions form no pairs.
pub(crate) const NECESSARY: &str = "necessary";
/// The category of a slug that neither the settings nor the catalogue know.
pub(crate) const UNKNOWN: &str = "unknown";
/// A slug that no catalogue holds.
pub(crate) const STRANGER: &str = "mystery-widget";

/// The services that the catalogue ships, each with its category there.
pub(crate) const CATALOGUE: [(&str, &str); 12] = [
    ("chaport", "preferences"),
    ("crisp", "preferences"),
    ("userlike", "preferences"),
    ("chatwoot", "preferences"),
    ("rocket-chat", "preferences"),
    ("11sight", "preferences"),
    ("42chat", "preferences"),
    ("8x8", "preferences"),
    ("acquire-live-chat", "preferences"),
    ("activengage", "preferences"),
    ("ada", "preferences"),
    ("flowconsent", NECESSARY),
];

/// The catalogue's category of a slug.
pub(crate) fn catalogue_category(slug: &str) -> Option<&'static str> {
    CATALOGUE.iter().find(|(known, _)| *known == slug).map(|(_, category)| *category)
}

/// The category that a name stands for: itself, unless it is one of the aliases in `docs/metrics.md`.
pub(crate) fn canonical(name: &str) -> &str {
    match name {
        "essential" | "required" | "strictly_necessary" => NECESSARY,
        "functional" | "functionality" | "preference" | "personalization" => "preferences",
        "analytics" | "analytical" | "performance" | "statistic" | "measurement" => "statistics",
        "ads" | "advertising" | "advertisement" | "targeting" => "marketing",
        other => other,
    }
}

/// The other names under which banners send a category; empty for a category of the site's own.
pub(crate) fn aliases(category: &str) -> &'static [&'static str] {
    match category {
        NECESSARY => &["essential", "required", "strictly_necessary"],
        "preferences" => &["functional", "functionality", "preference", "personalization"],
        "statistics" => &["analytics", "analytical", "performance", "statistic", "measurement"],
        "marketing" => &["ads", "advertising", "advertisement", "targeting"],
        _ => &[],
    }
}

/// What a query may group by and filter on, as the API spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Dimension {
    Site,
    Country,
    Region,
    Device,
    Browser,
    Os,
    Language,
    BannerVersion,
    Variant,
    Method,
    Prompt,
    Regime,
    Source,
    Bot,
    /// Only together with an interval.
    Time,
    /// Of a pair, not of an event.
    Service,
    /// Of a pair, not of an event.
    Category,
}

impl Dimension {
    /// The dimensions that an event has by itself; their order is the order of [`crate::definitions::facts::Facts::own`].
    pub(crate) const OF_EVENTS: [Self; 14] = [
        Self::Site,
        Self::Country,
        Self::Region,
        Self::Device,
        Self::Browser,
        Self::Os,
        Self::Language,
        Self::BannerVersion,
        Self::Variant,
        Self::Method,
        Self::Prompt,
        Self::Regime,
        Self::Source,
        Self::Bot,
    ];

    /// The name in a query and in a row.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Country => "country",
            Self::Region => "region",
            Self::Device => "device",
            Self::Browser => "browser",
            Self::Os => "os",
            Self::Language => "language",
            Self::BannerVersion => "banner_version",
            Self::Variant => "variant",
            Self::Method => "method",
            Self::Prompt => "prompt",
            Self::Regime => "regime",
            Self::Source => "source",
            Self::Bot => "bot",
            Self::Time => "time",
            Self::Service => "service",
            Self::Category => "category",
        }
    }

    /// Whether it is a dimension of (decision, service) or (decision, category) pairs.
    pub(crate) const fn is_of_pairs(self) -> bool {
        matches!(self, Self::Service | Self::Category)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_leads_back_to_its_category() {
        for category in [NECESSARY, "preferences", "statistics", "marketing", "newsletter"] {
            assert_eq!(canonical(category), category);
            for alias in aliases(category) {
                assert_eq!(canonical(alias), category);
            }
        }
    }
}
