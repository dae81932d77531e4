//! The embedded log against a model that fits on one page: a vector of acknowledged records, whatever is appended, torn,
//! reopened, deleted or flipped.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "only its tools are used here")]
mod suite;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use avow_log::embedded::{EmbeddedConfig, EmbeddedLog};
use avow_log::{Log, LogError, Record, Topic};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;
use suite::{read_all, record};
use tokio::runtime::Runtime;

/// A frame's header and footer, and what each record takes beside key and value (`src/embedded/frame.rs`).
const FRAME: usize = 41;
const RECORD: usize = 8;

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<Record>),
    Reopen,
    /// The last frame is cut off at this byte of it: the file ends there, or is zero from there on.
    Tear {
        at: Index,
        zeros: bool,
    },
    /// Of the last frame's sectors these never reached the disk.
    LoseSectors(u64),
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    // No zero bytes: 512 of them, aligned, in the last frame are what the log cannot tell from a torn write.
    let bytes = |max: usize| prop::collection::vec(1..=u8::MAX, 0..max).prop_map(Bytes::from);
    prop::collection::vec((bytes(20), bytes(3000)).prop_map(|(key, value)| Record { key, value }), 1..6)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => records().prop_map(Step::Append),
        1 => Just(Step::Reopen),
        1 => (any::<Index>(), any::<bool>()).prop_map(|(at, zeros)| Step::Tear { at, zeros }),
        1 => (1..u64::MAX).prop_map(Step::LoseSectors),
    ]
}

struct Tested {
    runtime: Runtime,
    log: Option<Arc<EmbeddedLog>>,
    config: EmbeddedConfig,
    /// What was acknowledged, one batch per frame.
    model: Vec<Vec<Record>>,
    /// Whether the last frame is one that a crash could have cut off: not the one before such a frame.
    fresh: bool,
    _dir: tempfile::TempDir,
}

impl Tested {
    fn new(change: impl FnOnce(EmbeddedConfig) -> EmbeddedConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = EmbeddedConfig { path: dir.path().join("log"), event_partitions: 1, ..EmbeddedConfig::default() };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let config = change(config);
        let log = Some(EmbeddedLog::open(config.clone()).unwrap());
        Self { runtime, log, config, model: Vec::new(), fresh: false, _dir: dir }
    }

    fn log(&self) -> &EmbeddedLog {
        self.log.as_ref().unwrap()
    }

    fn close(&mut self) {
        let log = self.log.take().unwrap();
        self.runtime.block_on(log.close());
    }

    fn open(&mut self) -> Result<(), LogError> {
        self.log = Some(EmbeddedLog::open(self.config.clone())?);
        Ok(())
    }

    fn append(&mut self, records: Vec<Record>) {
        let expected: u64 = self.model.iter().map(|batch| batch.len() as u64).sum();
        let positions = self.runtime.block_on(self.log().append(Topic::Events, records.clone())).unwrap();
        let got: Vec<_> = positions.iter().map(|p| p.position).collect();
        assert_eq!(got, (expected..expected + records.len() as u64).collect::<Vec<_>>());
        self.model.push(records);
        self.fresh = true;
    }

    fn files(&self) -> Vec<PathBuf> {
        segment_files(&self.config.path.join("consent.events-0"))
    }

    /// Spoils the last frame, `spoil(file, offset of the frame, its length)`, and opens the log again: the frame is gone.
    fn spoil_last_frame(&mut self, spoil: impl FnOnce(&fs::File, u64, u64)) {
        if !std::mem::take(&mut self.fresh) {
            return;
        }
        let last = self.model.pop().unwrap();
        self.close();
        let path = self.files().pop().unwrap();
        let file = fs::File::options().read(true).write(true).open(path).unwrap();
        let len: usize = FRAME + last.iter().map(|r| RECORD + r.key.len() + r.value.len()).sum::<usize>();
        // A closed log's files end with their last frame.
        let start = file.metadata().unwrap().len() - len as u64;
        spoil(&file, start, len as u64);
        self.open().unwrap();
    }

    fn check(&self) {
        let expected: Vec<_> = self.model.iter().flatten().collect();
        let end = self.runtime.block_on(self.log().end(Topic::Events, 0)).unwrap();
        assert_eq!(end, expected.len() as u64);
        let got = self.runtime.block_on(read_all(self.log(), Topic::Events, 0, 0, end));
        assert_eq!(got.len(), expected.len());
        for ((position, got), expected) in (0..).zip(&got).zip(expected) {
            assert_eq!((got.position, &got.key, &got.value), (position, &expected.key, &expected.value));
        }
    }

    /// Opens the log and reads all of it; the first error, if any.
    fn try_all(&mut self) -> Result<(), LogError> {
        self.open()?;
        let log = self.log();
        let limit = avow_log::ReadLimit { max_records: 1000, max_bytes: 1 << 20, max_wait: Duration::ZERO };
        let result = self.runtime.block_on(async {
            let (mut at, end) = (0, log.end(Topic::Events, 0).await?);
            while at < end {
                at = log.read(Topic::Events, 0, at, limit).await?.next;
            }
            Ok(())
        });
        self.close();
        result
    }
}

fn segment_files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    files
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// Acknowledged is there, in order, once; a frame that a crash cut anywhere is gone whole, and alone.
    #[test]
    fn keeps_what_it_acknowledged(
        steps in prop::collection::vec(step(), 1..25),
        segment_bytes in prop_oneof![Just(512_u64), Just(20_000), Just(64 << 20)],
    ) {
        let mut tested = Tested::new(|config| EmbeddedConfig { segment_bytes, ..config });
        for step in steps {
            match step {
                Step::Append(records) => tested.append(records),
                Step::Reopen => {
                    tested.close();
                    tested.open().unwrap();
                }
                Step::Tear { at, zeros } => tested.spoil_last_frame(|file, start, len| {
                    let cut = start + at.index(usize::try_from(len).unwrap()) as u64;
                    file.set_len(cut).unwrap();
                    if zeros {
                        file.set_len(start + len + 10_000).unwrap();
                    }
                }),
                Step::LoseSectors(mask) => tested.spoil_last_frame(|file, start, len| {
                    let mut sectors: Vec<_> = (start / 512..=(start + len - 1) / 512).collect();
                    let all = sectors.len();
                    sectors.retain(|sector| mask >> (sector % 64) & 1 == 1);
                    if sectors.is_empty() {
                        sectors.push(start / 512 + mask % all as u64);
                    }
                    for sector in sectors {
                        let (from, to) = ((sector * 512).max(start), (sector * 512 + 512).min(start + len));
                        file.write_all_at(&vec![0; usize::try_from(to - from).unwrap()], from).unwrap();
                    }
                }),
            }
        }
        tested.check();
        tested.close();
        tested.open().unwrap();
        tested.check();
    }

    /// One flipped bit anywhere in what was acknowledged is damage, with the file named; never a wrong or missing record.
    #[test]
    fn notices_every_flipped_bit(
        batches in prop::collection::vec(records(), 1..8),
        segment_bytes in prop_oneof![Just(512_u64), Just(64 << 20)],
        flips in prop::collection::vec((any::<Index>(), any::<Index>(), 0..8_u32), 8),
    ) {
        let mut tested = Tested::new(|config| EmbeddedConfig { segment_bytes, ..config });
        for batch in batches {
            tested.append(batch);
        }
        tested.close();
        for (file, byte, bit) in flips {
            let path = file.get(&tested.files()).clone();
            let good = fs::read(&path).unwrap();
            let mut bad = good.clone();
            let at = byte.index(bad.len());
            bad[at] ^= 1 << bit;
            fs::write(&path, &bad).unwrap();
            let result = tested.try_all();
            let Err(LogError::Damaged(text)) = &result else { panic!("byte {at} of {}: {result:?}", path.display()) };
            prop_assert!(text.contains(path.file_name().unwrap().to_str().unwrap()), "{}", text);
            // Nothing was repaired away.
            let mut now = fs::read(&path).unwrap();
            now.truncate(bad.len());
            prop_assert!(now == bad);
            fs::write(&path, &good).unwrap();
        }
        tested.open().unwrap();
        tested.check();
    }

    /// Compaction keeps the newest value of every key at its position, and deletions for as long as they are to be seen.
    #[test]
    fn compaction_keeps_the_newest(
        changes in prop::collection::vec((0..12_u8, prop::option::of(1..400_usize)), 1..120),
        keep_deletions in any::<bool>(),
        reopen_at in any::<Index>(),
    ) {
        let mut tested = Tested::new(|config| EmbeddedConfig {
            segment_bytes: 16_000,
            compact_bytes: 2_000,
            tombstones_kept: if keep_deletions { Duration::from_secs(3600) } else { Duration::ZERO },
            ..config
        });
        let mut newest = BTreeMap::new();
        let reopen_at = reopen_at.index(changes.len());
        for (i, (key, size)) in changes.iter().enumerate() {
            let key = format!("key-{key}");
            let value = vec![b'v'; size.unwrap_or(0)];
            let at = tested.runtime.block_on(tested.log().append(Topic::Control, vec![record(&key, &value)])).unwrap();
            prop_assert_eq!(at[0].position, i as u64);
            newest.insert(key, (at[0].position, value));
            if i == reopen_at {
                tested.close();
                tested.open().unwrap();
            }
        }
        let end = tested.runtime.block_on(tested.log().end(Topic::Control, 0)).unwrap();
        prop_assert_eq!(end, changes.len() as u64);
        let got = tested.runtime.block_on(read_all(tested.log(), Topic::Control, 0, 0, end));
        prop_assert!(got.is_sorted_by_key(|r| r.position));
        let mut seen = BTreeMap::new();
        for r in &got {
            seen.insert(String::from_utf8(r.key.to_vec()).unwrap(), (r.position, r.value.to_vec()));
        }
        for (key, (position, value)) in newest {
            match seen.get(&key) {
                Some(found) => prop_assert_eq!(found, &(position, value)),
                None => prop_assert!(value.is_empty() && !keep_deletions, "{} is lost", key),
            }
        }
    }
}

/// Readers go on while segments are rolled, trimmed and compacted under them.
#[test]
fn readers_live_with_trimming_and_compaction() {
    let tested = Tested::new(|config| EmbeddedConfig {
        segment_bytes: 4_000,
        retention: Duration::ZERO,
        compact_bytes: 4_000,
        ..config
    });
    let log = Arc::clone(tested.log.as_ref().unwrap());
    tested.runtime.block_on(async {
        const COUNT: u64 = 2_000;
        let reader = |topic| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let (mut next, mut last) = (0, None);
                while next < COUNT {
                    match log.read(topic, 0, next, suite::LIMIT).await {
                        Ok(chunk) => {
                            assert!(chunk.records.iter().all(|r| r.position >= next));
                            last = chunk.records.last().map(|r| r.position).or(last);
                            next = chunk.next;
                        }
                        Err(LogError::Trimmed { start, .. }) => next = start,
                        Err(error) => panic!("{error}"),
                    }
                }
                last
            })
        };
        let readers = [reader(Topic::Events), reader(Topic::Control)];
        for i in 0..COUNT {
            log.append(Topic::Control, vec![record(&format!("k{}", i % 5), "some value")]).await.unwrap();
            log.append(Topic::Events, vec![record("k", format!("value {i}"))]).await.unwrap();
            if i % 50 == 0 {
                log.processed(0, i).await.unwrap();
            }
        }
        for reader in readers {
            assert_eq!(reader.await.unwrap(), Some(COUNT - 1));
        }
        assert!(log.start(Topic::Events, 0).await.unwrap() > 1_000, "what was processed has been trimmed");
        assert!(matches!(
            log.read(Topic::Events, 0, 0, suite::LIMIT).await,
            Err(LogError::Trimmed { topic: Topic::Events, partition: 0, asked: 0, .. })
        ));
    });
}

#[test]
fn retention_keeps_what_is_young_or_not_processed() {
    let day = Duration::from_secs(86_400);
    for (retention, processed, kept) in
        [(day, true, true), (Duration::ZERO, false, true), (Duration::ZERO, true, false)]
    {
        let mut tested = Tested::new(|config| EmbeddedConfig { segment_bytes: 512, retention, ..config });
        for i in 0..20 {
            tested.append(vec![record("k", vec![i + 1; 300])]);
        }
        let upto = if processed { 20 } else { 0 };
        tested.runtime.block_on(tested.log().processed(0, upto)).unwrap();
        let start = tested.runtime.block_on(tested.log().start(Topic::Events, 0)).unwrap();
        assert_eq!(start == 0, kept, "retention {retention:?}, processed {processed}, start {start}");
        if !kept {
            assert_eq!(start, 20, "an idle partition forgets its last records too");
            tested.close();
            tested.open().unwrap();
            let at = tested.runtime.block_on(tested.log().append(Topic::Events, vec![record("k", "next")])).unwrap();
            assert_eq!(at[0].position, 20, "positions are never used again");
        }
    }
}

#[test]
fn one_process_owns_the_path_and_the_partitions_are_fixed() {
    let mut tested = Tested::new(|config| config);
    let second = EmbeddedLog::open(tested.config.clone()).err().unwrap();
    assert!(matches!(&second, LogError::Misconfigured(text) if text.contains(&std::process::id().to_string())));
    let id = tested.log().identity().log_id;
    tested.close();
    tested.config.event_partitions = 4;
    let other = tested.open().err().unwrap();
    let ways = |text: &str| text.contains("log.partitions = 1") && text.contains("avow migrate log --partitions 4");
    assert!(matches!(&other, LogError::Misconfigured(text) if ways(text)), "{other}");
    tested.config.event_partitions = 1;
    tested.open().unwrap();
    assert_eq!(tested.log().identity().log_id, id);
    tested.close();
    fs::remove_file(tested.config.path.join("identity.json")).unwrap();
    assert!(matches!(tested.open(), Err(LogError::Damaged(_))), "a log without its identity is not a new log");
}
