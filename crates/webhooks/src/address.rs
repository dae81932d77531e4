//! To which addresses messages may go: `https` alone, and no private networks, unless the operator says otherwise. A name is
//! judged when it is connected to, by the addresses that it stands for at that moment, so that a name which changes between a
//! check and its use (DNS rebinding) reaches nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// What the operator allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowed {
    pub http: bool,
    pub private: bool,
}

/// Why messages may not go there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("is no address: {0}")]
    Unreadable(String),
    #[error("must begin with https://; http:// is for this machine alone, unless webhooks.allow_http is set")]
    Scheme,
    #[error("must hold no user and no password")]
    Credentials,
    #[error("{0} is a private address: it is reached only where webhooks.allow_private is set")]
    Private(IpAddr),
}

impl Allowed {
    /// Reads an address, and checks what can be told without asking for its name.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn check(self, address: &str) -> Result<Url, AddressError> {
        let url = Url::parse(address).map_err(|error| AddressError::Unreadable(error.to_string()))?;
        let host = url.host().ok_or_else(|| AddressError::Unreadable("it has no host".to_owned()))?;
        let is_own = match host {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        };
        match url.scheme() {
            "https" => {}
            "http" if self.http || is_own => {}
            _ => return Err(AddressError::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        match host {
            Host::Ipv4(ip) => self.check_ip(ip.into())?,
            Host::Ipv6(ip) => self.check_ip(ip.into())?,
            Host::Domain(_) => {}
        }
        Ok(url)
    }

    /// Whether a connection to this address may be made.
    ///
    /// # Errors
    /// [`AddressError::Private`].
    pub fn check_ip(self, ip: IpAddr) -> Result<(), AddressError> {
        if self.private || is_public(ip) { Ok(()) } else { Err(AddressError::Private(ip)) }
    }
}

/// Whether an address is one of the public Internet (the special-purpose registries of IANA, RFC 6890).
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = match a {
        0 | 10 | 127 | 224.. => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => (b == 0 && (c == 0 || c == 2)) || (b == 88 && c == 99) || b == 168,
        198 => b == 18 || b == 19 || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        _ => false,
    };
    !special
}

/// Global unicast is 2000::/3; of that, what carries an address of the other kind, and documentation, is not.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let [a, b, c, ..] = ip.segments();
    if a == 0x2002 {
        let ([high_b, low_b], [high_c, low_c]) = (b.to_be_bytes(), c.to_be_bytes());
        return is_public_v4(Ipv4Addr::new(high_b, low_b, high_c, low_c));
    }
    let is_protocol = a == 0x2001 && b < 0x0200;
    let is_documentation = (a == 0x2001 && b == 0x0db8) || (a == 0x3fff && b < 0x1000);
    a & 0xe000 == 0x2000 && !is_protocol && !is_documentation
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn private_addresses_are_told_from_public_ones() {
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2001::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in
            ["1.1.1.1", "100.128.0.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn addresses_are_taken_as_the_operator_says() {
        let (strict, http, lax) =
            (Allowed::default(), Allowed { http: true, private: false }, Allowed { http: true, private: true });
        for (address, taken) in [
            ("https://hooks.example/avow", [true, true, true]),
            ("http://hooks.example/avow", [false, true, true]),
            ("https://10.0.0.1/", [false, false, true]),
            ("http://127.0.0.1:9000/", [false, false, true]),
            ("http://localhost:9000/", [true, true, true]),
            ("https://[::1]/", [false, false, true]),
            // A number is an address too (WHATWG URL).
            ("https://2130706433/", [false, false, true]),
            ("https://0x7f.1/", [false, false, true]),
            ("https://user:word@hooks.example/", [false; 3]),
            ("ftp://hooks.example/", [false; 3]),
            ("file:///etc/passwd", [false; 3]),
            ("hooks.example", [false; 3]),
            ("", [false; 3]),
        ] {
            let found = [strict, http, lax].map(|allowed| allowed.check(address).is_ok());
            assert_eq!(found, taken, "{address}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_an_error(text in ".{0,60}", ip: u32) {
            let _ = Allowed::default().check(&text);
            let literal = Ipv4Addr::from(ip);
            prop_assert_eq!(Allowed::default().check(&format!("https://{literal}/")).is_ok(), is_public(literal.into()));
            prop_assert_eq!(is_public(literal.to_ipv6_mapped().into()), is_public(literal.into()));
        }
    }
}
