//! The built binary, from the outside: real Kafka, the real engine, real clients.
//!
//! What runs here is short; the same tests run long in `tests/soak.sh`, by the variables `AVOW_SOAK_EVENTS`,
//! `AVOW_SOAK_KILLS` and `AVOW_SOAK_IDS`.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod accesses;
mod alerts;
mod audit;
mod banners;
mod bridge;
mod chaos;
mod days;
mod dead_letters;
mod described;
mod doctor;
mod download;
mod ended;
mod ends;
mod erasure;
mod evolution;
mod exact_totals;
mod for_ever;
mod forged;
mod front;
mod fsck;
mod history;
mod installation;
mod key_change;
mod kills;
mod ledger;
mod migrate;
mod months;
mod outage;
mod own_services;
mod people;
mod proof;
mod readers;
mod rebuild;
mod receipts;
mod receiver;
mod roles;
mod rolling;
mod signals;
mod stamped;
mod tidy;
mod webhooks;
mod witness;
mod witnessed;

/// A number from the environment, for long runs.
fn scale(name: &str, short: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(short)
}
