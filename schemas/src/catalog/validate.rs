//! The checks that serde cannot make: shapes of codes, texts that are really there, facts that are either stated or
//! named as unknown, references that resolve. Each failure names its file and its field.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::codes::{DpiaAdvice, GdprBasis, Level, Match, RoleKind};
use super::entry::Service;
use super::text::Text;
use super::{Catalog, CatalogError};
use crate::ids::ServiceId;

/// Fields that may be named under `unknown`, with whether the entry states them.
fn facts(service: &Service) -> [(&'static str, bool); 9] {
    [
        ("operator", service.operator.is_some()),
        // Without an operator there is nothing to say about its country: then `operator` alone is unknown.
        ("operator.country", service.operator.as_ref().is_none_or(|o| o.country.is_some())),
        ("server_location", service.server_location.is_some()),
        ("transfers", service.transfers.is_some()),
        ("recipients", service.recipients.is_some()),
        ("retention", service.retention.is_some()),
        ("domains", service.domains.is_some()),
        ("cookies", service.cookies.is_some()),
        ("policy_url", service.policy_url.is_some()),
    ]
}

/// Checks one entry by itself.
pub(super) fn entry(file: &str, service: &Service) -> Result<(), CatalogError> {
    let check = Check { file };
    check.codes(service)?;
    check.unknown(service)?;
    check.cookies(service)?;
    check.links(service)?;
    let purposes = service.iab_purposes.as_deref().unwrap_or_default();
    let each_once = purposes.iter().collect::<BTreeSet<_>>().len() == purposes.len();
    check.require(each_once, "iab_purposes", "names one twice")?;
    check.require(purposes.iter().all(|n| (1..=24).contains(n)), "iab_purposes", "are numbers from 1 to 24")?;
    for (field, text) in texts(service) {
        if let Some(problem) = text.problem() {
            return check.fail(&field, problem);
        }
    }
    Ok(())
}

/// Checks that a shipped entry states what an operator's own may leave out.
pub(super) fn stated(file: &str, service: &Service) -> Result<(), CatalogError> {
    const NOT_STATED: &str = "is not stated";
    let check = Check { file };
    check.require(!service.sources.is_empty(), "sources", "is empty: say where the facts come from")?;
    let roles = [service.role.vendor, service.role.site];
    check.require(!roles.contains(&RoleKind::Unknown), "role", NOT_STATED)?;
    check.require(service.legal_basis.gdpr_basis != GdprBasis::Unknown, "legal_basis", NOT_STATED)?;
    check.require(service.risk_level != Level::Unknown, "risk_level", NOT_STATED)?;
    check.require(service.dpia.advice != DpiaAdvice::Unknown, "dpia", NOT_STATED)?;
    check.require(service.special_category_risk.level != Level::Unknown, "special_category_risk", NOT_STATED)
}

/// Former slugs, each with today's; none of them is in use or comes twice.
pub(super) fn former_slugs(
    services: &BTreeMap<ServiceId, Arc<Service>>,
) -> Result<BTreeMap<ServiceId, ServiceId>, CatalogError> {
    let mut former = BTreeMap::new();
    for service in services.values() {
        let file = service.file_name();
        let check = Check { file: &file };
        for (i, slug) in service.formerly.iter().enumerate() {
            let field = format!("formerly[{i}]");
            check.require(!services.contains_key(slug), &field, &format!("`{slug}` is the slug of a service"))?;
            let before = former.insert(slug.clone(), service.slug.clone());
            check.require(before.is_none(), &field, &format!("`{slug}` is there twice"))?;
        }
    }
    Ok(former)
}

/// Checks that what entries say of each other exists.
pub(super) fn references(catalog: &Catalog) -> Result<(), CatalogError> {
    catalog.iter().try_for_each(|service| references_of(catalog, service))
}

/// Checks that what an entry says of others exists.
pub(super) fn references_of(catalog: &Catalog, service: &Service) -> Result<(), CatalogError> {
    let file = service.file_name();
    let check = Check { file: &file };
    let alternatives = service.alternatives.iter().enumerate();
    let named = alternatives.filter_map(|(i, a)| a.slug.as_ref().map(|s| (format!("alternatives[{i}].slug"), s)));
    let related = service.related.iter().enumerate().map(|(i, slug)| (format!("related[{i}]"), slug));
    let mut seen = BTreeSet::new();
    for (field, slug) in named.chain(related) {
        let list = field.split('[').next().unwrap_or_default().to_owned();
        if *slug == service.slug {
            return check.fail(&field, "points at the entry itself");
        }
        if catalog.get(slug.as_str()).is_none() {
            return check.fail(&field, format!("there is no service `{slug}`"));
        }
        if !seen.insert((list, slug)) {
            return check.fail(&field, format!("`{slug}` is there twice"));
        }
    }
    Ok(())
}

struct Check<'a> {
    file: &'a str,
}

impl Check<'_> {
    fn fail<T>(&self, field: &str, reason: impl Into<String>) -> Result<T, CatalogError> {
        Err(CatalogError { file: self.file.to_owned(), field: field.to_owned(), reason: reason.into() })
    }

    fn require(&self, holds: bool, field: &str, reason: &str) -> Result<(), CatalogError> {
        if holds { Ok(()) } else { self.fail(field, reason) }
    }

    fn codes(&self, service: &Service) -> Result<(), CatalogError> {
        const SLUG: &str = "is not of the form ^[a-z0-9][a-z0-9._-]{0,63}$";
        const CODE: &str = "is not a code of lower-case letters, digits, `_` and `-`";
        let named_after = self.file.strip_suffix(".json").is_none_or(|stem| stem == service.slug.as_str());
        self.require(named_after, "slug", "differs from the name of the file")?;
        self.require(!service.name.trim().is_empty(), "name", "is empty")?;
        self.require(is_slug(&service.group), "group", SLUG)?;
        self.require(is_slug(&service.category), "category", SLUG)?;
        let lists = [("tags", &service.tags), ("how_it_tracks.techniques", &service.how_it_tracks.techniques)];
        for (list, codes) in lists {
            for (i, code) in codes.iter().enumerate() {
                self.require(is_code(code), &format!("{list}[{i}]"), CODE)?;
            }
        }
        for (i, item) in service.data_collected.iter().enumerate() {
            self.require(is_code(&item.code), &format!("data_collected[{i}].code"), CODE)?;
        }
        for (i, item) in service.regulations.iter().enumerate() {
            self.require(is_code(&item.code), &format!("regulations[{i}].code"), CODE)?;
        }
        if let Some(country) = service.operator.as_ref().and_then(|o| o.country.as_ref()) {
            self.require(is_country(country), "operator.country", "is not an ISO 3166-1 alpha-2 code")?;
        }
        for (i, region) in service.server_location.iter().flat_map(|l| &l.regions).enumerate() {
            let known = is_country(region) || region == "self";
            self.require(known, &format!("server_location.regions[{i}]"), "is no country code, `EU` or `self`")?;
        }
        Ok(())
    }

    /// Each fact is either stated or named as unknown, never both and never neither.
    fn unknown(&self, service: &Service) -> Result<(), CatalogError> {
        let facts = facts(service);
        for (i, name) in service.unknown.iter().enumerate() {
            let field = format!("unknown[{i}]");
            match facts.iter().find(|(fact, _)| fact == name) {
                None => return self.fail(&field, format!("`{name}` is not a field that can be unknown")),
                Some((_, true)) => return self.fail(&field, format!("`{name}` is stated, or has nothing to state")),
                Some((_, false)) => {}
            }
            self.require(!service.unknown[..i].contains(name), &field, "is there twice")?;
        }
        match facts.iter().find(|(fact, stated)| !stated && !service.unknown.iter().any(|name| name == fact)) {
            Some((fact, _)) => self.fail(fact, "is missing; state it, or name it under `unknown`"),
            None => Ok(()),
        }
    }

    fn cookies(&self, service: &Service) -> Result<(), CatalogError> {
        let mut seen = BTreeSet::new();
        for (i, cookie) in service.cookies.iter().flatten().enumerate() {
            let field = format!("cookies[{i}].name");
            let name = cookie.name.as_str();
            self.require(is_cookie_name(name), &field, "is no cookie name")?;
            let pattern = cookie.matching == Match::Pattern;
            self.require(name.contains('*') == pattern, &field, "`*` belongs into patterns, and into each of them")?;
            self.require(name != "*", &field, "matches everything")?;
            self.require(seen.insert((name, cookie.storage as u8)), &field, "is there twice")?;
        }
        Ok(())
    }

    fn links(&self, service: &Service) -> Result<(), CatalogError> {
        const URL: &str = "is not an http(s) address";
        if let Some(url) = &service.policy_url {
            self.require(is_url(url), "policy_url", URL)?;
        }
        for (i, source) in service.sources.iter().enumerate() {
            self.require(is_url(&source.url), &format!("sources[{i}].url"), URL)?;
            self.require(!source.title.trim().is_empty(), &format!("sources[{i}].title"), "is empty")?;
        }
        for (i, domain) in service.domains.iter().flatten().enumerate() {
            let shaped = domain.contains('.')
                && domain.split('.').all(|label| {
                    !label.is_empty()
                        && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                });
            self.require(shaped, &format!("domains[{i}]"), "is not a lower-case host name")?;
        }
        Ok(())
    }
}

/// Every text of an entry with the path of its field.
pub(super) fn texts<'a>(service: &'a Service) -> Vec<(String, &'a Text)> {
    let mut all: Vec<(String, &'a Text)> = [
        ("summary", &service.summary),
        ("what_it_does", &service.what_it_does),
        ("how_it_tracks.text", &service.how_it_tracks.text),
        ("role.note", &service.role.note),
        ("legal_basis.note", &service.legal_basis.note),
        ("eprivacy_note", &service.eprivacy_note),
        ("risk_note", &service.risk_note),
        ("dpia.note", &service.dpia.note),
        ("special_category_risk.note", &service.special_category_risk.note),
        ("deletion_on_withdrawal", &service.deletion_on_withdrawal),
        ("consent_text", &service.consent_text),
    ]
    .map(|(field, text)| (field.to_owned(), text))
    .into();
    let optional = [
        ("disambiguation", service.disambiguation.as_ref()),
        ("operator.note", service.operator.as_ref().and_then(|o| o.note.as_ref())),
        ("server_location.note", service.server_location.as_ref().map(|l| &l.note)),
        ("transfers.note", service.transfers.as_ref().map(|t| &t.note)),
        ("retention", service.retention.as_ref()),
    ];
    all.extend(optional.into_iter().filter_map(|(field, text)| text.map(|t| (field.to_owned(), t))));
    let mut list = |name: &str, rest: &str, texts: Vec<&'a Text>| {
        all.extend(texts.into_iter().enumerate().map(|(i, text)| (format!("{name}[{i}]{rest}"), text)));
    };
    list("data_collected", ".text", service.data_collected.iter().map(|d| &d.text).collect());
    list("legal_basis.others", ".note", service.legal_basis.others.iter().map(|o| &o.note).collect());
    list("regulations", ".name", service.regulations.iter().map(|r| &r.name).collect());
    list("dpia.triggers", "", service.dpia.triggers.iter().collect());
    list("recipients", ".text", service.recipients.iter().flatten().map(|r| &r.text).collect());
    list("cookies", ".purpose", service.cookies.iter().flatten().map(|c| &c.purpose).collect());
    list("deployment", "", service.deployment.iter().collect());
    list("alternatives", ".text", service.alternatives.iter().map(|a| &a.text).collect());
    list("faq", ".question", service.faq.iter().map(|f| &f.question).collect());
    list("faq", ".answer", service.faq.iter().map(|f| &f.answer).collect());
    all
}

/// Groups and categories have the form of a slug.
fn is_slug(code: &str) -> bool {
    ServiceId::new(code).is_ok()
}

fn is_code(code: &str) -> bool {
    !code.is_empty() && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase())
}

/// Whether it can be a cookie's name, or a pattern of names: visible ASCII without what ends a name or a cookie in a header. More than
/// the token that a server should send (RFC 6265, section 4.1.1), since browsers keep more (section 5.2) and sites use it: `a[0]`,
/// `a:b`. A name never holds `*` itself here.
#[must_use]
pub fn is_cookie_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && !b"=;,\"\\".contains(&b))
}

/// Whether it is an address of the web.
#[must_use]
pub fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| rest.contains('.') && !rest.contains(char::is_whitespace))
}
