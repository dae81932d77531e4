//! The few calls by which bytes become durable, behind a trait so that tests can make each of them fail: no real disk
//! fails on request, and what happens then is the log's promise.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rustix::fs::FallocateFlags;

/// What the writer asks of the disk.
pub(crate) trait Disk: Send + Sync + 'static {
    /// Reserves `len` bytes that read as zeros.
    fn allocate(&self, file: &File, len: u64) -> io::Result<()> {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, len) {
            Ok(()) => Ok(()),
            // A file system that cannot reserve (some network and copy-on-write ones): a full disk then shows on writing.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => file.set_len(len),
            Err(errno) => Err(errno.into()),
        }
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    /// Data durable (`fdatasync`).
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}

/// The machine's own disk.
pub(crate) struct RealDisk;

impl Disk for RealDisk {}

/// Makes names in `dir` durable: a new or renamed file is only there after a power cut if its directory was synced.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Creates `dir` and makes its name durable in its parent.
pub(crate) fn create_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent().filter(|p| !p.as_os_str().is_empty()) {
        create_dir(parent)?;
        fs::create_dir(dir).or_else(|e| if e.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(e) })?;
        return sync_dir(parent);
    }
    fs::create_dir(dir)
}

/// Whether `error` says that there is no room, as opposed to a disk that fails.
pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
