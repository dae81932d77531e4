//! The lines of `disclosures.jsonl` in the order of their leaves. They come as the warehouse has its rows, subject by
//! subject: so they are sorted in runs of bounded size, which lie in one file until they are merged. The engine's own sort
//! took 1.4 KiB of memory a record (measured with 1,000,000).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Bytes that lie in memory before they go to the disk.
const RUN_BYTES: usize = 16 << 20;
/// Of each run, when they are merged.
const READ_BYTES: usize = 32 << 10;

/// What a line is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    Control,
    /// Nothing is opened of it.
    Redacted,
    Event,
}

impl Of {
    const ALL: [Self; 3] = [Self::Control, Self::Redacted, Self::Event];
}

/// A line's place. Of two of one leaf the first counts: an event that is being erased is there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// Number of the ledger: as it came, then as its name sorts.
    ledger: u32,
    leaf: u64,
    of: Of,
}

/// Lines in memory.
#[derive(Default)]
struct Held {
    lines: Vec<(Key, usize)>,
    bytes: Vec<u8>,
}

/// Takes lines in any order.
pub struct Lines {
    file: Arc<File>,
    end: u64,
    /// From where to where in the file.
    runs: Vec<(u64, u64)>,
    ledgers: Vec<String>,
    held: Held,
}

impl Lines {
    /// With a file in `folder`, which nothing is left of afterwards.
    ///
    /// # Errors
    /// The disk's.
    pub fn beside(folder: &Path) -> io::Result<Self> {
        let path = folder.join("disclosures.new");
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&path)?;
        fs::remove_file(&path)?;
        Ok(Self { file: Arc::new(file), end: 0, runs: Vec::new(), ledgers: Vec::new(), held: Held::default() })
    }

    /// Takes the line that `write` appends.
    ///
    /// # Errors
    /// The disk's.
    pub async fn push(&mut self, ledger: &str, leaf: u64, of: Of, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let known = self.ledgers.iter().rposition(|known| known == ledger);
        let number = known.unwrap_or_else(|| {
            self.ledgers.push(ledger.to_owned());
            self.ledgers.len() - 1
        });
        let key = Key { ledger: u32::try_from(number).map_err(io::Error::other)?, leaf, of };
        write(&mut self.held.bytes);
        self.held.lines.push((key, self.held.bytes.len()));
        if self.held.bytes.len() >= RUN_BYTES { self.spill().await } else { Ok(()) }
    }

    /// Writes what lies in memory as a run.
    async fn spill(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        let (file, from, names) = (Arc::clone(&self.file), self.end, self.ledgers.clone());
        let written = tokio::task::spawn_blocking(move || {
            let end = held.write(&file, from, &names)?;
            let Held { mut lines, mut bytes } = held;
            lines.clear();
            bytes.clear();
            io::Result::Ok((end, Held { lines, bytes }))
        });
        (self.end, self.held) = written.await.map_err(io::Error::other)??;
        self.runs.push((from, self.end));
        Ok(())
    }

    /// Calls `each` with every line in order: its ledger, its leaf and what it is of. Waits for the disk.
    ///
    /// # Errors
    /// The disk's, and those of `each`.
    pub fn in_order<E: From<io::Error>>(
        mut self,
        mut each: impl FnMut(&str, u64, Of, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let from = self.end;
        self.runs.push((from, self.held.write(&self.file, from, &self.ledgers)?));
        self.held = Held::default();
        let ranks = ranks(&self.ledgers);
        let mut runs: Vec<Run> = self.runs.iter().map(|run| Run::of(&self.file, *run)).collect();
        let mut heads = BinaryHeap::new();
        for (number, run) in runs.iter_mut().enumerate() {
            heads.extend(run.next(&ranks)?.map(|key| Reverse((key, number))));
        }
        let mut last = None;
        while let Some(Reverse((key, number))) = heads.pop() {
            let run = &mut runs[number];
            if last.replace((key.ledger, key.leaf)) != Some((key.ledger, key.leaf)) {
                each(&self.ledgers[run.ledger], key.leaf, key.of, &run.line)?;
            }
            heads.extend(run.next(&ranks)?.map(|key| Reverse((key, number))));
        }
        Ok(())
    }
}

/// By number, the place of each name among all.
fn ranks(names: &[String]) -> Vec<u32> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    let rank = |name| sorted.binary_search(&name).ok().and_then(|rank| u32::try_from(rank).ok());
    names.iter().map(|name| rank(name).unwrap_or_default()).collect()
}

impl Held {
    /// Writes the lines in their order at `at`; where they end.
    fn write(&self, file: &File, at: u64, names: &[String]) -> io::Result<u64> {
        let begins = std::iter::once(0).chain(self.lines.iter().map(|(_, end)| *end));
        let mut lines: Vec<(Key, usize, usize)> =
            begins.zip(&self.lines).map(|(begin, (key, end))| (*key, begin, *end)).collect();
        let ranks = ranks(names);
        lines.sort_unstable_by_key(|(key, ..)| (ranks[key.ledger as usize], key.leaf, key.of));
        let mut out = BufWriter::with_capacity(1 << 18, At { file, at });
        for (key, begin, end) in lines {
            let line = &self.bytes[begin..end];
            out.write_all(&key.ledger.to_le_bytes())?;
            out.write_all(&key.leaf.to_le_bytes())?;
            out.write_all(&[key.of as u8])?;
            out.write_all(&u32::try_from(line.len()).map_err(io::Error::other)?.to_le_bytes())?;
            out.write_all(line)?;
        }
        Ok(out.into_inner().map_err(io::IntoInnerError::into_error)?.at)
    }
}

/// A place in the file.
struct At<'a> {
    file: &'a File,
    at: u64,
}

impl Write for At<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write_at(bytes, self.at)?;
        self.at += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A part of the file.
struct Part {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let n = self.file.read_at(&mut buffer[..most], self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// A run that is being read, with the line that it stands at.
struct Run {
    from: BufReader<Part>,
    ledger: usize,
    line: Vec<u8>,
}

impl Run {
    fn of(file: &Arc<File>, (at, end): (u64, u64)) -> Self {
        let part = Part { file: Arc::clone(file), at, end };
        Self { from: BufReader::with_capacity(READ_BYTES, part), ledger: 0, line: Vec::new() }
    }

    fn next(&mut self, ranks: &[u32]) -> io::Result<Option<Key>> {
        let part = self.from.get_ref();
        if part.at == part.end && self.from.buffer().is_empty() {
            return Ok(None);
        }
        let ledger = u32::from_le_bytes(self.bytes()?);
        let leaf = u64::from_le_bytes(self.bytes()?);
        let [of] = self.bytes()?;
        let length = u32::from_le_bytes(self.bytes()?);
        self.line.resize(usize::try_from(length).map_err(io::Error::other)?, 0);
        self.from.read_exact(&mut self.line)?;
        self.ledger = usize::try_from(ledger).map_err(io::Error::other)?;
        let broken = || io::Error::other("a run is not what was written");
        let ledger = *ranks.get(self.ledger).ok_or_else(broken)?;
        let of = *Of::ALL.get(usize::from(of)).ok_or_else(broken)?;
        Ok(Some(Key { ledger, leaf, of }))
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_in_the_order_of_their_leaves_and_none_twice() {
        let dir = tempfile::tempdir().unwrap();
        let mut lines = Lines::beside(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let number = 50_000_u64;
        for n in 0..number {
            let leaf = n.wrapping_mul(7919) % number;
            let ledger = ["b", "a", "c"][usize::try_from(leaf % 3).unwrap()];
            let line = format!("{ledger} {leaf} {}\n", "x".repeat(1000));
            lines.push(ledger, leaf, Of::Event, |out| out.extend_from_slice(line.as_bytes())).await.unwrap();
        }
        lines.push("a", 1, Of::Redacted, |out| out.extend_from_slice(b"gone\n")).await.unwrap();
        assert!(lines.runs.len() > 2);
        let mut last = (String::new(), 0);
        let mut count = 0;
        lines
            .in_order::<io::Error>(|ledger, leaf, of, line| {
                assert!((ledger, leaf) > (last.0.as_str(), last.1) || count == 0);
                assert_eq!(of == Of::Redacted, (ledger, leaf) == ("a", 1));
                assert!(line == b"gone\n" || line.starts_with(format!("{ledger} {leaf} ").as_bytes()));
                last = (ledger.to_owned(), leaf);
                count += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(count, number);
    }

    #[test]
    fn no_lines_are_none() {
        let dir = tempfile::tempdir().unwrap();
        let none = |_: &str, _, _, _: &[u8]| Err(io::Error::other("a line"));
        Lines::beside(dir.path()).unwrap().in_order::<io::Error>(none).unwrap();
    }
}
