//! The fingerprint of a schema: CRC-64-AVRO of its Parsing Canonical Form (Avro 1.12, "Transforming into Parsing Canonical
//! Form"), as every implementation computes it. The form has no attributes but those that say how bytes are laid out. The
//! library forgets to write a primitive type as its bare name where a `logicalType` stood beside it, so that is taken away
//! first.

use apache_avro::Schema;
use apache_avro::rabin::Rabin;
use serde_json::Value;

/// In the order in which it stands in a header (little-endian).
///
/// # Errors
/// Why the text is no Avro schema.
pub(super) fn of(schema: &str) -> Result<[u8; 8], String> {
    let mut json: Value = serde_json::from_str(schema).map_err(|e| e.to_string())?;
    without_logical_types(&mut json);
    let bare = Schema::parse(&json).map_err(|e| e.to_string())?;
    let mut fingerprint = [0; 8];
    fingerprint.copy_from_slice(&bare.fingerprint::<Rabin>().bytes);
    Ok(fingerprint)
}

fn without_logical_types(json: &mut Value) {
    match json {
        Value::Object(object) => {
            object.remove("logicalType");
            object.values_mut().for_each(without_logical_types);
        }
        Value::Array(array) => array.iter_mut().for_each(without_logical_types),
        _ => {}
    }
}
