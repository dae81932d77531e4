//! A disk small enough to be filled: a mounted tmpfs.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

/// A mounted tmpfs. Dropping it unmounts it.
#[derive(Debug)]
pub struct SmallDisk {
    dir: TempDir,
    mounted: bool,
}

impl SmallDisk {
    /// One of `mib` mebibytes.
    ///
    /// # Errors
    /// If this process may not mount.
    pub fn mount(mib: u32) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("avow-disk-").tempdir()?;
        let size = format!("size={mib}m");
        let mut mount = Command::new("mount");
        let output = mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(dir.path()).output()?;
        ensure!(output.status.success(), "mount: {}", String::from_utf8_lossy(&output.stderr));
        Ok(Self { dir, mounted: true })
    }

    /// One of `mib` mebibytes, or, where this process may not mount, a folder on the disk that is there.
    ///
    /// # Errors
    /// If there can be no folder either.
    pub fn mount_or_folder(mib: u32) -> Result<Self> {
        match Self::mount(mib) {
            Ok(disk) => Ok(disk),
            Err(_) => Ok(Self { dir: tempfile::Builder::new().prefix("avow-disk-").tempdir()?, mounted: false }),
        }
    }

    /// Whether it can be filled.
    #[must_use]
    pub fn is_small(&self) -> bool {
        self.mounted
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file until nothing fits any more.
    ///
    /// # Errors
    /// If it fails for another reason.
    pub fn fill(&self) -> Result<()> {
        ensure!(self.mounted, "{} is not a disk of its own", self.path().display());
        let mut file = File::create(self.ballast())?;
        for size in [1 << 20, 1 << 12, 1] {
            let block = vec![1; size];
            loop {
                match file.write_all(&block) {
                    Ok(()) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error).context("filling the disk"),
                }
            }
        }
        Ok(())
    }

    /// Removes that file.
    ///
    /// # Errors
    /// If it is not there.
    pub fn relieve(&self) -> Result<()> {
        Ok(fs::remove_file(self.ballast())?)
    }

    fn ballast(&self) -> std::path::PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg("-l").arg(self.path()).output();
        }
    }
}
