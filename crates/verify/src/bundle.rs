//! A bundle as a zip: its manifest, and its files by name. Whatever it holds is input that nobody vouches for.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use avow_ledger::hex;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

pub const MANIFEST: &str = "manifest.json";
pub const MANIFEST_NOTE: &str = "manifest.note";
/// Whatever is larger is read as a stream, never at once.
const MOST_AT_ONCE: u64 = 64 << 20;
/// The longest line that is read.
const MOST_LINE: usize = 16 << 20;

/// Why something is no bundle at all.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("this is no zip: {0}")]
    Zip(#[from] zip::result::ZipError),
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("there is no {0} in it")]
    Missing(String),
    #[error("{0} is too large")]
    TooLarge(String),
    #[error("two files are named {0}")]
    Twice(String),
    #[error("{MANIFEST}: {0}")]
    Manifest(String),
}

/// What a bundle says of itself.
#[derive(Debug, Clone, Deserialize)]
pub struct Manifest {
    pub format: String,
    pub site: String,
    #[serde(default)]
    pub period: Option<Period>,
    /// Whose records these are, where they are one subject's.
    #[serde(default)]
    pub subject: Option<String>,
    /// Erasures of that subject, as their tombstones name them.
    #[serde(default)]
    pub erasures: Vec<String>,
    /// The services that it is cut to.
    #[serde(default)]
    pub services: Vec<String>,
    pub files: Vec<File>,
    #[serde(default)]
    pub counts: serde_json::Value,
    #[serde(default)]
    pub artefacts: Vec<Artefact>,
    #[serde(default)]
    pub logs: Vec<Log>,
    #[serde(default)]
    pub operator: Option<Log>,
}

/// Of the log's own time, RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, Deserialize)]
pub struct Period {
    pub from: String,
    /// Excluded.
    pub to: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct File {
    pub name: String,
    pub size: u64,
    pub sha256: String,
}

/// A banner artefact that the records name.
#[derive(Debug, Clone, Deserialize)]
pub struct Artefact {
    pub text_hash: String,
    #[serde(default)]
    pub files: Vec<String>,
    /// Whether it is left out on purpose.
    #[serde(default)]
    pub withheld: bool,
}

/// A log whose checkpoint is in the bundle.
#[derive(Debug, Clone, Deserialize)]
pub struct Log {
    pub name: String,
    pub origin: String,
    /// A verifier key (C2SP signed-note).
    pub public_key: String,
    pub size: u64,
}

/// An open bundle.
pub struct Bundle<R> {
    zip: RefCell<ZipArchive<R>>,
    pub manifest: Manifest,
    /// The manifest's own bytes.
    pub manifest_bytes: Vec<u8>,
    names: Vec<String>,
}

impl<R: Read + Seek> Bundle<R> {
    /// Opens a bundle and reads its manifest.
    ///
    /// # Errors
    /// Where it is none.
    pub fn open(reader: R) -> Result<Self, BundleError> {
        let mut zip = ZipArchive::new(reader)?;
        let mut names: Vec<String> = Vec::with_capacity(zip.len());
        for index in 0..zip.len() {
            names.push(zip.by_index_raw(index)?.name()?.into_owned());
        }
        names.sort();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(BundleError::Twice(pair[0].clone()));
        }
        let zip = RefCell::new(zip);
        let manifest_bytes = read(&zip, MANIFEST)?;
        let manifest = serde_json::from_slice(&manifest_bytes).map_err(|e| BundleError::Manifest(e.to_string()))?;
        Ok(Self { zip, manifest, manifest_bytes, names })
    }

    /// All files, by name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// A small file, whole.
    ///
    /// # Errors
    /// Where it is not there or cannot be read.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, BundleError> {
        read(&self.zip, name)
    }

    /// Size and SHA-256 (hexadecimal) of a file.
    ///
    /// # Errors
    /// Where it is not there or cannot be read.
    pub fn fingerprint(&self, name: &str) -> Result<(u64, String), BundleError> {
        let mut hash = Sha256::new();
        let mut size = 0;
        self.each_chunk(name, |chunk| {
            hash.update(chunk);
            size += chunk.len() as u64;
        })?;
        Ok((size, hex::encode(&hash.finalize().into())))
    }

    /// Calls `line` with each line of a file, without its line feed, and its number from 1.
    ///
    /// # Errors
    /// Where the file is not there or cannot be read.
    pub fn each_line(&self, name: &str, mut line: impl FnMut(u64, &[u8])) -> Result<(), BundleError> {
        let (mut rest, mut number, mut too_long) = (Vec::new(), 0, false);
        self.each_chunk(name, |chunk| {
            let mut chunk = chunk;
            too_long |= rest.len() > MOST_LINE;
            if too_long {
                return;
            }
            while let Some(end) = memchr::memchr(b'\n', chunk) {
                rest.extend_from_slice(&chunk[..end]);
                number += 1;
                line(number, &rest);
                rest.clear();
                chunk = &chunk[end + 1..];
            }
            rest.extend_from_slice(chunk);
        })?;
        if too_long {
            return Err(BundleError::TooLarge(format!("a line of {name}")));
        }
        if !rest.is_empty() {
            line(number + 1, &rest);
        }
        Ok(())
    }

    /// Hands a file to `reads` as a stream. No other file may be read meanwhile.
    ///
    /// # Errors
    /// Where the file is not there.
    pub fn stream<T>(&self, name: &str, reads: impl FnOnce(&mut dyn Read) -> T) -> Result<T, BundleError> {
        let mut zip = self.zip.borrow_mut();
        let mut file = zip.by_name(name).map_err(|error| missing(error, name))?;
        Ok(reads(&mut file))
    }

    fn each_chunk(&self, name: &str, mut each: impl FnMut(&[u8])) -> Result<(), BundleError> {
        let mut zip = self.zip.borrow_mut();
        let mut file = zip.by_name(name).map_err(|error| missing(error, name))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(()),
                n => each(&buffer[..n]),
            }
        }
    }

    /// The files of the manifest, by name.
    pub fn listed(&self) -> BTreeMap<&str, &File> {
        self.manifest.files.iter().map(|file| (file.name.as_str(), file)).collect()
    }
}

fn read<R: Read + Seek>(zip: &RefCell<ZipArchive<R>>, name: &str) -> Result<Vec<u8>, BundleError> {
    let mut zip = zip.borrow_mut();
    let file = zip.by_name(name).map_err(|error| missing(error, name))?;
    let mut bytes = Vec::new();
    file.take(MOST_AT_ONCE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_AT_ONCE { Err(BundleError::TooLarge(name.to_owned())) } else { Ok(bytes) }
}

fn missing(error: zip::result::ZipError, name: &str) -> BundleError {
    match error {
        zip::result::ZipError::FileNotFound => BundleError::Missing(name.to_owned()),
        error => error.into(),
    }
}
