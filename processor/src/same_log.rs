//! Whether a log is the one that the warehouse was derived from. Its identity says so, but somebody may have deleted and
//! recreated the topic beside it: then the log ends before what was derived, or holds other records in the same places. The
//! last stored record of each partition is compared by its commitment, which no other record has.

use std::time::Duration;

use avow_log::{Log, LogError, ReadLimit, Topic};
use avow_schemas::record::Writers;
use avow_warehouse::Warehouse;

use crate::batch::Reading;
use crate::{ProcessorError, decode};

const ONE: ReadLimit = ReadLimit { max_records: 1, max_bytes: 1, max_wait: Duration::from_secs(10) };

/// What tells the log from the one that was derived; `None` where it is that one as far as can be seen. A partition whose
/// last stored record is past its retention says nothing.
///
/// # Errors
/// The log's and the engine's.
pub async fn difference(log: &dyn Log, warehouse: &Warehouse) -> Result<Option<String>, ProcessorError> {
    let (log_id, partitions) = (log.identity().log_id, log.identity().partitions);
    let has = log.partitions(Topic::Events);
    for (partition, derived) in (0..).zip(warehouse.derived(log_id, partitions).await?) {
        if derived.events == 0 {
            continue;
        }
        let end = if partition < has { log.end(Topic::Events, partition).await? } else { 0 };
        if end < derived.events {
            return Ok(Some(format!(
                "partition {partition} of the log ends at {end}, and {} records of it were processed",
                derived.events
            )));
        }
        let Some(witness) = warehouse.witness(log_id, partition).await? else { continue };
        let chunk = match log.read(Topic::Events, partition, witness.position, ONE).await {
            Ok(chunk) => chunk,
            Err(LogError::Trimmed { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let found = chunk.records.first().filter(|record| record.position == witness.position);
        let writers = Writers::default();
        if found.is_some_and(|record| writers.lacks(&record.value).is_some()) {
            // Another version's record, whose schema is not at hand here: it says nothing.
            continue;
        }
        let same = found.is_some_and(|record| match decode::read(record, &writers) {
            Reading::Record { commitment, .. } => commitment == witness.commitment,
            Reading::Dead(_) => false,
        });
        if !same {
            return Ok(Some(format!(
                "position {} of partition {partition} holds another record than the one that was processed",
                witness.position
            )));
        }
    }
    Ok(None)
}
