//! What the visitor decided, as signals can be held against it.

use std::collections::BTreeMap;

use avow_schemas::event::ConsentEvent;

/// A decision.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    event: &'a ConsentEvent,
    /// Granted or denied, by category.
    categories: BTreeMap<&'a str, bool>,
    /// Everything asked granted or everything refused; none of a mixed choice.
    overall: Option<bool>,
}

impl<'a> Answer<'a> {
    /// `categories` are those beyond `necessary` of which something was said: granted, denied, or, `None`, in part. `by_method`
    /// is what the act alone says, of a decision that names nothing.
    pub fn new(
        event: &'a ConsentEvent,
        categories: impl Iterator<Item = (&'a str, Option<bool>)>,
        by_method: Option<bool>,
    ) -> Self {
        let states: Vec<(&str, Option<bool>)> = categories.collect();
        let answers =
            states.iter().map(|(_, state)| *state).chain(event.purposes.values().map(|granted| Some(*granted)));
        let same = answers.reduce(|all, one| if all == one { all } else { None });
        let overall = same.unwrap_or(by_method);
        Self {
            event,
            categories: states.into_iter().filter_map(|(name, state)| Some((name, state?))).collect(),
            overall,
        }
    }

    pub(crate) const fn overall(&self) -> Option<bool> {
        self.overall
    }

    /// What was decided of a category.
    pub(crate) fn category(&self, name: &str) -> Option<bool> {
        self.categories.get(name).copied().or(self.overall)
    }

    /// What was decided of a purpose of the TCF, by name; events call it `iab-1`.
    pub(crate) fn purpose(&self, number: u16) -> Option<bool> {
        self.event.purposes.get(&format!("iab-{number}")).copied()
    }

    /// Whether the visitor objected to a purpose of the TCF.
    pub(crate) fn objects(&self, number: u16) -> bool {
        let name = format!("iab-{number}");
        self.event.objections.as_ref().is_some_and(|objections| objections.purposes.contains(&name))
    }
}
