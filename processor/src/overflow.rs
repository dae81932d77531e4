//! Of more than 1,000 distinct languages, banner versions or variants of one site and day, in log order, the roll-up calls
//! the rest `other`. What it has admitted is read from the roll-up itself, which stands exactly where this partition does.

use std::collections::{HashMap, HashSet};

use avow_schemas::event::{ConsentEvent, EventType, Method, Prompt};
use avow_warehouse::Warehouse;
use avow_warehouse::ledgers::Admitted;
use avow_warehouse::rows::Resolved;

use crate::ProcessorError;

const MOST: usize = 1000;
/// (site, day) pairs in memory at most; beyond that all are forgotten and read again.
const REMEMBERED: usize = 20_000;
const DAY_MS: i64 = 86_400_000;

/// The admitted values by site and UTC day since 1970.
#[derive(Default)]
pub(crate) struct Overflow {
    admitted: HashMap<(String, i64), Admitted>,
}

impl Overflow {
    /// Makes sure that the values admitted so far are known for these sites and days.
    pub(crate) async fn prepare<'a>(
        &mut self,
        warehouse: &Warehouse,
        events: impl Iterator<Item = &'a ConsentEvent>,
    ) -> Result<(), ProcessorError> {
        if self.admitted.len() > REMEMBERED {
            self.admitted.clear();
        }
        let mut missing: HashSet<(String, i64)> = HashSet::new();
        for event in events.filter(|event| has_values(event)) {
            let key = (event.site.to_string(), day(event));
            if !self.admitted.contains_key(&key) {
                missing.insert(key);
            }
        }
        if !missing.is_empty() {
            let read = warehouse.admitted(&missing).await?;
            self.admitted.extend(missing.into_iter().map(|key| (key, Admitted::default())));
            self.admitted.extend(read);
        }
        Ok(())
    }

    /// The bits of `overflow` for the next event in log order.
    pub(crate) fn judge(&mut self, event: &ConsentEvent, resolved: &Resolved) -> u8 {
        if !has_values(event) || !in_roll_up(event, resolved) {
            return 0;
        }
        let admitted = self.admitted.entry((event.site.to_string(), day(event))).or_default();
        let admit = |set: &mut HashSet<String>, value: Option<&str>| match value {
            None | Some("") => true,
            Some(value) if set.contains(value) => true,
            Some(value) => set.len() < MOST && set.insert(value.to_owned()),
        };
        let language = admit(&mut admitted.languages, event.language.as_deref());
        let version = admit(&mut admitted.versions, event.banner_version.as_deref());
        let variant = admit(&mut admitted.variants, event.variant.as_deref());
        u8::from(!language) | (u8::from(!version) << 1) | (u8::from(!variant) << 2)
    }
}

fn has_values(event: &ConsentEvent) -> bool {
    event.language.is_some() || event.banner_version.is_some() || event.variant.is_some()
}

fn day(event: &ConsentEvent) -> i64 {
    event.occurred_at.div_euclid(DAY_MS)
}

/// Whether the event has a row in the roll-up: only then is its value found there after a restart.
fn in_roll_up(event: &ConsentEvent, resolved: &Resolved) -> bool {
    match event.kind {
        EventType::Shown => event.prompt != Prompt::UserOpened,
        EventType::Decided => {
            let automatic = matches!(event.method, Some(Method::Gpc | Method::Api));
            let dismissed = event.method == Some(Method::Dismiss) && event.prompt != Prompt::UserOpened;
            resolved.decision || automatic || dismissed
        }
        EventType::Withdrawn | EventType::Loaded => true,
        EventType::Observed => false,
    }
}
