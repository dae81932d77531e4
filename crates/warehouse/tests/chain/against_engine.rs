//! The model against the real engine: the same questions of two writers to both, the same answers from both, and the same
//! rows in the tables after each.

use std::collections::{BTreeMap, BTreeSet};

use avow_warehouse::chain::engine::Engine;
use avow_warehouse::chain::tables::{Failure, Insert, Source, Step, Table, Tables};
use uuid::Uuid;

use crate::bench::{Bench, Contents, without_condition};
use crate::log::Log;
use crate::model::{Block, Model, Part, Refusal, Rules};
use crate::rng::Rng;

const TABLES: [Table; 3] = [Table::Events, Table::Ids, Table::Rates];
const WINDOW: usize = 3;
const MOST: u64 = 12;

struct Writer {
    engine: Engine,
    /// Its staging table in the model.
    staging: u64,
}

struct Pair {
    bench: Bench,
    model: Model,
    writers: [Writer; 2],
    log: Log,
    rng: Rng,
    stagings: u64,
    /// The last ones, some of which are sent again.
    inserts: Vec<Insert>,
    /// Blocks that their token dropped.
    dropped: u64,
    /// Without it, tokens alone decide, and so are seen.
    condition: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Said {
    Yes,
    Refused,
    Unclear,
}

fn said_by_engine<E: std::fmt::Debug>(answer: Result<(), Failure<E>>) -> Said {
    match answer {
        Ok(()) => Said::Yes,
        Err(Failure::Refused(_)) => Said::Refused,
        Err(Failure::Unclear(_)) => Said::Unclear,
    }
}

fn said_by_model(answer: Result<(), Refusal>) -> Said {
    match answer {
        Ok(()) => Said::Yes,
        Err(Refusal::Rows) => Said::Refused,
        Err(Refusal::Unknown) => Said::Unclear,
    }
}

impl Pair {
    async fn start(seed: u64) -> Self {
        let bench = Bench::start().await;
        for table in TABLES {
            let window =
                format!("ALTER TABLE {} MODIFY SETTING non_replicated_deduplication_window = {WINDOW}", table.name());
            bench.run(&window).await;
        }
        let mut rng = Rng::new(seed);
        let mut log = Log::draw(&mut rng, 200);
        // The engine has nothing against any of these rows.
        log.fates.iter_mut().filter(|fate| **fate == crate::log::Fate::Poison).for_each(|fate| {
            *fate = crate::log::Fate::Stored;
        });
        let writer = || Writer { engine: bench.engine().with_most_rows(MOST), staging: 0 };
        let writers = [writer(), writer()];
        let condition = seed.is_multiple_of(2);
        let model = Model::new(Rules { window: WINDOW, condition, ..Rules::default() }, MOST);
        Self { bench, model, writers, log, rng, stagings: 0, inserts: Vec::new(), dropped: 0, condition }
    }

    /// One question, to both. Says what it was.
    async fn step(&mut self) -> String {
        let who = self.rng.below(2) as usize;
        match self.rng.below(12) {
            0 => self.renew(who).await,
            1 => self.lose_staging(who).await,
            2..5 => self.fill(who).await,
            5 => self.ask(who).await,
            // The others change no table.
            _ => {
                let inserted = self.insert(who).await;
                self.agree().await;
                inserted
            }
        }
    }

    async fn renew(&mut self, who: usize) -> String {
        self.stagings += 1;
        self.model.drop_staging(self.writers[who].staging);
        self.model.create(self.stagings);
        self.writers[who].staging = self.stagings;
        self.writers[who].engine.renew_staging().await.unwrap();
        format!("writer {who} renews its staging table")
    }

    /// Another opener drops the staging table, or a restart of the engine empties it.
    async fn lose_staging(&mut self, who: usize) -> String {
        let mine = self.writers[who].staging;
        let Some(name) = self.writers[who].engine.staging().map(str::to_owned) else {
            return "no staging table".into();
        };
        if self.rng.below(2) == 0 {
            self.model.drop_staging(mine);
            self.bench.run(&format!("DROP TABLE IF EXISTS {name}")).await;
            return format!("the staging table of writer {who} is dropped");
        }
        if self.model.truncate(mine).is_ok() {
            self.bench.run(&format!("TRUNCATE TABLE {name}")).await;
        }
        format!("the staging table of writer {who} is emptied")
    }

    /// A beginning: mostly where a table stands.
    fn from(&mut self, table: Table) -> u64 {
        let at = self.model.mark(table, 0);
        match self.rng.below(6) {
            0 => at + self.rng.below(3),
            1 => at.saturating_sub(self.rng.below(4)),
            _ => at,
        }
    }

    async fn fill(&mut self, who: usize) -> String {
        let from = self.from(Table::Events);
        let step = Step { from, to: from + 1 + self.rng.below(5) };
        let write = Uuid::from_u64_pair(self.rng.next(), self.rng.next());
        let block = Block { write, ..self.log.block(step, &BTreeSet::new()) };
        let staging = self.writers[who].staging;
        let model = self.model.truncate(staging).and_then(|()| self.model.fill(staging, block.clone()));
        let native = self.bench.range(&block).block(write).unwrap();
        let engine = self.writers[who].engine.fill_staging(&native).await;
        assert_eq!(said_by_engine(engine), said_by_model(model), "{step:?}");
        format!("writer {who} stages {step:?}")
    }

    fn new_insert(&mut self, who: usize) -> Insert {
        let table = TABLES[self.rng.below(3) as usize];
        let step = match self.model.staged(self.writers[who].staging) {
            Some(step) if self.rng.below(8) > 0 => step,
            _ => {
                let from = self.from(table);
                Step { from, to: from + 1 + self.rng.below(5) }
            }
        };
        let stored = table != Table::Events && self.rng.below(2) == 0;
        let source = if stored { Source::Stored } else { Source::Staged };
        Insert { table, step, number: u32::from(self.rng.below(4) == 0), source, since: 0 }
    }

    async fn insert(&mut self, who: usize) -> String {
        let again = if self.condition { 4 } else { 2 };
        let insert = match self.rng.pick(&self.inserts) {
            Some(earlier) if self.rng.below(again) == 0 => *earlier,
            _ => self.new_insert(who),
        };
        if self.inserts.len() == 2 * WINDOW {
            self.inserts.remove(0);
        }
        self.inserts.push(insert);
        let prepared = self.model.prepare(&insert, self.writers[who].staging);
        let model = prepared.map(|prepared| {
            let landed = prepared.map(|prepared| self.model.commit(prepared));
            self.dropped += u64::from(landed == Some(false));
            landed
        });
        let landed = format!("{model:?}");
        let engine = &self.writers[who].engine;
        let mut statement = engine.statement(&insert);
        if !self.condition {
            statement.sql = without_condition(&statement.sql);
        }
        let engine = engine.send(&statement, &insert).await;
        assert_eq!(said_by_engine(engine), said_by_model(model.map(|_| ())), "{insert:?}");
        format!("writer {who}: {insert:?}: {landed}")
    }

    async fn ask(&mut self, who: usize) -> String {
        let (from, to) = (self.model.mark(Table::Ids, 0), self.model.mark(Table::Events, 0));
        let engine = &self.writers[who].engine;
        if from < to {
            assert_eq!(engine.steps(from, to).await.unwrap(), self.model.steps(from, to));
        }
        let step = self.model.staged(self.writers[who].staging).unwrap_or(Step { from, to: from + 1 });
        let is_staged = engine.is_staged(step).await.unwrap_or(false);
        assert_eq!(is_staged, self.model.is_staged(self.writers[who].staging, step).unwrap_or(false));
        assert_eq!(engine.newest().await.unwrap().0, self.model.newest().0);
        format!("writer {who} asks for {from} to {to}")
    }

    async fn agree(&self) {
        for table in TABLES {
            let engine = self.writers[0].engine.stands_at(table, 0).await.unwrap();
            assert_eq!(engine, self.model.stand(table, 0), "{table:?}");
        }
        assert_eq!(self.bench.contents().await, contents(&self.model));
    }
}

fn contents(model: &Model) -> Contents {
    let mut ranges: Vec<(u64, u64)> = model.ranges().map(|block| (block.step.from, block.step.to)).collect();
    ranges.sort_unstable();
    let derived = |table| {
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        for part in model.parts(table) {
            let Part::Derived { rows, .. } = part else { continue };
            rows.iter().for_each(|row| *counts.entry(*row).or_default() += 1);
        }
        counts
    };
    let mut events = BTreeMap::new();
    model.ranges().flat_map(|block| &block.rows).for_each(|row| *events.entry(*row).or_default() += 1);
    Contents { ranges, events, ids: derived(Table::Ids), rates: derived(Table::Rates) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_model_answers_as_the_engine_does() {
    let seeds: u64 = std::env::var("AVOW_SOAK_SEQUENCES").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let (mut landed, mut dropped) = (0, 0);
    for seed in 0..seeds {
        let mut pair = Pair::start(seed).await;
        pair.renew(0).await;
        pair.renew(1).await;
        for _ in 0..60 {
            println!("{seed}: {}", pair.step().await);
        }
        pair.agree().await;
        landed += TABLES.map(|table| pair.model.parts(table).len()).iter().sum::<usize>();
        dropped += pair.dropped;
    }
    println!("{seeds} sequences of 60 questions, {landed} parts landed, {dropped} dropped by their tokens");
    assert!(landed as u64 > 4 * seeds && dropped > 0, "hardly anything happened");
}
