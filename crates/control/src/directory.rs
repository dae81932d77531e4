//! What the control topic says, folded in log order: an immutable snapshot that is replaced as a whole.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use avow_ledger::key::ED25519;
use avow_ledger::{KeyChange, VerifierKey, hex};
use avow_schemas::banner::Evidence;
use avow_schemas::control::{Attachment, ControlValue, LedgerKey, MlDsaKey, TokenRecord, WriterSchema};
use avow_schemas::ids::{ConfigVersion, SiteId};
use avow_schemas::record::SchemaRef;
use avow_schemas::rights::{Erasure, Mark};
use avow_schemas::settings::{SiteSettings, SiteVersion};
use uuid::Uuid;

mod hooks;
mod people;
mod rights;
mod services;

pub(crate) use people::shows;
pub use people::{People, SessionLimits};
pub use services::ServiceVersion;

/// All versions of one site's settings, oldest first; never empty.
#[derive(Debug, Clone)]
pub struct SiteHistory {
    versions: Vec<Arc<SiteVersion>>,
}

impl SiteHistory {
    pub fn versions(&self) -> &[Arc<SiteVersion>] {
        &self.versions
    }

    /// The version in force now.
    pub fn current(&self) -> &Arc<SiteVersion> {
        &self.versions[self.versions.len() - 1]
    }

    /// The version in force at a moment (milliseconds since 1970); before the first, the first.
    pub fn at(&self, moment: i64) -> &Arc<SiteVersion> {
        let later = self.versions.partition_point(|v| v.in_force_from <= moment);
        &self.versions[later.saturating_sub(1)]
    }

    pub fn version(&self, version: ConfigVersion) -> Option<&Arc<SiteVersion>> {
        usize::try_from(version.0 - 1).ok().and_then(|index| self.versions.get(index))
    }
}

/// A banner artefact and what was kept beside it.
#[derive(Debug, Clone)]
pub struct Banner {
    pub site: SiteId,
    /// Its address, `sha256:<hex>`.
    pub text_hash: String,
    /// As it was put.
    pub artefact: Arc<serde_json::Value>,
    versions: Vec<BannerVersion>,
}

/// What was kept beside an artefact from a moment on (milliseconds since 1970).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BannerVersion {
    pub made_at: i64,
    pub evidence: Evidence,
}

impl Banner {
    /// Oldest first; never empty.
    pub fn versions(&self) -> &[BannerVersion] {
        &self.versions
    }

    pub fn current(&self) -> &BannerVersion {
        &self.versions[self.versions.len() - 1]
    }

    /// When it was first put, in milliseconds since 1970.
    pub fn known_from(&self) -> i64 {
        self.versions[0].made_at
    }
}

/// A snapshot of the control plane.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    sites: BTreeMap<SiteId, SiteHistory>,
    tokens: HashMap<Uuid, Arc<TokenRecord>>,
    /// By site and address.
    banners: BTreeMap<SiteId, BTreeMap<String, Arc<Banner>>>,
    /// By their key.
    attachments: BTreeMap<String, Arc<Attachment>>,
    /// By their key: a handful.
    schemas: BTreeMap<String, Arc<WriterSchema>>,
    /// Each handed over to by the one before it.
    ledger_keys: Vec<Arc<LedgerKey>>,
    /// In the order in which they were published.
    ml_dsa_keys: Vec<Arc<MlDsaKey>>,
    rights: rights::Rights,
    people: People,
    hooks: hooks::Hooks,
    services: services::Services,
}

impl Directory {
    pub fn site(&self, site: &str) -> Option<&SiteHistory> {
        self.sites.get(site)
    }

    pub fn sites(&self) -> impl Iterator<Item = (&SiteId, &SiteHistory)> {
        self.sites.iter()
    }

    pub fn token(&self, id: Uuid) -> Option<&Arc<TokenRecord>> {
        self.tokens.get(&id)
    }

    /// What the holder of a token or a session is called, by the id that requests are noted under; the bootstrap token has
    /// the nil id. None where there is none of it any more.
    pub fn called(&self, id: Uuid) -> Option<&str> {
        if id.is_nil() {
            return Some(crate::token::BOOTSTRAP);
        }
        let person = self.people.person(id).map(|person| person.name.as_str());
        person.or_else(|| self.token(id).map(|token| token.name.as_str()))
    }

    pub fn tokens(&self) -> impl Iterator<Item = &Arc<TokenRecord>> {
        self.tokens.values()
    }

    /// A banner artefact by site and `sha256:<hex>`.
    pub fn banner(&self, site: &str, hash: &str) -> Option<&Arc<Banner>> {
        self.banners.get(site)?.get(hash)
    }

    /// A site's banner artefacts, by address.
    pub fn banners(&self, site: &str) -> impl Iterator<Item = &Arc<Banner>> {
        self.banners.get(site).into_iter().flat_map(BTreeMap::values)
    }

    /// The documents that go into a site's exports, oldest first.
    pub fn attachments(&self, site: &str) -> Vec<&Arc<Attachment>> {
        let mut all: Vec<_> = self.attachments.values().filter(|one| one.site.as_str() == site).collect();
        all.sort_by_key(|one| (one.made_at, one.hash.as_str()));
        all
    }

    /// The schema of a writer, in Avro's JSON. `None` also where one id stands for two schemas, as it does when the schema
    /// registry was begun anew: only the registry can say which one it means.
    pub fn schema(&self, cited: SchemaRef) -> Option<&str> {
        let mut cited = self.schemas.values().filter(|schema| schema.is(cited));
        let first = cited.next()?;
        cited.all(|other| other.fingerprint == first.fingerprint).then_some(first.schema.as_str())
    }

    /// The keys with which checkpoints were signed, in order; the last one is in force.
    pub fn ledger_keys(&self) -> &[Arc<LedgerKey>] {
        &self.ledger_keys
    }

    /// The keys that verify what the installation has signed in its own name, the newest first.
    pub fn operator_keys(&self) -> Vec<VerifierKey> {
        let key = |key: &Arc<LedgerKey>| {
            let public = hex::decode(&key.public_key)?;
            VerifierKey::new(key.origin.parse().ok()?, ED25519, &public).ok()
        };
        self.ledger_keys.iter().rev().filter_map(key).collect()
    }

    /// The keys with which the operator log's checkpoints were signed besides, in order.
    pub fn ml_dsa_keys(&self) -> &[Arc<MlDsaKey>] {
        &self.ml_dsa_keys
    }

    /// Whether a key may follow the one in force: it is the first, or the one in force has handed over to it.
    pub(crate) fn may_follow(&self, key: &LedgerKey) -> bool {
        let Some(in_force) = self.ledger_keys.last() else { return key.change.is_none() };
        let Some(change) = key.change.as_deref().and_then(|note| KeyChange::read(note).ok()) else { return false };
        let is = |vkey: &VerifierKey, key: &LedgerKey| {
            let same_name = vkey.name().as_str() == key.origin;
            same_name && hex::decode(&key.public_key).is_some_and(|bytes| vkey.public().bytes() == bytes)
        };
        // Back to a key that handed over once there is no way.
        let is_new = self.ledger_keys.iter().all(|known| known.public_key != key.public_key);
        is_new && is(&change.from, in_force) && is(&change.to, key)
    }

    /// Who may sign in, and what they have open.
    pub fn people(&self) -> &People {
        &self.people
    }

    /// Every erasure there was.
    pub fn erasures(&self) -> impl Iterator<Item = &Arc<Erasure>> {
        self.rights.erasures()
    }

    /// The erasures of a subject, oldest first.
    pub fn erasures_of(&self, site: &str, subject: Uuid) -> Vec<Arc<Erasure>> {
        self.rights.erasures_of(site, subject)
    }

    /// A subject's legal hold, in force or not any more.
    pub fn hold(&self, site: &str, subject: Uuid) -> Option<&Arc<Mark>> {
        self.rights.hold(site, subject)
    }

    /// A subject's restriction, in force or not any more.
    pub fn restriction(&self, site: &str, subject: Uuid) -> Option<&Arc<Mark>> {
        self.rights.restriction(site, subject)
    }

    /// A site's restrictions, in force or not any more.
    pub fn restrictions(&self, site: &str) -> impl Iterator<Item = &Arc<Mark>> {
        self.rights.restrictions(site)
    }

    pub(crate) fn salt(&self, site: &str) -> Option<&str> {
        self.rights.salt(site)
    }

    pub(crate) fn has_published(&self, schema: &WriterSchema) -> bool {
        self.schemas.contains_key(&schema.key())
    }

    /// Applies one record of the topic. `None` deletes the key.
    pub(crate) fn apply(&mut self, key: &str, value: Option<ControlValue>) {
        match value {
            Some(ControlValue::Site { site, made_at, settings }) => self.add_version(site, made_at, settings),
            Some(ControlValue::Token(record)) => {
                self.tokens.insert(record.id, Arc::new(record));
            }
            Some(ControlValue::Banner { site, hash, artefact, made_at, evidence }) => {
                self.add_banner(site, hash, artefact, BannerVersion { made_at, evidence });
            }
            Some(ControlValue::Service { slug, made_at, origin, entry }) => {
                self.services.add(slug, made_at, origin, entry.map(|entry| Arc::new(*entry)));
            }
            Some(ControlValue::Attachment(attachment)) => {
                self.attachments.insert(key.to_owned(), Arc::new(attachment));
            }
            Some(ControlValue::Schema(schema)) => {
                self.schemas.insert(key.to_owned(), Arc::new(schema));
            }
            Some(ControlValue::LedgerKey(ledger_key)) => {
                if self.may_follow(&ledger_key) {
                    self.ledger_keys.push(Arc::new(ledger_key));
                }
            }
            Some(ControlValue::MlDsaKey(ml_dsa_key)) => {
                if self.ml_dsa_keys.iter().all(|known| known.vkey != ml_dsa_key.vkey) {
                    self.ml_dsa_keys.push(Arc::new(ml_dsa_key));
                }
            }
            Some(ControlValue::Erasure(erasure)) => self.rights.erased(erasure),
            Some(ControlValue::Hold(mark)) => self.rights.held(mark),
            Some(ControlValue::Restriction(mark)) => self.rights.restricted(mark),
            Some(
                value @ (ControlValue::Person(_)
                | ControlValue::Credential(_)
                | ControlValue::Identity(_)
                | ControlValue::Session(_)
                | ControlValue::Seen(_)
                | ControlValue::Invitation(_)
                | ControlValue::Share(_)),
            ) => self.people.apply(value),
            Some(ControlValue::Webhook(record)) => self.hooks.put_webhook(record),
            Some(ControlValue::AlertRule(record)) => self.hooks.put_rule(key, record),
            Some(ControlValue::Report(record)) => self.hooks.put_report(record),
            None => {
                self.people.remove(key);
                self.hooks.delete(key);
                self.schemas.remove(key);
                self.attachments.remove(key);
                if let Some(id) = key.strip_prefix("token/").and_then(|id| Uuid::try_parse(id).ok()) {
                    self.tokens.remove(&id);
                }
            }
        }
    }

    fn add_banner(&mut self, site: SiteId, text_hash: String, artefact: serde_json::Value, version: BannerVersion) {
        let banners = self.banners.entry(site.clone()).or_default();
        match banners.get_mut(&text_hash) {
            // Two processes may have put the same.
            Some(known) if known.current().evidence == version.evidence => {}
            Some(known) => Arc::make_mut(known).versions.push(version),
            None => {
                let banner = Banner {
                    site,
                    text_hash: text_hash.clone(),
                    artefact: Arc::new(artefact),
                    versions: vec![version],
                };
                banners.insert(text_hash, Arc::new(banner));
            }
        }
    }

    fn add_version(&mut self, site: SiteId, made_at: i64, settings: SiteSettings) {
        let history = self.sites.entry(site.clone()).or_insert(SiteHistory { versions: Vec::new() });
        let in_force_from = history.versions.last().map_or(made_at, |last| made_at.max(last.in_force_from + 1));
        let version = ConfigVersion(i64::try_from(history.versions.len()).unwrap_or(i64::MAX - 1) + 1);
        history.versions.push(Arc::new(SiteVersion { site, version, in_force_from, settings }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use avow_schemas::record::{Framing, SCHEMA_V1};

    #[test]
    fn a_schema_is_found_by_what_records_cite_unless_that_is_ambiguous() {
        let mut directory = Directory::default();
        let own = |framing| WriterSchema::own(framing, 0);
        let other = WriterSchema {
            fingerprint: "00000000000000ff".into(),
            schema: "other".into(),
            ..own(Framing::Registered(2))
        };
        for schema in [own(Framing::SingleObject), own(Framing::Registered(1)), own(Framing::Registered(2))] {
            assert!(!directory.has_published(&schema));
            directory.apply(&schema.key(), Some(ControlValue::Schema(schema.clone())));
            assert!(directory.has_published(&schema));
        }
        for cited in [SchemaRef::own(), SchemaRef::Id(1), SchemaRef::Id(2)] {
            assert_eq!(directory.schema(cited), Some(SCHEMA_V1));
        }
        assert_eq!(directory.schema(SchemaRef::Id(3)), None);
        directory.apply(&other.key(), Some(ControlValue::Schema(other.clone())));
        assert_eq!(directory.schema(SchemaRef::Id(2)), None, "two schemas of one number");
        assert_eq!(directory.schema(SchemaRef::Fingerprint([0, 0, 0, 0, 0, 0, 0, 255])), Some("other"));
        directory.apply(&other.key(), None);
        assert_eq!(directory.schema(SchemaRef::Id(2)), Some(SCHEMA_V1));
    }

    #[test]
    fn a_banner_keeps_when_each_version_of_it_became_known() {
        let mut directory = Directory::default();
        let site = SiteId::new("shop.example").unwrap();
        let mut put = |made_at, code: Option<&str>| {
            let evidence = Evidence { code_hash: code.map(Into::into), ..Evidence::default() };
            let artefact = serde_json::json!({"language": "de"});
            let value =
                ControlValue::Banner { site: site.clone(), hash: "sha256:1".into(), artefact, made_at, evidence };
            // As it goes through the topic.
            let value = serde_json::from_slice(&serde_json::to_vec(&value).unwrap()).unwrap();
            directory.apply(&format!("banner/shop.example/sha256:1/{made_at}"), Some(value));
        };
        for (at, code) in [(5, None), (6, None), (7, Some("a")), (8, Some("b")), (9, Some("a"))] {
            put(at, code);
        }
        let banner = directory.banner("shop.example", "sha256:1").unwrap();
        assert_eq!(banner.versions().iter().map(|v| v.made_at).collect::<Vec<_>>(), [5, 7, 8, 9]);
        assert_eq!((banner.known_from(), banner.current().evidence.code_hash.as_deref()), (5, Some("a")));
        assert!(
            directory.banner("shop.example", "sha256:2").is_none() && directory.banners("other.example").count() == 0
        );
        assert_eq!(directory.banners("shop.example").count(), 1);
    }

    #[test]
    fn the_version_in_force_follows_the_moment() {
        let mut directory = Directory::default();
        let site = SiteId::new("shop.example").unwrap();
        for made_at in [100, 100, 300] {
            directory.add_version(site.clone(), made_at, SiteSettings::named("Shop"));
        }
        let history = directory.site("shop.example").unwrap();
        for (moment, version) in [(0, 1), (100, 1), (101, 2), (299, 2), (300, 3), (i64::MAX, 3)] {
            assert_eq!(history.at(moment).version, ConfigVersion(version), "at {moment}");
        }
        assert_eq!(history.version(ConfigVersion(2)).unwrap().in_force_from, 101);
        assert!(history.version(ConfigVersion(0)).is_none() && history.version(ConfigVersion(4)).is_none());
    }
}
