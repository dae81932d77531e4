//! A sign-in between its two halves. Nothing of it is kept on the server: the browser keeps `<seed>.<ms since 1970>.<path>`, and
//! state, nonce and PKCE verifier are HMACs of that under the client's secret, which every process of the installation has. The
//! state that the provider sends back is right only if the browser shows what belongs to it, unchanged; neither says the others.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{Flow, LASTS_MS, OidcError};

/// What the HMACs begin with; the version of this way of sealing.
const DOMAIN: &str = "avow/oidc/1";
const SEED: usize = 32;

/// With what sign-ins are sealed.
pub struct Key(Vec<u8>);

/// What goes with a sign-in.
pub struct Sealed {
    /// For the browser to keep.
    pub kept: String,
    pub state: String,
    pub flow: Flow,
}

impl Key {
    pub fn new(client_secret: &str) -> Self {
        Self(client_secret.as_bytes().to_vec())
    }

    /// Begins a sign-in of somebody who was at a path of ours, at a moment (milliseconds since 1970).
    ///
    /// # Errors
    /// Where there is no randomness.
    pub fn seal(&self, path: &str, now: i64) -> Result<Sealed, OidcError> {
        let mut seed = [0; SEED];
        getrandom::fill(&mut seed).map_err(|error| OidcError::Unavailable(format!("no randomness: {error}")))?;
        let kept = format!("{}.{now}.{}", URL_SAFE_NO_PAD.encode(seed), URL_SAFE_NO_PAD.encode(path));
        Ok(Sealed { state: self.derived("state", &kept), flow: self.flow(&kept, path.to_owned()), kept })
    }

    /// The sign-in that a browser has begun, by what it has kept and by the state that the provider sends back.
    ///
    /// # Errors
    /// [`OidcError::NotBegun`].
    pub fn open(&self, kept: &str, state: &str, now: i64) -> Result<Flow, OidcError> {
        let given = URL_SAFE_NO_PAD.decode(state).map_err(|_| OidcError::NotBegun("the state is none"))?;
        // Compared in constant time.
        let is_its = self.mac("state", kept).verify_slice(&given).is_ok();
        if !is_its {
            return Err(OidcError::NotBegun("the state is another"));
        }
        let unreadable = || OidcError::NotBegun("it cannot be read");
        let (begun, path) = kept.split_once('.').and_then(|(_, rest)| rest.split_once('.')).ok_or_else(unreadable)?;
        let begun: i64 = begun.parse().map_err(|_| unreadable())?;
        if !(0..LASTS_MS).contains(&now.saturating_sub(begun)) {
            return Err(OidcError::NotBegun("it was begun more than 10 minutes ago"));
        }
        let path = URL_SAFE_NO_PAD.decode(path).ok().and_then(|path| String::from_utf8(path).ok());
        Ok(self.flow(kept, path.ok_or_else(unreadable)?))
    }

    fn flow(&self, kept: &str, path: String) -> Flow {
        Flow { path, nonce: self.derived("nonce", kept), verifier: self.derived("verifier", kept) }
    }

    /// 43 characters, as a PKCE verifier must have at least (RFC 7636, 4.1).
    fn derived(&self, what: &str, kept: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(what, kept).finalize().into_bytes())
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    fn mac(&self, what: &str, kept: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length");
        for part in [DOMAIN, what, kept] {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_browser_has_kept_opens_a_sign_in_and_for_ten_minutes() {
        let key = Key::new("0123456789abcdef");
        let sealed = key.seal("/services?site=shop.example", 1_000).unwrap();
        let opened = key.open(&sealed.kept, &sealed.state, 1_000 + LASTS_MS - 1).unwrap();
        assert_eq!(opened, sealed.flow);
        assert_eq!((opened.path.as_str(), opened.verifier.len()), ("/services?site=shop.example", 43));
        assert_ne!(opened.nonce, opened.verifier);

        let other = key.seal("/services?site=shop.example", 1_000).unwrap();
        assert_ne!(other.state, sealed.state);
        let elsewhere = sealed.kept.rsplit_once('.').unwrap().0.to_owned() + "." + &URL_SAFE_NO_PAD.encode("//evil");
        let later = sealed.kept.replace(".1000.", ".9000.");
        for (kept, state, now) in [
            (&sealed.kept, &other.state, 1_000),
            (&other.kept, &sealed.state, 1_000),
            (&elsewhere, &sealed.state, 1_000),
            (&later, &sealed.state, 9_000),
            (&sealed.kept, &sealed.state, 1_000 + LASTS_MS),
            (&sealed.kept, &sealed.state, 999),
            (&sealed.kept, &"!".to_owned(), 1_000),
            (&String::new(), &String::new(), 1_000),
        ] {
            assert!(matches!(key.open(kept, state, now), Err(OidcError::NotBegun(_))), "{kept} {state} {now}");
        }
        assert!(Key::new("another secret...").open(&sealed.kept, &sealed.state, 1_000).is_err());
    }
}
