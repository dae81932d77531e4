//! Where a dimension lies in the two tables that questions read.

use super::spec::Dimension;

/// The table a statement reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// `rates_15m_data`, in which every dimension is a column of its name; but signals and findings lie where rows of other grains
    /// have services and categories.
    Rollup,
    /// `events_data`, in which a few are what the roll-up makes of them.
    Events,
}

impl Table {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rollup => "rates_15m_data",
            Self::Events => "events_data",
        }
    }

    /// A row's instant in seconds since 1970, exact for the roll-up to the quarter.
    pub(super) const fn instant(self) -> &'static str {
        match self {
            Self::Rollup => "toUnixTimestamp(quarter)",
            Self::Events => "toUnixTimestamp(occurred_at)",
        }
    }

    /// The SQL of a dimension that an event has by itself.
    pub(super) const fn column(self, dimension: Dimension) -> &'static str {
        match (self, dimension) {
            (Self::Events, Dimension::Language) => "if(bitTest(overflow, 0), 'other', language)",
            (Self::Events, Dimension::BannerVersion) => "if(bitTest(overflow, 1), 'other', banner_version)",
            (Self::Events, Dimension::Variant) => "if(bitTest(overflow, 2), 'other', variant)",
            (Self::Events, Dimension::Bot) => "if(bot = 'no', 'no', 'yes')",
            (Self::Rollup, Dimension::Signal) => "service",
            (Self::Rollup, Dimension::Finding) => "category",
            _ => dimension.as_str(),
        }
    }
}
