//! `GET /beacon.js`, and the scripts for one banner each.

use crate::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn the_beacon_is_served_for_every_page_and_cached() {
    let server = Server::start().await;
    let get = || server.client.get(server.url("/beacon.js"));
    let first = get().header("origin", "https://any.example").send().await.unwrap();
    if first.status() == 404 {
        // A tree whose beacon is not built: `make test` builds it first.
        assert_eq!(first.headers()["content-type"], "application/problem+json");
        return;
    }
    let headers = first.headers().clone();
    assert_eq!((first.status().as_u16(), &headers["access-control-allow-origin"]), (200, &"*".parse().unwrap()));
    assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(headers["cache-control"].to_str().unwrap().starts_with("public, max-age="));
    assert!(first.text().await.unwrap().len() > 100);
    let etag = headers["etag"].to_str().unwrap();
    for (tags, status) in [(etag, 304), ("\"other\"", 200), (&format!("\"other\", W/{etag}"), 304)] {
        let again = get().header("if-none-match", tags).send().await.unwrap();
        assert_eq!((again.status().as_u16(), again.headers()["etag"].to_str().unwrap()), (status, etag));
    }
    let one = server.client.get(server.url("/beacon-klaro.js")).send().await.unwrap();
    assert_eq!((one.status().as_u16(), &one.headers()["content-type"]), (200, &headers["content-type"]));
    assert_ne!(one.headers()["etag"], headers["etag"]);
    assert_eq!(server.client.post(server.url("/beacon.js")).send().await.unwrap().status(), 405);
}
