//! What a TC string says of the services of a site that are vendors of the IAB Global Vendor List.

use std::borrow::Cow;

use avow_schemas::catalog::Catalog;
use avow_schemas::event::{ConsentEvent, EventType};
use avow_schemas::settings::SiteSettings;

use crate::Tcf;

/// The event with those services named that its TC string names by their vendors' numbers: of the services that the site's
/// settings list, those with an `iab_vendor` in the catalogue that the event does not name itself. A vendor without consent is
/// `false`; one that the string says was not disclosed is left out. A string that is unreadable or invalid names nobody, and
/// neither does one with an event other than `decided`.
#[must_use]
pub fn with_vendors<'a>(event: &'a ConsentEvent, settings: &SiteSettings, catalog: &Catalog) -> Cow<'a, ConsentEvent> {
    let Some(text) = event.tcf.as_deref().filter(|_| event.kind == EventType::Decided) else {
        return Cow::Borrowed(event);
    };
    let unnamed = settings.services.keys().filter(|slug| !event.services.contains_key(slug.as_str()));
    let vendors = unnamed.filter_map(|slug| Some((slug, catalog.get(slug.as_str())?.iab_vendor?)));
    let vendors: Vec<_> = vendors.collect();
    if vendors.is_empty() {
        return Cow::Borrowed(event);
    }
    let Some(tcf) = Tcf::parse(text).ok().filter(|tcf| tcf.is_invalid(event.occurred_at).is_none()) else {
        return Cow::Borrowed(event);
    };
    let disclosed = |vendor: &u16| tcf.disclosed_vendors.as_ref().is_none_or(|disclosed| disclosed.contains(vendor));
    let named = vendors.into_iter().filter(|(_, vendor)| disclosed(vendor));
    let named: Vec<_> = named.map(|(slug, vendor)| (slug.to_string(), tcf.vendors.contains(&vendor))).collect();
    let mut event = event.clone();
    event.services.extend(named);
    Cow::Owned(event)
}
