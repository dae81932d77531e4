//! An owner's client: asks the world, and waits until the explorer delivers the answer.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::task::{Context, Poll};

use avow_warehouse::chain::owner::{Owner, Stop};
use avow_warehouse::chain::tables::{Failure, Insert, Stand, Step, Table, Tables};
use uuid::Uuid;

use crate::explorer::Plan;
use crate::model::Block;
use crate::rng::Rng;
use crate::world::{Answer, Question, Shared};

pub struct Client {
    world: Shared,
    owner: usize,
    staging: u64,
    /// The write that is staged.
    write: std::sync::Mutex<Uuid>,
    /// Takes staged rows for present without looking: to show that looking is needed.
    blind: bool,
    /// Takes a yes for a yes and does not read back: to show that reading back is needed. What the last yes was for.
    gullible: Option<std::sync::Mutex<Option<(Insert, Uuid)>>>,
}

struct Asking {
    world: Shared,
    id: u64,
}

impl Future for Asking {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Answer> {
        self.world.lock().unwrap().answers.remove(&self.id).map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.world.lock().unwrap().abandon(self.id);
    }
}

type Unclear = &'static str;

impl Client {
    pub fn new(world: Shared, owner: usize, plan: Plan) -> Self {
        Self {
            world,
            owner,
            staging: 0,
            write: Default::default(),
            gullible: plan.gullible.then(Default::default),
            blind: plan.blind,
        }
    }

    fn ask(&self, question: Question) -> Asking {
        let id = self.world.lock().unwrap().ask(self.owner, question);
        Asking { world: self.world.clone(), id }
    }

    async fn order(&self, question: Question) -> Result<(), Failure<Unclear>> {
        match self.ask(question).await {
            Answer::Refused => Err(Failure::Refused("refused")),
            Answer::Unclear => Err(Failure::Unclear("unclear")),
            _ => Ok(()),
        }
    }
}

impl Tables for Client {
    type Block = Block;
    type Error = Unclear;

    async fn newest(&self) -> Result<(u64, i64), Unclear> {
        if let Answer::Newest(to, at) = self.ask(Question::Newest).await { Ok((to, at)) } else { Err("unclear") }
    }

    async fn stands_at(&self, table: Table, since: i64) -> Result<Stand, Unclear> {
        let believed = self.gullible.as_ref().and_then(|last| last.lock().unwrap().take());
        if let Some((insert, write)) = believed
            && insert.table == table
        {
            return Ok(Stand { at: insert.step.to, write: (table == Table::Events).then_some(write) });
        }
        if let Answer::Stand(stand) = self.ask(Question::Stand(table, since)).await {
            Ok(stand)
        } else {
            Err("unclear")
        }
    }

    async fn steps(&self, from: u64, to: u64) -> Result<Vec<Step>, Unclear> {
        if let Answer::Steps(steps) = self.ask(Question::Steps(from, to)).await { Ok(steps) } else { Err("unclear") }
    }

    async fn drop_stale(&self) {
        let _ = self.ask(Question::DropStale).await;
    }

    async fn renew_staging(&mut self) -> Result<(), Unclear> {
        if self.staging != 0 {
            let _ = self.ask(Question::Drop(self.staging)).await;
        }
        let staging = self.world.lock().unwrap().new_staging();
        self.order(Question::Create(staging)).await.map_err(|_| "unclear")?;
        self.staging = staging;
        Ok(())
    }

    async fn fill_staging(&self, block: &Block) -> Result<(), Failure<Unclear>> {
        *self.write.lock().unwrap() = block.write;
        self.order(Question::Truncate(self.staging)).await?;
        self.order(Question::Fill(self.staging, block.clone())).await
    }

    async fn is_staged(&self, step: Step) -> Result<bool, Unclear> {
        let answer = self.ask(Question::IsStaged(self.staging, step)).await;
        if let Answer::IsStaged(is) = answer { Ok(is || self.blind) } else { Err("unclear") }
    }

    async fn insert(&self, insert: &Insert) -> Result<(), Failure<Unclear>> {
        let answer = self.order(Question::Insert(*insert, self.staging)).await;
        if let Some(last) = &self.gullible
            && answer.is_ok()
        {
            *last.lock().unwrap() = Some((*insert, *self.write.lock().unwrap()));
        }
        answer
    }

    async fn pause(&self, _: u32) {}
}

/// An owner at work, as the processor works: opens the partition, writes ranges of its own lengths to the log's end, takes a
/// refused range apart, and begins anew after everything else.
pub async fn work(world: Shared, owner: usize, plan: Plan, mut rng: Rng) {
    let log = world.lock().unwrap().log.clone();
    loop {
        let client = Client::new(world.clone(), owner, plan);
        let Ok(mut chain) = Owner::open(client).await else { continue };
        let longest = 1 + rng.below(8);
        let mut refused = BTreeSet::new();
        let mut pieces: Vec<Step> = Vec::new();
        loop {
            let from = chain.watermarks().events;
            let piece = match pieces.pop() {
                Some(piece) => piece,
                None if from >= log.end() => return,
                None => Step { from, to: (from + 1 + rng.below(longest)).min(log.end()) },
            };
            let write = Uuid::from_u64_pair(rng.next(), rng.next());
            let block = Block { write, ..log.block(piece, &refused) };
            match chain.write(piece, block.logged_at, write, &block).await {
                Ok(()) => world.lock().unwrap().told_yes(owner, piece, write),
                Err(Stop::Refused(_)) if piece.to - piece.from == 1 => {
                    refused.insert(piece.from);
                    pieces.push(piece);
                }
                Err(Stop::Refused(_)) => {
                    let middle = piece.from.midpoint(piece.to);
                    pieces.push(Step { from: middle, to: piece.to });
                    pieces.push(Step { from: piece.from, to: middle });
                }
                // The same owner may try again, or begin anew.
                Err(Stop::DoesNotLand { .. }) if rng.below(2) == 0 && chain.watermarks().events == piece.from => {
                    pieces.push(piece);
                }
                Err(stop) => {
                    world.lock().unwrap().note(|| format!("owner {owner} stops: {stop:?}"));
                    break;
                }
            }
        }
    }
}
