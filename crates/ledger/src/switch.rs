//! The switch that turns observation on in an operator's own test browser: a note (C2SP signed-note) of the installation that
//! names a site and when it ends, as base64url, so that it goes into an address.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{Note, VerifierKey};

/// The note's first line.
const HEADER: &str = "avow observation switch v1";

/// For which site, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    pub site: String,
    /// From this moment on it is off, ms since 1970.
    pub until: i64,
}

/// Why a text is no switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no switch that this installation has signed")]
pub struct NoSwitch;

impl Switch {
    /// The text of its note.
    pub fn text(&self) -> String {
        format!("{HEADER}\n{}\n{}\n", self.site, self.until)
    }

    /// Its note, once signed, as it goes into an address.
    pub fn sealed(note: &str) -> String {
        URL_SAFE_NO_PAD.encode(note)
    }

    /// Reads a switch from an address.
    ///
    /// # Errors
    /// Where none of these keys has signed it, or what is signed is something else.
    pub fn open(sealed: &str, keys: &[VerifierKey]) -> Result<Self, NoSwitch> {
        let note = URL_SAFE_NO_PAD.decode(sealed).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let note = note.and_then(|note| Note::parse(&note).ok()).ok_or(NoSwitch)?;
        note.verify(keys).map_err(|_| NoSwitch)?;
        let mut lines = note.text.lines().skip(1);
        let site = lines.next().ok_or(NoSwitch)?.to_owned();
        let until = lines.next().and_then(|until| until.parse().ok()).ok_or(NoSwitch)?;
        let switch = Self { site, until };
        if switch.text() == note.text { Ok(switch) } else { Err(NoSwitch) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SigningKey;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed("avow.example/log".parse().unwrap(), [seed; 32])
    }

    fn sealed(text: &str, key: &SigningKey) -> String {
        let mut note = Note::new(text).unwrap();
        note.add(key.sign(&note.text));
        Switch::sealed(&note.to_string())
    }

    #[test]
    fn what_another_key_signed_and_what_is_another_note_is_no_switch() {
        let switch = Switch { site: "shop.example".into(), until: 7 };
        let ours = [key(1).vkey()];
        assert_eq!(Switch::open(&sealed(&switch.text(), &key(1)), &ours), Ok(switch.clone()));
        assert_eq!(Switch::open(&sealed(&switch.text(), &key(2)), &ours), Err(NoSwitch));
        for other in ["avow receipt v1\nshop.example\n7\n", "avow observation switch v1\nshop.example\n07\n", "x\n"] {
            assert_eq!(Switch::open(&sealed(other, &key(1)), &ours), Err(NoSwitch), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,200}") {
            prop_assert!(Switch::open(&text, &[key(1).vkey()]).is_err());
        }
    }
}
