//! Any value that the log may hold: a record or an error, no panic, no allocation out of proportion; and what decodes
//! encodes to something that decodes to the same.
#![no_main]

use avow_schemas::leaf;
use avow_schemas::record::{LogRecord, decode, encode, fingerprint, key, site_and_shard};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // As it is, and as the datum behind the header that every record of this version has.
    check(input);
    check(&[&[0xC3, 0x01][..], &fingerprint(), input].concat());
});

fn check(bytes: &[u8]) {
    let Ok(record) = decode(bytes) else { return };
    let again = encode(&record).expect("what was decoded encodes");
    assert_eq!(decode(&again).expect("what was encoded decodes"), record);
    if let LogRecord::ConsentEvent(event) = &record {
        leaf::each_field(event, |_, _| {});
        let key = key(&event.site, 4, event);
        assert_eq!(site_and_shard(&key).0, event.site.as_str());
    }
}
