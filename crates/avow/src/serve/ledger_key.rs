//! The key with which this installation signs: 32 bytes in hexadecimal in a file that nobody else may read. Where none is
//! configured, the data directory holds one, drawn at the first start.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use avow_control::Control;
use avow_ingest::Sign;
use avow_ledger::{Note, hex};
use avow_trees::OPERATOR;
use avow_trees::keys::Keys;

use crate::config::Config;

/// Loads the key, or draws one.
pub fn load(config: &Config) -> anyhow::Result<Keys> {
    let own = config.data_dir.join("ledger.key");
    let seed = seed(config.ledger.key_file.as_deref(), &own).context("ledger.key_file")?;
    // Without a name of its own an installation goes by its key.
    let origin = config.ledger.origin.clone();
    Ok(match origin {
        Some(origin) => Keys::new(origin, seed)?,
        None => Keys::unnamed(seed)?,
    })
}

/// What signs receipts, as the operator log, while that is the key with which the installation signs.
pub fn receipts(config: &Config, control: &Arc<Control>) -> anyhow::Result<Sign> {
    let keys = load(config)?;
    let (own, signing, control) = (keys.publication(0)?, keys.of(OPERATOR)?, Arc::clone(control));
    Ok(Arc::new(move |text| {
        control.directory().ledger_key().filter(|key| key.is_same(&own))?;
        let mut note = Note::new(text).ok()?;
        note.add(signing.sign(&note.text));
        Some(note.to_string())
    }))
}

/// The 32 bytes of a key: in the file that was named, or else in `own`, which is drawn where it is not there.
pub fn seed(named: Option<&Path>, own: &Path) -> anyhow::Result<[u8; 32]> {
    match named {
        Some(path) => read(path)?.with_context(|| format!("there is no {}", path.display())),
        None => self::own(own),
    }
}

/// The data directory's own key.
fn own(path: &Path) -> anyhow::Result<[u8; 32]> {
    if let Some(seed) = read(path)? {
        return Ok(seed);
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| anyhow::anyhow!("drawing a key: {e}"))?;
    let fresh = path.with_extension("new");
    let _ = fs::remove_file(&fresh);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    writeln!(file, "{}", hex::encode(&seed))?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    tracing::info!(path = %path.display(), "key.drawn");
    Ok(seed)
}

fn read(path: &Path) -> anyhow::Result<Option<[u8; 32]>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("{}: others may read the signing key (mode {:o}): chmod 600", path.display(), mode & 0o777);
    }
    let seed = hex::decode(text.trim());
    seed.map(Some).with_context(|| format!("{}: a signing key is 64 lowercase hexadecimal digits", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_drawn_once_and_kept_from_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.key");
        let seed = own(&path).unwrap();
        assert_eq!(own(&path).unwrap(), seed);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(own(&path).unwrap_err().to_string().contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for broken in ["", "00", "zz", &"0".repeat(63), &"é".repeat(32)] {
            fs::write(&path, broken).unwrap();
            assert!(own(&path).unwrap_err().to_string().contains("64 lowercase hexadecimal digits"), "{broken}");
        }
    }
}
