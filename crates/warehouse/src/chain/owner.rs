//! The decisions of a partition's owner: what is inserted next, under which token, when an insert is believed, and when the
//! owner must stop. What the warehouse is, these decisions do not know.

use uuid::Uuid;

use super::tables::{Failure, Insert, Source, Step, Table, Tables, Watermarks};

const TRIES: u32 = 6;

/// Why an owner stopped.
#[derive(Debug)]
pub enum Stop<E> {
    /// The warehouse refuses the rows of a range; the owner stands where it stood and may go on with other rows.
    Refused(E),
    /// The warehouse does not say where the partition stands.
    Unanswered(E),
    /// Another owner has written since.
    Fenced { expected: u64, found: u64 },
    /// No try of several brought the range into the table.
    DoesNotLand { table: Table, from: u64 },
}

/// What is known of the staging table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Staging {
    /// It holds a range, and no statement that reads or writes it is under way.
    Holds(Step),
    /// It holds what is of no use any more, and no statement is under way.
    Free,
    /// There is none, or one about which an answer was not clear: a statement may still change it or read it, late. It is
    /// not filled again; a new one takes its place.
    Doubtful,
}

/// The owner of one partition. One process owns it; a second one is fenced off.
pub struct Owner<T> {
    tables: T,
    marks: Watermarks,
    staging: Staging,
}

impl<T: Tables> Owner<T> {
    /// Reads where the partition stands, and brings the derived tables up to `events_data`.
    ///
    /// # Errors
    /// [`Stop`], but not `Refused`.
    pub async fn open(tables: T) -> Result<Self, Stop<T::Error>> {
        tables.drop_stale().await;
        let mut owner = Self { tables, marks: Watermarks::default(), staging: Staging::Doubtful };
        owner.read_back().await.map_err(Stop::Unanswered)?;
        owner.catch_up(Table::Ids).await?;
        owner.catch_up(Table::Rates).await?;
        Ok(owner)
    }

    pub const fn watermarks(&self) -> Watermarks {
        self.marks
    }

    /// Gives back what it asks.
    pub fn into_tables(self) -> T {
        self.tables
    }

    /// Writes a range and derives from it; its range row says `write`. On return all three tables stand at `step.to`.
    ///
    /// # Errors
    /// [`Stop`]. After `Refused` the range may be written anew, in other pieces; after `DoesNotLand` this owner may try
    /// again, or another one may open the partition.
    pub async fn write(
        &mut self,
        step: Step,
        logged_at: i64,
        write: Uuid,
        block: &T::Block,
    ) -> Result<(), Stop<T::Error>> {
        self.catch_up(Table::Ids).await?;
        self.catch_up(Table::Rates).await?;
        if let Staging::Holds(_) = self.staging {
            // Even if it is a block of the same positions: a record of it may have become a dead letter since.
            self.staging = Staging::Free;
        }
        self.land(Table::Events, step, Some((write, block))).await?;
        self.marks.logged_at = logged_at;
        self.land(Table::Ids, step, None).await?;
        self.land(Table::Rates, step, None).await
    }

    /// Reads all watermarks as they are in the tables.
    async fn read_back(&mut self) -> Result<(), T::Error> {
        let (events, logged_at) = self.tables.newest().await?;
        self.marks = Watermarks { events, logged_at, ..Watermarks::default() };
        self.marks.ids = self.tables.stands_at(Table::Ids, logged_at).await?.at;
        self.marks.rates = self.tables.stands_at(Table::Rates, logged_at).await?.at;
        Ok(())
    }

    /// Derives what a kill left out between `events_data` and a later table.
    async fn catch_up(&mut self, table: Table) -> Result<(), Stop<T::Error>> {
        let (from, to) = (self.marks.of(table), self.marks.events);
        if from >= to {
            return Ok(());
        }
        let steps = self.tables.steps(from, to).await.map_err(Stop::Unanswered)?;
        tracing::info!(table = table.name(), from, to, steps = steps.len(), "warehouse.catching_up");
        for step in steps {
            self.land(table, step, None).await?;
        }
        Ok(())
    }

    /// Inserts the range if the table stands at its beginning, and reads back that it stands at its end. Of `events_data`
    /// the rows are given, and staged; the derived tables take them from the staging table, or from `events_data` once that
    /// table is in doubt.
    async fn land(&mut self, table: Table, step: Step, block: Option<(Uuid, &T::Block)>) -> Result<(), Stop<T::Error>> {
        let mut number = 0;
        for attempt in 0..TRIES {
            if let Some((_, block)) = block
                && self.staging != Staging::Holds(step)
            {
                self.stage(step, block).await?;
            }
            let held = std::mem::replace(&mut self.staging, Staging::Doubtful);
            let source = if held == Staging::Holds(step) { Source::Staged } else { Source::Stored };
            let since = self.marks.logged_at;
            let answer = self.tables.insert(&Insert { table, step, number, source, since }).await;
            let found = match self.tables.stands_at(table, since).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::warn!(%error, table = table.name(), "warehouse.read_back_failed");
                    self.tables.pause(attempt).await;
                    continue;
                }
            };
            // Another owner may have come to the same end, in other ranges or with other dead letters.
            let is_own = block.is_none_or(|(write, _)| found.write == Some(write));
            if found.at == step.to && is_own {
                if !matches!(answer, Err(Failure::Unclear(_))) {
                    self.staging = held;
                }
                self.advance(table, step.to);
                return Ok(());
            }
            if found.at != step.from {
                return Err(Stop::Fenced { expected: step.from, found: found.at });
            }
            match answer {
                // The block was dropped, its token being remembered for a part that is not there: only then a new number,
                // for two numbers of one range at once would land twice. What was staged may be gone instead.
                Ok(()) => {
                    let had_rows = source == Source::Stored || self.tables.is_staged(step).await.unwrap_or(false);
                    if had_rows {
                        number += 1;
                        self.staging = held;
                    }
                }
                Err(Failure::Refused(error)) if table == Table::Events => {
                    self.staging = held;
                    return Err(Stop::Refused(error));
                }
                Err(Failure::Refused(error)) => {
                    // No fault of single records, which a caller could leave out: they are in `events_data`.
                    tracing::error!(%error, table = table.name(), from = step.from, to = step.to, "warehouse.refused");
                    return Err(Stop::DoesNotLand { table, from: step.from });
                }
                Err(Failure::Unclear(error)) => {
                    tracing::warn!(%error, table = table.name(), attempt, "warehouse.insert_unclear");
                    self.tables.pause(attempt).await;
                }
            }
        }
        Err(Stop::DoesNotLand { table, from: step.from })
    }

    async fn stage(&mut self, step: Step, block: &T::Block) -> Result<(), Stop<T::Error>> {
        for attempt in 0..TRIES {
            match self.try_to_stage(block).await {
                Ok(()) => {
                    self.staging = Staging::Holds(step);
                    return Ok(());
                }
                Err(Failure::Refused(error)) => return Err(Stop::Refused(error)),
                Err(Failure::Unclear(error)) => {
                    tracing::warn!(%error, attempt, "warehouse.staging_unclear");
                    self.tables.pause(attempt).await;
                }
            }
        }
        Err(Stop::DoesNotLand { table: Table::Events, from: step.from })
    }

    async fn try_to_stage(&mut self, block: &T::Block) -> Result<(), Failure<T::Error>> {
        if self.staging == Staging::Doubtful {
            // Whatever it says, it says nothing of the rows.
            self.tables.renew_staging().await.map_err(Failure::Unclear)?;
        }
        self.staging = Staging::Doubtful;
        self.tables.fill_staging(block).await
    }

    const fn advance(&mut self, table: Table, to: u64) {
        match table {
            Table::Events => self.marks.events = to,
            Table::Ids => self.marks.ids = to,
            Table::Rates => self.marks.rates = to,
        }
    }
}
