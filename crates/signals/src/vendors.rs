//! What a TC string says of the services of a site that are vendors of the IAB Global Vendor List.

use std::borrow::Cow;

use avow_schemas::catalog::Catalog;
use avow_schemas::event::{ConsentEvent, EventType};
use avow_schemas::settings::SiteSettings;

use crate::Tcf;

/// The event with those services named that its TC string names by their vendors' numbers: of the services that the site's
/// settings list, those with an `iab_vendor` in the catalogue that the event does not name itself, as [`Tcf::consents_to`] says of
/// them and the purposes that the entry holds. With `withdrawn` only those that have no consent any more and ask it for a purpose
/// that the event takes back. A string that is unreadable or invalid names nobody.
#[must_use]
pub fn with_vendors<'a>(event: &'a ConsentEvent, settings: &SiteSettings, catalog: &Catalog) -> Cow<'a, ConsentEvent> {
    let named = event.tcf.as_deref().map(|text| named(event, text, settings, catalog)).unwrap_or_default();
    if named.is_empty() {
        return Cow::Borrowed(event);
    }
    let mut event = event.clone();
    event.services.extend(named);
    Cow::Owned(event)
}

fn named(event: &ConsentEvent, text: &str, settings: &SiteSettings, catalog: &Catalog) -> Vec<(String, bool)> {
    let withdrawn = match event.kind {
        EventType::Decided => None,
        EventType::Withdrawn => Some(withdrawn_purposes(event)),
        EventType::Shown | EventType::Loaded | EventType::Observed => return Vec::new(),
    };
    let unnamed = settings.services.keys().filter(|slug| !event.services.contains_key(slug.as_str()));
    let vendors = unnamed.filter_map(|slug| {
        let entry = catalog.get(slug.as_str())?;
        Some((slug, entry.iab_vendor?, entry.iab_purposes.as_deref()))
    });
    let mut vendors = vendors.peekable();
    // Reading a string costs more than looking who could be in it.
    if vendors.peek().is_none() {
        return Vec::new();
    }
    let Some(tcf) = Tcf::parse(text).ok().filter(|tcf| tcf.is_invalid(event.occurred_at).is_none()) else {
        return Vec::new();
    };
    let answers = vendors.filter_map(|(slug, vendor, asked)| {
        let consents = tcf.consents_to(vendor, asked)?;
        let concerned = withdrawn.as_ref().is_none_or(|taken| {
            let asks = |purpose: &u16| asked.is_none_or(|asked| asked.contains(purpose));
            !consents && taken.iter().any(asks)
        });
        concerned.then(|| (slug.to_string(), consents))
    });
    answers.collect()
}

/// The framework's purposes that an event names as taken back.
fn withdrawn_purposes(event: &ConsentEvent) -> Vec<u16> {
    let taken = event.purposes.iter().filter(|(_, kept)| !**kept);
    taken.filter_map(|(name, _)| name.strip_prefix("iab-")?.parse().ok()).collect()
}
