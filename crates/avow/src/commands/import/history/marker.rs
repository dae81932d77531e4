//! How far a file has been sent, in `<FILE>.avow-import` beside it: written after each batch, gone once the file is through.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What is remembered of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Of everything on the command line that makes other events of the same rows.
    pub settings: String,
    /// Bytes of the file.
    pub size: u64,
    /// Rows that are through.
    pub rows: u64,
    /// What the server said of them.
    pub sent: u64,
    pub accepted: u64,
    pub refused: BTreeMap<String, u64>,
    pub left_out: BTreeMap<String, u64>,
}

impl Marker {
    pub fn new(settings: &[&str], size: u64) -> Self {
        let hash = Sha256::digest(settings.join("\n"));
        let settings = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { settings, size, ..Self::default() }
    }

    /// What was remembered of this file.
    ///
    /// # Errors
    /// Where that was another file or other settings.
    pub fn resume(self, file: &Path) -> anyhow::Result<Self> {
        let path = path(file);
        if !path.exists() {
            return Ok(self);
        }
        let text = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let kept: Self = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
        let is_same = kept.settings == self.settings && kept.size == self.size;
        ensure!(
            is_same,
            "{}: is of another file or other settings; without --resume all is sent again",
            path.display()
        );
        Ok(kept)
    }

    /// Remembers, whatever moment this process is killed at.
    pub fn keep(&self, file: &Path) -> anyhow::Result<()> {
        let path = path(file);
        let mut aside = path.clone().into_os_string();
        aside.push("~");
        let written = std::fs::write(&aside, serde_json::to_vec(self)?);
        written.and_then(|()| std::fs::rename(&aside, &path)).with_context(|| format!("writing {}", path.display()))
    }

    /// Forgets a file that is through.
    pub fn forget(file: &Path) -> anyhow::Result<()> {
        let path = path(file);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", path.display()))
            }
            _ => Ok(()),
        }
    }
}

fn path(file: &Path) -> PathBuf {
    let mut path = file.to_owned().into_os_string();
    path.push(".avow-import");
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_of_one_file_and_one_way_to_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("export.csv");
        let fresh = Marker::new(&["didomi", "shop.example"], 9);
        assert_eq!(fresh.clone().resume(&file).unwrap(), fresh);
        let far = Marker { rows: 500, accepted: 499, ..fresh.clone() };
        far.keep(&file).unwrap();
        assert_eq!(fresh.clone().resume(&file).unwrap(), far);
        assert!(Marker::new(&["didomi", "shop.example"], 8).resume(&file).is_err());
        assert!(Marker::new(&["iubenda", "shop.example"], 9).resume(&file).is_err());
        Marker::forget(&file).unwrap();
        Marker::forget(&file).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
