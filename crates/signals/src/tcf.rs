//! TC strings, version 2: <https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework>,
//! "Consent string and vendor list formats v2". Bits are read by a library; what makes a string invalid is said here.

use std::collections::{BTreeMap, BTreeSet};

use iab_gpp::sections::tcfeuv2::TcfEuV2;

use crate::Answer;
use crate::bounds;
use crate::finding::{Finding, compared, worst};

/// A TC string is created to the day, by a clock that is not ours.
const CLOCKS_DIFFER_MS: i64 = 24 * 3600 * 1000;

/// 2026-03-01: the first day on which a new string must have the segment of disclosed vendors.
const DISCLOSED_SINCE_MS: i64 = 1_772_323_200_000;

/// CMP ids that nobody has: 0 and 1 are those of stubs and tests.
const FIRST_CMP: u16 = 2;

/// Kinds of publisher restrictions that take a purpose from consent.
const NOT_ALLOWED: u8 = 0;
const BY_INTEREST: u8 = 2;

/// What a TC string says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tcf {
    /// Milliseconds since 1970.
    pub created: i64,
    pub cmp_id: u16,
    /// Purposes (1 to 24) consented to.
    pub purposes: BTreeSet<u16>,
    /// Purposes whose legitimate interest was shown and not objected to.
    pub legitimate_interests: BTreeSet<u16>,
    /// Special features (1 to 12) opted into.
    pub special_features: BTreeSet<u16>,
    /// Vendors consented to, by their ids in the Global Vendor List.
    pub vendors: BTreeSet<u16>,
    /// Vendors shown to the visitor, where the string has that segment (TCF 2.3).
    pub disclosed_vendors: Option<BTreeSet<u16>>,
    /// By purpose, the vendors that the publisher does not let use it on consent: it is not allowed, or rests on legitimate
    /// interest alone.
    pub restrictions: BTreeMap<u16, BTreeSet<u16>>,
}

/// Why a string is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TcfError {
    #[error("no TC string, or one that is cut off")]
    Unreadable,
    #[error("of version 1 of the framework, which ended on 2020-08-15")]
    Outdated,
}

impl Tcf {
    /// Decodes a string.
    ///
    /// # Errors
    /// [`TcfError`]; also of one that says so much that reading it would keep others waiting, which no CMP writes.
    pub fn parse(text: &str) -> Result<Self, TcfError> {
        if !bounds::are_modest(text) {
            return Err(TcfError::Unreadable);
        }
        // Six bits of a version come first: B is 1.
        let none = || if text.starts_with('B') { TcfError::Outdated } else { TcfError::Unreadable };
        let (core, others) = text.split_at(text.find('.').unwrap_or(text.len()));
        let (core, restrictions) = bounds::split(core).ok_or_else(none)?;
        let text = core + others;
        let read: TcfEuV2 = text.parse().map_err(|_| none())?;
        Ok(Self { restrictions: taken(restrictions), ..read.into() })
    }

    /// Why it breaks the framework's rules, of a string seen at `at` (milliseconds since 1970); none where it does not.
    ///
    /// Since 2026-02-28 a string has the segment of disclosed vendors (TCF 2.3): one that was created later without it is
    /// invalid.
    pub fn is_invalid(&self, at: i64) -> Option<&'static str> {
        if self.created > at.saturating_add(CLOCKS_DIFFER_MS) {
            return Some("created later than the decision that it is of");
        }
        if self.cmp_id < FIRST_CMP {
            return Some("written by no registered CMP");
        }
        if self.disclosed_vendors.is_none() && self.created >= DISCLOSED_SINCE_MS {
            return Some("created after 2026-02-28 without the vendors that were disclosed");
        }
        None
    }

    /// Whether it lets a vendor act on the visitor's consent: consent to the vendor and to at least one of the purposes for which
    /// it asks consent, `asked` (unknown: any purpose), less those that the publisher takes from it. None where the vendor was
    /// not disclosed, or asks no consent. The rule is the specification's: a vendor needs its own signal and the purpose's.
    #[must_use]
    pub fn consents_to(&self, vendor: u16, asked: Option<&[u16]>) -> Option<bool> {
        if self.disclosed_vendors.as_ref().is_some_and(|disclosed| !disclosed.contains(&vendor)) {
            return None;
        }
        let taken = |purpose| self.restrictions.get(&purpose).is_some_and(|vendors| vendors.contains(&vendor));
        let asks = |purpose: &u16| asked.is_none_or(|asked| asked.contains(purpose)) && !taken(*purpose);
        let mut asking = (1..=24).filter(asks).peekable();
        asking.peek()?;
        Some(self.vendors.contains(&vendor) && asking.any(|purpose| self.purposes.contains(&purpose)))
    }

    /// Beside what was decided. Purposes that the event names are compared one by one. Of the others, a refusal of everything
    /// is contradicted by any consent, and a grant of everything by none at all: a banner need not ask for every purpose.
    pub(crate) fn beside(&self, answer: &Answer<'_>) -> Finding {
        let purposes = 1..=24_u16;
        let named = purposes.clone().filter_map(|n| answer.purpose(n).map(|said| (n, said)));
        let named = named.map(|(n, said)| compared(self.purposes.contains(&n), Some(said)));
        let objected = purposes.clone().filter(|n| answer.objects(*n));
        let objected = objected.map(|n| compared(self.legitimate_interests.contains(&n), Some(false)));
        let mut unnamed = self.purposes.iter().filter(|n| answer.purpose(**n).is_none());
        let rest = match answer.overall() {
            Some(false) => compared(unnamed.next().is_some() || !self.special_features.is_empty(), Some(false)),
            Some(true) if purposes.clone().all(|n| answer.purpose(n).is_none()) => {
                compared(!self.purposes.is_empty(), Some(true))
            }
            _ => Finding::Incomparable,
        };
        worst(named.chain(objected).chain([rest]))
    }
}

impl From<TcfEuV2> for Tcf {
    fn from(read: TcfEuV2) -> Self {
        let core = read.core;
        Self {
            created: i64::try_from(core.created).unwrap_or(i64::MAX).saturating_mul(1000),
            cmp_id: core.cmp_id,
            purposes: core.purpose_consents,
            legitimate_interests: core.purpose_legitimate_interests,
            special_features: core.special_feature_optins,
            vendors: core.vendor_consents,
            disclosed_vendors: read.disclosed_vendors,
            restrictions: BTreeMap::new(),
        }
    }
}

/// What puts a purpose on consent takes nothing away, and gives nothing to a vendor that did not ask.
fn taken(restrictions: Vec<(u16, u8, BTreeSet<u16>)>) -> BTreeMap<u16, BTreeSet<u16>> {
    let mut by_purpose: BTreeMap<u16, BTreeSet<u16>> = BTreeMap::new();
    for (purpose, kind, vendors) in restrictions {
        if matches!(kind, NOT_ALLOWED | BY_INTEREST) {
            by_purpose.entry(purpose).or_default().extend(vendors);
        }
    }
    by_purpose
}

/// Of the string of a decision made at `at` (milliseconds since 1970).
pub(crate) fn finding(text: &str, at: i64, answer: &Answer<'_>) -> Finding {
    match Tcf::parse(text) {
        Err(TcfError::Unreadable) => Finding::Unreadable,
        Err(TcfError::Outdated) => Finding::Invalid,
        Ok(tcf) if tcf.is_invalid(at).is_some() => Finding::Invalid,
        Ok(tcf) => tcf.beside(answer),
    }
}
