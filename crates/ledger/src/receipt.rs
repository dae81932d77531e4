//! Receipts: ingest's signed promise that an event will be a leaf of its site's log by a deadline. What is signed is a note
//! (C2SP signed-note) that names the commitment and nothing of the event; with the seed, which goes to the visitor alone, it
//! shows later that the event was taken, should it be missing from the log.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::Hash;

/// The note's first line.
const HEADER: &str = "avow receipt v1";
/// Bytes of an id before the site.
const FIXED: usize = 40;

/// What a receipt promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub site: String,
    /// Of the event, by `schemas/leaf/v1.md`.
    pub commitment: Hash,
    /// When the event was taken, ms since 1970.
    pub received_at: i64,
    /// When its leaf lies under a checkpoint at the latest, ms since 1970.
    pub deadline: i64,
}

/// Why a text or an id is not that of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no receipt")]
pub struct NoReceipt;

impl Receipt {
    /// The text of its note.
    pub fn text(&self) -> String {
        let commitment = STANDARD.encode(self.commitment);
        format!("{HEADER}\n{}\n{commitment}\n{}\n{}\n", self.site, self.received_at, self.deadline)
    }

    /// Reads a note's text.
    ///
    /// # Errors
    /// Where it is not exactly what [`Receipt::text`] writes.
    pub fn parse(text: &str) -> Result<Self, NoReceipt> {
        let mut lines = text.lines();
        let mut next = || lines.next().ok_or(NoReceipt);
        next()?;
        let receipt = Self {
            site: next()?.to_owned(),
            commitment: STANDARD.decode(next()?).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(NoReceipt)?,
            received_at: next()?.parse().map_err(|_| NoReceipt)?,
            deadline: next()?.parse().map_err(|_| NoReceipt)?,
        };
        if receipt.text() == text { Ok(receipt) } else { Err(NoReceipt) }
    }

    /// Under which it is redeemed: base64url of the moment (8 bytes, big-endian), the commitment and the site.
    pub fn id(&self) -> String {
        ReceiptId { site: self.site.clone(), commitment: self.commitment, received_at: self.received_at }.to_string()
    }
}

/// Which event a receipt is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptId {
    pub site: String,
    pub commitment: Hash,
    pub received_at: i64,
}

impl std::fmt::Display for ReceiptId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [&self.received_at.to_be_bytes()[..], &self.commitment, self.site.as_bytes()].concat();
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl std::str::FromStr for ReceiptId {
    type Err = NoReceipt;

    fn from_str(text: &str) -> Result<Self, NoReceipt> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NoReceipt)?;
        let (fixed, site) = bytes.split_at_checked(FIXED).ok_or(NoReceipt)?;
        let (moment, commitment) = fixed.split_at_checked(8).ok_or(NoReceipt)?;
        Ok(Self {
            site: String::from_utf8(site.to_vec()).map_err(|_| NoReceipt)?,
            commitment: commitment.try_into().map_err(|_| NoReceipt)?,
            received_at: i64::from_be_bytes(moment.try_into().map_err(|_| NoReceipt)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_receipt_is_read_as_it_was_written(
            site in "[a-z.]{1,30}", commitment: Hash, received_at: i64, deadline: i64,
        ) {
            let receipt = Receipt { site: site.clone(), commitment, received_at, deadline };
            prop_assert_eq!(Receipt::parse(&receipt.text()), Ok(receipt.clone()));
            prop_assert_eq!(receipt.id().parse(), Ok(ReceiptId { site, commitment, received_at }));
        }

        #[test]
        fn any_text_is_a_receipt_in_one_way_or_none(text in "(avow receipt v1\n)?[ -~\n]{0,120}") {
            if let Ok(receipt) = Receipt::parse(&text) {
                prop_assert_eq!(receipt.text(), text.clone());
            }
            if let Ok(id) = text.parse::<ReceiptId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
