//! Dead letters: records of `consent.events` that the processor could not decode or apply, as they lie in
//! `consent.rejected` with everything that is needed to send them again.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Bytes of a record in one piece at most. In hexadecimal, with its reason, a piece stays below the size of the largest
/// record that a log takes by default (1,000,000 bytes).
const PIECE: usize = 256 << 10;
/// Characters of a reason at most: the engine's may be long.
const REASON: usize = 2000;
const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A dead letter, or a piece of one that is too large for one record. Written twice (a crash may come between the letter and
/// the range that leaves it out) it is still one: log, partition and position name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// When the record was logged, milliseconds since 1970.
    pub at_ms: i64,
    /// `consent.events`, whatever the log calls that topic.
    #[serde(default)]
    pub topic: String,
    /// Of letters of the first version: nil.
    #[serde(default)]
    pub log_id: Uuid,
    pub partition: u32,
    pub position: u64,
    /// The record's key; what is no UTF-8 in it is replaced.
    pub key: String,
    /// The key in hexadecimal, where it is no UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_bytes: Option<String>,
    pub reason: String,
    /// The record, or this piece of it, in hexadecimal.
    pub bytes: String,
    /// Which piece this is, from 0.
    #[serde(default)]
    pub piece: u32,
    #[serde(default = "one")]
    pub pieces: u32,
}

const fn one() -> u32 {
    1
}

/// Where a dead record lies in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterId {
    pub log_id: Uuid,
    pub partition: u32,
    pub position: u64,
}

impl DeadLetter {
    /// The letter of a record, in as many pieces as it takes.
    pub fn written(id: LetterId, at_ms: i64, key: &[u8], value: &[u8], reason: &str) -> Vec<Self> {
        let text = String::from_utf8_lossy(key);
        let key_bytes = std::str::from_utf8(key).is_err().then(|| hex(key));
        let pieces: Vec<&[u8]> = if value.is_empty() { vec![&[]] } else { value.chunks(PIECE).collect() };
        let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
        let letter = |(piece, bytes): (u32, &&[u8])| Self {
            at_ms,
            topic: "consent.events".to_owned(),
            log_id: id.log_id,
            partition: id.partition,
            position: id.position,
            key: text.clone().into_owned(),
            key_bytes: key_bytes.clone(),
            reason: reason.chars().take(REASON).collect(),
            bytes: hex(bytes),
            piece,
            pieces: count,
        };
        (0..).zip(&pieces).map(letter).collect()
    }

    pub const fn id(&self) -> LetterId {
        LetterId { log_id: self.log_id, partition: self.partition, position: self.position }
    }

    /// The record's key; `None` where the letter is not as [`DeadLetter::written`] writes it.
    pub fn raw_key(&self) -> Option<Vec<u8>> {
        self.key_bytes.as_deref().map_or_else(|| Some(self.key.clone().into_bytes()), unhex)
    }

    /// The record's bytes, or those of this piece.
    pub fn raw_bytes(&self) -> Option<Vec<u8>> {
        unhex(&self.bytes)
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(HEX_DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fate::RejectedRecord;

    const ID: LetterId = LetterId { log_id: Uuid::from_u128(7), partition: 3, position: 41 };

    proptest! {
        #[test]
        fn a_letter_gives_its_record_back(
            key in prop::collection::vec(any::<u8>(), 0..40),
            value in prop::collection::vec(any::<u8>(), 0..400),
            copies in 1_usize..2000,
            reason in ".{0,40}",
        ) {
            let value = value.repeat(copies);
            let pieces = DeadLetter::written(ID, 5, &key, &value, &reason);
            let mut bytes = Vec::new();
            for (n, piece) in (0..).zip(&pieces) {
                let text = serde_json::to_string(&RejectedRecord::DeadLetter(piece.clone())).unwrap();
                prop_assert!(text.len() < 1_000_000);
                prop_assert_eq!(serde_json::from_str::<RejectedRecord>(&text).unwrap(), RejectedRecord::DeadLetter(piece.clone()));
                prop_assert_eq!((piece.piece, piece.pieces as usize, piece.id()), (n, pieces.len(), ID));
                prop_assert_eq!(piece.raw_key().unwrap(), key.clone());
                bytes.extend(piece.raw_bytes().unwrap());
            }
            prop_assert_eq!(bytes, value);
        }

        #[test]
        fn whatever_is_in_a_letter_it_is_read_without_a_panic(bytes in ".{0,40}", key_bytes in ".{0,40}") {
            let letter = DeadLetter { bytes, key_bytes: Some(key_bytes), ..DeadLetter::written(ID, 5, b"k", b"v", "r").remove(0) };
            let _ = (letter.raw_bytes(), letter.raw_key());
        }
    }

    #[test]
    fn a_letter_of_the_first_version_is_still_one() {
        let line = r#"{"kind":"dead_letter","at_ms":5,"partition":1,"position":9,"key":"shop.example","reason":"r","bytes":"00ff"}"#;
        let RejectedRecord::DeadLetter(letter) = serde_json::from_str(line).unwrap() else { panic!("{line}") };
        assert_eq!((letter.raw_bytes().unwrap(), letter.pieces, letter.log_id), (vec![0, 255], 1, Uuid::nil()));
    }
}
