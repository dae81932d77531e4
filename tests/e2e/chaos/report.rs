//! The table: fault by runs, events, lost, doubled, and the longest time until everything was as before.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::verify::Seen;

/// One fault, survived.
#[derive(Debug)]
pub struct Row {
    pub fault: &'static str,
    /// From its end until new events had their 202 and were in the warehouse, on every partition.
    pub recovered: Duration,
    pub seen: Seen,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen { sent, promised, lost, doubled, answers } = &self.seen;
        write!(
            f,
            "{}: {sent} events, {promised} promised, {lost} lost, {doubled} doubled, recovered in {:.1} s; {} x 202 \
             (slowest {:.2} s), {} refused, {} unanswered",
            self.fault,
            self.recovered.as_secs_f64(),
            answers.promised,
            answers.slowest.as_secs_f64(),
            answers.unavailable,
            answers.none,
        )
    }
}

#[derive(Debug, Default)]
struct Total {
    runs: u64,
    sent: u64,
    promised: u64,
    lost: u64,
    doubled: u64,
    longest: Duration,
    slowest: Duration,
}

/// All faults so far.
#[derive(Debug, Default)]
pub struct Report(BTreeMap<&'static str, Total>);

impl Report {
    pub fn add(&mut self, row: Row) {
        let total = self.0.entry(row.fault).or_default();
        total.runs += 1;
        total.sent += row.seen.sent;
        total.promised += row.seen.promised;
        total.lost += row.seen.lost;
        total.doubled += row.seen.doubled;
        total.longest = total.longest.max(row.recovered);
        total.slowest = total.slowest.max(row.seen.answers.slowest);
    }

    pub fn is_clean(&self) -> bool {
        self.0.values().all(|total| total.lost == 0 && total.doubled == 0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:34} {:>5} {:>9} {:>9} {:>5} {:>8} {:>12} {:>12}",
            "fault", "runs", "events", "promised", "lost", "doubled", "recovery (s)", "slowest 202"
        )?;
        for (fault, total) in &self.0 {
            writeln!(
                f,
                "{fault:34} {:>5} {:>9} {:>9} {:>5} {:>8} {:>12.1} {:>12.2}",
                total.runs,
                total.sent,
                total.promised,
                total.lost,
                total.doubled,
                total.longest.as_secs_f64(),
                total.slowest.as_secs_f64(),
            )?;
        }
        Ok(())
    }
}
