//! kill -9 at random moments under load: every event that got a 202 is there once, and nothing is there twice.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rand::RngExt;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::installation::{Caller, decided, embedded};
use crate::scale;

const SITE: &str = "kills.example";
const WRITERS: usize = 4;
const BATCH: usize = 20;

/// Ids that were promised (202), and all that were ever sent.
#[derive(Default)]
struct Books {
    promised: HashSet<Uuid>,
    sent: HashSet<Uuid>,
}

/// Writes until told to stop; a batch without a 202 is sent again, as a beacon would, or given up.
async fn write(url: String, books: Arc<Mutex<Books>>, stop: Arc<AtomicBool>) {
    let caller = Caller::of(url);
    while !stop.load(Ordering::Relaxed) {
        let ids: Vec<Uuid> = (0..BATCH).map(|_| Uuid::new_v4()).collect();
        let events: Vec<Value> = ids.iter().map(|id| decided(SITE, *id)).collect();
        books.lock().unwrap().sent.extend(&ids);
        for _ in 0..3 {
            if caller.post(&events).await == Some(202) {
                books.lock().unwrap().promised.extend(&ids);
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn decisions(caller: &Caller) -> Result<(u64, u64)> {
    let query =
        json!({"sites": [SITE], "date_range": ["2026-01-01", "2099-12-31"], "metrics": ["decisions", "visitors"]});
    let answer = caller.query(query).await?;
    let metrics = &answer["rows"][0]["metrics"];
    Ok((metrics["decisions"].as_u64().unwrap_or(0), metrics["visitors"].as_u64().unwrap_or(0)))
}

#[test]
fn after_each_kill_every_promised_event_is_there_once() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let mut avow = embedded()?.start()?;
    let caller = Caller::of(avow.url());
    runtime.block_on(caller.put_site(SITE, json!({"name": "Kills", "services": {"chaport": "preferences"}})))?;
    let (books, stop) = (Arc::new(Mutex::new(Books::default())), Arc::new(AtomicBool::new(false)));
    let write = |_| runtime.spawn(write(avow.url(), Arc::clone(&books), Arc::clone(&stop)));
    let writers: Vec<_> = (0..WRITERS).map(write).collect();
    for kill in 0..scale("AVOW_SOAK_KILLS", 4) {
        std::thread::sleep(Duration::from_millis(rand::rng().random_range(200..2500)));
        avow.kill9();
        avow.restart()?;
        println!("kill {kill}: {} promised so far", books.lock().unwrap().promised.len());
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        runtime.block_on(writer)?;
    }
    let (promised, sent) = {
        let books = books.lock().unwrap();
        (books.promised.len() as u64, books.sent.len() as u64)
    };
    let begun = Instant::now();
    let mut before = (0, 0);
    loop {
        let now = runtime.block_on(decisions(&caller))?;
        // Each event has a subject of its own: as many decisions as visitors means that none is there twice.
        if now.0 >= promised && now == before {
            println!("sent {sent}, promised {promised}, there {} of {} subjects", now.0, now.1);
            ensure!(now.0 == now.1, "{} decisions of {} subjects: some are there twice", now.0, now.1);
            ensure!(now.0 <= sent, "more than was sent");
            return Ok(());
        }
        ensure!(begun.elapsed() < Duration::from_secs(120), "{} of {promised} promised events are there", now.0);
        before = now;
        std::thread::sleep(Duration::from_millis(700));
    }
}
