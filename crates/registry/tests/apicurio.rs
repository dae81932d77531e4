//! Against a real registry: Apicurio, over Confluent's interface.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use avow_registry::{Lookup, Registry, RegistryError};
use avow_schemas::record::{Framing, SCHEMA_V1};
use avow_testkit::apicurio::Apicurio;
use serde_json::{Value, json};

const TOPIC: &str = "consent.events";

fn open(url: &str, dir: &Path) -> Registry {
    Registry::new(url, dir).unwrap()
}

async fn id(registry: &Registry) -> u32 {
    match registry.framing(TOPIC).await.unwrap() {
        Framing::Registered(id) => id,
        Framing::SingleObject => panic!("the registry is not used"),
    }
}

/// What an operator, or another writer, does by hand.
async fn by_hand(url: String, put: bool, body: Value) -> Value {
    let client = reqwest::Client::new();
    let request = if put { client.put(url) } else { client.post(url) };
    let request = request.header("Content-Type", "application/vnd.schemaregistry.v1+json").body(body.to_string());
    serde_json::from_str(&request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap()).unwrap()
}

fn with_field(field: Value) -> String {
    let mut schema: Value = serde_json::from_str(SCHEMA_V1).unwrap();
    schema[0]["fields"].as_array_mut().unwrap().push(field);
    schema.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_registered_keeps_its_id_and_is_needed_once() {
    let mut apicurio = Apicurio::start().unwrap();
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let registry = open(&format!("{}/", apicurio.url()), first.path());
    assert_eq!(registry.versions(TOPIC).await.unwrap(), 0);
    let own = id(&registry).await;
    assert_eq!(id(&open(&apicurio.url(), second.path())).await, own, "the same schema has one id");
    assert_eq!(registry.versions(TOPIC).await.unwrap(), 1);
    assert_eq!(registry.schema(own).await.unwrap(), Lookup::Schema(SCHEMA_V1.into()));

    let newer = with_field(json!({"name": "screen", "type": ["null", "string"], "default": null}));
    let versions = format!("{}/subjects/{TOPIC}-value/versions", apicurio.url());
    let other = by_hand(versions, false, json!({"schema": newer})).await["id"].as_u64().unwrap();
    let other = u32::try_from(other).unwrap();
    assert_eq!(registry.schema(other).await.unwrap(), Lookup::Schema(newer.clone()));
    for nobodys in [77_777, i32::MAX.cast_unsigned(), u32::MAX] {
        assert_eq!(registry.schema(nobodys).await.unwrap(), Lookup::Unknown, "{nobodys}");
    }
    let versions = format!("{}/subjects/other-value/versions", apicurio.url());
    let json_schema = json!({"schema": json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}).to_string(), "schemaType": "JSON"});
    let foreign = by_hand(versions, false, json_schema).await["id"].as_u64().unwrap();
    let foreign = registry.schema(u32::try_from(foreign).unwrap()).await.unwrap();
    assert!(matches!(foreign, Lookup::Useless(_)), "{foreign:?}");

    apicurio.kill9();
    let again = open(&apicurio.url(), first.path());
    assert_eq!(id(&again).await, own, "known from the disk");
    assert_eq!(again.schema(other).await.unwrap(), Lookup::Schema(newer));
    let error = again.schema(77_777).await.unwrap_err();
    assert!(
        matches!(error, RegistryError::Unavailable { .. }),
        "that it is away does not mean that there is no schema: {error}"
    );
    let error = open(&apicurio.url(), tempfile::tempdir().unwrap().path()).framing(TOPIC).await.unwrap_err();
    assert!(matches!(error, RegistryError::NotYetRegistered { .. }), "{error}");
    assert!(error.to_string().contains("Start the registry first"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_what_to_do_and_are_no_missing_schemas() {
    let apicurio = Apicurio::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    // A version that demands a field which this one does not write.
    let demanding = with_field(json!({"name": "must", "type": "string"}));
    let versions = format!("{}/subjects/{TOPIC}-value/versions", apicurio.url());
    by_hand(versions, false, json!({"schema": demanding})).await;
    let config = format!("{}/config/{TOPIC}-value", apicurio.url());
    by_hand(config, true, json!({"compatibility": "FULL"})).await;
    let error = open(&apicurio.url(), dir.path()).framing(TOPIC).await.unwrap_err();
    assert!(matches!(error, RegistryError::Incompatible { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("consent.events-value") && text.contains("lower the subject's compatibility"), "{text}");

    // A server that is there and is no registry must not be taken for one that knows no such schema.
    let address = apicurio.url().replace("/apis/ccompat/v7", "");
    for wrong in [address.clone(), format!("{address}/apis/ccompat"), format!("{address}/apis/ccompat/v7/subjects")] {
        let registry = open(&wrong, dir.path());
        for error in [registry.framing(TOPIC).await.unwrap_err(), registry.schema(1).await.unwrap_err()] {
            assert!(matches!(error, RegistryError::Unexpected { .. }), "{wrong}: {error}");
            assert!(error.to_string().contains("/apis/ccompat/v7"), "{error}");
        }
    }
}

#[test]
fn an_address_that_cannot_be_used_is_refused_and_no_password_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let error = |url| Registry::new(url, dir.path()).err().unwrap().to_string();
    assert!(error("https://registry").contains("https is not built in"));
    assert!(error("ftp://registry").contains("http://") && error("registry:8081").contains("http://"));
    assert_eq!(open("http://avow:hidden@registry:8081/apis/", dir.path()).name(), "http://registry:8081/apis");
}

#[tokio::test(flavor = "multi_thread")]
async fn user_and_password_are_sent_and_a_failing_server_is_one_that_does_not_answer() {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let answers = ["200 OK\r\n\r\n{\"id\":5}", "401 Unauthorized\r\n\r\n", "503 Busy\r\n\r\nlater"];
        answers.map(|answer| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            stream.read_exact(&mut vec![0; length.unwrap_or(0)]).unwrap();
            let (status, rest) = answer.split_once("\r\n").unwrap();
            write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n{rest}").unwrap();
            head
        })
    });
    let dir = tempfile::tempdir().unwrap();
    let registry = open(&format!("http://avow:hidden@127.0.0.1:{port}"), dir.path());
    assert_eq!(id(&registry).await, 5);
    let errors = [registry.schema(1).await.unwrap_err(), registry.schema(1).await.unwrap_err()];
    assert!(
        matches!(errors[0], RegistryError::Denied { .. }) && matches!(errors[1], RegistryError::Unavailable { .. })
    );
    assert!(errors.iter().all(|error| !error.to_string().contains("hidden")));
    for head in server.join().unwrap() {
        assert!(head.contains("authorization: basic yxzvdzpoawrkzw4="), "{head}");
    }
}
