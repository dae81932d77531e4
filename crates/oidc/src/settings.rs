//! What an operator says of the provider, checked before anything is started. Nothing is asked of the provider for that.

use url::{Host, Url};

/// The least of a client secret, in bytes: 128 bits in hexadecimal are twice that (OpenID Connect Core, 16.19). What browsers keep
/// of a sign-in is sealed with it.
const LEAST_SECRET: usize = 16;

/// Which provider, and as whom this installation speaks to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// Up to `/.well-known/openid-configuration`.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    /// What is asked for; `openid` is always.
    pub scopes: Vec<String>,
    /// Where the provider sends the browser back to, as it is registered there.
    pub redirect_url: String,
    /// The claim that says whether the e-mail address is verified.
    pub verified_claim: String,
    /// The claim that holds groups, where they give roles.
    pub role_claim: Option<String>,
}

/// What is wrong with the settings, by the key in the section `[oidc]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    #[error("this build is without sign-in by OpenID Connect (cargo feature `oidc`), and oidc.issuer is set")]
    NotBuilt,
    #[error("{0} is not set")]
    Missing(&'static str),
    #[error(
        "{key} is {value:?}: it must be an address that begins with https://, or with http:// where it is of this machine"
    )]
    Address { key: &'static str, value: String },
    #[error("oidc.client_secret has fewer than {LEAST_SECRET} characters: let the provider make one")]
    ShortSecret,
    #[error("oidc.issuer is {0:?}: it must be without query and fragment")]
    Issuer(String),
}

impl Settings {
    /// The same settings, if they can be.
    ///
    /// # Errors
    /// The first of them that cannot.
    pub fn checked(self) -> Result<Self, InvalidSettings> {
        let issuer = address("oidc.issuer", &self.issuer)?;
        if issuer.query().is_some() || issuer.fragment().is_some() {
            return Err(InvalidSettings::Issuer(self.issuer));
        }
        address("webhooks.public_url", &self.redirect_url)?;
        if self.client_id.is_empty() {
            return Err(InvalidSettings::Missing("oidc.client_id"));
        }
        match self.client_secret.len() {
            0 => Err(InvalidSettings::Missing("oidc.client_secret")),
            length if length < LEAST_SECRET => Err(InvalidSettings::ShortSecret),
            _ => Ok(self),
        }
    }

    /// Whether the provider may be asked without TLS: it is on this machine.
    #[cfg(feature = "client")]
    pub(crate) fn is_plain(&self) -> bool {
        self.issuer.starts_with("http://")
    }
}

/// An address that tokens and codes may go to: over TLS, or within this machine.
fn address(key: &'static str, text: &str) -> Result<Url, InvalidSettings> {
    let wrong = || InvalidSettings::Address { key, value: text.to_owned() };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_own = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_own => Ok(url),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn settings() -> Settings {
        Settings {
            issuer: "https://id.example.org/realms/shop".into(),
            client_id: "avow".into(),
            client_secret: "0123456789abcdef".into(),
            scopes: vec!["openid".into(), "email".into()],
            redirect_url: "https://avow.example.org/api/v1/session/oidc/callback".into(),
            verified_claim: "email_verified".into(),
            role_claim: None,
        }
    }

    #[test]
    fn settings_that_cannot_be_are_named() {
        assert!(settings().checked().is_ok());
        let local = Settings { issuer: "http://127.0.0.1:5556/dex".into(), ..settings() };
        assert!(local.checked().is_ok());
        let wrong = |settings: Settings| settings.checked().err().unwrap().to_string();
        for (settings, says) in [
            (Settings { issuer: "id.example.org".into(), ..settings() }, "oidc.issuer"),
            (Settings { issuer: "http://id.example.org".into(), ..settings() }, "https://"),
            (Settings { issuer: "https://id.example.org/?a=1".into(), ..settings() }, "without query"),
            (Settings { redirect_url: "http://avow.example.org/x".into(), ..settings() }, "webhooks.public_url"),
            (Settings { client_id: String::new(), ..settings() }, "oidc.client_id is not set"),
            (Settings { client_secret: String::new(), ..settings() }, "oidc.client_secret is not set"),
            (Settings { client_secret: "secret".into(), ..settings() }, "fewer than 16"),
        ] {
            let said = wrong(settings);
            assert!(said.contains(says), "{said}");
        }
    }
}
