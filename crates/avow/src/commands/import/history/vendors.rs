//! Whose export it is. What is known of each is a map like those that operators write, and lies in `vendors/`.

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Vendor {
    Didomi,
    Usercentrics,
    Consentmanager,
    Onetrust,
    Iubenda,
    C15t,
    /// Another installation's events.
    Avow,
    /// Whatever `--map` describes.
    Other,
}

impl Vendor {
    /// Part of every id that is made for its events: never changed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Didomi => "didomi",
            Self::Usercentrics => "usercentrics",
            Self::Consentmanager => "consentmanager",
            Self::Onetrust => "onetrust",
            Self::Iubenda => "iubenda",
            Self::C15t => "c15t",
            Self::Avow => "avow",
            Self::Other => "other",
        }
    }

    /// What is known of its export.
    pub const fn map(self) -> &'static str {
        match self {
            Self::Didomi => include_str!("vendors/didomi.toml"),
            Self::Usercentrics => include_str!("vendors/usercentrics.toml"),
            Self::Consentmanager => include_str!("vendors/consentmanager.toml"),
            Self::Onetrust => include_str!("vendors/onetrust.toml"),
            Self::Iubenda => include_str!("vendors/iubenda.toml"),
            Self::C15t => include_str!("vendors/c15t.toml"),
            Self::Avow => include_str!("vendors/avow.toml"),
            Self::Other => include_str!("vendors/other.toml"),
        }
    }
}
