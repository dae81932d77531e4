//! Messages to webhooks: signed, sent again under the same id until they are taken, whatever is killed in between, and each
//! attempt is in the log of deliveries.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_testkit::process::{Avow, Settings};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::installation::{Caller, administer, embedded};
use crate::receiver::{Answer, Receiver};

const PATIENCE: Duration = Duration::from_secs(60);

/// An installation that sends to this machine, and tries again after a second.
pub fn settings() -> Result<Settings> {
    Ok(embedded()?
        .env("AVOW_WEBHOOKS__ALLOW_PRIVATE", "true")
        .env("AVOW_WEBHOOKS__RETRY_SECONDS", "[1, 1, 1]")
        .env("AVOW_WEBHOOKS__TIMEOUT_SECONDS", "1"))
}

/// Makes a webhook; its path and its secret.
pub fn webhook(runtime: &Runtime, caller: &Caller, url: &str, events: &[&str]) -> Result<(String, String)> {
    let asked = json!({"url": url, "events": events, "description": "a test's"});
    let (status, made) = runtime.block_on(caller.send(Method::POST, "/api/v1/webhooks", &asked))?;
    ensure!(status == 201, "{status}: {made}");
    let text = |key: &str| made[key].as_str().map(str::to_owned).with_context(|| format!("no {key}: {made}"));
    Ok((format!("/api/v1/webhooks/{}", text("id")?), text("secret")?))
}

fn test(runtime: &Runtime, caller: &Caller, path: &str) -> Result<String> {
    let (status, sent) = runtime.block_on(caller.send(Method::POST, &format!("{path}/test"), &json!({})))?;
    ensure!(status == 202, "{status}: {sent}");
    sent["id"].as_str().map(str::to_owned).context("no id")
}

/// Waits until a message is in a state; the delivery.
pub fn until(runtime: &Runtime, caller: &Caller, path: &str, message: &str, state: &str) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let (_, log) = runtime.block_on(caller.ask(Method::GET, &format!("{path}/deliveries")))?;
        let found = log["deliveries"].as_array().into_iter().flatten().find(|one| one["id"] == message);
        if let Some(found) = found.filter(|one| one["state"] == state) {
            return Ok(found.clone());
        }
        ensure!(begun.elapsed() < PATIENCE, "{message} is not {state}: {log}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_message_is_signed_and_sent_again_until_it_is_taken() -> Result<()> {
    let runtime = Runtime::new()?;
    let receiver = Receiver::start(&runtime)?;
    let avow = settings()?.start()?;
    let caller = Caller::of(avow.url());
    let (path, secret) = webhook(&runtime, &caller, &receiver.url, &["alert.opened"])?;
    let (_, shown) = runtime.block_on(caller.ask(Method::GET, &path))?;
    ensure!(shown.get("secret").is_none() && !shown.to_string().contains("whsec_"), "{shown}");

    let message = test(&runtime, &caller, &path)?;
    let came = receiver.wait(0, 1, PATIENCE)?;
    came[0].verify(&secret)?;
    ensure!(came[0].id()? == message && came[0].json()?["type"] == "webhook.test", "{came:?}");
    let delivered = until(&runtime, &caller, &path, &message, "delivered")?;
    ensure!(delivered["attempts"] == 1 && delivered["status"] == 204, "{delivered}");

    // An error, no answer in time, a redirection (which nobody follows), then it is taken.
    receiver.answer(&[Answer::Status(500), Answer::Late(Duration::from_secs(3)), Answer::Redirect]);
    let message = test(&runtime, &caller, &path)?;
    let came = receiver.wait(1, 4, PATIENCE)?;
    for one in &came {
        one.verify(&secret)?;
        ensure!(one.id()? == message, "another id: {one:?}");
    }
    let pauses: Vec<Duration> = came.windows(2).map(|two| two[1].at - two[0].at).collect();
    ensure!(pauses.iter().all(|pause| *pause >= Duration::from_millis(900)), "{pauses:?}");
    let delivered = until(&runtime, &caller, &path, &message, "delivered")?;
    ensure!(delivered["attempts"] == 4, "{delivered}");

    // Sent again by hand, under the same id.
    let again = format!("{path}/deliveries/{message}/redeliver");
    let (status, sent) = runtime.block_on(caller.send(Method::POST, &again, &json!({})))?;
    ensure!(status == 202, "{status}: {sent}");
    ensure!(receiver.wait(5, 1, PATIENCE)?[0].id()? == message, "another id");
    until(&runtime, &caller, &path, &message, "delivered")?;

    // After the last attempt it has failed, and says with what.
    receiver.answer(&[Answer::Status(503); 4]);
    let message = test(&runtime, &caller, &path)?;
    let failed = until(&runtime, &caller, &path, &message, "failed")?;
    ensure!(failed["attempts"] == 4 && failed["status"] == 503 && failed["next_attempt_at"].is_null(), "{failed}");
    ensure!(failed["said"] == "what the receiver says\n\twith \\ and 'more'", "{failed}");

    // 410 disables it; a test is sent all the same.
    receiver.answer(&[Answer::Status(410)]);
    let message = test(&runtime, &caller, &path)?;
    ensure!(until(&runtime, &caller, &path, &message, "failed")?["attempts"] == 1, "tried again");
    let begun = Instant::now();
    while runtime.block_on(caller.ask(Method::GET, &path))?.1["disabled_at"].is_null() {
        ensure!(begun.elapsed() < PATIENCE, "not disabled");
        std::thread::sleep(Duration::from_millis(50));
    }
    let message = test(&runtime, &caller, &path)?;
    until(&runtime, &caller, &path, &message, "delivered")?;
    let (status, enabled) = runtime.block_on(caller.send(Method::PATCH, &path, &json!({"enabled": true})))?;
    ensure!(status == 200 && enabled["disabled_at"].is_null(), "{status}: {enabled}");
    let (status, _) = runtime.block_on(caller.send(Method::DELETE, &path, &json!({})))?;
    ensure!(status == 204 && runtime.block_on(caller.ask(Method::GET, &path))?.0 == 404, "{status}");
    Ok(())
}

#[test]
fn a_slow_receiver_holds_up_nobody_else() -> Result<()> {
    let runtime = Runtime::new()?;
    let (slow, quick) = (Receiver::start(&runtime)?, Receiver::start(&runtime)?);
    slow.answer(&[Answer::Late(Duration::from_secs(30)); 40]);
    let avow = settings()?.env("AVOW_WEBHOOKS__TIMEOUT_SECONDS", "20").env("AVOW_WEBHOOKS__AT_ONCE", "8").start()?;
    let caller = Caller::of(avow.url());
    let (to_slow, _) = webhook(&runtime, &caller, &slow.url, &["alert.opened"])?;
    let (to_quick, _) = webhook(&runtime, &caller, &quick.url, &["alert.opened"])?;
    for _ in 0..20 {
        test(&runtime, &caller, &to_slow)?;
    }
    slow.wait(0, 4, PATIENCE)?;
    let begun = Instant::now();
    for _ in 0..10 {
        test(&runtime, &caller, &to_quick)?;
    }
    quick.wait(0, 10, PATIENCE)?;
    ensure!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    ensure!(slow.received().len() == 4, "{} at once to one", slow.received().len());
    Ok(())
}

#[test]
fn what_was_not_delivered_is_sent_after_a_restart_and_after_a_kill() -> Result<()> {
    let (runtime, dir) = (Runtime::new()?, tempfile::tempdir()?);
    let receiver = Receiver::start(&runtime)?;
    let start =
        || -> Result<Avow> { settings()?.env("AVOW_WEBHOOKS__TIMEOUT_SECONDS", "20").data_dir(dir.path()).start() };
    let mut avow = start()?;
    let caller = Caller::of(avow.url());
    let (path, secret) = webhook(&runtime, &caller, &receiver.url, &["alert.opened"])?;

    // Refused once, then the process ends in good order.
    receiver.answer(&[Answer::Status(500)]);
    let message = test(&runtime, &caller, &path)?;
    receiver.wait(0, 1, PATIENCE)?;
    avow.terminate()?;
    drop(avow);
    let mut avow = start()?;
    let caller = Caller::of(avow.url());
    let came = receiver.wait(1, 1, PATIENCE)?;
    came[0].verify(&secret)?;
    ensure!(came[0].id()? == message, "another id");
    until(&runtime, &caller, &path, &message, "delivered")?;

    // Killed when the receiver has the message and nobody has noted that.
    receiver.answer(&[Answer::Late(Duration::from_secs(60))]);
    let message = test(&runtime, &caller, &path)?;
    receiver.wait(2, 1, PATIENCE)?;
    avow.kill9();
    drop(avow);
    let avow = start()?;
    let caller = Caller::of(avow.url());
    let came = receiver.wait(3, 1, PATIENCE)?;
    came[0].verify(&secret)?;
    ensure!(came[0].id()? == message, "another id");
    let delivered = until(&runtime, &caller, &path, &message, "delivered")?;
    ensure!(delivered["attempts"] == 1, "the attempt that was killed was noted: {delivered}");
    ensure!(administer(&avow.url(), &["webhook", "list"])?.contains("alert.opened"), "not listed");
    Ok(())
}
