//! What the registry has said, on disk. A file that is missing, damaged or of another registry is as good as none: what it
//! held is asked for again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// Its address: another registry numbers otherwise.
    registry: String,
    /// By subject: the schema that was registered, and its id.
    registered: BTreeMap<String, (String, u32)>,
    /// By id.
    schemas: BTreeMap<u32, String>,
}

pub(crate) struct Cache {
    path: PathBuf,
    kept: Kept,
}

impl Cache {
    pub(crate) fn open(path: PathBuf, registry: &str) -> Self {
        let nothing = || Kept { registry: registry.to_owned(), ..Kept::default() };
        let kept = match fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice::<Kept>(&bytes) {
                Ok(kept) if kept.registry == registry => kept,
                Ok(_) => nothing(),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "registry.cache_not_understood");
                    nothing()
                }
            },
            Err(_) => nothing(),
        };
        Self { path, kept }
    }

    /// The id under which this schema was registered.
    pub(crate) fn id(&self, subject: &str, schema: &str) -> Option<u32> {
        self.kept.registered.get(subject).filter(|(registered, _)| registered == schema).map(|(_, id)| *id)
    }

    pub(crate) fn schema(&self, id: u32) -> Option<String> {
        self.kept.schemas.get(&id).cloned()
    }

    pub(crate) fn registered(&mut self, subject: &str, schema: &str, id: u32, text: &str) {
        let before = self.id(subject, schema);
        // A registry that numbers this schema anew has been begun anew: what it said of other ids no longer holds.
        if before.is_some_and(|before| before != id) {
            self.kept.schemas.clear();
        }
        self.kept.registered.insert(subject.to_owned(), (schema.to_owned(), id));
        self.learned(id, text);
    }

    pub(crate) fn learned(&mut self, id: u32, schema: &str) {
        self.kept.schemas.insert(id, schema.to_owned());
        // Without the file the next start needs the registry, and that is all.
        if let Err(error) = self.write() {
            tracing::warn!(path = %self.path.display(), %error, "registry.cache_not_written");
        }
    }

    fn write(&self) -> io::Result<()> {
        let beside = self.path.with_extension("json.new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(&self.kept)?)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_learned_is_there_after_a_restart_and_not_for_another_registry() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("schema-registry.json");
        let mut cache = Cache::open(path.clone(), "http://one");
        cache.learned(9, "\"other\"");
        cache.registered("s-value", "schema A", 7, "\"string\"");
        let again = Cache::open(path.clone(), "http://one");
        assert_eq!(again.id("s-value", "schema A"), Some(7));
        assert_eq!((again.id("s-value", "schema B"), again.id("t-value", "schema A")), (None, None));
        assert_eq!(again.schema(9).as_deref(), Some("\"other\""));
        let elsewhere = Cache::open(path, "http://two");
        assert_eq!((elsewhere.id("s-value", "schema A"), elsewhere.schema(9)), (None, None));
    }

    #[test]
    fn a_registry_that_was_begun_anew_is_not_believed_to_be_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let mut cache = Cache::open(dir.path().join("schema-registry.json"), "http://one");
        cache.registered("s-value", "schema A", 7, "\"string\"");
        cache.learned(9, "\"other\"");
        cache.registered("s-value", "schema A", 7, "\"string\"");
        assert!(cache.schema(9).is_some());
        cache.registered("s-value", "schema A", 1, "\"string\"");
        assert_eq!((cache.schema(9), cache.schema(7)), (None, None));
        assert_eq!(cache.schema(1).as_deref(), Some("\"string\""));
    }

    proptest! {
        #[test]
        fn any_file_is_read_or_begun_anew(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("schema-registry.json");
            fs::write(&path, bytes).unwrap();
            prop_assert_eq!(Cache::open(path, "http://one").schema(1), None);
        }
    }
}
