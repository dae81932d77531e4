//! Step 7: of the address a country and, where the database knows it, a region are kept. The country comes from a header
//! that the operator's proxy sets, else from the operator's own database in MaxMind's format. The address itself is read
//! once per request, before the body, and goes no further than this file.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use maxminddb::{Reader, path};

use crate::config::{ConfigError, IngestConfig};

/// Where a request came from. `None`: unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// ISO 3166-1 alpha-2, in capitals.
    pub country: Option<String>,
    /// ISO 3166-2: `FR-IDF`.
    pub region: Option<String>,
}

/// Reduces addresses.
pub struct Places {
    header: Option<HeaderName>,
    database: Option<Reader<Vec<u8>>>,
    proxies: usize,
}

impl Places {
    /// # Errors
    /// Where the header's name is none, or the database cannot be read.
    pub fn new(config: &IngestConfig) -> Result<Self, ConfigError> {
        let name = config.country_header.as_deref().filter(|name| !name.is_empty());
        let header = name.map(str::parse::<HeaderName>).transpose();
        let header = header.map_err(|e| ConfigError { key: "country_header", reason: e.to_string() })?;
        let database = config.country_database.as_deref().map(Reader::open_readfile).transpose();
        let database = database.map_err(|e| ConfigError { key: "country_database", reason: e.to_string() })?;
        Ok(Self { header, database, proxies: config.trusted_proxies })
    }

    /// Reduces a request's address. Whoever speaks for others may name their country by the header, while the address of
    /// the connection says nothing about them.
    pub fn reduced(&self, headers: &HeaderMap, peer: Option<SocketAddr>, for_others: bool) -> Place {
        if let Some(header) = &self.header
            && let Some(country) = headers.get(header).and_then(|value| country(value.to_str().ok()?))
        {
            return Place { country: Some(country), region: None };
        }
        let address = || if for_others { None } else { self.address(headers, peer) };
        match &self.database {
            Some(database) => address().map(|address| looked_up(database, address)).unwrap_or_default(),
            None => Place::default(),
        }
    }

    /// The visitor's address: the peer's, or what the outermost of the trusted proxies saw, counted from the right of
    /// `X-Forwarded-For`, since anybody can write on its left.
    fn address(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> Option<IpAddr> {
        if self.proxies == 0 {
            return peer.map(|peer| peer.ip());
        }
        let lists = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = lists.flat_map(|list| list.split(',')).map(str::trim).collect();
        hops.len().checked_sub(self.proxies).and_then(|index| hops[index].parse().ok())
    }
}

/// Two letters; what proxies send for "unknown" and "Tor" is unknown.
fn country(text: &str) -> Option<String> {
    let text = text.trim();
    let letters = text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic());
    (letters && !text.eq_ignore_ascii_case("XX") && !text.eq_ignore_ascii_case("ZZ")).then(|| text.to_ascii_uppercase())
}

fn looked_up(database: &Reader<Vec<u8>>, address: IpAddr) -> Place {
    let Ok(found) = database.lookup(address) else { return Place::default() };
    let code = |path: &[maxminddb::PathElement<'_>]| found.decode_path::<&str>(path).ok().flatten();
    let Some(country) = code(&path!["country", "iso_code"]).and_then(country) else { return Place::default() };
    let region = code(&path!["subdivisions", 0, "iso_code"]);
    let region = region.filter(|r| (1..=3).contains(&r.len()) && r.bytes().all(|b| b.is_ascii_alphanumeric()));
    Place { region: region.map(|region| format!("{country}-{region}")), country: Some(country) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(proxies: usize) -> Places {
        Places { header: Some(HeaderName::from_static("x-country")), database: None, proxies }
    }

    #[test]
    fn the_header_holds_two_letters_or_nothing() {
        for (value, expected) in [
            ("FR", Some("FR")),
            (" de ", Some("DE")),
            ("XX", None),
            ("T1", None),
            ("FRA", None),
            ("", None),
            ("é", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-country", http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
            assert_eq!(places(0).reduced(&headers, None, true).country.as_deref(), expected, "{value}");
        }
    }

    fn text(text: &str) -> Vec<u8> {
        [&[0b010_00000 | u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
    }

    fn map(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let members_written = members.iter().flat_map(|(name, value)| [text(name), value.clone()].concat());
        [0b111_00000 | u8::try_from(members.len()).unwrap()].into_iter().chain(members_written).collect()
    }

    fn list(items: &[Vec<u8>]) -> Vec<u8> {
        [vec![u8::try_from(items.len()).unwrap(), 4], items.concat()].concat()
    }

    /// A database in MaxMind's format, version 2.0, that knows 203.0.0.0/8: eight nodes of 24-bit records, one a bit.
    fn database() -> Reader<Vec<u8>> {
        const BITS: u8 = 203;
        let record = |n: u32| n.to_be_bytes()[1..].to_vec();
        let mut bytes = Vec::new();
        for node in 0..8 {
            // A record of 8 is "not found", of 8 + 16 the data section's first byte.
            let on = record(if node == 7 { 24 } else { node + 1 });
            let off = record(8);
            bytes.extend(if BITS >> (7 - node) & 1 == 1 { [off, on].concat() } else { [on, off].concat() });
        }
        bytes.extend([0; 16]);
        let region = map(&[("iso_code", text("IDF"))]);
        bytes.extend(map(&[("country", map(&[("iso_code", text("FR"))])), ("subdivisions", list(&[region]))]));
        bytes.extend(b"\xab\xcd\xefMaxMind.com");
        let (two, small) = (vec![0b101_00001, 2], |n: u8| vec![0b101_00001, n]);
        bytes.extend(map(&[
            ("node_count", vec![0b110_00001, 8]),
            ("record_size", small(24)),
            ("ip_version", small(4)),
            ("database_type", text("Test")),
            ("languages", list(&[text("en")])),
            ("binary_format_major_version", two),
            ("binary_format_minor_version", vec![0b101_00000]),
            ("build_epoch", vec![1, 2, 1]),
            ("description", map(&[("en", text("Test"))])),
        ]));
        Reader::from_source(bytes).unwrap()
    }

    #[test]
    fn the_database_gives_country_and_region_of_visitors_only() {
        let places = Places { header: None, database: Some(database()), proxies: 0 };
        let (known, unknown) = (Some("203.0.113.9:1".parse().unwrap()), Some("198.51.100.1:1".parse().unwrap()));
        let headers = HeaderMap::new();
        let paris = Place { country: Some("FR".into()), region: Some("FR-IDF".into()) };
        assert_eq!(places.reduced(&headers, known, false), paris);
        assert_eq!(places.reduced(&headers, unknown, false), Place::default());
        assert_eq!(places.reduced(&headers, Some("[2001:db8::1]:1".parse().unwrap()), false), Place::default());
        assert_eq!(places.reduced(&headers, known, true), Place::default(), "who speaks for others is elsewhere");
        assert_eq!(places.reduced(&headers, None, false), Place::default());
    }

    #[test]
    fn only_what_trusted_proxies_wrote_is_an_address() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6, 203.0.113.9".parse().unwrap());
        headers.append("x-forwarded-for", "10.0.0.1".parse().unwrap());
        let peer = Some("192.0.2.1:5".parse().unwrap());
        let address = |proxies: usize| places(proxies).address(&headers, peer).map(|ip| ip.to_string());
        assert_eq!(address(0).as_deref(), Some("192.0.2.1"));
        assert_eq!(address(1).as_deref(), Some("10.0.0.1"));
        assert_eq!(address(2).as_deref(), Some("203.0.113.9"));
        assert_eq!(address(4), None);
    }
}
