//! What is answered 202, and what is then in the log.

use avow_schemas::event::Source;
use serde_json::json;

use crate::server::{Server, answer, decided};

#[tokio::test(flavor = "multi_thread")]
async fn a_202_means_that_the_event_is_in_the_log() {
    let server = Server::start().await;
    let event = decided();
    let (status, body) = answer(server.post(event.to_string())).await;
    assert_eq!((status, body), (202, json!({ "accepted": 1, "rejected": [], "warnings": [] })));
    let events = server.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(json!(events[0].id), event["id"]);
    assert_eq!((events[0].source, server.fate("accepted")), (Source::None, 1));
}
