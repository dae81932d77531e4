//! Reading a policy: one definition a line, of names that were defined before.

use std::collections::{HashMap, HashSet};

use super::{Group, Log, MOST, Member, Policy, PolicyError, PolicyErrorKind, Witness};
use crate::checkpoint::decimal;
use crate::key::VerifierKey;

use PolicyErrorKind as Kind;

impl Policy {
    /// Reads a policy file: bytes, of which those above 0x7F may be of any encoding.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn parse(text: &[u8]) -> Result<Self, PolicyError> {
        let mut reader = Reader::default();
        let mut number = 0;
        let mut rest = text;
        while !rest.is_empty() {
            number += 1;
            let at = |kind| PolicyError { line: number, kind };
            let end = rest.iter().position(|byte| *byte == b'\n').ok_or(at(Kind::Newline))?;
            reader.line(&rest[..end]).map_err(at)?;
            rest = &rest[end + 1..];
        }
        let quorum = reader.quorum.ok_or(PolicyError { line: number + 1, kind: Kind::Quorum })?;
        Ok(Self { logs: reader.logs, witnesses: reader.witnesses, groups: reader.groups, quorum })
    }
}

/// What was read so far.
#[derive(Default)]
struct Reader<'t> {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Option<Option<Member>>,
    /// What witnesses and groups are named: one namespace.
    names: HashMap<&'t [u8], Member>,
    /// The names that are in a group.
    grouped: HashSet<&'t [u8]>,
}

impl<'t> Reader<'t> {
    fn line(&mut self, line: &'t [u8]) -> Result<(), Kind> {
        if line.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            return Err(Kind::Control);
        }
        let items: Vec<&[u8]> =
            line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|item| !item.is_empty()).collect();
        let Some((keyword, items)) = items.split_first() else { return Ok(()) };
        match *keyword {
            keyword if keyword.starts_with(b"#") => Ok(()),
            b"log" => self.log(items),
            b"witness" => self.witness(items),
            b"group" => self.group(items),
            b"quorum" => self.quorum(items),
            _ => Err(Kind::Keyword),
        }
    }

    fn log(&mut self, items: &[&[u8]]) -> Result<(), Kind> {
        let (key, url) = match items {
            [key] => (key, None),
            [key, url] => (key, Some(url.to_vec())),
            _ => return Err(Kind::Items),
        };
        let key = vkey(key).filter(VerifierKey::signs_logs).ok_or(Kind::Key)?;
        fresh(&key, self.logs.iter().map(|log| &log.key))?;
        self.logs.push(Log { key, url });
        Ok(())
    }

    fn witness(&mut self, items: &[&'t [u8]]) -> Result<(), Kind> {
        let (name, key, url) = match items {
            [name, key] => (*name, key, None),
            [name, key, url] => (*name, key, Some(url.to_vec())),
            _ => return Err(Kind::Items),
        };
        let key = vkey(key).filter(VerifierKey::cosigns).ok_or(Kind::Key)?;
        fresh(&key, self.witnesses.iter().map(|witness| &witness.key))?;
        self.define(name, Member::Witness(self.witnesses.len()))?;
        self.witnesses.push(Witness { name: name.to_vec(), key, url });
        Ok(())
    }

    fn group(&mut self, items: &[&'t [u8]]) -> Result<(), Kind> {
        let [name, threshold, names @ ..] = items else { return Err(Kind::Items) };
        if names.is_empty() {
            return Err(Kind::Items);
        }
        let threshold = match *threshold {
            b"all" => names.len(),
            b"any" => 1,
            number => std::str::from_utf8(number)
                .ok()
                .and_then(decimal)
                .and_then(|number| usize::try_from(number).ok())
                .filter(|number| (1..=names.len()).contains(number))
                .ok_or(Kind::Threshold)?,
        };
        let mut members = Vec::with_capacity(names.len());
        for member in names {
            members.push(*self.names.get(member).ok_or(Kind::Undefined)?);
            if !self.grouped.insert(member) {
                return Err(Kind::Member);
            }
        }
        self.define(name, Member::Group(self.groups.len()))?;
        self.groups.push(Group { threshold, members });
        Ok(())
    }

    fn quorum(&mut self, items: &[&[u8]]) -> Result<(), Kind> {
        let [name] = items else { return Err(Kind::Items) };
        if self.quorum.is_some() {
            return Err(Kind::Quorum);
        }
        let quorum = match *name {
            b"none" => None,
            name => Some(*self.names.get(name).ok_or(Kind::Undefined)?),
        };
        self.quorum = Some(quorum);
        Ok(())
    }

    fn define(&mut self, name: &'t [u8], member: Member) -> Result<(), Kind> {
        if self.names.len() >= MOST {
            return Err(Kind::TooMany);
        }
        if name == b"none" || self.names.insert(name, member).is_some() { Err(Kind::Name) } else { Ok(()) }
    }
}

fn vkey(text: &[u8]) -> Option<VerifierKey> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Keys are the same where their public keys are, whatever their names and algorithms.
fn fresh<'k>(key: &VerifierKey, mut others: impl ExactSizeIterator<Item = &'k VerifierKey>) -> Result<(), Kind> {
    if others.len() >= MOST {
        return Err(Kind::TooMany);
    }
    let same = |other: &VerifierKey| other.public().bytes() == key.public().bytes();
    if others.any(same) { Err(Kind::Duplicate) } else { Ok(()) }
}
