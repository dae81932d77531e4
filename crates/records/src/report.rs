//! The report for people: what was asked, answered and proved, as HTML and PDF from one content.
//!
//! [`content`] lays out a [`Report`] as headings, paragraphs and tables in one of four languages; [`html`] and [`pdf`]
//! draw them. So both say the same, and a reader who trusts only paper misses nothing. Texts are in `messages/`, one file
//! a language. What an operator or a visitor wrote is text in both, never markup.

mod content;
mod html;
mod language;
mod overview;
mod pdf;
mod readme;

use avow_schemas::event::{EventType, Method};

use crate::status::Status;

pub use html::html;
pub use language::Language;
pub use overview::{Compared, Count, Counted, Overview, Rate, Rated, Ratio, overview_pdf};
pub use pdf::{PdfError, pdf};
pub use readme::readme;

/// What a report says. Times in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The site's name in the log, such as `shop.example`.
    pub site: String,
    /// Its name for people.
    pub site_name: String,
    /// The period, its end not included.
    pub from: i64,
    pub to: i64,
    pub controllers: Vec<ReportParty>,
    /// Who made the report: a person or a token, by name.
    pub made_by: String,
    pub made_at: i64,
    /// Of a report about one visitor: her pseudonym.
    pub subject: Option<String>,
    /// Of a report that is cut to some services: their names.
    pub services: Vec<String>,
    pub counts: Counts,
    /// The first records in order of time; [`Report::records_total`] says how many there are.
    pub records: Vec<Summary>,
    pub records_total: u64,
    /// What the banners said that these records name, as far as the bundle has them.
    pub texts: Vec<ShownText>,
    pub claims: Vec<Claim>,
    /// What others wrote and the operator attached.
    pub attached: Vec<Attached>,
}

/// What a banner said: an artefact of the bundle, as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownText {
    /// `sha256:<hex>`, by which records name it.
    pub hash: String,
    pub version: Option<String>,
    pub language: Option<String>,
    /// Titles, texts and buttons in the order of its layers.
    pub lines: Vec<String>,
    /// Its file in the bundle.
    pub file: String,
}

impl ShownText {
    /// Reads an artefact (`schemas/json/banner-artefact.schema.json`); what it does not state is left out.
    #[must_use]
    pub fn of(hash: &str, artefact: &serde_json::Value) -> Self {
        let stated = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let layers = artefact["layers"].as_array().into_iter().flatten();
        let lines = layers.flat_map(|layer| {
            let buttons = layer["buttons"].as_array().into_iter().flatten();
            let buttons: Vec<String> =
                buttons.filter_map(|button| Some(format!("[{}]", button["label"].as_str()?))).collect();
            let buttons = (!buttons.is_empty()).then(|| buttons.join(" "));
            [stated(&layer["title"]), stated(&layer["text"]), buttons].into_iter().flatten()
        });
        Self {
            hash: hash.to_owned(),
            version: stated(&artefact["version"]),
            language: stated(&artefact["language"]),
            lines: lines.collect(),
            file: format!("artefacts/{}.json", hash.trim_start_matches("sha256:")),
        }
    }
}

/// A report of a third party, as it lies in the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    pub title: String,
    pub issuer: String,
    /// `2026-11-24`, as the operator stated it.
    pub date: String,
    /// Its file in the bundle.
    pub file: String,
}

/// A controller (GDPR Art. 4(7), 26).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportParty {
    pub name: String,
    pub address: String,
    pub contact: String,
}

/// The figures of `docs/metrics.md` that a report gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub events: Vec<(EventType, u64)>,
    pub decisions: u64,
    /// Granted (decision, service) pairs.
    pub grants: u64,
    /// Denied ones.
    pub refusals: u64,
    pub withdrawals: u64,
    pub subjects: u64,
}

/// One decision or withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub subject: String,
    pub at: i64,
    pub kind: EventType,
    pub method: Option<Method>,
    /// Whether the act is withheld, since it would tell of other services.
    pub method_withheld: bool,
    pub banner_version: Option<String>,
    pub language: Option<String>,
    pub text_hash: Option<String>,
    /// Names of services and purposes.
    pub granted: Vec<String>,
    pub refused: Vec<String>,
    pub withdrawn: Vec<String>,
    pub not_disclosed: Vec<String>,
    pub followed: Vec<Followed>,
}

/// What became of a consent later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    pub at: i64,
    pub status: Status,
    /// The service or purpose.
    pub name: String,
}

/// What a report claims, each with a text in the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClaimTitle {
    /// Each record's leaf is in the ledger.
    Inclusion,
    /// The checkpoints are consistent.
    AppendOnly,
    /// The day maps hold all events of the period.
    Completeness,
    /// The artefacts have the hashes that the events name.
    AsShown,
    /// The checkpoint is signed by the operator's key.
    Signature,
    /// It is cosigned by witnesses.
    Witnesses,
    /// It is time-stamped (RFC 3161).
    Time,
    /// Totals agree with the records.
    Totals,
    /// Erased leaves have their tombstones.
    Erasures,
}

impl ClaimTitle {
    pub const ALL: [Self; 9] = [
        Self::Inclusion,
        Self::AppendOnly,
        Self::Completeness,
        Self::AsShown,
        Self::Signature,
        Self::Witnesses,
        Self::Time,
        Self::Totals,
        Self::Erasures,
    ];

    /// The key of its text.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Inclusion => "claim.inclusion",
            Self::AppendOnly => "claim.append_only",
            Self::Completeness => "claim.completeness",
            Self::AsShown => "claim.as_shown",
            Self::Signature => "claim.signature",
            Self::Witnesses => "claim.witnesses",
            Self::Time => "claim.time",
            Self::Totals => "claim.totals",
            Self::Erasures => "claim.erasures",
        }
    }
}

/// How a claim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    Proven,
    NotProven,
    NotConfigured,
}

impl Verdict {
    const fn key(self) -> &'static str {
        match self {
            Self::Proven => "claims.proven",
            Self::NotProven => "claims.not_proven",
            Self::NotConfigured => "claims.not_configured",
        }
    }
}

/// A claim, how it stands, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub title: ClaimTitle,
    pub verdict: Verdict,
    /// The file of the bundle that proves it.
    pub file: String,
    /// Figures and names for those who look closer; may be empty.
    pub detail: String,
}

#[cfg(test)]
mod tests;
