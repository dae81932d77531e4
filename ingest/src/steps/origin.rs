//! Step 2: where the request carries `Origin`, the event's site must list it. Browsers set that header and no script in a
//! page can change it; whoever writes requests by hand can, which is why `source` says what an event rests on.

use avow_schemas::fate::{RejectCode, Rejection};

use super::site::Known;
use crate::sender::Sender;

/// Checks the request's origin against the event's site.
///
/// # Errors
/// `origin_not_allowed`; an opaque origin (`null`) is never allowed.
pub fn allowed(sender: &Sender, known: &Known<'_>) -> Result<(), Rejection> {
    let Some(origin) = &sender.origin else { return Ok(()) };
    if known.now().settings.origins.iter().any(|listed| matches(listed, origin)) {
        return Ok(());
    }
    Err(Rejection::new(RejectCode::OriginNotAllowed, "the site does not list the origin of this request"))
}

/// Whether an origin of a site's list means this one. `https://*.shop.example` means every host below `shop.example`,
/// not `shop.example` itself. AMP caches are listed exactly, as `https://shop-example.cdn.ampproject.org`.
pub fn matches(listed: &str, origin: &str) -> bool {
    let Some((scheme, parent)) = listed.split_once("://*.") else { return listed == origin };
    let host = origin.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://"));
    let below = host.and_then(|host| host.strip_suffix(parent)).and_then(|below| below.strip_suffix('.'));
    below.is_some_and(|below| !below.is_empty() && !below.contains(['/', '@', ':']))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn exact_wildcard_and_listed_caches() {
        for (listed, origin, expected) in [
            ("https://shop.example", "https://shop.example", true),
            ("https://shop.example", "http://shop.example", false),
            ("https://shop.example", "https://shop.example:8443", false),
            ("https://shop.example", "https://evil.example", false),
            ("https://*.shop.example", "https://www.shop.example", true),
            ("https://*.shop.example", "https://a.b.shop.example", true),
            ("https://*.shop.example", "https://shop.example", false),
            ("https://*.shop.example", "https://evilshop.example", false),
            ("https://*.shop.example", "https://.shop.example", false),
            ("https://*.shop.example", "http://www.shop.example", false),
            ("https://*.shop.example", "https://evil.example:1/.shop.example", false),
            ("https://*.shop.example:8443", "https://www.shop.example:8443", true),
            ("https://*.shop.example:8443", "https://www.shop.example", false),
            ("https://shop-example.cdn.ampproject.org", "https://shop-example.cdn.ampproject.org", true),
            ("https://shop-example.cdn.ampproject.org", "https://evil-example.cdn.ampproject.org", false),
            ("https://shop.example", "null", false),
        ] {
            assert_eq!(matches(listed, origin), expected, "{listed} {origin}");
        }
    }
}
