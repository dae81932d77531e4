//! One event of a simulated visitor, as the generator thinks of it: the words of the contract, and the true time.

use super::context::Context;
use uuid::Uuid;

/// `type`, with the field that only this type has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Shown,
    Decided(Method),
    Withdrawn,
    /// What a scan saw of Chaport, and whether Chaport was granted then.
    Observed(bool),
    /// A page view with the state that held in it.
    Loaded(&'static str),
}

impl Kind {
    /// The value of `type`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Decided(_) => "decided",
            Self::Withdrawn => "withdrawn",
            Self::Observed(_) => "observed",
            Self::Loaded(_) => "loaded",
        }
    }
}

/// `method` of a `decided` event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    AcceptAll,
    RejectAll,
    Save,
    Dismiss,
    Gpc,
    Api,
}

impl Method {
    /// The value of `method`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AcceptAll => "accept_all",
            Self::RejectAll => "reject_all",
            Self::Save => "save",
            Self::Dismiss => "dismiss",
            Self::Gpc => "gpc",
            Self::Api => "api",
        }
    }
}

/// The prompt that is not sent means this one.
pub(crate) const FIRST: &str = "first";
/// The prompt whose decisions are left out of every decision count.
pub(crate) const USER_OPENED: &str = "user_opened";
/// The regime that is not sent means this one.
pub(crate) const OPT_IN: &str = "opt_in";

/// What a banner said about names: (name, value) in the order sent, names distinct.
pub(crate) type Named = Vec<(&'static str, bool)>;

/// What was sent beside a choice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signals {
    pub(crate) tcf: Option<String>,
    /// Google's consent types.
    pub(crate) consent_mode: Vec<(&'static str, &'static str)>,
    /// Global Privacy Control; sent where it is on.
    pub(crate) gpc: bool,
}

/// One event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: Uuid,
    /// Index of the site in the world.
    pub(crate) site: usize,
    pub(crate) kind: Kind,
    pub(crate) subject: Option<Uuid>,
    /// The corrected time of the event, Unix milliseconds.
    pub(crate) at: i64,
    /// How far the visitor's clock is ahead, milliseconds; the server corrects it where it is over 60 s.
    pub(crate) clock_ahead: i64,
    /// `prompt` as sent.
    pub(crate) prompt: Option<&'static str>,
    /// `regime` as sent.
    pub(crate) regime: Option<&'static str>,
    pub(crate) banner_version: Option<&'static str>,
    pub(crate) language: Option<&'static str>,
    pub(crate) variant: Option<&'static str>,
    pub(crate) categories: Named,
    pub(crate) services: Named,
    pub(crate) purposes: Named,
    pub(crate) signals: Signals,
    /// `effort.ms`; a multiple of 100 below a minute, so that a median needs few counters.
    pub(crate) effort_ms: Option<u32>,
    pub(crate) context: Context,
}

impl Event {
    /// The dimension `prompt`.
    pub(crate) fn prompt(&self) -> &'static str {
        self.prompt.unwrap_or(FIRST)
    }

    /// The dimension `regime`.
    pub(crate) fn regime(&self) -> &'static str {
        self.regime.unwrap_or(OPT_IN)
    }

    /// The dimension `method`.
    pub(crate) fn method(&self) -> &'static str {
        match self.kind {
            Kind::Decided(method) => method.name(),
            _ => "",
        }
    }
}
