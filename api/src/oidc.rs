//! `/api/v1/session/oidc`: signing in at a provider of identities (OpenID Connect). A browser goes there ([`begin`]) and comes
//! back ([`callback`]); who that is here is said by [`admit`], and what the page is told where it fails by [`refusal`]. The protocol
//! is `avow-oidc`'s.

mod admit;
pub mod begin;
pub mod callback;
mod refusal;
pub mod ways;

use avow_oidc::Provider;
use avow_schemas::ids::SiteId;
use avow_schemas::people::Role;

/// The provider, and who is let in by it.
#[derive(Debug)]
pub struct Oidc {
    pub provider: Provider,
    /// What the button says.
    pub name: String,
    /// Which groups make a person; none: who signs in must have been invited.
    pub grants: Vec<Grant>,
}

/// What a group of the provider's is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub group: String,
    pub role: Role,
    /// Limited to these sites; `None`: all.
    pub sites: Option<Vec<SiteId>>,
}

impl Oidc {
    /// What somebody in these groups is: the highest role, with all sites for which there is that role.
    fn granted(&self, groups: &[String]) -> Option<(Role, Option<Vec<SiteId>>)> {
        let height = |role: Role| Role::ALL.iter().position(|one| *one == role);
        let those: Vec<&Grant> = self.grants.iter().filter(|grant| groups.contains(&grant.group)).collect();
        let role = those.iter().map(|grant| grant.role).max_by_key(|role| height(*role))?;
        let mut sites = Some(Vec::new());
        for grant in those.iter().filter(|grant| grant.role == role) {
            match (&mut sites, &grant.sites) {
                (Some(sites), Some(more)) => sites.extend(more.iter().cloned()),
                (_, None) => sites = None,
                (None, _) => {}
            }
        }
        if let Some(sites) = &mut sites {
            sites.sort();
            sites.dedup();
        }
        Some((role, sites))
    }
}

/// Whether a text is a path of our own page, with its query, and leads nowhere else: browsers take `//host` and `/\host` for
/// another host.
fn is_own_path(path: &str) -> bool {
    let is_plain =
        path.len() <= 1000 && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#');
    is_plain && path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/api/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_our_own_are_gone_back_to() {
        for own in ["/", "/services?site=shop.example&filter=a%20b", "/audit/x"] {
            assert!(is_own_path(own), "{own}");
        }
        let long = format!("/{}", "a".repeat(1000));
        let others = [
            "",
            "x",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
            "/a b",
            "/#token=x",
            "/ä",
        ];
        for other in others.iter().chain([&"/api/v1/session/oidc", &long.as_str()]) {
            assert!(!is_own_path(other), "{other}");
        }
    }
}
