//! What a witness has seen: per log one file with the newest checkpoint that it cosigned, with the log's signature and its
//! own, named by the SHA-256 of the log's origin. It is on the disk before the cosignature is given away.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use avow_ledger::witness::Seen;
use avow_ledger::{Checkpoint, Note, VerifierKey, hex};
use sha2::{Digest, Sha256};

/// What it has seen of each log, by origin. One request at a time looks at it and changes it.
pub struct Seens {
    dir: PathBuf,
    /// Held while the process lives: two witnesses of one state would cosign two histories.
    _lock: File,
    logs: HashMap<String, (Seen, String)>,
}

/// The name of a log in paths (C2SP tlog-witness, monitor retrieval).
pub fn origin_hash(origin: &str) -> String {
    hex::encode(&Sha256::digest(origin.as_bytes()).into())
}

impl Seens {
    /// Takes up what was seen of these logs.
    ///
    /// # Errors
    /// Where another witness has it open, or a file is not one that this witness wrote.
    pub fn open(dir: &Path, logs: &[VerifierKey], own: &[VerifierKey]) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        let lock = File::create(dir.join("lock")).with_context(|| dir.display().to_string())?;
        lock.try_lock().with_context(|| format!("another witness works on {}", dir.display()))?;
        let mut seens = Self { dir: dir.to_owned(), _lock: lock, logs: HashMap::new() };
        for key in logs {
            let origin = key.name().as_str();
            let path = seens.path(origin);
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(|| path.display().to_string()),
            };
            let trusted: Vec<VerifierKey> = logs.iter().chain(own).cloned().collect();
            let seen = read(&text, origin, &trusted);
            let seen = seen.with_context(|| format!("{} is not what this witness wrote", path.display()))?;
            seens.logs.insert(origin.to_owned(), (seen, text));
        }
        Ok(seens)
    }

    /// What was seen of a log; the empty tree before the first checkpoint.
    pub fn of(&self, origin: &str) -> Seen {
        self.logs.get(origin).map_or_else(Seen::default, |(seen, _)| *seen)
    }

    /// The newest checkpoint that was cosigned, by the hash of its log's origin.
    pub fn checkpoint(&self, hash: &str) -> Option<String> {
        self.logs.iter().find(|(origin, _)| origin_hash(origin) == hash).map(|(_, (_, note))| note.clone())
    }

    /// Writes down a cosigned checkpoint: when it returns, no power cut takes it back.
    ///
    /// # Errors
    /// The disk's. Then either the old checkpoint is in force or this one; nothing may be given away.
    pub fn put(&mut self, origin: &str, seen: Seen, note: String) -> std::io::Result<()> {
        let path = self.path(origin);
        let fresh = path.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(note.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        // From here on it may be the one that a restart finds.
        self.logs.insert(origin.to_owned(), (seen, note));
        File::open(&self.dir)?.sync_all()
    }

    fn path(&self, origin: &str) -> PathBuf {
        self.dir.join(format!("{}.checkpoint", origin_hash(origin)))
    }
}

fn read(text: &str, origin: &str, trusted: &[VerifierKey]) -> anyhow::Result<Seen> {
    let note = Note::parse(text)?;
    note.verify(trusted)?;
    let checkpoint = Checkpoint::parse(&note.text)?;
    if checkpoint.origin != origin {
        bail!("it is a checkpoint of {}", checkpoint.origin);
    }
    Ok(Seen { size: checkpoint.size, root: checkpoint.root })
}

#[cfg(test)]
mod tests {
    use avow_ledger::SigningKey;

    use super::*;

    fn cosigned(key: &SigningKey, size: u64) -> (Seen, String) {
        let seen = Seen { size, root: [7; 32] };
        let mut note = Note::new(Checkpoint::new(key.name().as_str(), size, seen.root).text()).unwrap();
        note.add(key.sign(&note.text));
        (seen, note.to_string())
    }

    #[test]
    fn what_was_seen_is_there_again_and_nothing_else_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed("example.com/log".parse().unwrap(), [1; 32]);
        let logs = [key.vkey()];
        let mut seens = Seens::open(dir.path(), &logs, &[]).unwrap();
        assert_eq!(seens.of("example.com/log"), Seen::default());
        let (seen, note) = cosigned(&key, 5);
        seens.put("example.com/log", seen, note.clone()).unwrap();
        let other = Seens::open(dir.path(), &logs, &[]).err().unwrap();
        assert!(other.to_string().contains("another witness works on"), "{other:#}");
        drop(seens);
        let path = dir.path().join(format!("{}.checkpoint", origin_hash("example.com/log")));
        // A kill before the new file took the old one's place.
        fs::write(path.with_extension("new"), "half a checkp").unwrap();
        let seens = Seens::open(dir.path(), &logs, &[]).unwrap();
        assert_eq!(seens.of("example.com/log"), seen);
        assert_eq!(seens.checkpoint(&origin_hash("example.com/log")), Some(note.clone()));
        drop(seens);
        let foreign = SigningKey::from_seed("example.com/other".parse().unwrap(), [2; 32]);
        for broken in [String::new(), note.replace("\n5\n", "\n4\n"), cosigned(&foreign, 5).1] {
            fs::write(&path, broken).unwrap();
            let error = Seens::open(dir.path(), &logs, &[foreign.vkey()]).err().unwrap();
            assert!(error.to_string().contains("is not what this witness wrote"), "{error:#}");
        }
    }
}
