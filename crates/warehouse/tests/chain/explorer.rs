//! The explorer: from a seed it draws a log, owners and how often what goes wrong, and then picks, step by step, what
//! happens next. In the end nothing goes wrong any more, one owner comes anew, and all must come to its right end.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use avow_warehouse::chain::tables::Table;

use crate::client::work;
use crate::log::Log;
use crate::model::{Model, Rules};
use crate::rng::Rng;
use crate::world::{Answer, Phase, Shared, World};

/// What is explored.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub rules: Rules,
    /// Inserts of a table during which another one of it may run.
    pub time_limit: u64,
    /// Owners take a yes for a yes.
    pub gullible: bool,
    /// Owners do not look whether their staged rows are still there.
    pub blind: bool,
}

impl Default for Plan {
    fn default() -> Self {
        // A statement's time limit lies below the time in which the window forgets.
        let rules = Rules::default();
        Self { rules, time_limit: rules.window as u64 - 1, gullible: false, blind: false }
    }
}

/// How often, in a thousand steps, each thing goes wrong.
#[derive(Debug, Clone, Copy)]
struct Faults {
    owner_killed: u64,
    owner_paused: u64,
    answer_lost: u64,
    statement_failed: u64,
    engine_killed: u64,
    /// Inserts of other partitions, which push tokens out of the window.
    others: u64,
}

impl Faults {
    const NONE: Self =
        Self { owner_killed: 0, owner_paused: 0, answer_lost: 0, statement_failed: 0, engine_killed: 0, others: 0 };

    /// Not all at once in every run: what is rare among much else is found where it is alone.
    fn draw(rng: &mut Rng) -> Self {
        let mut often = |most: u64| [0, 0, most / 8, most / 2, most][rng.below(5) as usize];
        Self {
            owner_killed: often(20),
            owner_paused: often(60),
            answer_lost: often(120),
            statement_failed: often(60),
            engine_killed: often(16),
            others: often(60),
        }
    }
}

struct Seat {
    work: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// The step before which it gets no answers.
    paused_until: u64,
}

struct Explorer {
    world: Shared,
    rng: Rng,
    faults: Faults,
    seats: Vec<Seat>,
    plan: Plan,
}

/// How a run ended.
pub struct Run {
    pub steps: u64,
    pub violation: Option<String>,
    pub history: Vec<String>,
}

const STEPS: u64 = 600;
const STEPS_TO_THE_END: u64 = 20_000;

/// Runs one seed.
pub fn run(plan: Plan, seed: u64, record: bool) -> Run {
    let mut rng = Rng::new(seed);
    let length = 20 + rng.below(40);
    let log = Log::draw(&mut rng, length);
    let most = 1 + rng.below(20);
    let world = World::new(Model::new(plan.rules, most), log, plan.time_limit, record);
    let world = Arc::new(Mutex::new(world));
    let owners = 2 + rng.below(2) as usize;
    let faults = Faults::draw(&mut rng);
    world.lock().unwrap().note(|| format!("{owners} owners, {faults:?}"));
    let seats = (0..owners).map(|_| Seat { work: None, paused_until: 0 }).collect();
    let mut explorer = Explorer { world: Arc::clone(&world), rng, faults, seats, plan };
    let steps = explorer.explore() + explorer.finish();
    drop(explorer);
    let mut world = world.lock().unwrap();
    Run { steps, violation: world.violation.take(), history: world.history.take().unwrap_or_default() }
}

impl Explorer {
    fn explore(&mut self) -> u64 {
        for step in 0..STEPS {
            self.step(step);
            if self.world.lock().unwrap().is_over() {
                return step;
            }
        }
        STEPS
    }

    /// Everybody is killed, and one owner comes anew while late statements still land.
    fn finish(&mut self) -> u64 {
        if self.world.lock().unwrap().violation.is_some() {
            return 0;
        }
        self.faults = Faults::NONE;
        (0..self.seats.len()).for_each(|owner| self.kill_owner(owner));
        self.seats.truncate(1);
        self.seats[0].paused_until = 0;
        self.begin(0);
        for step in STEPS..STEPS + STEPS_TO_THE_END {
            if self.seats[0].work.is_none() {
                self.world.lock().unwrap().judge_end();
                return step - STEPS;
            }
            self.step(step);
            if self.world.lock().unwrap().violation.is_some() {
                return step - STEPS;
            }
        }
        self.world.lock().unwrap().violated("an owner alone does not come to the log's end".into());
        STEPS_TO_THE_END
    }

    fn step(&mut self, now: u64) {
        self.world.lock().unwrap().now = now;
        let faults = self.faults;
        let owner = self.rng.below(self.seats.len() as u64) as usize;
        if self.rng.per_mille(faults.owner_killed) {
            return self.kill_owner(owner);
        }
        if self.rng.per_mille(faults.owner_paused) {
            self.seats[owner].paused_until = now + self.rng.below(200);
            return;
        }
        if self.rng.per_mille(faults.answer_lost) {
            return self.lose_an_answer(now);
        }
        if self.rng.per_mille(faults.statement_failed) {
            return self.fail_a_statement();
        }
        if self.rng.per_mille(faults.engine_killed) {
            return self.kill_engine();
        }
        if self.rng.per_mille(faults.others) {
            return self.insert_of_another();
        }
        if self.seats[owner].work.is_none() && self.rng.below(8) == 0 && now < STEPS {
            return self.begin(owner);
        }
        self.move_on(now);
    }

    /// Moves one statement on, or delivers its answer.
    fn move_on(&mut self, now: u64) {
        let seats = &self.seats;
        let may_move: Vec<(u64, usize, bool)> = {
            let world = self.world.lock().unwrap();
            let moving = world.statements.iter().filter(|(_, s)| s.not_before <= now);
            let moving = moving.map(|(id, s)| (*id, s.owner, matches!(s.phase, Phase::Answered(_))));
            moving.filter(|(_, owner, answered)| !answered || seats[*owner].paused_until <= now).collect()
        };
        let Some(&(id, owner, answered)) = self.rng.pick(&may_move) else { return };
        if answered {
            self.deliver(id, owner);
        } else {
            self.world.lock().unwrap().advance(id);
        }
    }

    fn deliver(&mut self, id: u64, owner: usize) {
        {
            let mut world = self.world.lock().unwrap();
            let Some(statement) = world.statements.remove(&id) else { return };
            let Phase::Answered(answer) = statement.phase else { return };
            world.answers.insert(id, answer);
        }
        self.poll(owner);
    }

    fn poll(&mut self, owner: usize) {
        let Some(work) = &mut self.seats[owner].work else { return };
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            self.seats[owner].work = None;
        }
    }

    fn begin(&mut self, owner: usize) {
        self.world.lock().unwrap().note(|| format!("owner {owner} begins"));
        let rng = Rng::new(self.rng.next());
        self.seats[owner].work = Some(Box::pin(work(Arc::clone(&self.world), owner, self.plan, rng)));
        self.poll(owner);
    }

    fn kill_owner(&mut self, owner: usize) {
        if self.seats[owner].work.take().is_some() {
            self.world.lock().unwrap().note(|| format!("owner {owner} is killed"));
        }
    }

    /// The owner hears nothing of a statement, which goes on, perhaps much later.
    fn lose_an_answer(&mut self, now: u64) {
        let late = now + [0, 5, 40, 200][self.rng.below(4) as usize];
        let awaited: Vec<(u64, usize)> = {
            let world = self.world.lock().unwrap();
            world.statements.iter().filter(|(_, s)| s.awaited).map(|(id, s)| (*id, s.owner)).collect()
        };
        let Some(&(id, owner)) = self.rng.pick(&awaited) else { return };
        {
            let mut world = self.world.lock().unwrap();
            world.note(|| format!("owner {owner} hears nothing of statement {id}"));
            let Some(statement) = world.statements.get_mut(&id) else { return };
            statement.not_before = late;
            statement.awaited = false;
            if matches!(statement.phase, Phase::Answered(_)) {
                world.statements.remove(&id);
            }
            world.answers.insert(id, Answer::Unclear);
        }
        self.poll(owner);
    }

    /// A statement fails; of an insert perhaps after its token was remembered.
    fn fail_a_statement(&mut self) {
        let ids: Vec<u64> = self.world.lock().unwrap().statements.keys().copied().collect();
        let Some(&id) = self.rng.pick(&ids) else { return };
        let remembered = self.rng.below(2) == 0;
        let mut world = self.world.lock().unwrap();
        world.note(|| format!("statement {id} fails"));
        if remembered {
            Self::remember(&mut world, id);
        }
        world.fail(id);
    }

    /// The engine writes its deduplication log before the part.
    fn remember(world: &mut World, id: u64) {
        let Some(statement) = world.statements.get(&id) else { return };
        let Phase::Prepared(prepared, _) = &statement.phase else { return };
        let (table, token) = (prepared.table, prepared.token);
        world.note(|| format!("  its token {token:?} is remembered, its part is not there"));
        world.remember(table, token);
    }

    fn kill_engine(&mut self) {
        let mut world = self.world.lock().unwrap();
        world.note(|| "the engine is killed".into());
        let ids: Vec<u64> = world.statements.keys().copied().collect();
        for id in ids {
            // An answer may be on its way already, or be lost with the connection.
            let answered = matches!(world.statements[&id].phase, Phase::Answered(_));
            if answered && self.rng.below(2) == 0 {
                continue;
            }
            if self.rng.below(2) == 0 {
                Self::remember(&mut world, id);
            }
            world.fail(id);
        }
        world.model.restart();
    }

    fn insert_of_another(&mut self) {
        let table = [Table::Events, Table::Ids, Table::Rates][self.rng.below(3) as usize];
        let token = (u64::MAX, self.rng.next() as u32);
        let mut world = self.world.lock().unwrap();
        world.remember(table, token);
        world.inserted(table);
    }
}
