//! The Open Cookie Database (CSV, Apache-2.0) as entries of the catalogue: one for each platform, with its cookies. Its texts are
//! the database's own, in English.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use avow_schemas::catalog::{is_cookie_name, is_url};
use serde_json::{Value, json};

/// What the import calls itself.
pub const ORIGIN: &str = "open-cookie-database";
const ADDRESS: &str = "https://github.com/jkwakman/Open-Cookie-Database";

/// Columns by their place in a line.
struct Columns {
    platform: usize,
    category: usize,
    name: usize,
    domain: usize,
    description: usize,
    retention: usize,
    controller: usize,
    portal: usize,
    wildcard: usize,
}

impl Columns {
    fn of(header: &csv::StringRecord) -> anyhow::Result<Self> {
        let at = |name: &str| {
            let found = header.iter().position(|column| column.trim().eq_ignore_ascii_case(name));
            found.with_context(|| format!("this is no Open Cookie Database: there is no column {name:?}"))
        };
        Ok(Self {
            platform: at("Platform")?,
            category: at("Category")?,
            name: at("Cookie / Data Key name")?,
            domain: at("Domain")?,
            description: at("Description")?,
            retention: at("Retention period")?,
            controller: at("Data Controller")?,
            portal: at("User Privacy & GDPR Rights Portals")?,
            wildcard: at("Wildcard match")?,
        })
    }
}

/// A platform in the making.
#[derive(Default)]
struct Platform {
    name: String,
    controller: String,
    portal: String,
    cookies: Vec<Value>,
    names: BTreeSet<String>,
    domains: BTreeSet<String>,
    /// Categories of its cookies.
    categories: Vec<&'static str>,
}

/// What was read, and the lines that were left out with why.
#[derive(Debug)]
pub struct Read {
    pub entries: Vec<Value>,
    pub left_out: Vec<String>,
}

/// The platforms of the database, as entries.
///
/// # Errors
/// What is no such database.
pub fn entries(text: &str) -> anyhow::Result<Read> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let columns = Columns::of(reader.headers()?)?;
    let mut platforms: BTreeMap<String, Platform> = BTreeMap::new();
    let mut left_out = Vec::new();
    for (number, record) in (2..).zip(reader.records()) {
        let record = record?;
        let cell = |at: usize| record.get(at).unwrap_or_default();
        let line = record.position().map_or(number, csv::Position::line);
        let (name, slug) = (cell(columns.name), slug(cell(columns.platform)));
        let Some(slug) = slug else {
            left_out.push(format!("line {line}: it names no platform"));
            continue;
        };
        let Some((category, kind)) = kind(cell(columns.category)) else {
            left_out.push(format!("line {line}: {:?} is no known category", cell(columns.category)));
            continue;
        };
        let is_pattern = cell(columns.wildcard) == "1" || name.ends_with('*');
        let name = if is_pattern { format!("{}*", name.trim_end_matches('*')) } else { name.to_owned() };
        if name == "*" || !is_cookie_name(&name) || name.trim_end_matches('*').contains('*') {
            left_out.push(format!("line {line}: {name:?} is no cookie name"));
            continue;
        }
        let platform = platforms.entry(slug).or_default();
        if platform.name.is_empty() {
            platform.name = cell(columns.platform).to_owned();
        }
        for (into, at) in [(&mut platform.controller, columns.controller), (&mut platform.portal, columns.portal)] {
            if into.is_empty() {
                *into = cell(at).to_owned();
            }
        }
        platform.domains.extend(hosts(cell(columns.domain)));
        if platform.names.insert(name.clone()) {
            platform.categories.push(category);
            platform.cookies.push(json!({
                "name": name,
                "type": kind,
                "duration": duration(cell(columns.retention)),
                "purpose": sentence(cell(columns.description)),
                // A directory's word is no judgement: what it calls functional a person must look at.
                "eprivacy": if kind == "functional" { "conditional" } else { "consent" },
                "evidence": "directory",
            }));
        }
    }
    if platforms.is_empty() {
        bail!("this Open Cookie Database has no cookies");
    }
    Ok(Read { entries: platforms.into_iter().map(|(slug, platform)| entry(&slug, &platform)).collect(), left_out })
}

fn entry(slug: &str, platform: &Platform) -> Value {
    let category = |wanted: &str| platform.categories.contains(&wanted);
    // What asks most of the visitor names the whole.
    let category = ["marketing", "statistics", "preferences"].into_iter().find(|wanted| category(wanted));
    let mut entry = json!({
        "slug": slug,
        "name": platform.name,
        "category": category.unwrap_or("unknown"),
        "group": "open-cookie-database",
        "summary": {
            "en": format!("{} cookies that the Open Cookie Database lists under this platform.", platform.cookies.len()),
            "fr": format!("{} cookies que l’Open Cookie Database recense pour cette plateforme.", platform.cookies.len()),
            "de": format!("{} Cookies, die die Open Cookie Database unter dieser Plattform führt.", platform.cookies.len()),
            "es": format!("{} cookies que la Open Cookie Database recoge para esta plataforma.", platform.cookies.len()),
        },
        "cookies": platform.cookies,
        "sources": [{"title": "Open Cookie Database (Apache-2.0)", "url": ADDRESS}],
    });
    if !platform.controller.is_empty() {
        entry["operator"] = json!(platform.controller);
    }
    if !platform.domains.is_empty() {
        entry["domains"] = json!(platform.domains);
    }
    if is_url(&platform.portal) {
        entry["policy_url"] = json!(platform.portal);
    }
    entry
}

/// `ocd-google-analytics`: with a beginning of its own, since the shipped entries say more.
fn slug(platform: &str) -> Option<String> {
    let mut slug = String::new();
    for c in platform.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    (!slug.is_empty()).then(|| format!("ocd-{}", &slug[..slug.len().min(60)]).trim_end_matches('-').to_owned())
}

/// The category of a service, and the type of a cookie.
fn kind(category: &str) -> Option<(&'static str, &'static str)> {
    Some(match category.to_ascii_lowercase().as_str() {
        "functional" | "security" | "necessary" => ("preferences", "functional"),
        "personalization" | "personalisation" | "preferences" => ("preferences", "functional"),
        "analytics" | "statistics" => ("statistics", "statistics"),
        "marketing" | "advertising" => ("marketing", "marketing"),
        _ => return None,
    })
}

/// Third-party hosts that a cell names: `doubleclick.net (3rd party)`.
fn hosts(cell: &str) -> impl Iterator<Item = String> + '_ {
    let parts = cell.split([',', ' ', '\n']).map(|part| part.trim().trim_start_matches('.').to_ascii_lowercase());
    parts.filter(|part| {
        part.contains('.')
            && part.split('.').all(|label| {
                !label.is_empty() && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            })
    })
}

/// `2 years` as `P2Y`; what is not a number of one unit is unknown.
fn duration(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    if text.contains("session") {
        return "session".to_owned();
    }
    if text.contains("persistent") || text.contains("forever") {
        return "persistent".to_owned();
    }
    let mut words = text.split_whitespace();
    let (Some(number), Some(unit), None) = (words.next(), words.next(), words.next()) else { return "unknown".into() };
    let Ok(number @ 1..=9999) = number.parse::<u16>() else { return "unknown".into() };
    match unit.trim_end_matches('s') {
        "year" => format!("P{number}Y"),
        "month" => format!("P{number}M"),
        "week" => format!("P{}D", u32::from(number) * 7),
        "day" => format!("P{number}D"),
        "hour" => format!("PT{number}H"),
        "minute" => format!("PT{number}M"),
        _ => "unknown".into(),
    }
}

fn sentence(text: &str) -> Value {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { Value::Null } else { json!({"en": text}) }
}

#[cfg(test)]
mod tests {
    use avow_schemas::catalog::{EprivacyRule, Match, Service};
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = "ID,Platform,Category,Cookie / Data Key name,Domain,Description,Retention period,Data Controller,User Privacy & GDPR Rights Portals,Wildcard match\n";

    fn read(lines: &str) -> (Vec<Service>, Vec<String>) {
        let read = entries(&format!("{HEADER}{lines}")).unwrap();
        let parse = |entry| Service::parse_brief(entry, jiff::civil::date(2026, 11, 26)).unwrap();
        (read.entries.into_iter().map(parse).collect(), read.left_out)
    }

    #[test]
    fn a_platform_is_an_entry_with_its_cookies() {
        let (services, left_out) = read(
            "1,Example Stats,Analytics,_ex,example.com (3rd party) or advertiser's website domain (1st party),\"Counts,\nvisitors\",2 years,Example Inc,https://example.com/privacy,0\n\
             2,Example Stats,Functional,_ex_lang,,Language,Session,Example Inc,,0\n\
             3,Example Stats,Marketing,_ex_ads_,ads.example.com,,90 days,,,1\n\
             4,Example Stats,Analytics,_ex,,again,1 day,,,0\n\
             5,,Analytics,_x,,,,,,0\n6,Other,Odd,_x,,,,,,0\n7,Other,Analytics,a b,,,,,,0\n",
        );
        assert_eq!(services.len(), 1);
        let service = &services[0];
        assert_eq!((service.slug.as_str(), service.category()), ("ocd-example-stats", "marketing"));
        assert_eq!(service.domains.as_deref(), Some(&["ads.example.com".to_owned(), "example.com".to_owned()][..]));
        assert_eq!(service.operator.as_ref().unwrap().name, "Example Inc");
        let cookies = service.cookies.as_ref().unwrap();
        let said = |at: usize| {
            (cookies[at].name.as_str(), cookies[at].matching, cookies[at].duration.to_string(), cookies[at].eprivacy)
        };
        assert_eq!(said(0), ("_ex", Match::Exact, "P2Y".into(), EprivacyRule::Consent));
        assert_eq!(said(1), ("_ex_lang", Match::Exact, "session".into(), EprivacyRule::Conditional));
        assert_eq!(said(2), ("_ex_ads_*", Match::Pattern, "P90D".into(), EprivacyRule::Consent));
        assert_eq!(cookies[0].purpose.english(), "Counts, visitors");
        assert_eq!(left_out.len(), 3, "{left_out:?}");
        assert!(left_out[1].contains("\"Odd\" is no known category"), "{left_out:?}");
    }

    proptest! {
        #[test]
        fn any_lines_are_entries_that_hold_or_left_out(lines in "([ -~é]{0,40},){0,9}[01\\n\"]{0,3}(Example,Analytics,[!-~]{0,9},[a-z. ]{0,9},x,[0-9a-z ]{0,9},,,[01]\n){0,4}") {
            let Ok(read) = entries(&format!("{HEADER}{lines}")) else { return Ok(()) };
            for entry in read.entries {
                let entry = Service::parse_brief(entry, jiff::civil::date(2026, 11, 26));
                prop_assert!(entry.is_ok(), "{:?}", entry.err());
            }
        }
    }

    #[test]
    fn what_is_no_such_database_is_said() {
        assert!(entries("a,b\n1,2\n").unwrap_err().to_string().contains("no column \"Platform\""));
        assert!(entries(HEADER).unwrap_err().to_string().contains("has no cookies"));
    }

    #[test]
    fn durations_are_of_one_unit_or_unknown() {
        for (text, code) in [
            ("1 year", "P1Y"),
            ("6 months", "P6M"),
            ("2 weeks", "P14D"),
            ("30 minutes", "PT30M"),
            ("24 hours", "PT24H"),
            ("Session", "session"),
            ("Persistent", "persistent"),
            ("0 days", "unknown"),
            ("1 year 2 months", "unknown"),
            ("", "unknown"),
        ] {
            assert_eq!(duration(text), code, "{text}");
        }
    }
}
