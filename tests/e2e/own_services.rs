//! The operator's own entries of the catalogue: put, counted by from then on, imported, matched with what TC strings and pages
//! say, taken back; and what was counted stays.

use anyhow::{Context, Result, ensure};
use avow_testkit::process::ADMIN_TOKEN;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Caller, administer, embedded};

const SITE: &str = "own.example";

fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

fn decided(services: Value, more: Value) -> Value {
    let now = jiff::Timestamp::now().to_string();
    let mut event = json!({
        "id": Uuid::now_v7(), "site": SITE, "type": "decided", "occurred_at": now, "subject": Uuid::now_v7(),
        "method": "save", "services": services,
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        event[key] = value.clone();
    }
    event
}

async fn send(caller: &Caller, event: &Value) -> Result<()> {
    let status = caller.post(std::slice::from_ref(event)).await;
    ensure!(status == Some(202), "{status:?}");
    Ok(())
}

/// Granted and denied by service and category, once all of these are counted.
async fn counted(caller: &Caller, wanted: &[(&str, &str, u64, u64)]) -> Result<()> {
    let (today, begun) = (today(), std::time::Instant::now());
    loop {
        let query = json!({"sites": [SITE], "date_range": [today, today], "metrics": ["granted", "denied"], "dimensions": ["service", "category"]});
        let rows = caller.query(query).await?["rows"].clone();
        let row = |row: &Value| {
            let of = |part: &str, key: &str| row[part][key].clone();
            let (service, category) = (of("dimensions", "service"), of("dimensions", "category"));
            Some((
                service.as_str()?.to_owned(),
                category.as_str()?.to_owned(),
                of("metrics", "granted").as_u64()?,
                of("metrics", "denied").as_u64()?,
            ))
        };
        let mut found: Vec<_> = rows.as_array().into_iter().flatten().filter_map(row).collect();
        found.sort();
        let mut expected: Vec<_> = wanted
            .iter()
            .map(|(service, category, yes, no)| ((*service).into(), (*category).into(), *yes, *no))
            .collect();
        expected.sort();
        if found == expected {
            return Ok(());
        }
        ensure!(begun.elapsed().as_secs() < 60, "{found:?} instead of {expected:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[test]
fn an_entry_counts_from_when_it_is_put_and_what_was_counted_stays() -> Result<()> {
    let runtime = Runtime::new()?;
    let avow = embedded()?.start()?;
    let caller = Caller::of(avow.url());
    runtime.block_on(async {
        caller.put_site(SITE, json!({"name": "Own"})).await?;
        send(&caller, &decided(json!({"helpdesk": true}), json!({}))).await?;
        counted(&caller, &[("helpdesk", "unknown", 1, 0)]).await?;

        let entry = json!({"name": "Helpdesk", "category": "preferences", "operator": "Example GmbH",
            "cookies": [{"name": "hd_*", "duration": "P1Y", "purpose": "Recognises who comes back."}], "domains": ["chat.example"]});
        let (status, put) = caller.send(Method::PUT, "/api/v1/services/helpdesk", &entry).await?;
        ensure!(status == 201 && put["origin"] == "operator" && put["changed"] == true, "{status} {put}");
        let (status, again) = caller.send(Method::PUT, "/api/v1/services/helpdesk", &entry).await?;
        ensure!(status == 200 && again["changed"] == false, "{status} {again}");
        send(&caller, &decided(json!({"helpdesk": false}), json!({}))).await?;
        counted(&caller, &[("helpdesk", "unknown", 1, 0), ("helpdesk", "preferences", 0, 1)]).await?;

        // In every language, as far as it is said.
        let shown = caller.get("/api/v1/services/helpdesk?language=de", ADMIN_TOKEN).await?;
        ensure!(shown["risk_level"] == "unknown" && shown["consent_text"] == "Nicht angegeben.", "{shown:#}");
        ensure!(shown["cookies"][0]["duration"] == "1 Jahr" && shown["cookies"][0]["match"] == "pattern", "{shown:#}");
        let kept = caller.get("/api/v1/services/helpdesk?language=all", ADMIN_TOKEN).await?;
        let (status, same) = caller.send(Method::PUT, "/api/v1/services/helpdesk", &kept).await?;
        ensure!(status == 200 && same["changed"] == false, "what was read is not what is put: {same}");

        // What is seen of it on a page.
        let seen = |name: &str| json!({"id": Uuid::now_v7(), "site": SITE, "type": "observed",
            "occurred_at": jiff::Timestamp::now().to_string(), "page": "https://own.example/",
            "observed": {"cookies": [name], "domains": [], "others": 2, "state": {}}});
        send(&caller, &seen("hd_7")).await?;
        let begun = std::time::Instant::now();
        loop {
            let found = caller.get(&format!("/api/v1/observations?site={SITE}"), ADMIN_TOKEN).await?;
            let service = &found["services"][0];
            if service["slug"] == "helpdesk" {
                ensure!(service["state"] == "observed_without_consent" && service["cookies"] == json!(["hd_7"]), "{found:#}");
                ensure!(service["pages"][0]["page"] == "own.example" && service["events"] == 1, "{found:#}");
                break;
            }
            ensure!(begun.elapsed().as_secs() < 60, "{found}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }

        // A shipped entry is laid over, and comes back.
        let mine = json!({"name": "Chaport of ours", "category": "marketing"});
        let (status, _) = caller.send(Method::PUT, "/api/v1/services/chaport", &mine).await?;
        ensure!(status == 200);
        ensure!(caller.get("/api/v1/services/chaport", ADMIN_TOKEN).await?["category"] == "marketing");
        let (status, _) = caller.send(Method::DELETE, "/api/v1/services/chaport", &json!(null)).await?;
        ensure!(status == 204);
        let chaport = caller.get("/api/v1/services/chaport", ADMIN_TOKEN).await?;
        ensure!(chaport["category"] == "preferences" && chaport["origin"] == "avow", "{chaport:#}");
        let history = caller.get("/api/v1/services/chaport/history", ADMIN_TOKEN).await?;
        ensure!(history["versions"][0]["entry"].is_null() && history["versions"][1]["entry"]["category"] == "marketing");
        let (status, _) = caller.send(Method::DELETE, "/api/v1/services/chaport", &json!(null)).await?;
        ensure!(status == 404);

        // What is wrong is said where.
        let wrong = json!({"name": "X", "category": "preferences", "cookies": [{"name": "a b"}]});
        let (status, problem) = caller.send(Method::PUT, "/api/v1/services/x", &wrong).await?;
        ensure!(status == 422 && problem["at"] == "/cookies/0/name", "{status} {problem}");
        let (status, problem) = caller.send(Method::PUT, "/api/v1/services/x", &json!({"name": "X"})).await?;
        ensure!(status == 422 && problem["detail"].as_str().is_some_and(|text| text.contains("category")), "{problem}");
        Ok(())
    })
}

/// Purposes 1 to 10 and vendors 2 and 6 consented to; 2, 6 and 8 disclosed; created 2026-06-01 by CMP 300 (`@iabtechlabtcf/core`).
const TC_STRING: &str = "CQlH_MAQlH_MAEsABBENACFgAP_AAAAAAAAAADEQAAAAAAAA.IAEEUAAA.YAAAAAAAAAAA";

#[test]
fn a_vendor_list_is_imported_with_a_diff_and_tc_strings_speak_of_its_services() -> Result<()> {
    let (runtime, dir) = (Runtime::new()?, tempfile::tempdir()?);
    let avow = embedded()?.start()?;
    let (url, caller) = (avow.url(), Caller::of(avow.url()));
    let list = |version: u32, names: &[(u16, &str)]| {
        let vendor = |(id, name): &(u16, &str)| {
            let vendor = json!({"id": id, "name": name, "purposes": [1, 2], "usesCookies": true,
                "urls": [{"langId": "en", "privacy": "https://example.com/privacy"}]});
            (id.to_string(), vendor)
        };
        json!({"gvlSpecificationVersion": 3, "vendorListVersion": version, "lastUpdated": "2026-11-19T16:00:28Z",
            "purposes": {"1": {"name": "Store"}, "2": {"name": "Select ads"}},
            "vendors": names.iter().map(vendor).collect::<serde_json::Map<_, _>>()})
        .to_string()
    };
    let file = dir.path().join("vendor-list.json");
    let path = file.display().to_string();
    std::fs::write(&file, list(1, &[(2, "Two"), (6, "Six"), (8, "Eight"), (9, "Nine")]))?;
    let told = administer(&url, &["catalog", "import", "gvl", &path, "--dry-run"])?;
    ensure!(told.contains("4 new, 0 changed") && told.contains("nothing was changed"), "{told}");
    let told = administer(&url, &["catalog", "import", "gvl", &path, "--yes"])?;
    ensure!(told.contains("4 entries put"), "{told}");
    std::fs::write(&file, list(2, &[(2, "Two"), (6, "Six & Co"), (8, "Eight")]))?;
    let told = administer(&url, &["catalog", "import", "gvl", &path, "--yes", "--prune"])?;
    ensure!(told.contains("~ iab-6") && told.contains("- iab-9") && told.contains("1 taken back"), "{told}");
    let told = administer(&url, &["catalog", "list"])?;
    ensure!(told.contains("Six & Co") && !told.contains("iab-9"), "{told}");

    runtime
        .block_on(async {
            let services =
                json!({"iab-2": "marketing", "iab-6": "marketing", "iab-8": "marketing", "chaport": "preferences"});
            caller.put_site(SITE, json!({"name": "Own", "services": services})).await?;
            let signals = json!({"signals": {"tcf": TC_STRING}, "purposes": {"iab-1": true}});
            send(&caller, &decided(json!({"iab-6": false}), signals)).await?;
            // By the string with and without consent, by the event itself; Chaport is no vendor, and stays undecided.
            let [two, six, eight] =
                [("iab-2", 1, 0), ("iab-6", 0, 1), ("iab-8", 0, 1)].map(|(slug, yes, no)| (slug, "marketing", yes, no));
            counted(&caller, &[("chaport", "preferences", 0, 0), two, six, eight]).await
        })
        .context("counting")
}
