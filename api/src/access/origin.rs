//! Whether a request that changes something comes from our own page (OWASP, Cross-Site Request Forgery Prevention: fetch
//! metadata, else the origin). A cookie that is `SameSite=Strict` should not come with any other; this does not trust that.

use http::request::Parts;
use http::{HeaderMap, Method, header};
use url::Url;

use crate::problem::Problem;

/// The host and port that a request is sent to, as its sender wrote them.
pub fn host(parts: &Parts) -> Option<&str> {
    let by_header = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    by_header.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"))
}

/// Refuses a request that changes something, unless it says that it comes from our own page.
///
/// # Errors
/// 403 `cross_site`.
pub fn same_site(parts: &Parts) -> Result<(), Problem> {
    if parts.method == Method::GET || parts.method == Method::HEAD || is_own(parts) == Some(true) {
        return Ok(());
    }
    Err(foreign())
}

/// Refuses a request that says that it comes from elsewhere: for those that need no cookie, which programs send as well.
///
/// # Errors
/// 403 `cross_site`.
pub fn not_foreign(parts: &Parts) -> Result<(), Problem> {
    if is_own(parts) == Some(false) { Err(foreign()) } else { Ok(()) }
}

fn foreign() -> Problem {
    Problem::forbidden("cross_site", "a request with a session's cookie must come from this server's own page")
}

/// Whether a request comes from our own page; `None` where it does not say.
fn is_own(parts: &Parts) -> Option<bool> {
    if let Some(site) = text(&parts.headers, "sec-fetch-site") {
        return Some(site == "same-origin");
    }
    // Not sent by older browsers, and not to a plain http:// address.
    let origin = text(&parts.headers, "origin")?;
    let sent_to = host(parts)?;
    let authority = Url::parse(origin).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    Some(authority.is_some_and(|url| is_at(&url, sent_to)))
}

/// Whether an origin is a host, with the scheme's own port left out or not.
fn is_at(origin: &Url, sent_to: &str) -> bool {
    let Ok(sent_to) = Url::parse(&format!("{}://{sent_to}", origin.scheme())) else { return false };
    origin.host() == sent_to.host() && origin.port_or_known_default() == sent_to.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_page_changes_something() {
        type Case = (&'static [(&'static str, &'static str)], Option<bool>);
        let cases: &[Case] = &[
            (&[("sec-fetch-site", "same-origin")], Some(true)),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], Some(true)),
            (&[("sec-fetch-site", "same-site")], Some(false)),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://avow.example")], Some(false)),
            (&[("sec-fetch-site", "none")], Some(false)),
            (&[("origin", "https://avow.example")], Some(true)),
            (&[("origin", "https://avow.example:443")], Some(true)),
            (&[("origin", "https://avow.example:8443")], Some(false)),
            (&[("origin", "https://avow.example.evil.example")], Some(false)),
            (&[("origin", "null")], Some(false)),
            (&[], None),
        ];
        for (headers, own) in cases {
            let request = http::Request::builder().method("POST").header("host", "avow.example");
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(is_own(&parts), *own, "{headers:?}");
            assert_eq!(same_site(&parts).is_ok(), *own == Some(true), "{headers:?}");
            assert_eq!(not_foreign(&parts).is_ok(), *own != Some(false), "{headers:?}");
            parts.method = Method::GET;
            assert!(same_site(&parts).is_ok());
        }
    }
}
