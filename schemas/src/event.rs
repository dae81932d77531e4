//! A consent event as it lies in the log: `schemas/avro/log_record.avsc` in Rust. `schemas/json/event.schema.json` is the
//! shape in which a beacon sends it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{ConfigVersion, EventId, SiteId, SubjectId};

macro_rules! code {
    ($(#[$doc:meta])* $type:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $type { $(#[serde(rename = $text)] $variant),+ }

        impl $type {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use code;

code!(
    /// What happened in the banner.
    EventType { Shown = "shown", Decided = "decided", Withdrawn = "withdrawn", Observed = "observed", Loaded = "loaded" }
);
code!(
    /// Why the banner was there.
    Prompt { First = "first", Renewal = "renewal", Changed = "changed", UserOpened = "user_opened" }
);
code!(
    /// Whence an event came and how far that can be trusted.
    Source { Token = "token", Origin = "origin", None = "none", Pixel = "pixel", Import = "import" }
);
code!(
    /// The legal regime under which the banner asked.
    Regime { OptIn = "opt_in", OptOut = "opt_out", Notice = "notice", None = "none" }
);
code!(
    /// The act by which a decision was made; it follows the click, not the result.
    Method { AcceptAll = "accept_all", RejectAll = "reject_all", Save = "save", Dismiss = "dismiss", Gpc = "gpc", Api = "api" }
);
code!(
    /// The consent state with which a page was loaded.
    LoadState {
        Granted = "granted", Partial = "partial", Denied = "denied", None = "none",
        NotRequired = "not_required", NotPossible = "not_possible",
    }
);
code!(
    /// How surely a visitor was no person: by its own word, or by signs.
    BotGrade { No = "no", Suspected = "suspected", Declared = "declared" }
);

/// Objections under TCF and the like: never grants.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Objections {
    pub purposes: Vec<String>,
    pub services: Vec<String>,
}

/// What the beacon saw in the page: names only, never values.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Observed {
    pub cookies: Vec<String>,
    pub domains: Vec<String>,
    pub others: i64,
    pub state: BTreeMap<String, bool>,
}

/// One thing that happened in a banner. Times are milliseconds since 1970. Field for field the Avro record of this name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsentEvent {
    pub id: EventId,
    pub site: SiteId,
    #[serde(rename = "type")]
    pub kind: EventType,
    pub subject: Option<SubjectId>,
    pub view: Option<String>,
    pub prompt: Prompt,
    pub layer: Option<i32>,
    pub occurred_at: i64,
    pub occurred_at_claimed: Option<i64>,
    pub sent_at: Option<i64>,
    pub received_at: i64,
    pub source: Source,
    pub banner_version: Option<String>,
    pub language: Option<String>,
    pub variant: Option<String>,
    pub text_hash: Option<String>,
    pub regime: Regime,
    pub method: Option<Method>,
    pub categories: BTreeMap<String, bool>,
    pub services: BTreeMap<String, bool>,
    pub purposes: BTreeMap<String, bool>,
    pub objections: Option<Objections>,
    pub tcf: Option<String>,
    pub gpp: Option<String>,
    pub consent_mode: BTreeMap<String, String>,
    pub gpc: Option<bool>,
    pub host: Option<String>,
    pub path: Option<String>,
    pub effort_clicks: Option<i32>,
    pub effort_ms: Option<i64>,
    pub expires_at: Option<i64>,
    pub previous: Option<EventId>,
    pub state: Option<LoadState>,
    pub observed: Option<Observed>,
    pub country: Option<String>,
    pub region: Option<String>,
    pub device: Option<String>,
    pub browser: Option<String>,
    pub os: Option<String>,
    pub bot: BotGrade,
    pub config_version: ConfigVersion,
    pub seed: Seed,
}

/// 32 random bytes, the source of a leaf's salts. While it exists, the leaf's commitment is pseudonymous data.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(#[serde(with = "apache_avro::serde::fixed")] pub [u8; 32]);

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(..)")
    }
}

impl ConsentEvent {
    /// The least that an event can say: what happened where, and when (milliseconds since 1970). For whoever builds one
    /// field by field.
    #[must_use]
    pub fn least(kind: EventType, site: SiteId, id: EventId, at: i64) -> Self {
        Self {
            id,
            site,
            kind,
            subject: None,
            view: None,
            prompt: Prompt::First,
            layer: None,
            occurred_at: at,
            occurred_at_claimed: None,
            sent_at: None,
            received_at: at,
            source: Source::None,
            banner_version: None,
            language: None,
            variant: None,
            text_hash: None,
            regime: Regime::OptIn,
            method: None,
            categories: BTreeMap::new(),
            services: BTreeMap::new(),
            purposes: BTreeMap::new(),
            objections: None,
            tcf: None,
            gpp: None,
            consent_mode: BTreeMap::new(),
            gpc: None,
            host: None,
            path: None,
            effort_clicks: None,
            effort_ms: None,
            expires_at: None,
            previous: None,
            state: None,
            observed: None,
            country: None,
            region: None,
            device: None,
            browser: None,
            os: None,
            bot: BotGrade::No,
            config_version: ConfigVersion(1),
            seed: Seed([0; 32]),
        }
    }

    /// Whether the event carries any decision by name.
    pub fn names_something(&self) -> bool {
        !(self.categories.is_empty() && self.services.is_empty() && self.purposes.is_empty())
    }
}
