//! What one event says, by scans over its body.

use super::{Recount, Seen, Wrong, object};
use crate::definitions::query::{Grain, Query};
use crate::vocabulary::Dimension;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

impl Recount {
    pub(super) fn prompt<'a>(&self, seen: &'a Seen) -> &'a str {
        &seen.dimensions[&Dimension::Prompt]
    }

    pub(super) fn is_decision(&self, seen: &Seen) -> bool {
        let method = seen.body["method"].as_str().unwrap_or("");
        seen.body["type"] == "decided"
            && (self.prompt(seen) != "user_opened" || self.is(Wrong::UserOpenedDecisionsCount))
            && (!["gpc", "api"].contains(&method) || self.is(Wrong::AutomaticDecisionsCount))
            && !(method == "dismiss" && seen.no_choice && !self.is(Wrong::DismissIsAlwaysRefusal))
    }

    /// The categories that an event names, under their own names.
    pub(super) fn named(&self, seen: &Seen) -> BTreeMap<String, bool> {
        let mut named = BTreeMap::new();
        for (name, value) in object(&seen.body["categories"]) {
            let category = if self.is(Wrong::AliasesAreCategories) { name } else { own_name(&name) };
            let before = named.get(&category).copied();
            let value = value.as_bool().unwrap();
            let denied = before == Some(false) || !value;
            let granted = before == Some(true) || value;
            named.insert(category, if self.is(Wrong::ContradictionIsGrant) { granted } else { !denied });
        }
        named
    }

    /// The services of an event, with their categories.
    pub(super) fn services(&self, seen: &Seen) -> BTreeMap<String, String> {
        let mut services: BTreeMap<String, String> =
            seen.settings.iter().map(|(slug, category)| (slug.clone(), own_name(category))).collect();
        for (slug, _) in object(&seen.body["services"]) {
            if services.contains_key(&slug) {
                continue;
            }
            let category = match slug.as_str() {
                "flowconsent" => "necessary",
                "mystery-widget" => "unknown",
                _ => "preferences",
            };
            services.insert(slug, category.to_owned());
        }
        services
    }

    /// Every (service, category, state) of a `decided` event.
    pub(super) fn service_states(&self, seen: &Seen) -> Vec<(String, String, &'static str)> {
        let named = self.named(seen);
        self.services(seen)
            .into_iter()
            .filter(|(_, category)| category != "necessary" || self.is(Wrong::NecessaryFormsPairs))
            .map(|(service, category)| {
                let by_service = seen.body["services"].get(&service).and_then(Value::as_bool);
                let by_category = named.get(&category).copied();
                let said = if self.is(Wrong::ServiceFollowsItsCategory) {
                    by_category.or(by_service)
                } else {
                    by_service.or(by_category)
                };
                let state = match said {
                    Some(true) => "granted",
                    Some(false) => "denied",
                    None if seen.body["method"] == "dismiss" => "denied",
                    None => "undecided",
                };
                (service, category, state)
            })
            .collect()
    }

    /// Every (category, state) of a `decided` event.
    pub(super) fn category_states(&self, seen: &Seen) -> Vec<(String, &'static str)> {
        let services = self.service_states(seen);
        let named = self.named(seen);
        let mut categories: BTreeSet<String> = named.keys().cloned().collect();
        categories.extend(services.iter().map(|(_, category, _)| category.clone()));
        if !self.is(Wrong::NecessaryFormsPairs) {
            categories.remove("necessary");
        }
        categories
            .into_iter()
            .map(|category| {
                let its: Vec<_> =
                    services.iter().filter(|(_, of, _)| *of == category).map(|(_, _, state)| *state).collect();
                let state = if let Some(value) = named.get(&category) {
                    if *value { "granted" } else { "denied" }
                } else if seen.body["method"] == "dismiss" {
                    "denied"
                } else if its.iter().all(|state| *state == "undecided") {
                    "undecided"
                } else if its.iter().all(|state| ["undecided", "granted"].contains(state)) {
                    "granted"
                } else if its.iter().all(|state| ["undecided", "denied"].contains(state)) {
                    "denied"
                } else if self.is(Wrong::PartialIsGranted) {
                    "granted"
                } else {
                    "partial"
                };
                (category, state)
            })
            .collect()
    }

    /// The pairs of a decision at the query's grain that its filters keep: (service, category, state).
    pub(super) fn pairs(&self, seen: &Seen, query: &Query) -> Vec<(String, String, &'static str)> {
        if !self.is_decision(seen) {
            return Vec::new();
        }
        self.states(seen, query.grain())
            .into_iter()
            .filter(|(service, category, _)| self.keeps(query, service, category))
            .collect()
    }

    pub(super) fn states(&self, seen: &Seen, grain: Grain) -> Vec<(String, String, &'static str)> {
        match grain {
            Grain::Category => {
                let states = self.category_states(seen).into_iter();
                states.map(|(category, state)| (String::new(), category, state)).collect()
            }
            _ => self.service_states(seen),
        }
    }

    pub(super) fn keeps(&self, query: &Query, service: &str, category: &str) -> bool {
        query.filters.iter().all(|filter| {
            let value = match filter.dimension {
                Dimension::Service => service,
                Dimension::Category => category,
                _ => return true,
            };
            filter.values.iter().any(|wanted| wanted == value) == filter.is
        })
    }

    /// (service, category) that a `withdrawn` event withdraws; by category, the service is empty; with neither, nothing.
    pub(super) fn withdrawn(&self, seen: &Seen, query: &Query) -> Vec<(String, String)> {
        if query.grain() == Grain::Summed {
            return Vec::new();
        }
        let withdrawn = self.withdraws(seen, query.grain());
        withdrawn.into_iter().filter(|(service, category)| self.keeps(query, service, category)).collect()
    }

    pub(super) fn withdraws(&self, seen: &Seen, grain: Grain) -> Vec<(String, String)> {
        if seen.body["type"] != "withdrawn" {
            return Vec::new();
        }
        let named = self.named(seen);
        let names_nothing =
            ["categories", "services", "purposes"].iter().all(|what| object(&seen.body[*what]).is_empty())
                && !self.is(Wrong::EmptyWithdrawalWithdrawsNothing);
        let services: Vec<(String, String)> = self
            .services(seen)
            .into_iter()
            .filter(|(_, category)| category != "necessary")
            .filter(|(service, category)| {
                let by_service = seen.body["services"].get(service).and_then(Value::as_bool);
                let by_category = by_service.is_none() && named.get(category) == Some(&false);
                by_service == Some(false) || by_category || names_nothing
            })
            .collect();
        if grain == Grain::Service {
            return services;
        }
        let mut categories: BTreeSet<String> =
            named.iter().filter(|(_, value)| !**value).map(|(category, _)| category.clone()).collect();
        categories.extend(services.into_iter().map(|(_, category)| category).filter(|c| !named.contains_key(c)));
        categories.remove("necessary");
        categories.into_iter().map(|category| (String::new(), category)).collect()
    }

    pub(super) fn grants_something(&self, seen: &Seen) -> bool {
        let services = self.services(seen);
        let service = |(slug, value): (String, Value)| value == true && services[&slug] != "necessary";
        self.named(seen).iter().any(|(category, value)| *value && category != "necessary")
            || object(&seen.body["services"]).into_iter().any(service)
            || object(&seen.body["purposes"]).values().any(|value| value == true)
    }
}

/// The category behind an alias, from the text of the definitions.
fn own_name(name: &str) -> String {
    let table = [
        ("necessary", "essential required strictly_necessary"),
        ("preferences", "functional functionality preference personalization"),
        ("statistics", "analytics analytical performance statistic measurement"),
        ("marketing", "ads advertising advertisement targeting"),
    ];
    let found = table.iter().find(|(_, aliases)| aliases.split(' ').any(|alias| alias == name));
    found.map_or(name, |(category, _)| category).to_owned()
}
