//! Dead letters: records that the processor could not decode or apply, what is known of them, and sending them again.
//!
//! They lie in `consent.rejected` among much that is refused. [`index`] follows that topic and remembers where each letter
//! lies and whether it was sent again; the letters themselves are read when they are looked at. Sending again goes letter,
//! then note: a crash between them sends it once more, and the processor drops that as a repeat.

mod index;
pub mod list;
pub mod replay;
mod view;

use std::sync::Arc;

use avow_log::{Log, LogError};
use avow_schemas::letter::LetterId;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::problem::Problem;
use index::Index;

/// The letters of this installation. One caller at a time looks at them or sends them.
pub struct Letters {
    log: Arc<dyn Log>,
    index: Mutex<Index>,
}

impl Letters {
    pub fn new(log: Arc<dyn Log>) -> Self {
        Self { log, index: Mutex::new(Index::default()) }
    }
}

fn unavailable(error: &LogError) -> Problem {
    tracing::error!(%error, "api.log_failed");
    Problem::unavailable("the log did not answer")
}

/// Where a page goes on: behind this letter, and among letters that lie below these ends of `consent.rejected` alone
/// (none given: among all). Else sending letters that are buried again would never come to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    id: LetterId,
    ends: Vec<u64>,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.id.log_id.simple(), self.id.partition, self.id.position)?;
        self.ends.iter().try_for_each(|end| write!(f, ".{end}"))
    }
}

/// Reads a cursor that was given out.
fn cursor(text: &str) -> Option<Cursor> {
    let (log, rest) = text.split_once('.')?;
    let numbers: Vec<u64> = rest.split('.').map(|number| number.parse().ok()).collect::<Option<_>>()?;
    let (partition, position, ends) = match numbers.as_slice() {
        [partition, position, ends @ ..] => (u32::try_from(*partition).ok()?, *position, ends.to_vec()),
        _ => return None,
    };
    Some(Cursor { id: LetterId { log_id: Uuid::try_parse(log).ok()?, partition, position }, ends })
}

/// The cursor of a request.
fn asked(text: Option<&str>) -> Result<Option<Cursor>, Problem> {
    let invalid = || Problem::unprocessable("invalid_cursor", "the cursor is not one that was given out").at("cursor");
    text.map(|text| cursor(text).ok_or_else(invalid)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is() {
        let id = LetterId { log_id: Uuid::from_u128(9), partition: 3, position: u64::MAX };
        for ends in [vec![], vec![4, 0, u64::MAX]] {
            let given = Cursor { id, ends };
            assert_eq!(cursor(&given.to_string()), Some(given));
        }
        for text in ["", "x.1.2", "00000000000000000000000000000009.1", "00000000000000000000000000000009.1.2.x"] {
            assert_eq!(cursor(text), None, "{text}");
        }
    }
}
