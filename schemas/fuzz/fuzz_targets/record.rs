//! Any value that the log may hold, of this version or another, in either framing: a record or an error, no panic, no
//! allocation out of proportion; and what decodes encodes to something that decodes to the same.
#![no_main]

use std::sync::LazyLock;

use avow_schemas::leaf;
use avow_schemas::record::{
    Framing, LogRecord, SCHEMA_V1, SchemaRef, Writers, decode, encode, fingerprint, key, site_and_shard,
};
use libfuzzer_sys::fuzz_target;

/// Ids 1 to 3: this version's schema, one with a field more, one with fields less and a type more.
static WRITERS: LazyLock<Writers> = LazyLock::new(|| {
    let first = r#"{"name": "id","#;
    let optional = r#"{"name": "gpc", "type": ["null", "boolean"], "default": null, "doc": "Global Privacy Control, by field or by the header Sec-GPC."},"#;
    assert!(SCHEMA_V1.contains(first) && SCHEMA_V1.contains(optional), "the schema has changed: change this too");
    let more =
        r#"{"name": "list", "type": {"type": "array", "items": ["null", "bytes"]}, "default": []}, {"name": "id","#;
    let newer = SCHEMA_V1.replacen(first, more, 1);
    let later = r#"[{"type": "record", "name": "Later", "fields": []}, {"#;
    let older = SCHEMA_V1.replacen(optional, "", 1).replacen("[\n  {", later, 1);
    let mut writers = Writers::default();
    for (id, schema) in [(1, SCHEMA_V1), (2, &newer), (3, &older)] {
        writers.learn(SchemaRef::Id(id), schema).expect("a schema");
    }
    writers
});

fuzz_target!(|input: &[u8]| {
    // As it is, as the datum behind the header that every record of this version has, and behind each id.
    check(input);
    let header = [&[0xC3, 0x01][..], &fingerprint()].concat();
    let datum = input.strip_prefix(&header[..]).unwrap_or(input);
    check(&[&header, datum].concat());
    for id in 0_u8..4 {
        check(&[&[0, 0, 0, 0, id][..], datum].concat());
    }
});

fn check(bytes: &[u8]) {
    let read = WRITERS.decode(bytes);
    if let Some(unknown) = WRITERS.lacks(bytes) {
        assert!(read.is_err() && unknown != SchemaRef::own());
    }
    let Ok(record) = read else {
        assert!(decode(bytes).is_err());
        return;
    };
    let again = encode(&record).expect("what was decoded encodes");
    assert_eq!(decode(&again).expect("what was encoded decodes"), record);
    let framed = Framing::Registered(1).encode(&record).expect("what was decoded encodes");
    assert_eq!(WRITERS.decode(&framed).expect("what was encoded decodes"), record);
    if let LogRecord::ConsentEvent(event) = &record {
        leaf::each_field(event, |_, _| {});
        let key = key(&event.site, 4, event);
        assert_eq!(site_and_shard(&key).0, event.site.as_str());
    }
}
