//! Which requests are noted, and when.

use http::Method;

/// When a request is noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before the answer leaves: it holds a single person's data.
    First,
    /// A moment later.
    Soon,
    /// Only where the numbers leave as a file.
    AsFile,
    Never,
}

const FIRST: &[(Method, &str)] = &[
    (Method::GET, "/api/v1/subjects/{id}"),
    (Method::GET, "/api/v1/subjects/{id}/export"),
    (Method::GET, "/api/v1/audit/exports/{id}/bundle"),
];

/// Numbers, and what numbers are about; one's own session.
const NEVER: &[(Method, &str)] = &[
    (Method::GET, "/api/v1/aggregates"),
    (Method::GET, "/api/v1/alert-rules"),
    (Method::GET, "/api/v1/alerts"),
    (Method::GET, "/api/v1/alerts/{id}"),
    (Method::GET, "/api/v1/banners"),
    (Method::GET, "/api/v1/banners/{site}/{text_hash}"),
    (Method::GET, "/api/v1/banners/{site}/{text_hash}/html"),
    (Method::GET, "/api/v1/banners/{site}/{text_hash}/screenshots/{screen}"),
    (Method::GET, "/api/v1/bridges"),
    (Method::GET, "/api/v1/data-quality"),
    (Method::GET, "/api/v1/data-quality/ranges"),
    (Method::GET, "/api/v1/live"),
    (Method::GET, "/api/v1/me"),
    (Method::GET, "/api/v1/metadata"),
    (Method::GET, "/api/v1/observations"),
    (Method::GET, "/api/v1/openapi.json"),
    (Method::GET, "/api/v1/query/exports"),
    (Method::GET, "/api/v1/query/exports/{id}"),
    (Method::GET, "/api/v1/services"),
    (Method::GET, "/api/v1/services/{slug}"),
    (Method::GET, "/api/v1/services/{slug}/history"),
    (Method::GET, "/api/v1/session"),
    (Method::GET, "/api/v1/session/oidc"),
    (Method::GET, "/api/v1/session/oidc/callback"),
    (Method::GET, "/api/v1/session/ways"),
    (Method::GET, "/api/v1/sessions"),
    (Method::GET, "/api/v1/shares"),
    (Method::GET, "/api/v1/sites"),
    (Method::GET, "/api/v1/sites/{site}"),
];

/// Of a route as the OpenAPI document has it. What is not named here is noted: a route that is new is.
pub fn when(method: &Method, route: &str) -> When {
    let is_of = |those: &[(Method, &str)]| those.iter().any(|(of, known)| of == method && *known == route);
    if !route.starts_with("/api/v1/") || is_of(NEVER) {
        When::Never
    } else if route == "/api/v1/query" {
        When::AsFile
    } else if is_of(FIRST) {
        When::First
    } else {
        When::Soon
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_yields_a_persons_data_is_noted_first() {
        let document = serde_json::to_value(crate::document()).unwrap();
        let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
        let known = |route: &str| paths.iter().any(|path| *path == route);
        for (_, route) in FIRST.iter().chain(NEVER) {
            assert!(known(route) || *route == "/api/v1/openapi.json", "{route} is no route any more");
        }
        for route in paths.iter().filter(|path| path.contains("/subjects/") || path.ends_with("/bundle")) {
            assert_ne!(when(&Method::GET, route), When::Never, "{route}");
        }
        for (method, route, expected) in [
            (Method::GET, "/api/v1/subjects/{id}", When::First),
            (Method::DELETE, "/api/v1/subjects/{id}", When::Soon),
            (Method::GET, "/api/v1/access-log", When::Soon),
            (Method::PUT, "/api/v1/sites/{site}", When::Soon),
            (Method::POST, "/api/v1/query", When::AsFile),
            (Method::GET, "/api/v1/something-new", When::Soon),
            (Method::GET, "/services", When::Never),
        ] {
            assert_eq!(when(&method, route), expected, "{method} {route}");
        }
    }

    #[test]
    fn a_digest_is_of_a_site_and_a_subject() {
        let subject = uuid::Uuid::from_u128(7);
        let digest = super::super::digest("shop.example", subject);
        assert_eq!(digest.len(), 64);
        assert_ne!(digest, super::super::digest("other.example", subject));
        assert!(!digest.contains(&subject.simple().to_string()));
    }
}
