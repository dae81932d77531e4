//! Erasures, legal holds and restrictions, by site. What is looked up by a subject is looked up by its hash, under each salt
//! that the site has: nearly always one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use avow_schemas::ids::SiteId;
use avow_schemas::rights::{Erasure, HashedSubject, Mark};
use uuid::Uuid;

/// A mark by the subject's digest.
type Marks = BTreeMap<String, Arc<Mark>>;

#[derive(Debug, Clone, Default)]
struct OfSite {
    /// By salt and digest, oldest first.
    erasures: BTreeMap<HashedSubject, Vec<Arc<Erasure>>>,
    holds: Marks,
    restrictions: Marks,
    salts: BTreeSet<String>,
}

/// What single persons' rights left, of all sites.
#[derive(Debug, Clone, Default)]
pub(super) struct Rights {
    sites: BTreeMap<SiteId, Arc<OfSite>>,
}

impl Rights {
    fn of(&mut self, site: &SiteId, subject: &HashedSubject) -> &mut OfSite {
        let of_site = Arc::make_mut(self.sites.entry(site.clone()).or_default());
        of_site.salts.insert(subject.salt.clone());
        of_site
    }

    pub(super) fn erased(&mut self, erasure: Erasure) {
        let of_subject = self.of(&erasure.site, &erasure.subject).erasures.entry(erasure.subject.clone()).or_default();
        if of_subject.iter().all(|known| known.id != erasure.id) {
            of_subject.push(Arc::new(erasure));
        }
    }

    pub(super) fn held(&mut self, mark: Mark) {
        self.of(&mark.site, &mark.subject).holds.insert(mark.subject.digest.clone(), Arc::new(mark));
    }

    pub(super) fn restricted(&mut self, mark: Mark) {
        self.of(&mark.site, &mark.subject).restrictions.insert(mark.subject.digest.clone(), Arc::new(mark));
    }

    pub(super) fn erasures(&self) -> impl Iterator<Item = &Arc<Erasure>> {
        self.sites.values().flat_map(|of_site| of_site.erasures.values()).flatten()
    }

    /// The salt under which a site's subjects are hashed, if there is one yet.
    pub(super) fn salt(&self, site: &str) -> Option<&str> {
        self.sites.get(site)?.salts.first().map(String::as_str)
    }

    pub(super) fn erasures_of(&self, site: &str, subject: Uuid) -> Vec<Arc<Erasure>> {
        let of_site = self.sites.get(site).filter(|of_site| !of_site.erasures.is_empty());
        let hashed = of_site.into_iter().flat_map(|of_site| {
            of_site.salts.iter().filter_map(|salt| of_site.erasures.get(&HashedSubject::of(salt, site, subject)))
        });
        hashed.flatten().cloned().collect()
    }

    pub(super) fn hold(&self, site: &str, subject: Uuid) -> Option<&Arc<Mark>> {
        let of_site = self.sites.get(site)?;
        of_site.salts.iter().find_map(|salt| of_site.holds.get(&HashedSubject::of(salt, site, subject).digest))
    }

    pub(super) fn restriction(&self, site: &str, subject: Uuid) -> Option<&Arc<Mark>> {
        let of_site = self.sites.get(site)?;
        of_site.salts.iter().find_map(|salt| of_site.restrictions.get(&HashedSubject::of(salt, site, subject).digest))
    }

    pub(super) fn restrictions(&self, site: &str) -> impl Iterator<Item = &Arc<Mark>> {
        self.sites.get(site).into_iter().flat_map(|of_site| of_site.restrictions.values())
    }
}
