//! The ClickHouse engine for tests: `libchdb.so`, fetched if it is not there.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::cache::workspace_root;

/// Where `libchdb.so` is: at `AVOW_LIBCHDB` if that is set, otherwise in `.engine` of the workspace, where `make engine`
/// puts it; if it is not there in the pinned version, this fetches it (178 MB, once). Tests that ask at the same time
/// wait for each other.
///
/// # Errors
/// If `AVOW_LIBCHDB` names no file, or the engine cannot be fetched; the error says why.
pub fn library() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("AVOW_LIBCHDB").map(PathBuf::from) {
        if path.is_file() {
            return Ok(path);
        }
        bail!("AVOW_LIBCHDB is {}, which is no file", path.display());
    }
    let root = workspace_root();
    let folder = root.join(".engine");
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let lock = File::create(folder.join("lock")).with_context(|| format!("creating a lock in {}", folder.display()))?;
    lock.lock().with_context(|| format!("locking {}", folder.display()))?;
    let output = Command::new(root.join("crates/chbox/engine/fetch.sh"))
        .arg(&folder)
        .output()
        .context("starting crates/chbox/engine/fetch.sh")?;
    if !output.status.success() {
        bail!("the engine could not be fetched: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(folder.join("libchdb.so"))
}
