//! The world between owners and engine: every question of an owner is a statement on its way, which the explorer moves on,
//! loses, delays or fails. Every part that is committed is held against the log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use avow_warehouse::chain::tables::{Insert, Stand, Step, Table};
use uuid::Uuid;

use crate::log::Log;
use crate::model::{Block, Model, Part, Prepared, Refusal};

#[derive(Debug, Clone)]
pub enum Question {
    Newest,
    Stand(Table, i64),
    Steps(u64, u64),
    /// Drops every staging table but those in this one's hands: none, when a partition is opened.
    DropStale,
    Create(u64),
    Drop(u64),
    Truncate(u64),
    Fill(u64, Block),
    IsStaged(u64, Step),
    Insert(Insert, u64),
}

#[derive(Debug, Clone)]
pub enum Answer {
    Yes,
    IsStaged(bool),
    Newest(u64, i64),
    Stand(Stand),
    Steps(Vec<Step>),
    Refused,
    Unclear,
}

#[derive(Debug)]
pub enum Phase {
    /// Not yet looked at by the engine.
    Sent,
    /// Of an insert: condition and rows are read. With the number of inserts that the table had seen by then.
    Prepared(Prepared, u64),
    Answered(Answer),
}

#[derive(Debug)]
pub struct Statement {
    pub owner: usize,
    pub question: Question,
    pub phase: Phase,
    /// Whether its owner still waits for the answer.
    pub awaited: bool,
    /// The explorer's step before which it does not move.
    pub not_before: u64,
}

pub type Shared = Arc<Mutex<World>>;

pub struct World {
    pub model: Model,
    pub log: Log,
    pub statements: BTreeMap<u64, Statement>,
    /// Answers that were delivered and not yet taken up.
    pub answers: BTreeMap<u64, Answer>,
    /// Inserts that a table has committed, of other partitions too.
    pub inserts: [u64; 3],
    /// Inserts of others during which a statement may run before its time limit ends it.
    pub time_limit: u64,
    pub violation: Option<String>,
    /// What happened, if it is recorded.
    pub history: Option<Vec<String>>,
    next: u64,
    next_staging: u64,
    pub now: u64,
}

impl World {
    pub fn new(model: Model, log: Log, time_limit: u64, record: bool) -> Self {
        Self {
            model,
            log,
            statements: BTreeMap::new(),
            answers: BTreeMap::new(),
            inserts: [0; 3],
            time_limit,
            violation: None,
            history: record.then(Vec::new),
            next: 0,
            next_staging: 0,
            now: 0,
        }
    }

    pub fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(history) = &mut self.history {
            history.push(what());
        }
    }

    pub fn violated(&mut self, what: String) {
        self.note(|| format!("VIOLATION: {what}"));
        self.violation.get_or_insert(what);
    }

    pub fn ask(&mut self, owner: usize, question: Question) -> u64 {
        self.next += 1;
        let statement = Statement { owner, question, phase: Phase::Sent, awaited: true, not_before: 0 };
        self.statements.insert(self.next, statement);
        self.next
    }

    pub const fn new_staging(&mut self) -> u64 {
        self.next_staging += 1;
        self.next_staging
    }

    /// The owner waits no longer. What is under way goes on.
    pub fn abandon(&mut self, id: u64) {
        self.answers.remove(&id);
        if let Some(statement) = self.statements.get_mut(&id) {
            statement.awaited = false;
            if matches!(statement.phase, Phase::Answered(_)) {
                self.statements.remove(&id);
            }
        }
    }

    /// Moves a statement on by one phase.
    pub fn advance(&mut self, id: u64) {
        let Some(mut statement) = self.statements.remove(&id) else { return };
        statement.phase = match statement.phase {
            Phase::Sent => self.run(&statement.question),
            Phase::Prepared(prepared, _) => Phase::Answered(self.commit(prepared)),
            answered @ Phase::Answered(_) => answered,
        };
        if self.history.is_some() {
            let late = if statement.awaited { "" } else { " (late)" };
            let line = format!("owner {}: {:?} -> {:?}{late}", statement.owner, statement.question, statement.phase);
            self.note(|| line);
        }
        if statement.awaited || !matches!(statement.phase, Phase::Answered(_)) {
            self.statements.insert(id, statement);
        }
    }

    fn run(&mut self, question: &Question) -> Phase {
        let done = |result: Result<(), Refusal>| match result {
            Ok(()) => Answer::Yes,
            Err(Refusal::Unknown) => Answer::Unclear,
            Err(Refusal::Rows) => Answer::Refused,
        };
        Phase::Answered(match question {
            Question::Newest => {
                let (to, logged_at) = self.model.newest();
                Answer::Newest(to, logged_at)
            }
            Question::Stand(table, since) => Answer::Stand(self.model.stand(*table, *since)),
            Question::Steps(from, to) => Answer::Steps(self.model.steps(*from, *to)),
            Question::DropStale => {
                self.model.stagings().into_iter().for_each(|staging| self.model.drop_staging(staging));
                Answer::Yes
            }
            Question::Create(staging) => {
                self.model.create(*staging);
                Answer::Yes
            }
            Question::Drop(staging) => {
                self.model.drop_staging(*staging);
                Answer::Yes
            }
            Question::IsStaged(staging, step) => {
                self.model.is_staged(*staging, *step).map_or(Answer::Unclear, Answer::IsStaged)
            }
            Question::Truncate(staging) => done(self.model.truncate(*staging)),
            Question::Fill(staging, block) => done(self.model.fill(*staging, block.clone())),
            Question::Insert(insert, staging) => match self.model.prepare(insert, *staging) {
                Ok(Some(prepared)) => {
                    return Phase::Prepared(prepared, self.inserts[insert.table as usize]);
                }
                Ok(None) => Answer::Yes,
                Err(refusal) => done(Err(refusal)),
            },
        })
    }

    fn commit(&mut self, prepared: Prepared) -> Answer {
        let table = prepared.table;
        let before = self.model.mark(table, 0);
        let part = prepared.part.clone();
        self.model.under_way = self.under_way();
        self.model.under_way.insert((table, prepared.token.0));
        if self.model.commit(prepared) {
            self.judge(table, before, &part);
            self.inserted(table);
        }
        Answer::Yes
    }

    /// A token is remembered, and its part is not there or in another partition.
    pub fn remember(&mut self, table: Table, token: (u64, u32)) {
        self.model.under_way = self.under_way();
        self.model.remember(table, token, true);
    }

    fn under_way(&self) -> BTreeSet<(Table, u64)> {
        let inserts = self.statements.values().filter_map(|statement| match &statement.question {
            Question::Insert(insert, _) => Some((insert.table, insert.step.from)),
            _ => None,
        });
        inserts.collect()
    }

    /// An insert into a table was committed: statements that have run for too long are ended.
    pub fn inserted(&mut self, table: Table) {
        self.inserts[table as usize] += 1;
        let now = self.inserts[table as usize];
        let limit = self.time_limit;
        let over =
            |s: &Statement| matches!(&s.phase, Phase::Prepared(p, since) if p.table == table && now - since > limit);
        let over: Vec<u64> = self.statements.iter().filter(|(_, s)| over(s)).map(|(id, _)| *id).collect();
        over.into_iter().for_each(|id| self.fail(id));
    }

    /// The statement ends without having done anything, and says nothing clear.
    pub fn fail(&mut self, id: u64) {
        let Some(statement) = self.statements.get_mut(&id) else { return };
        statement.phase = Phase::Answered(Answer::Unclear);
        if !statement.awaited {
            self.statements.remove(&id);
        }
    }

    /// Holds a new part against the log and the parts before it.
    fn judge(&mut self, table: Table, before: u64, part: &Part) {
        match part {
            Part::Events(blocks) => {
                let [block] = blocks.as_slice() else {
                    return self.violated(format!("one part of {} ranges: {blocks:?}", blocks.len()));
                };
                if block.step.from != before {
                    return self.violated(format!("events stood at {before}, and {block:?} landed"));
                }
                if *block != (Block { write: block.write, ..self.log.right_block(block.step) }) {
                    self.violated(format!("{block:?} is not what the log says"));
                }
            }
            Part::Derived { rows, upto } => {
                let (events, ids) = (self.model.mark(Table::Events, 0), self.model.mark(Table::Ids, 0));
                let right = self.log.right_block(Step { from: before, to: (*upto).max(before) }).rows;
                if *upto <= before || *rows != right {
                    self.violated(format!(
                        "{table:?} stood at {before}; to {upto} landed {rows:?}, right is {right:?}"
                    ));
                } else if *upto > if table == Table::Ids { events } else { ids } {
                    self.violated(format!("{table:?} at {upto} is ahead of what it follows"));
                }
            }
        }
    }

    /// An owner was told that its range is in all tables.
    pub fn told_yes(&mut self, owner: usize, step: Step, write: Uuid) {
        let there = self.model.ranges().any(|block| block.step == step && block.write == write);
        let derived = self.model.mark(Table::Ids, 0).min(self.model.mark(Table::Rates, 0));
        if !there || derived < step.to {
            self.violated(format!("owner {owner} believes in {step:?}: there {there}, derived up to {derived}"));
        }
    }

    /// A fault was found, or nothing is left to do.
    pub fn is_over(&self) -> bool {
        let at_end = || self.statements.is_empty() && self.model.mark(Table::Rates, 0) == self.log.end();
        self.violation.is_some() || at_end()
    }

    /// What must hold once all is at rest.
    pub fn judge_end(&mut self) {
        let end = self.log.end();
        let marks = [Table::Events, Table::Ids, Table::Rates].map(|table| self.model.mark(table, 0));
        if marks != [end; 3] {
            self.violated(format!("at rest the tables stand at {marks:?}, the log at {end}"));
        }
    }
}
