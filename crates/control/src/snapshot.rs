//! The control topic as this process last saw it, on disk: what it goes on with if it must start while the log does not
//! answer. Once the log answers, the topic is read anew from its beginning: a snapshot may not know that a token has been
//! revoked, and must not outlast its use.
//!
//! One file of JSON lines: first which log it is of, then the records that compaction would keep, in the topic's order.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use avow_schemas::control::ControlValue;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Serialize, Deserialize)]
struct Head {
    log_id: Uuid,
    records: usize,
}

/// One record that is in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) key: String,
    pub(crate) value: ControlValue,
}

/// The newest value of each key, by the position at which it lies.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    by_position: BTreeMap<u64, Line>,
    positions: HashMap<String, u64>,
}

impl Kept {
    /// Takes one record of the topic. `None` deletes the key.
    pub(crate) fn apply(&mut self, position: u64, key: &str, value: Option<&ControlValue>) {
        if let Some(old) = self.positions.remove(key) {
            self.by_position.remove(&old);
        }
        if let Some(value) = value {
            self.positions.insert(key.to_owned(), position);
            self.by_position.insert(position, Line { key: key.to_owned(), value: value.clone() });
        }
    }

    /// Writes the file anew: whole, or as it was. It holds hashes of tokens, and is readable by its owner alone.
    pub(crate) fn write(&self, path: &Path, log_id: Uuid) -> std::io::Result<()> {
        let fresh = path.with_extension("tmp");
        let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        let mut to = BufWriter::new(file);
        let head = Head { log_id, records: self.by_position.len() };
        serde_json::to_writer(&mut to, &head)?;
        for line in self.by_position.values() {
            to.write_all(b"\n")?;
            serde_json::to_writer(&mut to, line)?;
        }
        to.write_all(b"\n")?;
        to.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&fresh, path)
    }
}

/// Where the snapshot lies, of which log.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) log_id: Uuid,
}

impl Place {
    /// The records of the snapshot; an error where there is none, it is of another log, or it is not whole.
    pub(crate) fn read(&self) -> std::io::Result<Vec<Line>> {
        let broken = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
        let mut lines = BufReader::new(File::open(&self.path)?).lines();
        let head: Head = serde_json::from_str(&lines.next().ok_or_else(|| broken("it is empty"))??)?;
        if head.log_id != self.log_id {
            return Err(broken("it is of another log"));
        }
        let read = lines.map(|line| Ok(serde_json::from_str(&line?)?));
        let read = read.collect::<std::io::Result<Vec<Line>>>()?;
        if read.len() == head.records { Ok(read) } else { Err(broken("it is not whole")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use avow_schemas::ids::SiteId;
    use avow_schemas::settings::SiteSettings;

    fn site(name: &str) -> ControlValue {
        let site = SiteId::new("shop.example").unwrap();
        ControlValue::Site { site, made_at: 0, settings: SiteSettings::named(name) }
    }

    #[test]
    fn what_compaction_would_keep_is_kept_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place { path: dir.path().join("control"), log_id: Uuid::from_u128(7) };
        let mut kept = Kept::default();
        for (position, key, name) in
            [(0, "b", Some("old")), (1, "a", Some("A")), (4, "b", Some("B")), (5, "c", Some("C"))]
        {
            kept.apply(position, key, name.map(site).as_ref());
        }
        kept.apply(9, "c", None);
        kept.write(&place.path, place.log_id).unwrap();
        let line = |key: &str, name: &str| Line { key: key.into(), value: site(name) };
        assert_eq!(place.read().unwrap(), [line("a", "A"), line("b", "B")]);
        assert!(Place { log_id: Uuid::nil(), ..place.clone() }.read().is_err(), "of another log");
        let text = fs::read_to_string(&place.path).unwrap();
        fs::write(&place.path, &text[..text.len() - 30]).unwrap();
        assert!(place.read().is_err(), "torn");
    }
}
