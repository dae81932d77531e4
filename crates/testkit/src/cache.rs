//! What tests fetch is fetched once, into `target/testkit`, also when many tests want it at the same time.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The workspace's own directory.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_dir.parent().and_then(Path::parent).unwrap_or(crate_dir).to_path_buf()
}

/// Where cargo builds: `CARGO_TARGET_DIR`, or `target` in the workspace.
#[must_use]
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => workspace_root().join(dir),
        None => workspace_root().join("target"),
    }
}

/// The directory `target/testkit/<name>`, filled by `fill` unless an earlier call has done so. `fill` gets an empty
/// directory; if it fails, nothing of it stays. Processes that ask for the same name wait for each other. Put a hash of
/// whatever the content depends on into the name.
///
/// # Errors
/// Those of `fill`, and of the file system.
pub fn filled_once(name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let root = target_dir().join("testkit");
    fs::create_dir_all(&root).with_context(|| format!("creating {}", root.display()))?;
    let lock_path = root.join(format!("{name}.lock"));
    let lock = File::create(&lock_path).with_context(|| format!("creating {}", lock_path.display()))?;
    lock.lock().with_context(|| format!("locking {}", lock_path.display()))?;
    // Filled where it stays, for a virtual environment holds its own path; the marker says that it is whole.
    let dir = root.join(name);
    let marker = root.join(format!("{name}.whole"));
    if marker.is_file() && dir.is_dir() {
        return Ok(dir);
    }
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("removing {}", dir.display()))?;
    }
    fs::create_dir_all(&dir)?;
    if let Err(error) = fill(&dir) {
        let _ = fs::remove_dir_all(&dir);
        return Err(error.context(format!("filling {}", dir.display())));
    }
    File::create(&marker).with_context(|| format!("creating {}", marker.display()))?;
    Ok(dir)
}

/// A short name for `content`, to tell one version of it from the next (FNV-1a; not for security).
#[must_use]
pub fn fingerprint(content: &str) -> String {
    let hash = content
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_once_and_leaves_nothing_of_a_failure() {
        let name = format!("cache-test-{}", std::process::id());
        assert!(filled_once(&name, |_| anyhow::bail!("no")).is_err());
        let dir = filled_once(&name, |dir| Ok(fs::write(dir.join("a"), "1")?)).unwrap();
        assert_eq!(filled_once(&name, |_| anyhow::bail!("again")).unwrap(), dir);
        assert_eq!(fs::read_to_string(dir.join("a")).unwrap(), "1");
        fs::remove_dir_all(dir).unwrap();
        for ending in ["lock", "whole"] {
            fs::remove_file(target_dir().join("testkit").join(format!("{name}.{ending}"))).unwrap();
        }
    }
}
