//! Any bytes as the close of a day, and as a receipt: read or refused without panic, and read in one way only.
#![no_main]

use avow_ledger::{DayClose, Receipt, ReceiptId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(close) = DayClose::parse(bytes) {
        let again = serde_json::to_vec(&close).expect("what was read is written");
        assert_eq!(DayClose::parse(&again).expect("what was written is read"), close);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(receipt) = Receipt::parse(text) {
        assert_eq!(receipt.text(), text);
    }
    if let Ok(id) = text.parse::<ReceiptId>() {
        assert_eq!(id.to_string(), text);
    }
});
