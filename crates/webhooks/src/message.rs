//! What a message says: its type, when it came to be, and its data.

use serde_json::{Value, json};
use uuid::Uuid;

/// The value of `webhook-id` of what this names: the same at every attempt, and to every webhook.
pub fn message_id(of: Uuid) -> String {
    format!("msg_{}", of.simple())
}

/// The body of a message: `{"type", "timestamp", "data"}`. `at` is in milliseconds since 1970.
pub fn body(kind: &str, at: i64, data: &Value) -> String {
    json!({"type": kind, "timestamp": written(at), "data": data}).to_string()
}

/// Milliseconds since 1970 as RFC 3339.
pub(crate) fn written(milliseconds: i64) -> String {
    let instant = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    instant.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_shape_of_the_specification() {
        let text = body("alert.opened", 1_500, &json!({"id": 1}));
        assert_eq!(text, r#"{"type":"alert.opened","timestamp":"1970-01-01T00:00:01.500Z","data":{"id":1}}"#);
        assert_eq!(message_id(Uuid::nil()), "msg_00000000000000000000000000000000");
    }
}
