//! Reading by position: consumers that are told what to read, kept in a small pool so that a caller who reads on finds
//! the one that has already fetched what comes next.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::client::{CALL, Reporting, failed, watermarks};
use crate::{Chunk, LogError, ReadLimit, StoredRecord, Topic};

/// How long one call into librdkafka blocks, so that closing is noticed.
const SLICE: Duration = Duration::from_millis(100);

/// The pool.
pub(super) struct Readers {
    settings: ClientConfig,
    idle: Mutex<Vec<Reader>>,
    /// Idle readers that are kept.
    keep: usize,
    closed: AtomicBool,
}

/// A partition, with the name that Kafka knows its topic by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub topic: Topic,
    pub name: String,
    pub partition: u32,
}

impl Target {
    fn number(&self) -> i32 {
        i32::try_from(self.partition).unwrap_or(-1)
    }
}

struct Reader {
    consumer: BaseConsumer<Reporting>,
    target: Target,
    /// The position that comes next.
    next: u64,
    /// A record that was fetched and did not fit into the last chunk.
    left_over: Option<StoredRecord>,
}

impl Readers {
    pub fn new(settings: ClientConfig, keep: usize) -> Self {
        Self { settings, idle: Mutex::new(Vec::new()), keep, closed: AtomicBool::new(false) }
    }

    /// Reads as [`crate::Log::read`] says; blocks, at most a little longer than `limit.max_wait`. Ends early, with what
    /// there is, once `abandoned` is set.
    pub fn read(
        &self,
        target: &Target,
        from: u64,
        limit: ReadLimit,
        abandoned: &AtomicBool,
    ) -> Result<Chunk, LogError> {
        let mut reader = self.take(target, from)?;
        let stop = || abandoned.load(Ordering::Acquire) || self.closed.load(Ordering::Acquire);
        // A reader that failed is not used again.
        let chunk = reader.read(limit, &stop)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(reader);
        let spare = (idle.len() > self.keep).then(|| idle.remove(0));
        drop(idle);
        // Closing a consumer takes a moment: not under the lock.
        drop(spare);
        Ok(chunk)
    }

    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(idle);
    }

    fn take(&self, target: &Target, from: u64) -> Result<Reader, LogError> {
        let found = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let same = |r: &Reader| r.target == *target;
            idle.iter()
                .position(|r| same(r) && r.next == from)
                .or_else(|| idle.iter().position(same))
                .map(|at| idle.remove(at))
        };
        let mut reader = match found {
            Some(reader) if reader.next == from => return Ok(reader),
            Some(reader) => reader,
            None => {
                let consumer =
                    self.settings.create_with_context(Reporting).map_err(|e| failed("creating a consumer", &e))?;
                Reader { consumer, target: target.clone(), next: from, left_over: None }
            }
        };
        reader.seek(from)?;
        Ok(reader)
    }
}

impl Reader {
    fn seek(&mut self, from: u64) -> Result<(), LogError> {
        self.check(from)?;
        let mut list = TopicPartitionList::new();
        let offset = i64::try_from(from)
            .map(Offset::Offset)
            .map_err(|_| LogError::Misconfigured("a position beyond what Kafka can have".to_owned()))?;
        list.add_partition_offset(&self.target.name, self.target.number(), offset)
            .and_then(|()| self.consumer.assign(&list))
            .map_err(|e| failed("seeking", &e))?;
        self.next = from;
        self.left_over = None;
        Ok(())
    }

    fn end(&self) -> Result<(u64, u64), LogError> {
        watermarks(self.consumer.client(), &self.target.name, self.target.partition, CALL)
    }

    /// Whether `from` is a position of the partition, or its end.
    fn check(&self, from: u64) -> Result<(), LogError> {
        let (start, end) = self.end()?;
        let Target { topic, partition, name } = &self.target;
        if from < start {
            return Err(LogError::Trimmed { topic: *topic, partition: *partition, asked: from, start });
        }
        if from > end {
            return Err(LogError::Damaged(format!(
                "position {from} of {name}/{partition} is asked for, but the log ends at {end}: it is not the log that \
                 this position comes from, or it has lost records"
            )));
        }
        Ok(())
    }

    fn read(&mut self, limit: ReadLimit, stop: &dyn Fn() -> bool) -> Result<Chunk, LogError> {
        let until = Instant::now() + limit.max_wait;
        // Compaction may have emptied the last positions: then the end is reached without a record. An end-of-partition
        // says so only if it was met after this end was asked for: one that a reader which has lain idle finds waiting is
        // of an earlier end, and what has been appended since must not be skipped.
        let end = if self.target.topic == Topic::Control { self.end()?.1 } else { 0 };
        let mut gathered = Gathered::new(limit);
        let (mut down, mut begun_anew) = (false, false);
        if let Some(record) = self.left_over.take() {
            self.next = record.position + 1;
            gathered.push_owned(&record);
        }
        loop {
            let wait = if gathered.is_empty() {
                until.saturating_duration_since(Instant::now()).min(SLICE)
            } else {
                Duration::ZERO
            };
            match self.consumer.poll(wait) {
                Some(Ok(message)) => {
                    let position = u64::try_from(message.offset()).unwrap_or(0);
                    if position < self.next {
                        continue;
                    }
                    self.next = position + 1;
                    if !gathered.push(position, &message) {
                        self.left_over = Some(owned(position, &message));
                        self.next = position;
                        break;
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    if !gathered.is_empty() {
                        break;
                    }
                    if self.next < end {
                        if begun_anew {
                            self.next = end;
                            break;
                        }
                        self.seek(self.next)?;
                        begun_anew = true;
                    }
                }
                Some(Err(error)) => down |= self.weigh(&error)?,
                None => {
                    if !gathered.is_empty() || stop() || Instant::now() >= until {
                        break;
                    }
                }
            }
            if gathered.is_full() {
                break;
            }
        }
        if down && gathered.is_empty() {
            return Err(LogError::Unavailable("no broker can be reached".to_owned()));
        }
        Ok(Chunk { records: gathered.finish(), next: self.next })
    }

    /// Whether `error` says that no broker is there, or `Err` if reading on makes no sense.
    fn weigh(&self, error: &KafkaError) -> Result<bool, LogError> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                self.check(self.next)?;
                Err(failed("reading", error))
            }
            Some(RDKafkaErrorCode::AllBrokersDown) => Ok(true),
            // Librdkafka tries again by itself.
            Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::OperationTimedOut) => Ok(false),
            _ => Err(failed("reading", error)),
        }
    }
}

fn time_of(message: &BorrowedMessage<'_>) -> i64 {
    message.timestamp().to_millis().unwrap_or(0)
}

fn owned(position: u64, message: &BorrowedMessage<'_>) -> StoredRecord {
    StoredRecord {
        position,
        appended_at_ms: time_of(message),
        key: Bytes::copy_from_slice(message.key().unwrap_or_default()),
        value: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
    }
}

/// Records copied into one buffer, which they share in the end.
struct Gathered {
    limit: ReadLimit,
    buf: Vec<u8>,
    /// Position, time, end of the key, end of the value in `buf`.
    parts: Vec<(u64, i64, usize, usize)>,
}

impl Gathered {
    fn new(limit: ReadLimit) -> Self {
        Self { limit, buf: Vec::new(), parts: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    fn is_full(&self) -> bool {
        !self.is_empty() && (self.parts.len() >= self.limit.max_records || self.buf.len() >= self.limit.max_bytes)
    }

    /// Takes the message, unless it does not fit any more.
    fn push(&mut self, position: u64, message: &BorrowedMessage<'_>) -> bool {
        self.add(position, time_of(message), message.key().unwrap_or_default(), message.payload().unwrap_or_default())
    }

    fn push_owned(&mut self, record: &StoredRecord) {
        self.add(record.position, record.appended_at_ms, &record.key, &record.value);
    }

    fn add(&mut self, position: u64, time: i64, key: &[u8], value: &[u8]) -> bool {
        let fits = self.buf.len() + key.len() + value.len() <= self.limit.max_bytes;
        if !self.is_empty() && !fits {
            return false;
        }
        self.buf.extend_from_slice(key);
        let key_end = self.buf.len();
        self.buf.extend_from_slice(value);
        self.parts.push((position, time, key_end, self.buf.len()));
        true
    }

    fn finish(self) -> Vec<StoredRecord> {
        let buf = Bytes::from(self.buf);
        let mut at = 0;
        let records = self.parts.into_iter().map(|(position, appended_at_ms, key_end, value_end)| {
            let (key, value) = (buf.slice(at..key_end), buf.slice(key_end..value_end));
            at = value_end;
            StoredRecord { position, appended_at_ms, key, value }
        });
        records.collect()
    }
}
