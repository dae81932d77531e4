//! Writing the zip: records.jsonld straight into it, records.csv beside it and then into it, what proves them, the report,
//! the manifest last. Runs on a thread of its own, since it waits for the disk.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use avow_records::report::{self, Language, PdfError};
use avow_schemas::catalog::LANGUAGES;
use avow_trees::TreeError;
use avow_warehouse::records::Record;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::Receiver;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::figures::Figures;
use super::readable::{About, Readable};
use super::summary::{self, Ending};

pub const BUNDLE: &str = "bundle.zip";
const DOCUMENT: &str = "records.jsonld";
const TABLE: &str = "records.csv";
/// Bytes that go into the zip at once.
const LOT: usize = 64 << 10;

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("cannot write the bundle: {0}")]
    Disk(#[from] io::Error),
    #[error("cannot write the bundle: {0}")]
    Zip(#[from] zip::result::ZipError),
    #[error("cannot write the bundle's CSV: {0}")]
    Csv(#[from] csv::Error),
    #[error("cannot write the bundle's report: {0}")]
    Report(#[from] PdfError),
    /// An erasure, or retention, between one reading and the other.
    #[error("records were taken away while they were exported: ask again")]
    Changed,
    #[error("the manifest is not signed: {0}")]
    Unsigned(#[from] TreeError),
    #[error("the rows ended before the export did")]
    Abandoned,
}

/// Makes the signed note of a manifest with this SHA-256 (hexadecimal).
pub type Sign = Box<dyn FnOnce(&str) -> Result<String, TreeError> + Send>;

/// What the writer is sent.
pub enum Part {
    /// One subject's events, or events without a subject, and the room that they take. They come before any file.
    History(Vec<Record>, Option<OwnedSemaphorePermit>),
    /// A file of this name begins.
    File(String),
    /// More of that file.
    More(Vec<u8>),
    /// What the report and the manifest say besides: nothing follows.
    End(Box<Ending>),
}

/// A bundle that is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub records: u64,
    /// Erased ones, of which nothing but the leaf is there.
    pub redacted: u64,
    pub size_bytes: u64,
    pub sha256: String,
}

/// Writes what is received into `folder`, and gives the bundle its name once it is whole.
///
/// # Errors
/// What the disk says, or that the parts ended too early.
pub fn write(
    folder: &Path,
    mut parts: Receiver<Part>,
    about: &About,
    sign: Option<Sign>,
) -> Result<Written, ArchiveError> {
    let (aside, spool) = (folder.join("bundle.new"), folder.join("records.csv.new"));
    let written = compose(&aside, &spool, &mut parts, about, sign);
    let _ = fs::remove_file(&spool);
    match written {
        Ok((records, redacted)) => {
            let bundle = folder.join(BUNDLE);
            fs::rename(&aside, &bundle)?;
            File::open(folder)?.sync_all()?;
            let (size_bytes, sha256) = fingerprint(&bundle)?;
            Ok(Written { records, redacted, size_bytes, sha256 })
        }
        Err(error) => {
            let _ = fs::remove_file(&aside);
            Err(error)
        }
    }
}

fn compose(
    aside: &Path,
    spool: &Path,
    parts: &mut Receiver<Part>,
    about: &About,
    sign: Option<Sign>,
) -> Result<(u64, u64), ArchiveError> {
    let mut archive = Archive::create(aside)?;
    let (figures, mut part) = records(&mut archive, spool, parts, about)?;
    let ending = loop {
        match part {
            Part::File(name) => archive.file(&name)?,
            Part::More(bytes) => archive.write_all(&bytes)?,
            Part::End(ending) => break ending,
            // Histories come first: there are none any more.
            Part::History(..) => return Err(ArchiveError::Abandoned),
        }
        part = parts.blocking_recv().ok_or(ArchiveError::Abandoned)?;
    };
    if figures.placed != ending.proven.events {
        return Err(ArchiveError::Changed);
    }
    pages(&mut archive, about, &figures, &ending)?;
    let mut manifest = ending.manifest;
    manifest["counts"] = figures.counts(ending.proven.redacted);
    archive.finish(manifest, sign)?;
    Ok((figures.records, figures.redacted))
}

/// Writes what is read of the records, up to the first part that is something else.
fn records(
    archive: &mut Archive,
    spool: &Path,
    parts: &mut Receiver<Part>,
    about: &About,
) -> Result<(Figures, Part), ArchiveError> {
    archive.file(DOCUMENT)?;
    let table = BufWriter::new(File::create(spool)?);
    let mut readable = Readable::begin(BufWriter::with_capacity(LOT, &mut *archive), table, about)?;
    let next = loop {
        match parts.blocking_recv().ok_or(ArchiveError::Abandoned)? {
            Part::History(records, _room) => readable.history(records)?,
            other => break other,
        }
    };
    let figures = readable.end()?;
    archive.file(TABLE)?;
    io::copy(&mut BufReader::with_capacity(LOT, File::open(spool)?), archive)?;
    Ok((figures, next))
}

/// Writes what people read: the report and, in each language, what a bundle is.
fn pages(archive: &mut Archive, about: &About, figures: &Figures, ending: &Ending) -> Result<(), ArchiveError> {
    let made = summary::report(about, figures, ending);
    let language = Language::parse(&about.header.language).unwrap_or(Language::En);
    archive.whole("report.html", report::html(&made, language).as_bytes())?;
    archive.whole("report.pdf", &report::pdf(&made, language)?)?;
    for language in LANGUAGES.into_iter().filter_map(Language::parse) {
        archive.whole(&format!("README.{}.html", language.code()), report::readme(language).as_bytes())?;
    }
    Ok(())
}

/// The zip in the making. What is written goes to the file that was begun last; each is counted and hashed on the way.
struct Archive {
    zip: ZipWriter<BufWriter<File>>,
    options: SimpleFileOptions,
    tally: Option<Tally>,
    files: Vec<Value>,
}

struct Tally {
    name: String,
    size: u64,
    hash: Sha256,
}

impl Archive {
    fn create(path: &Path) -> io::Result<Self> {
        let zip = ZipWriter::new(BufWriter::new(File::create(path)?));
        // One record is much like the next: what a better search would save is little, and its time is much.
        let options = SimpleFileOptions::default().large_file(true).compression_level(Some(3));
        Ok(Self { zip, options, tally: None, files: Vec::new() })
    }

    fn file(&mut self, name: &str) -> Result<(), ArchiveError> {
        self.close();
        self.zip.start_file(name, self.options)?;
        self.tally = Some(Tally { name: name.to_owned(), size: 0, hash: Sha256::new() });
        Ok(())
    }

    fn whole(&mut self, name: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.file(name)?;
        Ok(self.write_all(bytes)?)
    }

    fn close(&mut self) {
        if let Some(Tally { name, size, hash }) = self.tally.take() {
            self.files.push(json!({"name": name, "size": size, "sha256": hex(&hash.finalize())}));
        }
    }

    /// Writes the manifest and its note, and the zip's own end.
    fn finish(mut self, mut manifest: Value, sign: Option<Sign>) -> Result<(), ArchiveError> {
        self.close();
        manifest["files"] = Value::Array(self.files);
        let manifest = serde_json_canonicalizer::to_vec(&manifest).map_err(io::Error::other)?;
        self.zip.start_file("manifest.json", self.options)?;
        self.zip.write_all(&manifest)?;
        if let Some(sign) = sign {
            let note = sign(&hex(&Sha256::digest(&manifest)))?;
            self.zip.start_file("manifest.note", self.options)?;
            self.zip.write_all(note.as_bytes())?;
        }
        Ok(self.zip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?)
    }
}

impl Write for Archive {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.zip.write_all(bytes)?;
        if let Some(tally) = &mut self.tally {
            tally.hash.update(bytes);
            tally.size += bytes.len() as u64;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn fingerprint(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; LOT];
    let mut size = 0;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok((size, hex(&hash.finalize())));
        }
        hash.update(&buffer[..n]);
        size += n as u64;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
