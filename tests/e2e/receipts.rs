//! Receipts: signed when the event is promised, redeemed for a proof once its leaf lies under a checkpoint, and for what is
//! held of the visitor.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_ledger::key::VerifierKey;
use avow_ledger::{LeafKind, Note, Receipt, ReceiptId, TlogProof, merkle};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::installation::{Caller, decided, embedded};

const SITE: &str = "receipts.example";
const PATIENCE: Duration = Duration::from_secs(60);

/// Posts as a beacon does, asking for receipts.
/// Posts events and asks for their receipts.
pub async fn posted(url: &str, events: &[Value]) -> Result<Value> {
    let client = reqwest::Client::new();
    let body = json!({"events": events}).to_string();
    let answer = client.post(format!("{url}/v1/events?receipt=1")).header("Content-Type", "text/plain").body(body);
    Ok(answer.send().await?.error_for_status()?.json().await?)
}

async fn mine(url: &str, id: &str, seed: &str) -> Result<(u16, Value)> {
    let body = json!({"receipt": {"id": id, "seed": seed}}).to_string();
    let answer = reqwest::Client::new().post(format!("{url}/v1/me")).header("Content-Type", "text/plain").body(body);
    let answer = answer.send().await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}

fn key_of(logs: &Value, is_it: impl Fn(&Value) -> bool) -> Result<VerifierKey> {
    let log = logs["logs"].as_array().and_then(|logs| logs.iter().find(|log| is_it(log))).context("no such log")?;
    Ok(log["public_key"].as_str().context("no key")?.parse()?)
}

#[test]
fn a_receipt_is_redeemed_for_a_proof_and_for_what_is_held() -> Result<()> {
    let runtime = Runtime::new()?;
    let avow = embedded()?.start()?;
    let caller = Caller::of(avow.url());
    runtime.block_on(async {
        caller.put_site(SITE, json!({"name": "Receipts", "ledger": {"checkpoint_seconds": 1}})).await?;
        let url = avow.url();
        let subject = Uuid::new_v4();
        let broken = json!({"site": SITE, "type": "decided"});
        // The key is published before the first checkpoint; until then there is nothing to sign with.
        let begun = Instant::now();
        let answer = loop {
            let events = [broken.clone(), decided(SITE, subject), decided(SITE, Uuid::new_v4())];
            let answer = posted(&url, &events).await?;
            if answer["receipts"].as_array().is_some_and(|receipts| !receipts.is_empty()) {
                break answer;
            }
            ensure!(answer["warnings"][0]["field"] == "?receipt", "neither receipts nor a warning: {answer}");
            ensure!(begun.elapsed() < PATIENCE, "no receipts: {answer}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        ensure!(
            answer["receipts"].as_array().map(Vec::len) == Some(2) && answer["receipts"][0]["index"] == 1,
            "{answer}"
        );
        let receipt = &answer["receipts"][0]["receipt"];
        let (id, seed) = (receipt["id"].as_str().context("no id")?, receipt["seed"].as_str().context("no seed")?);

        let redeem = format!("{url}/receipt/{id}");
        let proof = loop {
            let proof = reqwest::get(&redeem).await?;
            if proof.status().is_success() {
                break proof.text().await?;
            }
            ensure!(proof.status() == 404 && begun.elapsed() < PATIENCE, "{}: {}", proof.status(), proof.text().await?);
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        // The operator log's first checkpoint comes a moment after the site's.
        let logs = loop {
            let logs = caller.ask(reqwest::Method::GET, "/log").await?.1;
            if key_of(&logs, |log| log["name"] == "operator").is_ok() {
                break logs;
            }
            ensure!(begun.elapsed() < PATIENCE, "no operator log: {logs}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        let note = Note::parse(receipt["note"].as_str().context("no note")?)?;
        ensure!(note.verify(&[key_of(&logs, |log| log["name"] == "operator")?])?.len() == 1, "not signed: {note}");
        let promised = Receipt::parse(&note.text)?;
        ensure!(
            promised.id() == id && promised.site == SITE && promised.deadline > promised.received_at,
            "{promised:?}"
        );
        let entry = [&[LeafKind::Event as u8][..], &promised.commitment].concat();
        let leaf = merkle::leaf_hash(&entry);
        TlogProof::parse(&proof)?.verify(&leaf, &[key_of(&logs, |log| log["site"] == SITE)?])?;

        let (status, held) = mine(&url, id, seed).await?;
        ensure!(status == 200 && held["subject"] == subject.to_string(), "{status}: {held}");
        ensure!(held["records"].as_array().is_some_and(|records| !records.is_empty()), "{held}");
        let nothing = ReceiptId { site: SITE.into(), commitment: [7; 32], received_at: i64::MAX }.to_string();
        for (id, seed) in [(id, "00".repeat(32)), (&nothing, seed.to_owned()), ("?", seed.to_owned()), (id, "x".into())]
        {
            let (status, told) = mine(&url, id, &seed).await?;
            ensure!(status == 404 && told["code"] == "unknown_receipt", "{id} {seed}: {status} {told}");
        }
        ensure!(reqwest::get(format!("{url}/receipt/{nothing}")).await?.status() == 404, "a proof of nothing");
        Ok(())
    })
}
