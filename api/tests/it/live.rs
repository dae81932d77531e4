//! The live stream.

use avow_schemas::event::Method as Act;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::bench::{ADMIN, Bench, SITE};
use crate::events::{decided, shown};

/// Reads events off a stream.
struct Events {
    response: Response,
    rest: String,
}

impl Events {
    async fn open(bench: &Bench, path: &str) -> Self {
        let response = bench.request(Method::GET, path, ADMIN).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, rest: String::new() }
    }

    /// The next event of a name.
    async fn next(&mut self, name: &str) -> Value {
        loop {
            while let Some((event, rest)) = self.rest.split_once("\n\n") {
                let fields: Vec<(&str, &str)> = event.lines().filter_map(|line| line.split_once(": ")).collect();
                let field = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, value)| *value);
                let found =
                    (field("event") == Some(name)).then(|| serde_json::from_str(field("data").unwrap()).unwrap());
                self.rest = rest.to_owned();
                if let Some(found) = found {
                    return found;
                }
            }
            let chunk = self.response.chunk().await.unwrap().expect("the stream ended");
            self.rest.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test]
async fn what_is_counted_is_told() {
    let bench = Bench::start().await;
    let now = || jiff::Timestamp::now().to_string();
    bench.land(vec![shown(&now()), shown("2026-01-01T00:00:00Z")]).await;
    let mut all = Events::open(&bench, "/api/v1/live").await;
    let mut one = Events::open(&bench, &format!("/api/v1/live?site={SITE}")).await;
    // What was there before is a total; what happened long ago is not told at all.
    assert_eq!(one.next("totals").await["last_hour"]["shown"], 1);

    bench.land(vec![shown(&now()), decided(&now(), 1, Act::Save, &["chaport:preferences:g", "ads:marketing:d"])]).await;
    for stream in [&mut all, &mut one] {
        let counts = stream.next("counts").await;
        assert_eq!(
            (&counts["site"], &counts["shown"], &counts["decisions"]),
            (&json!(SITE), &json!(1), &json!(1)),
            "{counts}"
        );
        assert_eq!((&counts["granted"], &counts["denied"]), (&json!(1), &json!(1)));
        assert_eq!(counts["by_type"]["decided"], 1);
        assert_eq!(counts["by_service"]["chaport"], json!({"granted": 1, "denied": 0, "withdrawn": 0}));
        assert_eq!((&counts["last_minute"]["shown"], &counts["last_hour"]["shown"]), (&json!(1), &json!(2)));
    }
    bench.land(vec![shown(&now())]).await;
    assert_eq!(one.next("counts").await["last_hour"]["shown"], 3);
}

#[tokio::test]
async fn a_revoked_token_ends_its_stream() {
    let bench = Bench::start().await;
    let token =
        bench.control.create_token("viewer", vec![avow_schemas::control::Scope::StatsRead], None, None).await.unwrap();
    let mut response = bench.request(Method::GET, "/api/v1/live", &token.secret).send().await.unwrap();
    assert_eq!(response.status(), 200);
    bench.control.revoke_token(token.record.id).await.unwrap();
    while response.chunk().await.unwrap().is_some() {}
}
