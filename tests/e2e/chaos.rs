//! Chaos: the real thing (three brokers, two ingests, three processors, an api, `avow box`) under load, while a seeded
//! schedule breaks it. After each fault everything that was promised in its time must be there once; in the end every
//! table, every 202 and every number must be what was sent.
//!
//! - `machines.rs`: what runs; `faults.rs`: what is done to it;
//! - `load.rs`: who sends, and remembers what was promised;
//! - `verify.rs`: what the warehouse must hold; `report.rs`: the table of faults.
//!
//! `AVOW_CHAOS_SECONDS` (300) is how long one seed goes on, `AVOW_CHAOS_SEED` where the schedule comes from,
//! `AVOW_CHAOS_SEEDS` (1) how many seeds follow each other, `AVOW_CHAOS_FAULT` a word that the only faults' names begin with.

mod faults;
mod load;
mod machines;
mod report;
mod verify;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use self::faults::Fault;
use self::load::Load;
use self::machines::Machines;
use self::report::{Report, Row};
use crate::scale;

/// The load runs for so long before a fault and, healed, after it.
const CALM: Duration = Duration::from_secs(2);

/// Whatever takes longer to recover is worth the logs.
const SLOW: Duration = Duration::from_secs(45);

#[test]
#[ignore = "minutes: tests/run.sh and `make chaos` run it by name"]
fn chaos_loses_nothing_and_doubles_nothing() -> Result<()> {
    let seconds = scale("AVOW_CHAOS_SECONDS", 300);
    let first = scale("AVOW_CHAOS_SEED", 20_261_125);
    let mut report = Report::default();
    for seed in first..first + scale("AVOW_CHAOS_SEEDS", 1) {
        let outcome = run(seed, Duration::from_secs(seconds), &mut report);
        outcome.with_context(|| format!("seed {seed}\n{report}"))?;
    }
    println!("{report}");
    ensure!(report.is_clean(), "something was lost or doubled");
    Ok(())
}

fn run(seed: u64, length: Duration, report: &mut Report) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(seed);
    let begun = Instant::now();
    let mut machines = Machines::start()?;
    println!("seed {seed}: up after {:?}", begun.elapsed());
    let mut load = Load::start(&machines, seed, length)?;
    let until = Instant::now() + length;
    let mut schedule: Vec<Fault> = Vec::new();
    while Instant::now() < until {
        let fault = match schedule.pop() {
            Some(fault) => fault,
            None => {
                schedule = chosen(&machines);
                schedule.shuffle(&mut rng);
                continue;
            }
        };
        let row = suffer(fault, &mut machines, &mut load, &mut rng);
        let row = row.with_context(|| format!("{}\n{}", fault.name(), machines.logs()))?;
        println!("seed {seed}: {row}");
        report.add(row);
    }
    let ended = finish(&mut machines, load);
    ended.with_context(|| machines.logs())
}

/// The faults that are asked for and possible here: not every process may mount a disk to fill.
fn chosen(machines: &Machines) -> Vec<Fault> {
    let word = std::env::var("AVOW_CHAOS_FAULT").unwrap_or_default();
    let possible = |fault: &Fault| machines.box_disk.is_small() || !fault.fills_a_disk();
    Fault::ALL.iter().copied().filter(|fault| fault.name().starts_with(&word) && possible(fault)).collect()
}

/// One fault from beginning to end.
fn suffer(fault: Fault, machines: &mut Machines, load: &mut Load, rng: &mut StdRng) -> Result<Row> {
    std::thread::sleep(CALM);
    let held = fault.inject(machines, rng)?;
    machines.hold(held.lasts)?;
    fault.heal(machines, held)?;
    let recovered = load.probe(machines)?;
    if recovered > SLOW {
        println!("slow to recover from {}\n{}", fault.name(), machines.logs());
    }
    std::thread::sleep(CALM.mul_f64(rng.random_range(0.1..1.0)));
    let window = load.next_window();
    machines.drained()?;
    let seen = verify::window(machines, &window)?;
    Ok(Row { fault: fault.name(), recovered, seen })
}

/// Ends the load, lets everything drain, and compares all there is.
fn finish(machines: &mut Machines, load: Load) -> Result<()> {
    let sent = load.stop(machines)?;
    machines.drained()?;
    verify::tables(machines, &sent)?;
    verify::numbers(machines, &sent)?;
    verify::ledgers(machines)
}
