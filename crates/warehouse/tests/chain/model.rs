//! The engine, as far as the chain relies on it: tables of parts, a deduplication log with a window, staging tables in
//! memory, and an insert whose condition is looked at before its part is committed.
//! `against_engine` holds this against the real engine.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use avow_warehouse::chain::steps::{Recorded, along};
use avow_warehouse::chain::tables::{Insert, Source, Stand, Step, Table};
use uuid::Uuid;

/// A range as it is staged: its rows and its range row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub step: Step,
    pub write: Uuid,
    /// Positions of the stored rows.
    pub rows: Vec<u64>,
    pub repeats: u64,
    pub dead: u64,
    pub logged_at: i64,
    pub poisoned: bool,
}

impl Default for Block {
    fn default() -> Self {
        let step = Step { from: 0, to: 0 };
        Self { step, write: Uuid::nil(), rows: Vec::new(), repeats: 0, dead: 0, logged_at: 0, poisoned: false }
    }
}

/// What one insert made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Events(Vec<Block>),
    Derived { rows: Vec<u64>, upto: u64 },
}

/// An insert that has read its condition and its rows, and has not committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    pub table: Table,
    pub token: (u64, u32),
    pub part: Part,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such staging table.
    Unknown,
    /// The rows are refused.
    Rows,
}

/// What the engine and the statements do; each is switched off to show that it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// An insert lands only if the table stands at its beginning.
    pub condition: bool,
    /// A block whose token is remembered is dropped.
    pub token: bool,
    /// The number is part of the token.
    pub number: bool,
    /// Staged rows are taken only if the staging table holds the insert's range and nothing else.
    pub whole: bool,
    /// Tokens that are remembered.
    pub window: usize,
    /// The token of a part that was lost is not forgotten in the very moments in which its range is inserted anew.
    pub lucky: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { condition: true, token: true, number: true, whole: true, window: 6, lucky: true }
    }
}

#[derive(Debug, Default)]
struct Rows {
    parts: Vec<Part>,
    tokens: VecDeque<Remembered>,
}

#[derive(Debug, Clone, Copy)]
struct Remembered {
    token: (u64, u32),
    /// Its part is not there.
    lost: bool,
}

#[derive(Debug)]
pub struct Model {
    pub rules: Rules,
    tables: [Rows; 3],
    staging: BTreeMap<u64, Vec<Block>>,
    /// Rows that a step of catching up may come to.
    pub most: u64,
    /// Tables and beginnings of ranges of which an insert is under way.
    pub under_way: BTreeSet<(Table, u64)>,
}

impl Model {
    pub fn new(rules: Rules, most: u64) -> Self {
        Self { rules, tables: Default::default(), staging: BTreeMap::new(), most, under_way: BTreeSet::new() }
    }

    pub fn parts(&self, table: Table) -> &[Part] {
        &self.tables[table as usize].parts
    }

    pub fn ranges(&self) -> impl Iterator<Item = &Block> {
        self.parts(Table::Events).iter().flat_map(|part| match part {
            Part::Events(blocks) => blocks.as_slice(),
            Part::Derived { .. } => &[],
        })
    }

    pub fn newest(&self) -> (u64, i64) {
        let to = self.ranges().map(|block| block.step.to).max().unwrap_or(0);
        (to, self.ranges().map(|block| block.logged_at).max().unwrap_or(0))
    }

    pub fn mark(&self, table: Table, since: i64) -> u64 {
        let newest = match table {
            Table::Events => self.ranges().filter(|block| block.logged_at >= since).map(|block| block.step.to).max(),
            _ => {
                self.parts(table).iter().map(|part| if let Part::Derived { upto, .. } = part { *upto } else { 0 }).max()
            }
        };
        newest.unwrap_or(0)
    }

    pub fn stand(&self, table: Table, since: i64) -> Stand {
        let ranges = self.ranges().filter(|block| block.logged_at >= since);
        let write = ranges.max_by_key(|block| block.step.to).map_or(Uuid::nil(), |block| block.write);
        Stand { at: self.mark(table, since), write: (table == Table::Events).then_some(write) }
    }

    pub fn steps(&self, from: u64, to: u64) -> Vec<Step> {
        let mut ranges: Vec<Recorded> =
            self.ranges().map(|b| Recorded { to: b.step.to, stored: b.rows.len() as u64 }).collect();
        ranges.sort_by_key(|range| range.to);
        along(&ranges, from, to, self.most)
    }

    pub fn create(&mut self, staging: u64) {
        self.staging.entry(staging).or_default();
    }

    pub fn drop_staging(&mut self, staging: u64) {
        self.staging.remove(&staging);
    }

    pub fn stagings(&self) -> Vec<u64> {
        self.staging.keys().copied().collect()
    }

    pub fn truncate(&mut self, staging: u64) -> Result<(), Refusal> {
        self.staging.get_mut(&staging).ok_or(Refusal::Unknown).map(Vec::clear)
    }

    pub fn fill(&mut self, staging: u64, block: Block) -> Result<(), Refusal> {
        self.staging.get_mut(&staging).ok_or(Refusal::Unknown).map(|blocks| blocks.push(block))
    }

    fn is_whole(staged: &[Block], step: Step) -> bool {
        matches!(staged, [only] if only.step == step)
    }

    pub fn is_staged(&self, staging: u64, step: Step) -> Result<bool, Refusal> {
        self.staging.get(&staging).ok_or(Refusal::Unknown).map(|staged| Self::is_whole(staged, step))
    }

    /// The range that a staging table holds.
    pub fn staged(&self, staging: u64) -> Option<Step> {
        self.staging.get(&staging).and_then(|staged| staged.first()).map(|block| block.step)
    }

    /// What an insert is about to write; nothing where its condition does not hold or there are no rows.
    pub fn prepare(&self, insert: &Insert, staging: u64) -> Result<Option<Prepared>, Refusal> {
        let Insert { table, step, number, source, since } = *insert;
        let staged = match source {
            Source::Staged => Some(self.staging.get(&staging).ok_or(Refusal::Unknown)?),
            Source::Stored => None,
        };
        if self.rules.condition && self.mark(table, since) != step.from {
            return Ok(None);
        }
        if let Some(staged) = staged
            && self.rules.whole
            && !Self::is_whole(staged, step)
        {
            return Ok(None);
        }
        let part = match (table, staged) {
            (Table::Events, Some(blocks)) if blocks.is_empty() => return Ok(None),
            (Table::Events, Some(blocks)) if blocks.iter().any(|block| block.poisoned) => return Err(Refusal::Rows),
            (Table::Events, Some(blocks)) => Part::Events(blocks.clone()),
            (Table::Events, None) => return Ok(None),
            (_, Some(blocks)) => {
                Part::Derived { rows: blocks.iter().flat_map(|b| b.rows.clone()).collect(), upto: step.to }
            }
            (_, None) => {
                let rows = self.ranges().flat_map(|block| block.rows.iter().copied());
                Part::Derived { rows: rows.filter(|at| (step.from..step.to).contains(at)).collect(), upto: step.to }
            }
        };
        let number = if self.rules.number { number } else { 0 };
        Ok(Some(Prepared { table, token: (step.from, number), part }))
    }

    /// Remembers a token, as the engine does before the part is there. False: it was remembered.
    pub fn remember(&mut self, table: Table, token: (u64, u32), lost: bool) -> bool {
        let (rules, under_way) = (self.rules, &self.under_way);
        let tokens = &mut self.tables[table as usize].tokens;
        if tokens.iter().any(|remembered| remembered.token == token) {
            return false;
        }
        tokens.push_back(Remembered { token, lost });
        while tokens.len() > rules.window {
            let stays = |r: &Remembered| rules.lucky && r.lost && under_way.contains(&(table, r.token.0));
            let Some(oldest) = tokens.iter().position(|remembered| !stays(remembered)) else { break };
            tokens.remove(oldest);
        }
        true
    }

    /// False: the block was dropped, its token being remembered.
    pub fn commit(&mut self, prepared: Prepared) -> bool {
        if self.rules.token && !self.remember(prepared.table, prepared.token, false) {
            return false;
        }
        self.tables[prepared.table as usize].parts.push(prepared.part);
        true
    }

    /// The engine's process ends and begins again: Memory tables are there, and empty.
    pub fn restart(&mut self) {
        self.staging.values_mut().for_each(Vec::clear);
    }
}
