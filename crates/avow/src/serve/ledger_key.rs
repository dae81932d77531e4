//! The keys with which this installation signs: 32 bytes in hexadecimal in a file that nobody else may read, or a program
//! that has them. Where none is configured, the data directory holds one, drawn at the first start, and beside it the one
//! that is to follow, if there is.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use avow_control::Control;
use avow_ingest::Sign;
use avow_ledger::hex;
use avow_trees::OPERATOR;
use avow_trees::keys::{Key, Keys};

use crate::config::Config;

/// The file in the data directory with the key that is to follow, where none is configured.
const NEXT: &str = "ledger.next.key";

/// Loads the keys, or draws one; starts the programs that have them.
///
/// # Errors
/// Where a key cannot be read, or a program does not start.
pub async fn load(config: &Config) -> anyhow::Result<Keys> {
    let ledger = &config.ledger;
    let own = match command(&ledger.signer_command, ledger.key_file.as_deref()).context("ledger.signer_command")? {
        Some(command) => Key::of_command(command).await?,
        None => {
            let own = config.data_dir.join("ledger.key");
            Key::from_seed(seed(ledger.key_file.as_deref(), &own).context("ledger.key_file")?)?
        }
    };
    let keys = Keys::new(ledger.origin.clone(), own, next(config).await?)?;
    if !ledger.ml_dsa {
        return Ok(keys);
    }
    let own = config.data_dir.join("ledger.ml-dsa.key");
    Ok(keys.with_ml_dsa(seed(ledger.ml_dsa_key_file.as_deref(), &own).context("ledger.ml_dsa_key_file")?))
}

async fn next(config: &Config) -> anyhow::Result<Option<Key>> {
    let (named, own) = (config.ledger.next_key_file.as_deref(), config.data_dir.join(NEXT));
    if let Some(command) = command(&config.ledger.next_signer_command, named).context("ledger.next_signer_command")? {
        return Ok(Some(Key::of_command(command).await?));
    }
    let seed = read(named.unwrap_or(&own)).context("ledger.next_key_file")?;
    if let (None, Some(named)) = (seed, named) {
        bail!("ledger.next_key_file: there is no {}", named.display());
    }
    Ok(seed.map(Key::from_seed).transpose()?)
}

/// A program that is named, which no file may be beside.
fn command(command: &[String], file: Option<&Path>) -> anyhow::Result<Option<Vec<String>>> {
    if command.is_empty() {
        return Ok(None);
    }
    ensure!(file.is_none(), "a key is in a file or with a program, not both");
    Ok(Some(command.to_vec()))
}

/// Draws the key that is to follow into a file of its own, by default in the data directory; where it lies.
///
/// # Errors
/// Where there is one already, or it cannot be written.
pub fn draw_next(config: &Config, path: Option<&Path>) -> anyhow::Result<(PathBuf, Key)> {
    let path = path.map_or_else(|| config.data_dir.join(NEXT), Path::to_path_buf);
    ensure!(read(&path)?.is_none(), "{} is there already, and holds a key", path.display());
    Ok((path.clone(), Key::from_seed(own(&path)?)?))
}

/// What signs receipts, as the operator log, while this process has the key with which the installation signs.
pub fn receipts(keys: Keys, control: &Arc<Control>) -> Sign {
    let control = Arc::clone(control);
    Arc::new(move |text| {
        let signer = keys.signer(control.directory().ledger_keys());
        Box::pin(async move {
            let note = signer?.note(OPERATOR, text).await;
            note.inspect_err(|error| tracing::warn!(%error, "ingest.no_receipt")).ok().map(|note| note.to_string())
        })
    })
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
