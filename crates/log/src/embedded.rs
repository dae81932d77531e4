//! The embedded log: segment files on this machine, durable by `fdatasync`, for one process.
//!
//! ```text
//! <path>/LOCK                         held while a process owns the log
//! <path>/identity.json                log id, number of event partitions
//! <path>/consent.events-0/            one directory per topic and partition
//!        00000000000000000000.seg     consecutive frames, preallocated     (segment.rs, frame.rs)
//! ```
//! An append goes: [`EmbeddedLog::append`] -> the queue of its partition (bounded in bytes; waiting for room is the
//! back-pressure) -> the partition's writer thread, one frame and one sync for all that waits (`writer.rs`) -> the durable
//! end moves, readers wake, the appenders are answered. Reading never waits for writing (`reader.rs`). Opening repairs a
//! torn tail and refuses damage (`scan.rs`).

mod compaction;
pub(crate) mod disk;
#[cfg(test)]
mod faults;
mod frame;
#[cfg(fuzzing)]
pub mod fuzzing;
mod identity;
mod partition;
#[cfg(test)]
pub(crate) mod power_cut;
mod reader;
mod scan;
mod segment;
pub mod successor;
mod writer;

pub(crate) use self::writer::now_ms;

use std::fs::File;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, oneshot, watch};

use self::disk::{Disk, RealDisk};
use self::partition::Partition;
use self::segment::Home;
use self::writer::{GROUP_BYTES, Job, Rules, Writer, batch_bytes};
use crate::partitioner::partition_for;
use crate::{Assignment, Chunk, Log, LogError, LogIdentity, LogPosition, ReadLimit, Record, Topic};

/// What waits in the queue of one partition at most, in bytes; more appends wait for room.
const QUEUE_BYTES: usize = 4 * GROUP_BYTES;

/// Segment size of the control and rejected topics at most.
const SMALL_SEGMENT: u64 = 8 << 20;

/// How an embedded log is kept. `Default` is what one machine wants, with the path `./log`.
#[derive(Debug, Clone)]
pub struct EmbeddedConfig {
    /// The log's directory; created if missing. One process at a time.
    pub path: PathBuf,
    /// Partitions of [`Topic::Events`]; fixed once the log exists.
    pub event_partitions: u32,
    /// Size of a segment file, reserved when it is begun.
    pub segment_bytes: u64,
    /// Derived events (see [`Log::processed`]) and rejected ones are kept at least this long. A record is gone at the
    /// latest an eighth of this later, once it is derived.
    pub retention: Duration,
    /// Key and value of one record at most.
    pub max_record_bytes: usize,
    /// The control topic is compacted when it has at least this size, and twice that of its last compaction.
    pub compact_bytes: u64,
    /// How long a deletion in the control topic outlives the value that it deleted, so that every reader sees it.
    pub tombstones_kept: Duration,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            path: PathBuf::from("log"),
            event_partitions: 2,
            segment_bytes: 64 << 20,
            retention: 7 * DAY,
            max_record_bytes: 1_000_000,
            compact_bytes: 16 << 20,
            tombstones_kept: DAY,
        }
    }
}

/// The log on this machine. Dropping it ends the writers once they have answered what waits; [`Log::close`] waits for it.
pub struct EmbeddedLog {
    identity: LogIdentity,
    path: PathBuf,
    /// Held by the writers.
    lock: Weak<File>,
    max_record_bytes: usize,
    /// Events first, then control, then rejected.
    lanes: Vec<Lane>,
    assignments: watch::Sender<Assignment>,
    writers: Mutex<Vec<JoinHandle<()>>>,
}

/// The way into one partition.
struct Lane {
    partition: Arc<Partition>,
    queue: Sender<Job>,
    /// Bytes of room in the queue.
    room: Arc<Semaphore>,
}

impl EmbeddedLog {
    /// Opens the log, or begins one where there is none.
    ///
    /// # Errors
    /// [`LogError::Misconfigured`] if another process owns the path or the log has another number of partitions,
    /// [`LogError::Damaged`] with file and offset if what is there cannot be believed, [`LogError::Unavailable`] if it
    /// cannot be read.
    pub fn open(config: EmbeddedConfig) -> Result<Arc<Self>, LogError> {
        Self::open_on(config, Arc::new(RealDisk))
    }

    pub(crate) fn open_on(config: EmbeddedConfig, disk: Arc<dyn Disk>) -> Result<Arc<Self>, LogError> {
        const MAX_RECORD: usize = 64 << 20;
        if config.event_partitions == 0 || config.max_record_bytes > MAX_RECORD {
            return Err(LogError::Misconfigured(format!(
                "an embedded log needs at least one partition and records of at most {MAX_RECORD} bytes"
            )));
        }
        successor::refuse_interrupted(&config.path)?;
        disk::create_dir(&config.path).map_err(|e| LogError::Unavailable(format!("{}: {e}", config.path.display())))?;
        let lock = Arc::new(identity::lock(&config.path)?);
        let identity = identity::load_or_create(&config.path, config.event_partitions)?;
        let mut lanes = Vec::new();
        let mut writers = Vec::new();
        for topic in Topic::ALL {
            let count = if topic == Topic::Events { config.event_partitions } else { 1 };
            for partition in 0..count {
                let home = Home { log_id: identity.log_id, topic, partition };
                let (lane, writer) = Lane::open(&config, home, &disk, &lock)?;
                lanes.push(lane);
                writers.push(writer);
            }
        }
        let assignments = watch::Sender::new((0..identity.partitions).collect());
        let max_record_bytes = config.max_record_bytes;
        let (path, lock, writers) = (config.path, Arc::downgrade(&lock), Mutex::new(writers));
        Ok(Arc::new(Self { identity, path, lock, max_record_bytes, lanes, assignments, writers }))
    }

    /// The first position kept and one past the last durable one.
    pub(crate) fn range(&self, topic: Topic, partition: u32) -> Result<(u64, u64), LogError> {
        let lane = self.lane(topic, partition)?;
        Ok((lane.partition.start(), lane.partition.end()))
    }

    /// What a partition's segments take on the disk, what is reserved included.
    pub(crate) fn disk_bytes(&self, topic: Topic, partition: u32) -> u64 {
        self.lane(topic, partition).map_or(0, |lane| lane.partition.disk_bytes())
    }

    fn lane(&self, topic: Topic, partition: u32) -> Result<&Lane, LogError> {
        let has = self.partitions(topic);
        if partition >= has {
            return Err(LogError::Misconfigured(format!("{topic:?} has {has} partitions, there is no {partition}")));
        }
        let before = match topic {
            Topic::Events => 0,
            Topic::Control => self.identity.partitions,
            Topic::Rejected => self.identity.partitions + 1,
        };
        self.lanes
            .get((before + partition) as usize)
            .ok_or_else(|| LogError::Misconfigured(format!("{topic:?}/{partition} was not opened")))
    }
}

impl Lane {
    fn open(
        config: &EmbeddedConfig,
        home: Home,
        disk: &Arc<dyn Disk>,
        lock: &Arc<File>,
    ) -> Result<(Self, JoinHandle<()>), LogError> {
        let name = format!("{}-{}", home.topic.default_name(), home.partition);
        // The other topics are small; a segment of theirs need not reserve as much.
        let most = if home.topic == Topic::Events { u64::MAX } else { SMALL_SEGMENT };
        let segment_bytes = config.segment_bytes.min(most);
        let opened = Partition::open(config.path.join(&name), home, disk.as_ref(), segment_bytes)?;
        let partition = Arc::clone(&opened.0);
        let rules = Rules {
            segment_bytes,
            retention: config.retention,
            compact_bytes: config.compact_bytes,
            tombstones_kept: config.tombstones_kept,
        };
        let (queue, jobs) = channel();
        let writer = Writer::new(opened, Arc::clone(disk), rules, jobs, Arc::clone(lock));
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || writer.run())
            .map_err(|e| LogError::Unavailable(format!("cannot start a writer thread: {e}")))?;
        Ok((Self { partition, queue, room: Arc::new(Semaphore::new(QUEUE_BYTES)) }, thread))
    }

    /// Queues `records` as one job, waiting for room.
    async fn enqueue(&self, records: Vec<Record>) -> Result<oneshot::Receiver<Result<u64, LogError>>, LogError> {
        let bytes = batch_bytes(&records);
        let share = u32::try_from(bytes.min(QUEUE_BYTES)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(share).await.map_err(|_| closed())?;
        let (answer, answered) = oneshot::channel();
        self.queue.send(Job::Append { records, bytes, answer, _room: room }).map_err(|_| closed())?;
        Ok(answered)
    }
}

fn closed() -> LogError {
    LogError::Unavailable("the log is closed".to_owned())
}

/// Cuts a batch into runs that fit into one frame each. Nearly always there is one.
fn frames_of(records: Vec<Record>) -> Vec<Vec<Record>> {
    if batch_bytes(&records) <= GROUP_BYTES {
        return vec![records];
    }
    let mut runs = Vec::new();
    let mut run = Vec::new();
    let mut bytes = 0;
    for record in records {
        let size = frame::encoded_len(&record);
        if bytes + size > GROUP_BYTES / 2 && !run.is_empty() {
            runs.push(std::mem::take(&mut run));
            bytes = 0;
        }
        bytes += size;
        run.push(record);
    }
    runs.push(run);
    runs
}

#[async_trait]
impl Log for EmbeddedLog {
    fn identity(&self) -> &LogIdentity {
        &self.identity
    }

    fn partitions(&self, topic: Topic) -> u32 {
        if topic == Topic::Events { self.identity.partitions } else { 1 }
    }

    /// Records of one partition in one batch of less than 4 MiB share a frame: they are all there or none is.
    async fn append(&self, topic: Topic, records: Vec<Record>) -> Result<Vec<LogPosition>, LogError> {
        let limit = self.max_record_bytes;
        if let Some(size) = records.iter().map(|r| r.key.len() + r.value.len()).find(|size| *size > limit) {
            return Err(LogError::TooLarge { size, limit });
        }
        let partitions = self.partitions(topic);
        let mut targets = Vec::with_capacity(records.len());
        let mut by_partition = vec![Vec::new(); partitions as usize];
        for record in records {
            let partition = partition_for(&record.key, partitions);
            targets.push(partition);
            by_partition[partition as usize].push(record);
        }
        let mut waiting = Vec::new();
        for (partition, records) in (0..partitions).zip(by_partition) {
            if records.is_empty() {
                continue;
            }
            for run in frames_of(records) {
                let count = run.len() as u64;
                waiting.push((partition, count, self.lane(topic, partition)?.enqueue(run).await?));
            }
        }
        let mut positions = vec![Vec::new(); partitions as usize];
        for (partition, count, answer) in waiting {
            let base = answer.await.map_err(|_| closed())??;
            positions[partition as usize].extend(base..base + count);
        }
        let mut positions: Vec<_> = positions.into_iter().map(Vec::into_iter).collect();
        let answered = targets.into_iter().filter_map(|partition| {
            let position = positions[partition as usize].next()?;
            Some(LogPosition { partition, position })
        });
        Ok(answered.collect())
    }

    async fn read(&self, topic: Topic, partition: u32, from: u64, limit: ReadLimit) -> Result<Chunk, LogError> {
        let shared = Arc::clone(&self.lane(topic, partition)?.partition);
        let mut end = shared.watch_end();
        if from > *end.borrow_and_update() {
            return Err(LogError::Damaged(format!(
                "position {from} of {topic:?}/{partition} is asked for, but the log ends at {}: it is not the log that \
                 this position comes from, or it has lost records",
                shared.end()
            )));
        }
        if shared.end() == from {
            // Both a timeout and a closed log mean: nothing new, which is what the read then finds.
            let _ = tokio::time::timeout(limit.max_wait, end.wait_for(|end| *end > from)).await;
        }
        if shared.end() == from && from >= shared.start() {
            return Ok(Chunk { records: Vec::new(), next: from });
        }
        tokio::task::spawn_blocking(move || reader::read(&shared, from, limit))
            .await
            .map_err(|e| LogError::Unavailable(format!("the read was abandoned: {e}")))?
    }

    async fn start(&self, topic: Topic, partition: u32) -> Result<u64, LogError> {
        Ok(self.lane(topic, partition)?.partition.start())
    }

    async fn end(&self, topic: Topic, partition: u32) -> Result<u64, LogError> {
        Ok(self.lane(topic, partition)?.partition.end())
    }

    /// Removes what this allows to be removed before it answers.
    async fn processed(&self, partition: u32, upto: u64) -> Result<(), LogError> {
        let lane = self.lane(Topic::Events, partition)?;
        lane.partition.set_processed(upto);
        let (answer, answered) = oneshot::channel();
        lane.queue.send(Job::Tidy(answer)).map_err(|_| closed())?;
        answered.await.map_err(|_| closed())
    }

    async fn assignments(&self) -> Result<watch::Receiver<Assignment>, LogError> {
        Ok(self.assignments.subscribe())
    }

    /// Nothing is ever revoked.
    async fn released(&self, _partitions: &[u32]) {}

    fn healthy(&self) -> bool {
        self.lanes.iter().all(|lane| lane.partition.is_healthy())
    }

    async fn close(&self) {
        for lane in &self.lanes {
            // A writer that has already ended has nothing to close.
            let _ = lane.queue.send(Job::Close);
        }
        let writers = std::mem::take(&mut *self.writers.lock().unwrap_or_else(PoisonError::into_inner));
        let join = tokio::task::spawn_blocking(move || {
            for writer in writers {
                if writer.join().is_err() {
                    tracing::error!("a writer of the log panicked");
                }
            }
        });
        let _ = join.await;
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        for lane in &self.lanes {
            let _ = lane.queue.send(Job::Close);
        }
    }
}
