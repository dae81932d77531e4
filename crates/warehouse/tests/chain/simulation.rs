//! The simulation's verdicts: what the chain is shows no fault in many runs, and each of its halves taken away does.

use std::time::Instant;

use crate::explorer::{Plan, run};
use crate::model::Rules;

/// Runs seeds until one finds a fault.
fn search(plan: Plan, seeds: u64) -> Option<(u64, String)> {
    (0..seeds).find_map(|seed| run(plan, seed, false).violation.map(|violation| (seed, violation)))
}

/// The history of a seed, for whoever must understand it.
fn history(plan: Plan, seed: u64) -> String {
    run(plan, seed, true).history.join("\n")
}

fn finds(name: &str, plan: Plan) {
    let (seed, violation) = search(plan, 50_000).unwrap_or_else(|| panic!("{name}: no fault found"));
    println!("{name}: seed {seed}: {violation}");
    if std::env::var_os("AVOW_HISTORY").is_some() {
        println!("{}", history(plan, seed));
    }
}

#[test]
fn nothing_is_lost_or_doubled_whatever_is_killed_late_or_paused() {
    let runs: u64 = std::env::var("AVOW_SOAK_SIMULATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(3_000);
    let begun = Instant::now();
    let mut steps = 0;
    for seed in 0..runs {
        let ended = run(Plan::default(), seed, false);
        steps += ended.steps;
        if let Some(violation) = ended.violation {
            panic!("seed {seed}: {violation}\n{}", history(Plan::default(), seed));
        }
    }
    println!("{runs} histories, {steps} steps, {:.1} s", begun.elapsed().as_secs_f64());
}

#[test]
fn the_same_seed_is_the_same_history() {
    assert_eq!(history(Plan::default(), 7), history(Plan::default(), 7));
}

#[test]
fn without_the_condition_it_finds_a_fault() {
    finds("no condition", Plan { rules: Rules { condition: false, ..Rules::default() }, ..Plan::default() });
}

#[test]
fn without_the_token_it_finds_a_fault() {
    finds("no token", Plan { rules: Rules { token: false, ..Rules::default() }, ..Plan::default() });
}

#[test]
fn without_reading_back_it_finds_a_fault() {
    finds("no read-back of yes", Plan { gullible: true, ..Plan::default() });
}

#[test]
fn without_the_number_it_finds_a_fault() {
    finds("no number", Plan { rules: Rules { number: false, ..Rules::default() }, ..Plan::default() });
}

#[test]
fn without_looking_whether_the_range_is_staged_it_finds_a_fault() {
    finds("staged rows unseen", Plan { rules: Rules { whole: false, ..Rules::default() }, ..Plan::default() });
}

#[test]
fn with_statements_that_outlive_the_tokens_it_finds_a_fault() {
    finds("window too short", Plan { time_limit: 3 * Rules::default().window as u64, ..Plan::default() });
}

#[test]
fn with_numbers_that_rise_when_staged_rows_were_gone_it_finds_a_fault() {
    finds("number rises blindly", Plan { blind: true, ..Plan::default() });
}

/// A limit of the design, kept in view: where a part was lost in a kill and its range then lay still for a whole window of
/// inserts, two owners that insert it anew while its token is being forgotten may use two numbers at once. The simulation
/// leaves this one coincidence out; see ARCHITECTURE.md.
#[test]
fn with_a_lost_token_forgotten_in_the_very_moment_it_finds_a_fault() {
    let rules = Rules { lucky: false, window: 3, ..Rules::default() };
    finds("lost token forgotten", Plan { rules, time_limit: 2, ..Plan::default() });
}
