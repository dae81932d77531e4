//! Reading ahead: while a batch is being written, the next one is read and decoded, as far as all partitions together have room.

use std::sync::Arc;
use std::time::{Duration, Instant};

use avow_log::{Chunk, ReadLimit, Topic};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

use crate::batch::Batch;
use crate::partition::Context;
use crate::{ProcessorError, decode};

/// A batch's share of what this process may have in hand, until it is dropped.
pub(crate) type Room = Arc<OwnedSemaphorePermit>;

/// Reads and decodes one batch ahead of the writer.
pub(crate) async fn read(
    context: Context,
    partition: u32,
    mut from: u64,
    mut logged_at: i64,
    batches: mpsc::Sender<(Batch, Room)>,
    stop: CancellationToken,
) -> Result<(), ProcessorError> {
    loop {
        let chunk = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            chunk = read_range(&context, partition, from) => chunk?,
        };
        if chunk.records.is_empty() {
            continue;
        }
        let writers = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            writers = context.schemas.writers_of(&chunk) => writers?,
        };
        // Decoded only when the batch before has been taken up: two batches in memory, not three.
        let Ok(place) = batches.reserve().await else { return Ok(()) };
        let records = u32::try_from(chunk.records.len()).unwrap_or(u32::MAX);
        let room = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            room = Arc::clone(&context.in_hand).acquire_many_owned(records) => room,
        };
        let Ok(room) = room.map(Arc::new) else { return Ok(()) };
        let next = chunk.next;
        let decoding = tokio::task::spawn_blocking(move || {
            let decoded = decode::decode(chunk, &writers, from, &mut logged_at);
            (decoded, logged_at)
        });
        let (decoded, last) = decoding.await.map_err(|e| ProcessorError::Stage(e.to_string()))?;
        (from, logged_at) = (next, last);
        let mut decoded = decoded.into_iter();
        if let Some(first) = decoded.next() {
            place.send((first, Arc::clone(&room)));
        }
        for batch in decoded {
            if batches.send((batch, Arc::clone(&room))).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// Reads what is there; where that is little, waits a moment for more, so that quiet times do not make a part per event.
async fn read_range(context: &Context, partition: u32, from: u64) -> Result<Chunk, ProcessorError> {
    let config = &context.config;
    let limit =
        |records: usize, bytes: usize, wait| ReadLimit { max_records: records, max_bytes: bytes, max_wait: wait };
    let idle = Duration::from_secs(1);
    let mut chunk =
        context.log.read(Topic::Events, partition, from, limit(config.batch_records, config.batch_bytes, idle)).await?;
    if chunk.records.is_empty() {
        return Ok(chunk);
    }
    let until = Instant::now() + Duration::from_millis(config.linger_ms);
    loop {
        let bytes: usize = chunk.records.iter().map(|record| record.value.len()).sum();
        let room = (config.batch_records.saturating_sub(chunk.records.len()), config.batch_bytes.saturating_sub(bytes));
        if room.0 == 0 || room.1 == 0 || Instant::now() >= until {
            return Ok(chunk);
        }
        tokio::time::sleep(until.saturating_duration_since(Instant::now()).min(Duration::from_millis(20))).await;
        let more =
            context.log.read(Topic::Events, partition, chunk.next, limit(room.0, room.1, Duration::ZERO)).await?;
        chunk.next = more.next.max(chunk.next);
        chunk.records.extend(more.records);
    }
}
