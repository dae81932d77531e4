//! Receipts (`?receipt=1`): for each event that was taken, a signed promise that it will be in its site's log by a deadline,
//! and the seed that opens it. They are for the visitor; here nothing is kept of them.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use avow_ledger::{Commitment, Receipt, hex};
use avow_schemas::event::ConsentEvent;
use avow_schemas::leaf;
use serde::Serialize;
use uuid::Uuid;

/// From the moment an event was taken until its leaf lies under a checkpoint, at the latest.
const DEADLINE_MS: i64 = 24 * 3600 * 1000;

/// Signs a note's text; none where there is no key, or it does not sign.
pub type Sign = Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = Option<String>> + Send>> + Send + Sync>;

/// The receipt of an event, as its sender gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventReceipt {
    pub index: usize,
    /// The event's.
    pub id: Uuid,
    pub receipt: Handed,
}

/// What a visitor keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Handed {
    /// Redeemed at `/receipt/{id}`.
    pub id: String,
    /// Opens the event's commitment: who has it is taken for the visitor. 32 bytes in hexadecimal.
    pub seed: String,
    /// The signed promise (C2SP signed-note).
    pub note: String,
}

/// Makes receipts, once it has what to sign them with.
#[derive(Default)]
pub struct Receipts {
    sign: OnceLock<Sign>,
}

impl Receipts {
    /// Receipts are signed with this from now on.
    pub fn sign_with(&self, sign: Sign) {
        let _ = self.sign.set(sign);
    }

    /// The receipt of an event that is about to be appended; none where this process does not sign.
    pub async fn of(&self, index: usize, event: &ConsentEvent) -> Option<EventReceipt> {
        let sign = self.sign.get()?;
        let mut commitment = Commitment::new(&event.seed.0);
        leaf::each_field(event, |name, value| commitment.field(name, value));
        let receipt = Receipt {
            site: event.site.to_string(),
            commitment: commitment.finish(),
            received_at: event.received_at,
            deadline: event.received_at + DEADLINE_MS,
        };
        let note = sign(receipt.text()).await?;
        let receipt = Handed { id: receipt.id(), seed: hex::encode(&event.seed.0), note };
        Some(EventReceipt { index, id: event.id.0, receipt })
    }
}
