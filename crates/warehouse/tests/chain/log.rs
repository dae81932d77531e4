//! The log: what each position must become. Repeats and refused records follow from the records alone, so every owner comes
//! to the same.

use std::collections::BTreeSet;

use avow_warehouse::chain::tables::Step;

use crate::model::Block;
use crate::rng::Rng;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Stored,
    Repeat,
    /// Cannot be read.
    Dead,
    /// Looks well, and is refused by the warehouse.
    Poison,
}

#[derive(Debug, Clone)]
pub struct Log {
    pub fates: Vec<Fate>,
}

impl Log {
    pub fn draw(rng: &mut Rng, len: u64) -> Self {
        let poison = rng.below(2) * 40;
        let fate = |roll: u64| match roll {
            roll if roll < poison => Fate::Poison,
            roll if roll < 140 => Fate::Repeat,
            roll if roll < 200 => Fate::Dead,
            _ => Fate::Stored,
        };
        Self { fates: (0..len).map(|_| fate(rng.below(1000))).collect() }
    }

    pub fn end(&self) -> u64 {
        self.fates.len() as u64
    }

    /// The block that an owner makes of a range, `refused` being what it found to be refused.
    pub fn block(&self, step: Step, refused: &BTreeSet<u64>) -> Block {
        let mut block = Block { step, logged_at: step.to as i64, ..Block::default() };
        for position in step.from..step.to {
            match self.fates[position as usize] {
                Fate::Repeat => block.repeats += 1,
                Fate::Dead => block.dead += 1,
                Fate::Poison if refused.contains(&position) => block.dead += 1,
                Fate::Poison => {
                    block.rows.push(position);
                    block.poisoned = true;
                }
                Fate::Stored => block.rows.push(position),
            }
        }
        block
    }

    /// The block that belongs to a range.
    pub fn right_block(&self, step: Step) -> Block {
        self.block(step, &(step.from..step.to).collect())
    }
}
