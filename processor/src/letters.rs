//! Dead letters on their way to `consent.rejected`.

use avow_log::{Record, StoredRecord};
use avow_schemas::fate::RejectedRecord;
use avow_schemas::letter::{DeadLetter, LetterId};

/// The records in which a dead record of the log is buried: one, or several pieces where it is large. They have its key, so
/// they lie in one partition, in their order.
pub(crate) fn letter(
    id: LetterId,
    raw: &StoredRecord,
    logged_at: i64,
    reason: &str,
) -> Result<Vec<Record>, serde_json::Error> {
    let pieces = DeadLetter::written(id, logged_at, &raw.key, &raw.value, reason);
    let record = |piece| {
        let value = serde_json::to_vec(&RejectedRecord::DeadLetter(piece))?;
        Ok(Record { key: raw.key.clone(), value: value.into() })
    };
    pieces.into_iter().map(record).collect()
}
