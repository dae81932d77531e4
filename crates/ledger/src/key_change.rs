//! The change of a log's signing key: a note (C2SP signed-note) in which the key in force names its successor, signed by
//! both. Who trusts the former key can follow it to the latter; that the latter signs shows that its holder agrees.

use std::collections::HashSet;

use crate::key::VerifierKey;
use crate::note::{Note, NoteError};

/// The note's first line.
const HEADER: &str = "avow key change v1";

/// One key hands over to another of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// The key in force until then.
    pub from: VerifierKey,
    pub to: VerifierKey,
    /// Ms since 1970, by the clock of who signed it.
    pub made_at: i64,
}

/// Why a note is no change of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyChangeError {
    #[error("this is no key change")]
    Form,
    #[error("the two keys of a key change are of one name, and are two")]
    Keys,
    #[error("a key change is signed by {0}, and this is not")]
    Unsigned(Box<VerifierKey>),
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl KeyChange {
    /// The text that both keys sign.
    pub fn text(&self) -> String {
        format!("{HEADER}\n{}\n{}\n{}\n", self.from, self.to, self.made_at)
    }

    /// Reads a note, which both keys have signed.
    ///
    /// # Errors
    /// Where it is not exactly what [`KeyChange::text`] writes, or a signature is missing or wrong.
    pub fn read(note: &str) -> Result<Self, KeyChangeError> {
        let note = Note::parse(note)?;
        let change = Self::parse(&note.text)?;
        let keys = [change.from.clone(), change.to.clone()];
        let signed: Vec<&VerifierKey> = note.verify(&keys)?.into_iter().map(|signed| signed.key).collect();
        match keys.iter().find(|key| !signed.contains(key)) {
            Some(missing) => Err(KeyChangeError::Unsigned(Box::new(missing.clone()))),
            None => Ok(change),
        }
    }

    /// Reads the text alone.
    ///
    /// # Errors
    /// Where it is not exactly what [`KeyChange::text`] writes, or the keys are not two of one name.
    pub fn parse(text: &str) -> Result<Self, KeyChangeError> {
        let mut lines = text.lines().skip(1);
        let mut next = || lines.next().ok_or(KeyChangeError::Form);
        let key = |line: &str| line.parse::<VerifierKey>().map_err(|_| KeyChangeError::Form);
        let (from, to) = (key(next()?)?, key(next()?)?);
        let made_at = next()?.parse().map_err(|_| KeyChangeError::Form)?;
        let change = Self { from, to, made_at };
        if change.text() != text {
            return Err(KeyChangeError::Form);
        }
        if change.from.name() != change.to.name() || change.from == change.to {
            return Err(KeyChangeError::Keys);
        }
        Ok(change)
    }
}

/// The keys that follow from `key`, by changes in any order: itself, its successor, and so on.
pub fn successors<'a>(key: &'a VerifierKey, changes: &'a [KeyChange]) -> Vec<&'a VerifierKey> {
    walk(key, changes, |change| (&change.from, &change.to))
}

/// The keys from which `key` follows: itself, its predecessor, and so on.
pub fn predecessors<'a>(key: &'a VerifierKey, changes: &'a [KeyChange]) -> Vec<&'a VerifierKey> {
    walk(key, changes, |change| (&change.to, &change.from))
}

fn walk<'a>(
    key: &'a VerifierKey,
    changes: &'a [KeyChange],
    step: impl Fn(&'a KeyChange) -> (&'a VerifierKey, &'a VerifierKey),
) -> Vec<&'a VerifierKey> {
    let (mut reached, mut seen) = (vec![key], HashSet::from([key.to_string()]));
    let mut at = 0;
    while let Some(key) = reached.get(at).copied() {
        for (here, there) in changes.iter().map(&step) {
            if here == key && seen.insert(there.to_string()) {
                reached.push(there);
            }
        }
        at += 1;
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;

    fn key(name: &str, seed: u8) -> SigningKey {
        SigningKey::from_seed(name.parse().unwrap(), [seed; 32])
    }

    fn change(from: &SigningKey, to: &SigningKey, by: &[&SigningKey]) -> (KeyChange, String) {
        let change = KeyChange { from: from.vkey(), to: to.vkey(), made_at: 1_794_000_000_000 };
        let mut note = Note::new(change.text()).unwrap();
        by.iter().for_each(|key| note.add(key.sign(&note.text)));
        (change, note.to_string())
    }

    #[test]
    fn both_keys_have_signed_it() {
        let (old, new, other) = (key("log.example", 1), key("log.example", 2), key("log.example", 3));
        let (written, note) = change(&old, &new, &[&old, &new]);
        assert_eq!(KeyChange::read(&note), Ok(written));
        for by in [vec![&old], vec![&new], vec![&old, &other]] {
            let unsigned = KeyChange::read(&change(&old, &new, &by).1);
            assert!(matches!(unsigned, Err(KeyChangeError::Unsigned(_))), "{unsigned:?}");
        }
        assert!(KeyChange::read(&note.replace("1794", "1795")).is_err());
        assert_eq!(KeyChange::read(&change(&old, &old, &[&old]).1), Err(KeyChangeError::Keys));
        let elsewhere = key("other.example", 2);
        assert_eq!(KeyChange::read(&change(&old, &elsewhere, &[&old, &elsewhere]).1), Err(KeyChangeError::Keys));
    }

    #[test]
    fn nothing_else_is_read_as_one() {
        let (old, new) = (key("log.example", 1), key("log.example", 2));
        let (_, note) = change(&old, &new, &[&old, &new]);
        for (what, with) in [("v1", "v2"), ("1794000000000", "01794000000000"), ("+", " "), ("\n1794", "\n\n1794")] {
            assert!(KeyChange::read(&note.replacen(what, with, 1)).is_err(), "{what:?}");
        }
    }

    #[test]
    fn keys_follow_from_one_another() {
        let keys: Vec<SigningKey> = (1..=4).map(|seed| key("log.example", seed)).collect();
        let vkeys: Vec<VerifierKey> = keys.iter().map(SigningKey::vkey).collect();
        let steps = [(1, 2), (0, 1), (2, 0)];
        let changes: Vec<KeyChange> = steps.iter().map(|(from, to)| change(&keys[*from], &keys[*to], &[]).0).collect();
        assert_eq!(successors(&vkeys[0], &changes[..2]), [&vkeys[0], &vkeys[1], &vkeys[2]]);
        assert_eq!(predecessors(&vkeys[2], &changes[..2]), [&vkeys[2], &vkeys[1], &vkeys[0]]);
        // A circle ends.
        assert_eq!(successors(&vkeys[1], &changes).len(), 3);
        assert_eq!(successors(&vkeys[3], &changes), [&vkeys[3]]);
    }
}
