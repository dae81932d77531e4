//! The session's cookie: `__Host-avow`, which a browser sends over TLS to this host alone (RFC 6265bis, 4.1.3). On plain HTTP
//! to the machine itself, where there is no TLS, it is `avow`. Beside it, while somebody is at the provider of identities, that of
//! their sign-in: `SameSite=Lax`, since the provider sends them back.

use http::HeaderValue;
use http::header::COOKIE;
use http::request::Parts;

use super::origin;
use crate::problem::Problem;

/// A cookie of ours by its names, over TLS and on this machine.
#[derive(Clone, Copy)]
struct Named {
    over_tls: &'static str,
    on_this_machine: &'static str,
    same_site: &'static str,
}

const SESSION: Named = Named { over_tls: "__Host-avow", on_this_machine: "avow", same_site: "Strict" };
const SIGN_IN: Named = Named { over_tls: "__Host-avow-oidc", on_this_machine: "avow-oidc", same_site: "Lax" };

/// Whether a request came from this very machine without TLS, as far as its headers say.
fn is_plain_and_local(parts: &Parts) -> bool {
    let through_tls =
        parts.headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes().starts_with(b"https"));
    let host = origin::host(parts).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_local = name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    is_local && !through_tls
}

/// The session's secret in a request.
pub fn shown(parts: &Parts) -> Option<&str> {
    SESSION.shown(parts)
}

/// What a browser has kept of a sign-in that is under way.
pub fn sign_in_shown(parts: &Parts) -> Option<&str> {
    SIGN_IN.shown(parts)
}

/// The header that gives a browser a session for at most so many seconds; none at all takes it away.
///
/// # Errors
/// A secret that no header can carry: a defect.
pub fn set(parts: &Parts, session: Option<(&str, i64)>) -> Result<HeaderValue, Problem> {
    SESSION.set(parts, session)
}

/// The header that lets a browser keep what belongs to a sign-in; as [`set`].
///
/// # Errors
/// A text that no header can carry: a defect.
pub fn set_sign_in(parts: &Parts, kept: Option<(&str, i64)>) -> Result<HeaderValue, Problem> {
    SIGN_IN.set(parts, kept)
}

impl Named {
    const fn name(self, plain_and_local: bool) -> &'static str {
        if plain_and_local { self.on_this_machine } else { self.over_tls }
    }

    fn shown(self, parts: &Parts) -> Option<&str> {
        let name = self.name(is_plain_and_local(parts));
        let texts = parts.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    fn set(self, parts: &Parts, value: Option<(&str, i64)>) -> Result<HeaderValue, Problem> {
        let plain = is_plain_and_local(parts);
        let (value, seconds) = value.unwrap_or(("", 0));
        let secure = if plain { "" } else { "; Secure" };
        let (name, same_site) = (self.name(plain), self.same_site);
        let text = format!("{name}={value}; HttpOnly; SameSite={same_site}{secure}; Path=/; Max-Age={seconds}");
        HeaderValue::from_str(&text).map_err(|_| Problem::internal("the cookie cannot be written"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let request =
            headers.iter().fold(http::Request::builder(), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_cookie_is_for_tls_but_on_this_machine() {
        let cookies = "x=1; avow=here; __Host-avow=there";
        for (host, secret, secure) in [
            ("localhost:8080", "here", false),
            ("127.0.0.1:8080", "here", false),
            ("[::1]:8080", "here", false),
            ("avow.example", "there", true),
            ("localhost.example", "there", true),
        ] {
            let parts = parts(&[("host", host), ("cookie", cookies)]);
            assert_eq!(shown(&parts), Some(secret), "{host}");
            let header = set(&parts, Some(("s", 60))).unwrap();
            assert_eq!(header.to_str().unwrap().contains("Secure"), secure, "{host}");
        }
        let behind_tls = parts(&[("host", "localhost"), ("x-forwarded-proto", "https"), ("cookie", cookies)]);
        assert_eq!(shown(&behind_tls), Some("there"));
        assert_eq!(
            set(&behind_tls, None).unwrap(),
            "__Host-avow=; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0"
        );
    }
}
