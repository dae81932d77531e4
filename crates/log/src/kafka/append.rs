//! Appending: one idempotent producer, one answer per batch, health that follows acknowledgements.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use tokio::sync::{Semaphore, oneshot};

use super::client::{blocking, failed, log, watermarks};
use super::config::KafkaConfig;
use crate::partitioner::partition_for;
use crate::{LogError, LogPosition, Record};

/// What may be under way at once, in bytes; more appends wait. Below what the producer itself would refuse.
const QUEUE_BYTES: usize = 64 << 20;
/// What a record costs beside its bytes.
const OVERHEAD: usize = 128;

type Producer = ThreadedProducer<Deliveries>;

/// Appends to Kafka.
pub(super) struct Appender {
    settings: ClientConfig,
    /// Replaced when librdkafka says that it cannot keep its promises any more (a fatal error).
    producer: RwLock<Producer>,
    broken: Arc<AtomicBool>,
    healthy: AtomicBool,
    closed: AtomicBool,
    room: Arc<Semaphore>,
    timeout: Duration,
    max_record_bytes: usize,
}

/// A batch on its way: answered when the last of its records is.
struct Batch {
    state: Mutex<BatchState>,
}

struct BatchState {
    positions: Vec<LogPosition>,
    left: usize,
    error: Option<LogError>,
    answer: Option<oneshot::Sender<Result<Vec<LogPosition>, LogError>>>,
}

impl Batch {
    fn settle(&self, index: usize, result: Result<LogPosition, LogError>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(position) => state.positions[index] = position,
            Err(error) => state.error = Some(error),
        }
        state.left -= 1;
        if state.left == 0
            && let Some(answer) = state.answer.take()
        {
            let result = match state.error.take() {
                Some(error) => Err(error),
                None => Ok(std::mem::take(&mut state.positions)),
            };
            // The appender may have gone away.
            let _ = answer.send(result);
        }
    }
}

/// One record's place in its batch, which librdkafka carries along.
struct Ticket {
    batch: Arc<Batch>,
    index: usize,
}

/// Takes the delivery reports.
struct Deliveries {
    broken: Arc<AtomicBool>,
    max_record_bytes: usize,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            tracing::error!(%error, reason, "the producer is replaced");
            self.broken.store(true, Ordering::Release);
        }
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let settled = match result {
            Ok(message) => position(message.partition(), message.offset()),
            Err((error, message)) => Err(self.refused(error, message.key_len() + message.payload_len())),
        };
        ticket.batch.settle(ticket.index, settled);
    }
}

impl Deliveries {
    fn refused(&self, error: &KafkaError, size: usize) -> LogError {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
                LogError::TooLarge { size, limit: size.min(self.max_record_bytes) }
            }
            Some(RDKafkaErrorCode::Fatal | RDKafkaErrorCode::OutOfOrderSequenceNumber) => {
                self.broken.store(true, Ordering::Release);
                failed("append", error)
            }
            _ => failed("append", error),
        }
    }
}

fn position(partition: i32, offset: i64) -> Result<LogPosition, LogError> {
    match (u32::try_from(partition), u64::try_from(offset)) {
        (Ok(partition), Ok(position)) => Ok(LogPosition { partition, position }),
        _ => Err(LogError::Unavailable(format!("an acknowledgement without position ({partition}, {offset})"))),
    }
}

impl Appender {
    pub fn new(config: &KafkaConfig) -> Result<Self, LogError> {
        let settings = config.producer();
        let broken = Arc::new(AtomicBool::new(false));
        let producer = produce_with(&settings, &broken, config.max_record_bytes)?;
        Ok(Self {
            settings,
            producer: RwLock::new(producer),
            broken,
            healthy: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            room: Arc::new(Semaphore::new(QUEUE_BYTES)),
            timeout: config.append_timeout,
            max_record_bytes: config.max_record_bytes,
        })
    }

    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Acquire)
    }

    pub fn set_healthy(&self, healthy: bool) {
        if self.healthy.swap(healthy, Ordering::AcqRel) != healthy {
            tracing::info!(healthy, "kafka acknowledges appends");
        }
    }

    fn producer(&self) -> Result<Producer, LogError> {
        if self.broken.load(Ordering::Acquire) {
            let mut producer = self.producer.write().unwrap_or_else(PoisonError::into_inner);
            if self.broken.swap(false, Ordering::AcqRel) {
                *producer = produce_with(&self.settings, &self.broken, self.max_record_bytes)?;
            }
        }
        Ok(self.producer.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Appends `records` to the topic `name` of `partitions` partitions. With `deletes`, an empty value is sent as Kafka's
    /// null, which is what compaction takes for a deletion.
    pub async fn append(
        &self,
        name: &str,
        partitions: u32,
        deletes: bool,
        records: Vec<Record>,
    ) -> Result<Vec<LogPosition>, LogError> {
        let limit = self.max_record_bytes;
        let size = |r: &Record| r.key.len() + r.value.len();
        if let Some(size) = records.iter().map(size).find(|size| *size > limit) {
            return Err(LogError::TooLarge { size, limit });
        }
        if records.is_empty() {
            return Ok(Vec::new());
        }
        if self.closed.load(Ordering::Acquire) {
            return Err(LogError::Unavailable("the log is closed".to_owned()));
        }
        let bytes: usize = records.iter().map(|r| size(r) + OVERHEAD).sum();
        let share = u32::try_from(bytes.min(QUEUE_BYTES)).unwrap_or(u32::MAX);
        // Librdkafka bounds the rest; waiting for room counts too.
        let work = async {
            let closed = |_| LogError::Unavailable("the log is closed".to_owned());
            let _room = Arc::clone(&self.room).acquire_many_owned(share).await.map_err(closed)?;
            let answered = self.send(name, partitions, deletes, &records)?;
            answered.await.map_err(|_| LogError::Unavailable("the producer was replaced".to_owned()))?
        };
        let late = || LogError::Unavailable(format!("not acknowledged within {:?}", 2 * self.timeout));
        let result = tokio::time::timeout(2 * self.timeout, work).await.unwrap_or_else(|_| Err(late()));
        if !matches!(result, Err(LogError::TooLarge { .. })) {
            self.set_healthy(result.is_ok());
        }
        result
    }

    fn send(
        &self,
        name: &str,
        partitions: u32,
        deletes: bool,
        records: &[Record],
    ) -> Result<oneshot::Receiver<Result<Vec<LogPosition>, LogError>>, LogError> {
        let producer = self.producer()?;
        let (answer, answered) = oneshot::channel();
        let nowhere = LogPosition { partition: 0, position: 0 };
        let state = BatchState {
            positions: vec![nowhere; records.len()],
            left: records.len(),
            error: None,
            answer: Some(answer),
        };
        let batch = Arc::new(Batch { state: Mutex::new(state) });
        for (index, record) in records.iter().enumerate() {
            let partition = partition_for(&record.key, partitions);
            let ticket = Box::new(Ticket { batch: Arc::clone(&batch), index });
            let mut message = BaseRecord::with_opaque_to(name, ticket)
                .key(record.key.as_ref())
                .partition(i32::try_from(partition).unwrap_or(-1));
            if !(deletes && record.value.is_empty()) {
                message = message.payload(record.value.as_ref());
            }
            if let Err((error, message)) = producer.send(message) {
                let refused = producer.context().refused(&error, record.key.len() + record.value.len());
                message.delivery_opaque.batch.settle(index, Err(refused));
            }
        }
        Ok(answered)
    }

    /// `(first position kept, one past the last acknowledged)` by the partition's leader.
    pub async fn watermarks(&self, name: &str, partition: u32, timeout: Duration) -> Result<(u64, u64), LogError> {
        let producer = self.producer()?;
        let name = name.to_owned();
        blocking(move || watermarks(producer.client(), &name, partition, timeout)).await
    }

    /// Answers what is under way (by the append timeout at the latest), then takes no more.
    pub async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.healthy.store(false, Ordering::Release);
        let Ok(producer) = self.producer() else { return };
        let timeout = 2 * self.timeout;
        let flushed = blocking(move || producer.flush(timeout).map_err(|e| failed("flushing the producer", &e))).await;
        if let Err(error) = flushed {
            tracing::warn!(%error, "not everything was acknowledged");
        }
    }
}

fn produce_with(
    settings: &ClientConfig,
    broken: &Arc<AtomicBool>,
    max_record_bytes: usize,
) -> Result<Producer, LogError> {
    let context = Deliveries { broken: Arc::clone(broken), max_record_bytes };
    settings.create_with_context(context).map_err(|e| failed("creating the producer", &e))
}
