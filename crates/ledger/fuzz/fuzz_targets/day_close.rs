//! Any bytes as the close of a day, as a receipt and as a switch: read or refused without panic, and read in one way only.
#![no_main]

use avow_ledger::{DayClose, Receipt, ReceiptId, SigningKey, Switch};
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
    let key = SigningKey::from_seed("avow.example/log".parse().expect("a name"), [1; 32]).vkey();
    assert!(Switch::open(text, std::slice::from_ref(&key)).is_err(), "nobody has signed it");
    let _ = Switch::open(&Switch::sealed(text), &[key]);
});
