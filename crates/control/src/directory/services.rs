//! The operator's own entries of the service catalogue, laid over the shipped ones, as they were from each moment on.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use avow_schemas::catalog::{Catalog, Service};
use avow_schemas::ids::ServiceId;

use super::Directory;

/// What the operator said of a service from a moment on (milliseconds since 1970).
#[derive(Debug, Clone)]
pub struct ServiceVersion {
    pub from: i64,
    /// Where it comes from, such as `operator` or `gvl`.
    pub origin: String,
    /// None: nothing any more.
    pub entry: Option<Arc<Service>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Services {
    /// Oldest first; never empty.
    versions: BTreeMap<ServiceId, Vec<ServiceVersion>>,
    /// The whole catalogue from each moment on at which it changed, put together when it is first asked for.
    catalogs: BTreeMap<i64, OnceLock<Arc<Catalog>>>,
}

impl Services {
    pub(super) fn add(&mut self, slug: ServiceId, made_at: i64, origin: String, entry: Option<Arc<Service>>) {
        let versions = self.versions.entry(slug).or_default();
        // In the order of the log, whatever the clocks of those who wrote say.
        let from = versions.last().map_or(made_at, |last| made_at.max(last.from + 1));
        versions.push(ServiceVersion { from, origin, entry });
        self.catalogs.insert(from, OnceLock::new());
        for (_, catalog) in self.catalogs.range_mut(from..) {
            *catalog = OnceLock::new();
        }
    }

    fn at(&self, moment: i64) -> Arc<Catalog> {
        let Some((from, catalog)) = self.catalogs.range(..=moment).next_back() else {
            return Arc::clone(Catalog::builtin());
        };
        let entries = || self.versions.values().filter_map(|versions| in_force(versions, *from)?.entry.clone());
        Arc::clone(catalog.get_or_init(|| Arc::new(Catalog::builtin().with(entries()))))
    }
}

fn in_force(versions: &[ServiceVersion], moment: i64) -> Option<&ServiceVersion> {
    let later = versions.partition_point(|version| version.from <= moment);
    versions.get(later.checked_sub(1)?)
}

impl Directory {
    /// The service catalogue as it is now: the operator's own entries over the shipped ones.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.services.at(i64::MAX)
    }

    /// The service catalogue as it was at a moment (milliseconds since 1970). What was received then is counted by it.
    pub fn catalog_at(&self, moment: i64) -> Arc<Catalog> {
        self.services.at(moment)
    }

    /// What the operator said of a service, oldest first.
    pub fn service_versions(&self, slug: &str) -> &[ServiceVersion] {
        self.services.versions.get(slug).map_or(&[], Vec::as_slice)
    }

    /// What the operator says of a service now.
    pub fn own_service(&self, slug: &str) -> Option<&ServiceVersion> {
        self.service_versions(slug).last().filter(|version| version.entry.is_some())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(slug: &str, category: &str) -> Option<Arc<Service>> {
        let entry = json!({"slug": slug, "name": slug, "category": category});
        Some(Arc::new(Service::parse_brief(entry, jiff::civil::date(2026, 11, 26)).unwrap()))
    }

    #[test]
    fn each_moment_has_its_catalogue_and_the_shipped_one_comes_back() {
        let mut services = Services::default();
        let slug = |slug: &str| ServiceId::new(slug).unwrap();
        let category = |services: &Services, at: i64, slug: &str| {
            services.at(at).get(slug).map(|service| service.category().to_owned())
        };
        assert!(Arc::ptr_eq(&services.at(i64::MAX), Catalog::builtin()));
        services.add(slug("own"), 100, "operator".into(), entry("own", "marketing"));
        services.add(slug("chaport"), 100, "operator".into(), entry("chaport", "statistics"));
        assert_eq!(category(&services, i64::MAX, "own").as_deref(), Some("marketing"));
        services.add(slug("own"), 200, "operator".into(), entry("own", "preferences"));
        services.add(slug("chaport"), 150, "operator".into(), None);
        let shipped = Catalog::builtin().get("chaport").unwrap().category().to_owned();
        let cases = [
            (99, None, &*shipped),
            (100, Some("marketing"), "statistics"),
            (149, Some("marketing"), "statistics"),
            (150, Some("marketing"), &*shipped),
            (200, Some("preferences"), &*shipped),
        ];
        for (at, own, chaport) in cases {
            assert_eq!(category(&services, at, "own").as_deref(), own, "at {at}");
            assert_eq!(category(&services, at, "chaport").as_deref(), Some(chaport), "at {at}");
        }
        // A clock that goes back makes no version older than the one before.
        services.add(slug("own"), 5, "gvl".into(), None);
        assert_eq!(category(&services, 200, "own").as_deref(), Some("preferences"));
        assert_eq!(category(&services, 201, "own"), None);
    }
}
