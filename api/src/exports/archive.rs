//! Writing the zip: records as NDJSON straight into it, the same records as CSV beside it and then into it, what proves them,
//! the manifest last. Runs on a thread of its own, since it waits for the disk.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use avow_warehouse::export::FIELDS;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::Receiver;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub const BUNDLE: &str = "bundle.zip";

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("cannot write the bundle: {0}")]
    Disk(#[from] io::Error),
    #[error("cannot write the bundle: {0}")]
    Zip(#[from] zip::result::ZipError),
    #[error("cannot write the bundle's CSV: {0}")]
    Csv(#[from] csv::Error),
    #[error("the warehouse stopped in the middle: {0}")]
    BrokenLine(String),
    #[error("the rows ended before the export did")]
    Abandoned,
}

/// Makes the signed note of a manifest with this SHA-256 (hexadecimal).
pub type Sign = Box<dyn FnOnce(&str) -> String + Send>;

/// What the writer is sent.
pub enum Part {
    /// Records as JSON, one each. They come before any other file.
    Lines(Vec<Bytes>),
    /// A file of this name begins.
    File(String),
    /// More of that file.
    More(Vec<u8>),
    /// The manifest but for its files: nothing follows.
    End(Value),
}

/// A bundle that is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub records: u64,
    pub size_bytes: u64,
    pub sha256: String,
}

/// Writes what is received into `folder`, and gives the bundle its name once it is whole.
///
/// # Errors
/// What the disk says, or a line that is no record.
pub fn write(folder: &Path, mut parts: Receiver<Part>, sign: Option<Sign>) -> Result<Written, ArchiveError> {
    let (aside, spool) = (folder.join("bundle.new"), folder.join("records.csv.new"));
    let written = compose(&aside, &spool, &mut parts, sign);
    let _ = fs::remove_file(&spool);
    match written {
        Ok(records) => {
            let bundle = folder.join(BUNDLE);
            fs::rename(&aside, &bundle)?;
            File::open(folder)?.sync_all()?;
            let (size_bytes, sha256) = fingerprint(&bundle)?;
            Ok(Written { records, size_bytes, sha256 })
        }
        Err(error) => {
            let _ = fs::remove_file(&aside);
            Err(error)
        }
    }
}

fn compose(
    aside: &PathBuf,
    spool: &PathBuf,
    parts: &mut Receiver<Part>,
    sign: Option<Sign>,
) -> Result<u64, ArchiveError> {
    let options = SimpleFileOptions::default().large_file(true);
    let mut zip = ZipWriter::new(BufWriter::new(File::create(aside)?));
    let mut table = csv::Writer::from_writer(BufWriter::new(File::create(spool)?));
    table.write_record(FIELDS)?;
    let mut files = Vec::new();
    let mut types: BTreeMap<String, u64> = BTreeMap::new();
    let mut records = 0;

    let mut tally = Tally::begin(&mut zip, "records.ndjson".to_owned(), options)?;
    let mut manifest = loop {
        match parts.blocking_recv() {
            Some(Part::Lines(lines)) => {
                for line in lines {
                    let record = read(&line)?;
                    tally.write(&mut zip, &line)?;
                    tally.write(&mut zip, b"\n")?;
                    table.write_record(FIELDS.iter().map(|field| cell(record.get(*field))))?;
                    *types.entry(cell(record.get("type"))).or_default() += 1;
                    records += 1;
                }
            }
            Some(Part::File(name)) => {
                files.push(std::mem::replace(&mut tally, Tally::begin(&mut zip, name, options)?).entry());
            }
            Some(Part::More(bytes)) => tally.write(&mut zip, &bytes)?,
            Some(Part::End(manifest)) => break manifest,
            None => return Err(ArchiveError::Abandoned),
        }
    };
    files.push(tally.entry());

    table.flush()?;
    drop(table);
    let mut tally = Tally::begin(&mut zip, "records.csv".to_owned(), options)?;
    let mut table = BufReader::new(File::open(spool)?);
    loop {
        let bytes = table.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        let n = bytes.len();
        tally.write(&mut zip, bytes)?;
        table.consume(n);
    }
    files.push(tally.entry());

    manifest["counts"] = json!({"records": records, "by_type": types});
    manifest["files"] = Value::Array(files);
    let manifest = serde_json_canonicalizer::to_vec(&manifest).map_err(io::Error::other)?;
    zip.start_file("manifest.json", options)?;
    zip.write_all(&manifest)?;
    if let Some(sign) = sign {
        zip.start_file("manifest.note", options)?;
        zip.write_all(sign(&hex(&Sha256::digest(&manifest))).as_bytes())?;
    }
    zip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(records)
}

/// A line that is no object is what the engine says when it stops after the first rows.
fn read(line: &[u8]) -> Result<Map<String, Value>, ArchiveError> {
    serde_json::from_slice(line)
        .map_err(|_| ArchiveError::BrokenLine(String::from_utf8_lossy(line).chars().take(300).collect()))
}

/// A value as a CSV cell: texts as they are, null empty, lists and objects as JSON.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

/// A file of the zip, counted and hashed while it is written.
struct Tally {
    name: String,
    size: u64,
    hash: Sha256,
}

impl Tally {
    fn begin<W: Write + Seek>(
        zip: &mut ZipWriter<W>,
        name: String,
        options: SimpleFileOptions,
    ) -> Result<Self, ArchiveError> {
        zip.start_file(&name, options)?;
        Ok(Self { name, size: 0, hash: Sha256::new() })
    }

    fn write<W: Write + Seek>(&mut self, zip: &mut ZipWriter<W>, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        zip.write_all(bytes)
    }

    fn entry(self) -> Value {
        json!({"name": self.name, "size": self.size, "sha256": hex(&self.hash.finalize())})
    }
}

fn fingerprint(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
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
mod tests {
    use super::*;

    fn written(parts: Vec<Part>, folder: &Path) -> Result<Written, ArchiveError> {
        let (sender, receiver) = tokio::sync::mpsc::channel(parts.len().max(1));
        for part in parts {
            sender.try_send(part).ok().unwrap();
        }
        drop(sender);
        write(folder, receiver, None)
    }

    #[test]
    fn the_manifest_names_every_file_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let line = |n: u32| {
            Bytes::from(format!("{{\"site\":\"a\",\"type\":\"decided\",\"layer\":{n},\"services\":{{\"x\":true}}}}"))
        };
        let parts = vec![Part::Lines(vec![line(1), line(2)]), Part::End(json!({"site": "a"}))];
        let written = written(parts, folder.path()).unwrap();
        assert_eq!(written.records, 2);

        let mut zip = zip::ZipArchive::new(File::open(folder.path().join(BUNDLE)).unwrap()).unwrap();
        let mut content = |name: &str| {
            let mut text = String::new();
            zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
            text
        };
        let manifest: Value = serde_json::from_str(&content("manifest.json")).unwrap();
        assert_eq!(manifest["counts"], json!({"records": 2, "by_type": {"decided": 2}}));
        for file in manifest["files"].as_array().unwrap() {
            let text = content(file["name"].as_str().unwrap());
            assert_eq!(file["size"], text.len());
            assert_eq!(file["sha256"], hex(&Sha256::digest(text.as_bytes())));
        }
        assert_eq!(content("records.ndjson").lines().count(), 2);
        let table = content("records.csv");
        assert_eq!(csv::Reader::from_reader(table.as_bytes()).records().count(), 2);
        assert!(table.contains("\"{\"\"x\"\":true}\""), "{table}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside the bundle");
    }

    #[test]
    fn half_an_export_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let broken = vec![Part::Lines(vec![Bytes::from_static(b"Code: 241. DB::Exception")]), Part::End(json!({}))];
        assert!(matches!(written(broken, folder.path()), Err(ArchiveError::BrokenLine(_))));
        assert!(matches!(written(vec![], folder.path()), Err(ArchiveError::Abandoned)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
