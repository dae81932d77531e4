//! Cross-origin answers. A beacon's `text/plain` needs no preflight; other types do, and a preflight has no body, so it is
//! answered for any origin that some site lists. Whether an origin may send for a site is checked with each event.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use avow_control::Directory;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// All origins that some site lists, by the control plane's snapshot that they were gathered from.
#[derive(Default)]
pub struct Origins {
    gathered: RwLock<Option<(Arc<Directory>, Arc<Listed>)>>,
}

#[derive(Debug, Default)]
struct Listed {
    exact: HashSet<String>,
    /// `https://*.shop.example` as `https://shop.example`.
    parents: HashSet<String>,
}

impl Listed {
    fn gather(directory: &Directory) -> Self {
        let mut listed = Self::default();
        for origin in directory.sites().flat_map(|(_, history)| &history.current().settings.origins) {
            match origin.split_once("://*.") {
                Some((scheme, parent)) => listed.parents.insert(format!("{scheme}://{parent}")),
                None => listed.exact.insert(origin.clone()),
            };
        }
        listed
    }

    fn allows(&self, origin: &str) -> bool {
        if self.exact.contains(origin) {
            return true;
        }
        let Some((scheme, host)) = origin.split_once("://") else { return false };
        let mut above = host;
        while let Some((below, parent)) = above.split_once('.') {
            if !below.is_empty() && self.parents.contains(&format!("{scheme}://{parent}")) {
                return true;
            }
            above = parent;
        }
        false
    }
}

impl Origins {
    fn allow(&self, directory: &Arc<Directory>, origin: &str) -> bool {
        let gathered = self.gathered.read().unwrap_or_else(PoisonError::into_inner).clone();
        let listed = match gathered {
            Some((of, listed)) if Arc::ptr_eq(&of, directory) => listed,
            _ => {
                let listed = Arc::new(Listed::gather(directory));
                let fresh = Some((Arc::clone(directory), Arc::clone(&listed)));
                *self.gathered.write().unwrap_or_else(PoisonError::into_inner) = fresh;
                listed
            }
        };
        listed.allows(origin)
    }

    /// Marks an answer for the origin of its request, where some site lists it; `preflight` adds what a preflight asks.
    pub fn mark(&self, directory: &Arc<Directory>, request: &HeaderMap, answer: &mut HeaderMap, preflight: bool) {
        answer.insert(VARY, HeaderValue::from_static("origin"));
        answer.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let resource_policy = HeaderName::from_static("cross-origin-resource-policy");
        answer.insert(resource_policy, HeaderValue::from_static("cross-origin"));
        let Some(origin) = request.get(ORIGIN) else { return };
        if !origin.to_str().is_ok_and(|origin| self.allow(directory, origin)) {
            return;
        }
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
        if preflight {
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
            let headers = HeaderValue::from_static("authorization, content-encoding, content-type");
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, headers);
            answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::origin::matches;

    #[test]
    fn what_all_sites_list_together_is_what_each_lists() {
        let listed =
            ["https://shop.example", "https://*.shop.example", "https://*.a.b.example:8443", "http://plain.example"];
        let mut all = Listed::default();
        for origin in listed {
            match origin.split_once("://*.") {
                Some((scheme, parent)) => all.parents.insert(format!("{scheme}://{parent}")),
                None => all.exact.insert(origin.into()),
            };
        }
        for origin in [
            "https://shop.example",
            "https://www.shop.example",
            "https://x.y.shop.example",
            "https://.shop.example",
            "https://evil.example",
            "https://x.a.b.example:8443",
            "https://x.a.b.example",
            "http://plain.example",
            "http://www.shop.example",
            "null",
            "",
        ] {
            assert_eq!(all.allows(origin), listed.iter().any(|listed| matches(listed, origin)), "{origin}");
        }
    }
}
