//! The close of a day: what a control leaf of kind `03` says, so that of the leaves that it covers none can be left out.
//!
//! A day's leaves are `[first, end)`; of them `controls` are no events; the others are counted by subject in the day's map
//! ([`crate::sum_map`]), whose root and sum stand here. The closes of a ledger follow one another without gaps, the first
//! from 0. Days on which nothing came are closed with the next one. A close may lie in the ledger of the next half-year.

use serde::{Deserialize, Serialize};

use crate::{Hash, hex};

/// What the close of a day says. Its canonical JSON (RFC 8785) is the control record's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayClose {
    pub site: String,
    /// The site's shard, 0 where it has one.
    pub shard: u32,
    /// The ledger whose leaves are meant.
    pub ledger: String,
    /// The day of the last leaf, by the log's own time, UTC: `2026-11-24`.
    pub day: String,
    /// The first leaf; that at which the close before ended.
    pub first: u64,
    /// One past the last leaf.
    pub end: u64,
    /// The leaves in between that are no events, ascending.
    pub controls: Vec<u64>,
    /// The events: `end - first - controls.len()`, and the sum of the map.
    pub total: u64,
    /// The pairs of the map: subjects, and one for all events without a subject.
    pub pairs: u64,
    /// The root of the map.
    #[serde(with = "hex")]
    pub root: Hash,
}

/// Why bytes are not the close of a day.
#[derive(Debug, thiserror::Error)]
pub enum DayCloseError {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Leaves that do not come to the total, are not in order or not in the range; pairs without events.
    #[error("its leaves do not add up")]
    Sum,
    #[error("{0:?} is no day")]
    Day(String),
}

impl DayClose {
    /// Reads a control record's body.
    ///
    /// # Errors
    /// [`DayCloseError`], whatever the bytes are.
    pub fn parse(body: &[u8]) -> Result<Self, DayCloseError> {
        let close: Self = serde_json::from_slice(body)?;
        if !is_day(&close.day) {
            return Err(DayCloseError::Day(close.day));
        }
        if close.adds_up() { Ok(close) } else { Err(DayCloseError::Sum) }
    }

    /// Whether the numbers fit each other.
    fn adds_up(&self) -> bool {
        let is_inside = |leaf: &u64| (self.first..self.end).contains(leaf);
        let ascend = self.controls.windows(2).all(|pair| pair[0] < pair[1]);
        let events = self.end.checked_sub(self.first).and_then(|all| all.checked_sub(self.controls.len() as u64));
        ascend
            && self.controls.iter().all(is_inside)
            && events == Some(self.total)
            && self.pairs <= self.total
            && (self.pairs == 0) == (self.total == 0)
    }
}

/// Four, two and two digits.
fn is_day(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn close() -> Value {
        json!({"site": "a.example", "shard": 0, "ledger": "l", "day": "2026-11-24", "first": 10, "end": 15,
               "controls": [10, 12], "total": 3, "pairs": 2, "root": "00".repeat(32)})
    }

    fn parsed(close: &Value) -> Result<DayClose, DayCloseError> {
        DayClose::parse(close.to_string().as_bytes())
    }

    #[test]
    fn a_close_whose_leaves_do_not_add_up_is_none() {
        assert_eq!(parsed(&close()).unwrap().total, 3);
        for (field, value) in [
            ("end", json!(16)),
            ("end", json!(9)),
            ("controls", json!([12, 10])),
            ("controls", json!([12, 12])),
            ("controls", json!([9, 12])),
            ("controls", json!([12, 15])),
            ("total", json!(4)),
            ("pairs", json!(4)),
            ("pairs", json!(0)),
            ("day", json!("2026-1-24")),
            ("root", json!("00")),
            ("more", json!(1)),
        ] {
            let mut other = close();
            other[field] = value.clone();
            assert!(parsed(&other).is_err(), "{field} = {value}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_close_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = DayClose::parse(&bytes);
        }

        #[test]
        fn no_numbers_overflow(first: u64, end: u64, total: u64, pairs: u64, controls in prop::collection::vec(any::<u64>(), 0..4)) {
            let mut other = close();
            for (field, value) in [("first", json!(first)), ("end", json!(end)), ("total", json!(total)),
                                   ("pairs", json!(pairs)), ("controls", json!(controls))] {
                other[field] = value;
            }
            let _ = parsed(&other);
        }
    }
}
