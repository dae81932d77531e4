//! Where each dead letter lies in `consent.rejected`, and whether it was sent again. Follows the topic from where it left
//! off, a chunk at a time; of a letter it keeps some hundred bytes, of a refusal nothing.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use avow_log::{Log, LogError, ReadLimit, Topic};
use avow_schemas::fate::RejectedRecord;
use avow_schemas::letter::{DeadLetter, LetterId};
use serde::Deserialize;
use uuid::Uuid;

/// Letters that are remembered. With so many waiting, what lies behind them is seen once some were sent again.
const MOST: usize = 200_000;
/// Pieces that a letter may say it has: far more than the largest record comes to.
const MOST_PIECES: u32 = 4096;
const CHUNK: ReadLimit = ReadLimit { max_records: 5000, max_bytes: 4 << 20, max_wait: Duration::from_secs(1) };
const ONE: ReadLimit = ReadLimit { max_records: 1, max_bytes: 4 << 20, max_wait: Duration::from_secs(1) };
const REFUSED: &[u8] = br#"{"kind":"refused""#;

/// Where a letter's pieces lie in the rejected topic.
#[derive(Debug, Clone)]
pub struct Place {
    partition: u32,
    pieces: Vec<Option<u64>>,
    pub replayed: bool,
}

impl Place {
    fn is_whole(&self) -> bool {
        self.pieces.iter().all(Option::is_some)
    }

    /// Whether the letter lies below these ends of the topic's partitions.
    pub fn is_below(&self, ends: &[u64]) -> bool {
        let end = ends.get(self.partition as usize);
        end.is_none_or(|end| self.pieces.iter().flatten().all(|position| position < end))
    }
}

#[derive(Default)]
pub struct Index {
    /// Per partition of the topic, the position to go on from.
    next: Vec<u64>,
    letters: BTreeMap<LetterId, Place>,
    /// Whether more letters are there than are remembered.
    pub full: bool,
}

/// A line of the topic, as far as it concerns where letters lie. The record's bytes are passed over.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    DeadLetter {
        #[serde(default)]
        log_id: Uuid,
        partition: u32,
        position: u64,
        #[serde(default)]
        piece: u32,
        #[serde(default = "one")]
        pieces: u32,
    },
    Replayed {
        log_id: Uuid,
        partition: u32,
        position: u64,
    },
    #[serde(other)]
    Other,
}

const fn one() -> u32 {
    1
}

impl Index {
    /// Reads what was written since the last look.
    pub async fn follow(&mut self, log: &dyn Log) -> Result<(), LogError> {
        self.full = false;
        for partition in 0..log.partitions(Topic::Rejected) {
            let at = partition as usize;
            if self.next.len() <= at {
                self.next.resize(at + 1, 0);
            }
            let start = log.start(Topic::Rejected, partition).await?;
            self.letters.retain(|_, place| {
                place.partition != partition || place.pieces.iter().flatten().all(|position| *position >= start)
            });
            let end = log.end(Topic::Rejected, partition).await?;
            let mut from = self.next[at].max(start);
            while from < end {
                let chunk = log.read(Topic::Rejected, partition, from, CHUNK).await?;
                for record in &chunk.records {
                    if !self.note(partition, record.position, &record.value) {
                        self.next[at] = record.position;
                        self.full = true;
                        return Ok(());
                    }
                }
                if chunk.next <= from {
                    break;
                }
                from = chunk.next;
            }
            self.next[at] = from;
        }
        Ok(())
    }

    /// Takes note of a line; false where there is no room for it.
    fn note(&mut self, partition: u32, position: u64, value: &[u8]) -> bool {
        if value.starts_with(REFUSED) {
            return true;
        }
        match serde_json::from_slice(value) {
            Ok(Line::DeadLetter { log_id, partition: of, position: at, piece, pieces }) => {
                let id = LetterId { log_id, partition: of, position: at };
                if piece >= pieces || pieces > MOST_PIECES {
                    return true;
                }
                if !self.letters.contains_key(&id) && !self.has_room() {
                    return false;
                }
                let empty = || Place { partition, pieces: vec![None; pieces as usize], replayed: false };
                let place = self.letters.entry(id).or_insert_with(empty);
                if let Some(slot @ None) = place.pieces.get_mut(piece as usize) {
                    *slot = Some(position);
                }
            }
            Ok(Line::Replayed { log_id, partition, position }) => {
                self.replayed(LetterId { log_id, partition, position });
            }
            Ok(Line::Other) => {}
            Err(error) => tracing::debug!(position, %error, "api.rejected_line_unreadable"),
        }
        true
    }

    fn has_room(&mut self) -> bool {
        if self.letters.len() >= MOST {
            self.letters.retain(|_, place| !place.replayed);
        }
        self.letters.len() < MOST
    }

    /// How far each partition of the topic has been read.
    pub fn ends(&self) -> Vec<u64> {
        self.next.clone()
    }

    pub fn replayed(&mut self, id: LetterId) {
        if let Some(place) = self.letters.get_mut(&id) {
            place.replayed = true;
        }
    }

    /// Whole letters behind `id`, in the log's order.
    pub fn behind(&self, id: Option<LetterId>) -> impl Iterator<Item = (LetterId, &Place)> {
        let from = id.map_or(Bound::Unbounded, Bound::Excluded);
        let letters = self.letters.range((from, Bound::Unbounded));
        letters.filter(|(_, place)| place.is_whole()).map(|(id, place)| (*id, place))
    }
}

/// A letter with all its pieces' bytes.
pub struct Whole {
    pub letter: DeadLetter,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
}

/// Reads a letter; `None` where it is no longer kept, or not a letter after all.
pub async fn read(log: &dyn Log, place: &Place) -> Result<Option<Whole>, LogError> {
    let mut whole: Option<Whole> = None;
    for position in place.pieces.iter().flatten() {
        let chunk = match log.read(Topic::Rejected, place.partition, *position, ONE).await {
            Err(LogError::Trimmed { .. }) => return Ok(None),
            chunk => chunk?,
        };
        let line = chunk.records.first().filter(|record| record.position == *position);
        let Some(Ok(RejectedRecord::DeadLetter(letter))) = line.map(|record| serde_json::from_slice(&record.value))
        else {
            return Ok(None);
        };
        let (Some(key), Some(bytes)) = (letter.raw_key(), letter.raw_bytes()) else { return Ok(None) };
        match &mut whole {
            Some(whole) => whole.value.extend(bytes),
            None => whole = Some(Whole { letter, key, value: bytes }),
        }
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: LetterId = LetterId { log_id: Uuid::from_u128(7), partition: 3, position: 41 };

    fn line(record: &RejectedRecord) -> Vec<u8> {
        serde_json::to_vec(record).unwrap()
    }

    #[test]
    fn a_letter_written_twice_is_one_and_a_note_is_taken() {
        let mut index = Index::default();
        let pieces = DeadLetter::written(ID, 5, b"shop.example", &vec![1; 300 << 10], "reason");
        assert_eq!(pieces.len(), 2);
        // The crash came between the pieces: the first is there twice.
        for (at, piece) in [(0, 0), (1, 0), (2, 1)] {
            assert!(index.behind(None).next().is_none(), "half a letter is none");
            index.note(0, at, &line(&RejectedRecord::DeadLetter(pieces[piece].clone())));
        }
        let found: Vec<_> = index.behind(None).map(|(id, place)| (id, place.pieces.clone(), place.replayed)).collect();
        assert_eq!(found, [(ID, vec![Some(0), Some(2)], false)]);
        let LetterId { log_id, partition, position } = ID;
        index.note(0, 3, &line(&RejectedRecord::Replayed { at_ms: 6, log_id, partition, position }));
        assert!(index.behind(None).all(|(_, place)| place.replayed));
        assert!(index.behind(Some(ID)).next().is_none());
    }

    #[test]
    fn what_is_no_line_of_ours_is_passed_over() {
        let mut index = Index::default();
        for value in [&b""[..], b"{", b"{\"kind\":\"later\"}", b"[1]", b"\xff\xfe"] {
            assert!(index.note(0, 0, value));
        }
        assert!(index.behind(None).next().is_none());
    }
}
