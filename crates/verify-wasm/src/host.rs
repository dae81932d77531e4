//! The boundary to the page. The page calls `verify` and gives the module `host`: `read` copies bytes of one of its files
//! into this module's memory, `say` takes the answer. Nothing else passes, and nothing is allocated for the other side.

#![expect(unsafe_code, reason = "functions of a WebAssembly host are foreign, and so are exported names")]

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::{judge, written};

/// Bytes that are asked for at once.
const AT_ONCE: usize = 1 << 18;
/// What `read` answers where the file cannot be read.
const FAILED: u32 = u32::MAX;

/// The page's files, as it numbers them.
const BUNDLE: u32 = 0;
const POLICY: u32 = 1;

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// Copies up to `length` bytes of a file from `offset` on to `into`: how many, or [`FAILED`].
    fn read(file: u32, offset: u64, into: *mut u8, length: usize) -> u32;
    /// Takes the answer, JSON in UTF-8.
    fn say(text: *const u8, length: usize);
}

/// A file of the page, read where it lies.
struct HostFile {
    file: u32,
    size: u64,
    at: u64,
}

impl HostFile {
    fn new(file: u32, size: u64) -> BufReader<Self> {
        BufReader::with_capacity(AT_ONCE, Self { file, size, at: 0 })
    }
}

impl Read for HostFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the host writes at most `length` bytes to `into`, which is that long.
        let count = unsafe { read(self.file, self.at, into.as_mut_ptr(), into.len()) };
        let read = usize::try_from(count).ok().filter(|read| count != FAILED && *read <= into.len());
        let read = read.ok_or_else(|| io::Error::other("the browser could not read the file"))?;
        self.at += u64::from(count);
        Ok(read)
    }
}

impl Seek for HostFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::End(by) => (self.size, by),
            SeekFrom::Current(by) => (self.at, by),
        };
        self.at = base.checked_add_signed(by).ok_or_else(|| io::Error::other("before the file's beginning"))?;
        Ok(self.at)
    }
}

/// Judges the page's bundle of so many bytes, under its policy of so many bytes, or under none where that is negative, and
/// says the answer.
#[unsafe(no_mangle)]
pub extern "C" fn verify(bundle_size: u64, policy_size: i64) {
    let policy = u64::try_from(policy_size).ok().map(|size| {
        let mut bytes = Vec::new();
        HostFile::new(POLICY, size).read_to_end(&mut bytes).map(|_| bytes)
    });
    let answer = match policy.transpose() {
        Ok(policy) => judge(HostFile::new(BUNDLE, bundle_size), policy.as_deref()),
        Err(error) => crate::Answer::NoPolicy(error.to_string()),
    };
    let text = written(&answer);
    // SAFETY: the host reads `text` before this call ends.
    unsafe { say(text.as_ptr(), text.len()) };
}
