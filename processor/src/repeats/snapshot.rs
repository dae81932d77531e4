//! The filter on disk: each layer a file of its bits, named by the position that it covers, and a manifest that names them
//! with their checksums and is replaced in one step. A layer that has not changed keeps its file.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::layers::{Layer, Layers};

#[derive(Serialize, Deserialize)]
struct Manifest {
    log_id: Uuid,
    /// `event_ids`' watermark when it was written.
    covers: u64,
    layers: Vec<Entry>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    file: String,
    capacity: u64,
    count: u64,
    crc32: u32,
}

/// Where a filter lies.
pub(super) struct Snapshot {
    dir: PathBuf,
    log_id: Uuid,
    /// The entries of the newest manifest.
    entries: Vec<Entry>,
}

impl Snapshot {
    /// Of the ids `of` a partition (`p0`), or of the logs before (`earlier`).
    pub(super) fn at(dir: &Path, log_id: Uuid, of: &str) -> io::Result<Self> {
        let dir = dir.join(format!("ids-{of}"));
        fs::create_dir_all(&dir)?;
        Ok(Self { dir, log_id, entries: Vec::new() })
    }

    /// The layers and the position that they cover; `None` where there is no whole snapshot of this log.
    pub(super) fn read(&mut self) -> Option<(Layers, u64)> {
        let manifest: Manifest = serde_json::from_slice(&fs::read(self.dir.join("manifest.json")).ok()?).ok()?;
        if manifest.log_id != self.log_id {
            return None;
        }
        let layers = manifest.layers.iter().map(|entry| self.read_layer(entry)).collect::<Option<Vec<_>>>();
        if layers.is_none() {
            tracing::warn!(dir = %self.dir.display(), "processor.filter_damaged: it is built anew from event_ids");
        }
        self.entries = manifest.layers;
        Some((Layers { layers: layers? }, manifest.covers))
    }

    fn read_layer(&self, entry: &Entry) -> Option<Layer> {
        let mut bytes = Vec::new();
        File::open(self.dir.join(&entry.file)).ok()?.read_to_end(&mut bytes).ok()?;
        let whole = crc32fast::hash(&bytes) == entry.crc32 && bytes.len() % 8 == 0 && !bytes.is_empty();
        let words = || bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
        whole.then(|| Layer::of(words(), entry.capacity, entry.count))
    }

    /// Writes the layers that have changed, then the manifest, then removes what the manifest no longer names.
    pub(super) fn write(&mut self, layers: &mut Layers, covers: u64) -> io::Result<()> {
        let mut entries = Vec::with_capacity(layers.layers.len());
        for (index, layer) in layers.layers.iter().enumerate() {
            match self.entries.get(index) {
                Some(entry) if !layer.dirty => entries.push(entry.clone()),
                _ => entries.push(self.write_layer(index, layer, covers)?),
            }
        }
        let manifest = Manifest { log_id: self.log_id, covers, layers: entries };
        self.replace("manifest.json", &serde_json::to_vec_pretty(&manifest)?)?;
        for file in fs::read_dir(&self.dir)? {
            let name = file?.file_name();
            let named = manifest.layers.iter().any(|entry| *entry.file == *name);
            if !named && name != "manifest.json" {
                fs::remove_file(self.dir.join(name))?;
            }
        }
        self.entries = manifest.layers;
        layers.layers.iter_mut().for_each(|layer| layer.dirty = false);
        Ok(())
    }

    fn write_layer(&self, index: usize, layer: &Layer, covers: u64) -> io::Result<Entry> {
        let bytes: Vec<u8> = layer.filter.as_slice().iter().flat_map(|word| word.to_le_bytes()).collect();
        let file = format!("layer-{index}-{covers}.bits");
        self.replace(&file, &bytes)?;
        Ok(Entry { file, capacity: layer.capacity, count: layer.count, crc32: crc32fast::hash(&bytes) })
    }

    /// Writes a file under another name, syncs it and moves it into place.
    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = self.dir.join(format!("{name}.new"));
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&new, self.dir.join(name))?;
        File::open(&self.dir)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> [u8; 16] {
        [n; 16]
    }

    #[test]
    fn a_filter_comes_back_and_a_damaged_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let log = Uuid::from_u128(1);
        let mut snapshot = Snapshot::at(dir.path(), log, "p3").unwrap();
        assert!(snapshot.read().is_none());
        let mut layers = Layers::default();
        layers.insert(&key(1));
        snapshot.write(&mut layers, 10).unwrap();
        layers.insert(&key(2));
        snapshot.write(&mut layers, 20).unwrap();

        let (read, covers) = Snapshot::at(dir.path(), log, "p3").unwrap().read().unwrap();
        assert_eq!((covers, read.len()), (20, 2));
        assert!(read.may_know(&key(1)) && read.may_know(&key(2)) && !read.may_know(&key(3)));
        assert!(Snapshot::at(dir.path(), Uuid::from_u128(2), "p3").unwrap().read().is_none(), "another log");

        let bits = dir.path().join("ids-p3/layer-0-20.bits");
        let mut bytes = fs::read(&bits).unwrap();
        bytes[5] ^= 1;
        fs::write(&bits, bytes).unwrap();
        assert!(Snapshot::at(dir.path(), log, "p3").unwrap().read().is_none(), "damaged");
    }
}
