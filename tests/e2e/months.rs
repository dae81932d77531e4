//! A batch that crosses the end of a month, and of a half-year: it is cut there, so that each part lies in one partition of
//! the table, and each ledger in one period; clocks that go back move nothing into the past.

use anyhow::{Result, ensure};
use avow_testkit::kafka::Kafka;
use tempfile::tempdir;

use crate::evolution::{Counted, Foreign, SITE};
use crate::installation::{Boxed, embedded};

#[test]
fn a_batch_is_cut_where_the_month_changes() -> Result<()> {
    let kafka = Kafka::start()?;
    let foreign = Foreign::new(&kafka, None)?;
    // The log's time is what the writer says, so that the writer can cross midnight whenever the test runs.
    foreign.run(&["topic"])?;
    let dir = tempdir()?;
    let avow = embedded()?.env("AVOW_KAFKA__BROKERS", kafka.brokers()).data_dir(dir.path()).start()?;
    let mut counted = Counted::over(avow)?;
    foreign.run(&["months", SITE, "400"])?;
    counted.expected += 400;
    counted.all_there()?;
    ensure!(counted.dead_letters()? == 0.0, "{}", counted.avow.log());
    counted.avow.terminate()?;

    let boxed = Boxed::start_in(dir.path())?;
    let of = "FROM events_data WHERE kind = 'event'";
    // Once the second half-year has begun, it is that one, whatever a clock says.
    let months =
        boxed.run(&format!("SELECT count() {of} GROUP BY toYYYYMM(logged_at) ORDER BY toYYYYMM(logged_at)"))?;
    ensure!(months == "100\n300\n", "{months}");
    let ledgers = boxed.run(
        "SELECT countIf(leaf_kind = 1), max(leaf) + 1 - count() FROM (SELECT leaf, leaf_kind, ledger FROM events_data \
         WHERE kind != 'range') AS e INNER JOIN ledgers AS l ON l.name = e.ledger GROUP BY period ORDER BY period",
    )?;
    // Of the leaves, some close days.
    ensure!(ledgers == "100\t0\n300\t0\n", "{ledgers}");
    let back = boxed.run(
        "SELECT countIf(logged_at < before) FROM (SELECT logged_at, lagInFrame(logged_at, 1, logged_at) OVER \
         (PARTITION BY partition ORDER BY position) AS before FROM events_data WHERE kind != 'range')",
    )?;
    ensure!(back == "0\n", "time goes back {back} times");
    let split = boxed.run(
        "SELECT count() FROM (SELECT _part, uniqExact(toYYYYMM(logged_at)) AS months FROM events_data GROUP BY _part) \
         WHERE months > 1",
    )?;
    ensure!(split == "0\n", "{split} parts span months");
    Ok(())
}
