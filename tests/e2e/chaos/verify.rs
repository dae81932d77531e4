//! What the warehouse must hold: by window, every promised event once and none that was not sent; in the end, every
//! table's own arithmetic, and the numbers that the simulator has counted by itself.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use uuid::Uuid;

use super::load::{Answers, PROBES, SITE, Sent, Window};
use super::machines::Machines;
use crate::installation::{administer, simulate};

/// What became of a window's events.
#[derive(Debug)]
pub struct Seen {
    pub sent: u64,
    pub promised: u64,
    pub lost: u64,
    pub doubled: u64,
    pub answers: Answers,
}

pub fn window(machines: &Machines, window: &Window) -> Result<Seen> {
    let rows = machines.sql(&format!(
        "SELECT id, count() FROM events_data WHERE site = '{SITE}' AND banner_version = '{}' GROUP BY id",
        window.name
    ))?;
    let parse = |line: &str| {
        let (id, count) = line.split_once('\t')?;
        Some((id.parse::<Uuid>().ok()?, count.parse::<u64>().ok()?))
    };
    let there = rows.lines().map(|line| parse(line).with_context(|| line.to_owned()));
    let there: HashMap<Uuid, u64> = there.collect::<Result<_>>()?;
    let (sent, promised) = (window.sent.lock().unwrap(), window.promised.lock().unwrap());
    ensure!(there.keys().all(|id| sent.contains(id)), "an event is there that was never sent");
    Ok(Seen {
        sent: sent.len() as u64,
        promised: promised.len() as u64,
        lost: promised.iter().filter(|id| !there.contains_key(id)).count() as u64,
        doubled: there.values().filter(|count| **count > 1).count() as u64,
        answers: *window.answers.lock().unwrap(),
    })
}

/// Statements of which each must answer 0, and what it means if one does not.
const ZERO: &[(&str, &str)] = &[
    (
        "positions of the log that are there twice",
        "SELECT count() - uniqExact(partition, position) FROM events_data WHERE kind != 'range'",
    ),
    (
        "ranges that do not begin where the one before ends",
        "SELECT countIf(range_from != before) FROM (SELECT range_from, lagInFrame(range_to, 1, 0) OVER \
         (PARTITION BY log_id, partition ORDER BY range_from ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before \
         FROM events_data WHERE kind = 'range')",
    ),
    (
        "records that were read and are in no book",
        "SELECT sum(toInt64(range_to - range_from) - arraySum(book_read)) FROM events_data WHERE kind = 'range'",
    ),
    (
        "records in the books without exactly one fate",
        "SELECT sum(toInt64(arraySum(book_read)) - arraySum(book_stored) - arraySum(book_repeats) - arraySum(book_dead)) \
         FROM events_data WHERE kind = 'range'",
    ),
    (
        "stored records that have no row",
        "SELECT toInt64(sumIf(arraySum(book_stored), kind = 'range')) - countIf(kind != 'range') FROM events_data",
    ),
    (
        "keys that are there twice",
        "SELECT count() - uniqExact(site, subject, id) FROM events_data WHERE kind != 'range'",
    ),
    (
        "ids that are not those of the rows",
        "SELECT toInt64((SELECT count() FROM event_ids WHERE hash != toFixedString('', 16))) \
         - toInt64((SELECT count() FROM events_data WHERE kind != 'range'))",
    ),
    ("ids that are there twice", "SELECT count() - uniqExact(hash) FROM event_ids WHERE hash != toFixedString('', 16)"),
    (
        "gaps and doubles among the leaves of a ledger",
        "SELECT sum(rows != last + 1 OR rows != different) FROM (SELECT count() AS rows, max(leaf) AS last, \
         uniqExact(leaf) AS different FROM events_data WHERE kind != 'range' GROUP BY ledger)",
    ),
    (
        "decisions of the roll-up that are not those of the events",
        "SELECT toInt64((SELECT sum(decisions) FROM rates_15m_data WHERE grain = 'total')) \
         - toInt64((SELECT sum(decision) FROM events_data))",
    ),
];

/// The tables' arithmetic, and the writers' events as a whole.
pub fn tables(machines: &Machines, sent: &Sent) -> Result<()> {
    for (meaning, statement) in ZERO {
        let answer = machines.sql(statement)?;
        ensure!(answer.trim() == "0", "{}: {meaning}", answer.trim());
    }
    for window in &sent.windows {
        let seen = self::window(machines, window)?;
        ensure!(seen.lost == 0 && seen.doubled == 0, "{}: {seen:?}", window.name);
    }
    let number = |statement: &str| -> Result<u64> { Ok(machines.sql(statement)?.trim().parse()?) };
    let probed = number(&format!("SELECT count() FROM events_data WHERE site = '{PROBES}' AND kind = 'event'"))?;
    ensure!(probed == sent.probed, "{probed} probes of {}", sent.probed);
    let dead = number("SELECT sum(arraySum(book_dead)) FROM events_data WHERE kind = 'range'")?;
    let (acknowledged, tried) = sent.poison;
    ensure!((acknowledged..=tried).contains(&dead), "{dead} dead letters of {acknowledged} to {tried}");
    println!("tables: {} checks, {dead} dead letters of {tried}", ZERO.len());
    Ok(())
}

/// Every metric by every dimension, against the simulator's own count.
pub fn numbers(machines: &Machines, sent: &Sent) -> Result<()> {
    let totals = sent.totals.path().join("totals.json").display().to_string();
    println!("{}", simulate(&machines.front.url(), &["--check", &totals])?);
    Ok(())
}

/// Every ledger derived anew from the events: leaves, trees, checkpoints, the operator log.
pub fn ledgers(machines: &Machines) -> Result<()> {
    println!("{}", administer(&machines.api.url(), &["ledger", "audit"])?.trim());
    Ok(())
}
