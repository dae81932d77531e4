//! The Open Cookie Database (CSV or JSON, Apache-2.0) as entries of the catalogue: one for each platform, with its cookies. Its texts are
//! the database's own, in English.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail, ensure};
use avow_schemas::catalog::{is_cookie_name, is_url};
use serde::Deserialize;
use serde_json::{Value, json};

/// What the import calls itself.
pub const ORIGIN: &str = "open-cookie-database";
const ADDRESS: &str = "https://github.com/jkwakman/Open-Cookie-Database";

/// A cookie, as a line of the CSV or an object of the JSON says it: the two forms in which the database is published.
#[derive(Deserialize)]
struct Row {
    /// Empty in the JSON, where the platform is the key.
    #[serde(rename = "Platform", default)]
    platform: String,
    #[serde(rename = "Category", alias = "category")]
    category: String,
    #[serde(rename = "Cookie / Data Key name", alias = "cookie")]
    name: String,
    #[serde(rename = "Domain", alias = "domain", default)]
    domain: String,
    #[serde(rename = "Description", alias = "description", default)]
    description: String,
    #[serde(rename = "Retention period", alias = "retentionPeriod", default)]
    retention: String,
    #[serde(rename = "Data Controller", alias = "dataController", default)]
    controller: String,
    #[serde(rename = "User Privacy & GDPR Rights Portals", alias = "privacyLink", default)]
    portal: String,
    #[serde(rename = "Wildcard match", alias = "wildcardMatch", default)]
    wildcard: String,
}

impl Row {
    fn trimmed(mut self) -> Self {
        for cell in [
            &mut self.platform,
            &mut self.category,
            &mut self.name,
            &mut self.domain,
            &mut self.description,
            &mut self.retention,
            &mut self.controller,
            &mut self.portal,
            &mut self.wildcard,
        ] {
            *cell = cell.trim().to_owned();
        }
        self
    }
}

/// The rows of the database, each with where it stands.
fn rows(text: &str) -> anyhow::Result<Vec<(String, Row)>> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        let platforms: BTreeMap<String, Vec<Row>> =
            serde_json::from_str(text).context("this is no Open Cookie Database")?;
        let named = |(platform, rows): (String, Vec<Row>)| {
            let place = move |(at, row): (usize, Row)| {
                (format!("{platform:?}, {at}"), Row { platform: platform.clone(), ..row }.trimmed())
            };
            (1..).zip(rows).map(place)
        };
        return Ok(platforms.into_iter().flat_map(named).collect());
    }
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers()?.clone();
    for name in ["Platform", "Category", "Cookie / Data Key name"] {
        ensure!(
            header.iter().any(|column| column == name),
            "this is no Open Cookie Database: there is no column {name:?}"
        );
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        rows.push((format!("line {line}"), record.deserialize(Some(&header))?));
    }
    Ok(rows)
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

/// What was read, and the rows that were left out with why.
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
    let mut platforms: BTreeMap<String, Platform> = BTreeMap::new();
    let mut left_out = Vec::new();
    for (place, row) in rows(text)? {
        let Some(slug) = slug(&row.platform) else {
            left_out.push(format!("{place}: it names no platform"));
            continue;
        };
        let Some((category, kind)) = kind(&row.category) else {
            left_out.push(format!("{place}: {:?} is no known category", row.category));
            continue;
        };
        let is_pattern = row.wildcard == "1" || row.name.ends_with('*');
        let name = if is_pattern { format!("{}*", row.name.trim_end_matches('*')) } else { row.name };
        if name == "*" || !is_cookie_name(&name) || name.trim_end_matches('*').contains('*') {
            left_out.push(format!("{place}: {name:?} is no cookie name"));
            continue;
        }
        let platform = platforms.entry(slug).or_default();
        for (into, said) in [
            (&mut platform.name, row.platform),
            (&mut platform.controller, row.controller),
            (&mut platform.portal, row.portal),
        ] {
            if into.is_empty() {
                *into = said;
            }
        }
        platform.domains.extend(hosts(&row.domain));
        if platform.names.insert(name.clone()) {
            platform.categories.push(category);
            platform.cookies.push(json!({
                "name": name,
                "type": kind,
                "duration": duration(&row.retention),
                "purpose": sentence(&row.description),
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

    #[test]
    fn the_json_says_what_the_csv_says() {
        let row = r#"{"id": "1", "category": "Analytics", "cookie": "pvc[0]", "domain": "x.example", "description": "Counts",
            "retentionPeriod": "2 years", "dataController": "Example Inc", "privacyLink": "https://example.com/privacy", "wildcardMatch": "0"}"#;
        let json = entries(&format!(r#"{{"Example Stats": [{row}, {{"category": "Odd", "cookie": "a"}}]}}"#)).unwrap();
        let line =
            "1,Example Stats,Analytics,pvc[0],x.example,Counts,2 years,Example Inc,https://example.com/privacy,0\n";
        assert_eq!(json.entries, entries(&format!("{HEADER}{line}")).unwrap().entries);
        assert_eq!(json.left_out, ["\"Example Stats\", 2: \"Odd\" is no known category"]);
        let error = entries(r#"{"Example": 1}"#).unwrap_err();
        assert!(format!("{error:#}").contains("this is no Open Cookie Database: invalid type"), "{error:#}");
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
