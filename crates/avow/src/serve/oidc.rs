//! The provider of identities of the configuration, read and checked before anything is started. Nothing is asked of it.

use anyhow::{Context, ensure};
use avow_api::{Grant, Oidc};
use avow_oidc::{Provider, Settings};
use avow_schemas::ids::SiteId;
use avow_schemas::people::Role;

use crate::config::{Config, GroupRole, OidcConfig};

/// Where the provider sends browsers back to, behind the public address.
const CALLBACK: &str = "/api/v1/session/oidc/callback";

/// The provider; none where none is configured.
///
/// # Errors
/// Settings that cannot be, by their key.
pub fn provider(config: &Config) -> anyhow::Result<Option<Oidc>> {
    let of = &config.oidc;
    let Some(issuer) = of.issuer.clone() else {
        let is_empty = of.client_id.is_empty() && of.roles.is_empty() && of.role_claim.is_none();
        ensure!(is_empty, "oidc.issuer is not set, and other keys of [oidc] are");
        return Ok(None);
    };
    let is_reached = config.webhooks.public_url.is_some() || config.listen.ip().is_loopback();
    ensure!(is_reached, "oidc.issuer needs webhooks.public_url: where people reach this installation");
    let grants = grants(of)?;
    ensure!(
        grants.is_empty() == of.role_claim.is_none(),
        "oidc.roles and oidc.role_claim go together: the claim holds groups, and roles says what each is"
    );
    let redirect_url = format!("{}{CALLBACK}", config.public_url().trim_end_matches('/'));
    let name = of.name.clone().filter(|name| !name.trim().is_empty()).unwrap_or_else(|| host(&issuer));
    let provider = Provider::new(Settings {
        issuer,
        client_id: of.client_id.clone(),
        client_secret: of.client_secret.reveal().to_owned(),
        scopes: of.scopes.split_whitespace().map(str::to_owned).collect(),
        redirect_url,
        verified_claim: of.verified_claim.clone(),
        role_claim: of.role_claim.clone(),
    })?;
    Ok(Some(Oidc { provider, name, grants }))
}

fn host(issuer: &str) -> String {
    let url = reqwest::Url::parse(issuer).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| issuer.to_owned())
}

fn grants(of: &OidcConfig) -> anyhow::Result<Vec<Grant>> {
    let grant = |(group, role): (&String, &GroupRole)| {
        let (role, sites) = match role {
            GroupRole::Role(role) => (role, None),
            GroupRole::Limited(limited) => (&limited.role, Some(&limited.sites)),
        };
        let role = Role::parse(role)
            .with_context(|| format!("oidc.roles.{group}: {role:?} is no role: analyst, auditor, admin"))?;
        let site = |name: &String| {
            SiteId::new(name).ok().with_context(|| format!("oidc.roles.{group}.sites: {name:?} is no name of a site"))
        };
        let sites = sites.map(|sites| sites.iter().map(site).collect::<anyhow::Result<Vec<_>>>()).transpose()?;
        ensure!(
            sites.as_ref().is_none_or(|sites| !sites.is_empty()),
            "oidc.roles.{group}.sites is empty: name at least one site, or give the role alone"
        );
        Ok(Grant { group: group.clone(), role, sites })
    };
    of.roles.iter().map(grant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(toml: &str) -> Config {
        Config { oidc: toml::from_str(toml).unwrap(), ..Config::default() }
    }

    const GOOD: &str = "issuer = 'https://id.example.org'\nclient_id = 'avow'\nclient_secret = '0123456789abcdef'\n";

    #[test]
    fn a_provider_comes_from_the_section() {
        assert!(provider(&Config::default()).unwrap().is_none());
        let roles =
            "role_claim = 'groups'\n[roles]\nadmins = 'admin'\nshop = {role = 'analyst', sites = ['shop.example']}";
        let oidc = provider(&config(&format!("{GOOD}{roles}"))).unwrap().unwrap();
        assert_eq!(oidc.name, "id.example.org");
        assert_eq!(oidc.provider.redirect_url(), "http://127.0.0.1:8080/api/v1/session/oidc/callback");
        let grants: Vec<_> = oidc.grants.iter().map(|grant| (grant.group.as_str(), grant.role)).collect();
        assert_eq!(grants, [("admins", Role::Admin), ("shop", Role::Analyst)]);
        assert!(oidc.grants[0].sites.is_none() && oidc.grants[1].sites.as_ref().unwrap()[0].as_str() == "shop.example");
    }

    #[test]
    fn what_cannot_be_is_named() {
        let wrong = |toml: &str| format!("{:#}", provider(&config(toml)).unwrap_err());
        for (toml, says) in [
            ("client_id = 'avow'", "oidc.issuer is not set"),
            (&format!("{GOOD}role_claim = 'groups'"), "go together"),
            (&format!("{GOOD}[roles]\nadmins = 'admin'"), "go together"),
            (&format!("{GOOD}role_claim = 'groups'\n[roles]\nadmins = 'boss'"), "oidc.roles.admins: \"boss\""),
            (&format!("{GOOD}role_claim = 'groups'\n[roles]\na = {{role = 'admin', sites = []}}"), "sites is empty"),
            ("issuer = 'https://id.example.org'\nclient_id = 'avow'", "oidc.client_secret is not set"),
        ] {
            let said = wrong(toml);
            assert!(said.contains(says), "{said}");
        }
        let mut public = config(GOOD);
        public.listen = "0.0.0.0:8080".parse().unwrap();
        assert!(format!("{:#}", provider(&public).unwrap_err()).contains("webhooks.public_url"));
    }
}
