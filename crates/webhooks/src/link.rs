//! Links that are good for a while without a token: what they lead to and until when, under an HMAC.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

/// To what a link leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub report: Uuid,
    /// The days that it is about, both included, `2026-11-24`.
    pub first_day: String,
    pub last_day: String,
    /// Until when it is good, seconds since 1970.
    pub until: i64,
}

/// The text of a link: its JSON and the HMAC-SHA256 of that, in base64url.
pub fn written(link: &Link, secret: &str) -> Option<String> {
    let said = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(link).ok()?);
    let tag = BASE64_URL_SAFE_NO_PAD.encode(mac(&said, secret)?.finalize().into_bytes());
    Some(format!("{said}.{tag}"))
}

/// Reads a link: to what it says that it leads, and then whether that was signed with the secret of that report. None where it is
/// no link, or not signed so, or not good any more at `now` (seconds since 1970).
pub fn read(text: &str, now: i64, secret_of: impl FnOnce(Uuid) -> Option<String>) -> Option<Link> {
    let (said, tag) = text.split_once('.')?;
    let link: Link = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(said).ok()?).ok()?;
    let tag = BASE64_URL_SAFE_NO_PAD.decode(tag).ok()?;
    mac(said, &secret_of(link.report)?)?.verify_slice(&tag).ok()?;
    (now < link.until).then_some(link)
}

fn mac(said: &str, secret: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(b"avow/link/1\0");
    mac.update(said.as_bytes());
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn link() -> Link {
        Link { report: Uuid::from_u128(7), first_day: "2026-11-18".into(), last_day: "2026-11-24".into(), until: 100 }
    }

    #[test]
    fn a_link_is_good_for_its_time_under_its_secret() {
        let text = written(&link(), "secret").unwrap();
        let secret = |_| Some("secret".to_owned());
        assert_eq!(read(&text, 99, secret), Some(link()));
        assert_eq!(read(&text, 100, secret), None, "over");
        assert_eq!(read(&text, 99, |_| Some("other".to_owned())), None);
        assert_eq!(read(&text, 99, |_| None), None, "the report is gone");
        let other = written(&Link { until: 1000, ..link() }, "other").unwrap();
        let mixed = format!("{}.{}", other.split_once('.').unwrap().0, text.split_once('.').unwrap().1);
        assert_eq!(read(&mixed, 99, secret), None);
    }

    proptest! {
        #[test]
        fn any_text_is_no_link(text in ".{0,80}") {
            prop_assert_eq!(read(&text, 0, |_| Some("secret".to_owned())), None);
        }
    }
}
