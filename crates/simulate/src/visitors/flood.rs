//! More variants of a banner than a server keeps apart: of more than 1,000 in one site and UTC day, the rest is `other`.
//!
//! Which ones those are depends on the order of the log, so these events go out one request after the other, to a site that
//! nobody else visits.

use super::content;
use super::context::Context;
use super::crowd::{Batch, Crowd, Emit, LARGEST_BATCH};
use super::event::{Event, Kind, Method};
use super::moments::DAY;
use std::sync::LazyLock;

/// The distinct values of a site and day that are kept apart.
const KEPT_APART: usize = 1000;
/// How many there are in all.
const VARIANTS: usize = KEPT_APART + 60;
const PREFIX: &str = "many-";

/// The names, in the order in which the log first sees them.
static NAMES: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..VARIANTS).map(|number| format!("{PREFIX}{number}")).collect());

/// How many events [`Crowd::flood`] tells.
pub(crate) const EVENTS: u64 = VARIANTS as u64 * 2;

/// What a server shows for a variant.
pub(crate) fn shown_as(variant: &str) -> &str {
    match variant.strip_prefix(PREFIX).map(str::parse::<usize>) {
        Some(Ok(number)) if number >= KEPT_APART => "other",
        _ => variant,
    }
}

impl Crowd {
    /// Tells of one day on which `site` tried all the variants. Each batch must be acknowledged before the next is sent, and
    /// nothing else may have happened there on that day.
    ///
    /// # Errors
    /// Where counting fails.
    pub(crate) fn flood(&mut self, site: usize, emit: &mut Emit<'_>) -> anyhow::Result<()> {
        let noon = (self.narrator.moments.began.div_euclid(DAY) - 1) * DAY + DAY / 2;
        let context = Context::page(site, 0, None);
        let mut events = Vec::with_capacity(EVENTS as usize);
        for (second, name) in (0..).zip(NAMES.iter()) {
            events.push(self.flood_event(context, site, Kind::Shown, noon + second * 1000, name));
        }
        // Backwards: what came too late stays `other`, and what is known stays known.
        for (second, name) in (0..).zip(NAMES.iter().rev()) {
            let at = noon + 3_600_000 + second * 1000;
            events.push(self.flood_event(context, site, Kind::Decided(Method::AcceptAll), at, name));
        }
        for event in &events {
            self.count(std::slice::from_ref(event))?;
        }
        for batch in events.chunks(LARGEST_BATCH) {
            if !emit(Batch { context, events: batch.to_vec() }, self.events) {
                break;
            }
        }
        Ok(())
    }

    fn flood_event(&mut self, context: Context, site: usize, kind: Kind, at: i64, variant: &'static str) -> Event {
        let narrator = &mut self.narrator;
        let mut event = narrator.plain_event(context, site, kind, at);
        event.variant = Some(variant);
        if let Kind::Decided(method) = kind {
            event.subject = Some(narrator.subject());
            content::decide(&mut event, method, &narrator.sites[site], false, &mut narrator.rng);
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thousandth_is_kept_apart_and_the_next_is_not() {
        assert_eq!(shown_as(&NAMES[999]), "many-999");
        assert_eq!(shown_as(&NAMES[1000]), "other");
        assert_eq!(shown_as("A"), "A");
    }
}
