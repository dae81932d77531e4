//! One partition's work: a reader task reads and decodes ahead (`ahead.rs`), this one takes the batches through the other stages and
//! the warehouse's chain, in order.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use avow_control::{Control, Directory};
use avow_log::{Log, StoredRecord, Topic};
use avow_schemas::letter::LetterId;
use avow_schemas::record::{LogRecord, site_and_shard};
use avow_schemas::settings::{LedgerName, SiteVersion};
use avow_telemetry::Metrics;
use avow_trees::grow::Grower;
use avow_warehouse::chain::Chain;
use avow_warehouse::erase::Owner;
use avow_warehouse::rows::{Book, Range, Resolved, Stored, StoredRow};
use avow_warehouse::trees::{self, Leaf};
use avow_warehouse::uniqueness::IdsStand;
use avow_warehouse::{Warehouse, WarehouseError};
use tokio::sync::{OnceCell, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::ahead;
use crate::batch::{Batch, Item, Reading};
use crate::days;
use crate::erase::Erasing;
use crate::lag::Lag;
use crate::leaves::{self, Leaves};
use crate::letters;
use crate::overflow::Overflow;
use crate::repeats::{Earlier, Repeats};
use crate::resolve::{may_need_more, resolve};
use crate::schemas::Schemas;
use crate::shown::Shown;
use crate::{ProcessorConfig, ProcessorError};

/// Roll-up rows that one block may come to at most, far enough below the engine's block of 1,048,448.
const MOST_UNFOLDED: usize = 800_000;

/// How long a partition is quiet before it is looked at whether its derived tables were made anew meanwhile.
const LOOK_AFTER: Duration = Duration::from_secs(3);

/// What every partition's work needs.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) control: Arc<Control>,
    pub(crate) warehouse: Arc<Warehouse>,
    pub(crate) config: ProcessorConfig,
    pub(crate) state_dir: PathBuf,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) schemas: Arc<Schemas>,
    /// Which of the warehouse's logs this is, counted from 1.
    pub(crate) epoch: u32,
    /// Records that all partitions together may have decoded and not yet written.
    pub(crate) in_hand: Arc<Semaphore>,
    /// The ids of the logs before, read by whichever partition is opened first.
    pub(crate) earlier: Arc<OnceCell<Arc<Earlier>>>,
}

impl Context {
    async fn earlier(&self) -> Result<Arc<Earlier>, ProcessorError> {
        if self.epoch == 1 {
            return Ok(Arc::default());
        }
        let read = async {
            let log_id = self.log.identity().log_id;
            Earlier::open(&self.state_dir, &self.warehouse, log_id).await.map(Arc::new)
        };
        self.earlier.get_or_try_init(|| read).await.map(Arc::clone)
    }
}

/// Works on a partition until `stop`, which it obeys between ranges.
pub(crate) async fn run(
    context: Context,
    partition: u32,
    lag: Arc<Lag>,
    stop: CancellationToken,
) -> Result<(), ProcessorError> {
    let log_id = context.log.identity().log_id;
    let chain = Chain::open(Arc::clone(&context.warehouse), log_id, partition).await?;
    let marks = chain.watermarks();
    let start = context.log.start(Topic::Events, partition).await?;
    if start > marks.events {
        return Err(ProcessorError::Gap { partition, processed: marks.events, start });
    }
    let grower = Grower::open(Arc::clone(&context.warehouse), log_id, partition, marks.events).await?;
    let (owner, partitions) = (Owner { log_id, partition }, context.log.identity().partitions);
    let erasing = Erasing::open(&context.warehouse, &context.control, owner, partitions, marks.events).await?;
    let stand = IdsStand { log_id, partition, upto: marks.ids };
    let earlier = context.earlier().await?;
    let repeats = Repeats::open(&context.state_dir, &context.warehouse, stand, earlier).await?;
    let leaves = Leaves::open(&context.warehouse, log_id, context.epoch, partition, marks.logged_at).await?;
    tracing::info!(partition, from = marks.events, "processor.partition_opened");

    let (batches, mut incoming) = mpsc::channel(1);
    let reading = stop.child_token();
    let reader =
        tokio::spawn(ahead::read(context.clone(), partition, marks.events, marks.logged_at, batches, reading.clone()));
    lag.reached(marks.events);
    let (shown, overflow) = (Shown::default(), Overflow::default());
    let mut work = Work { context, partition, lag, chain, grower, erasing, repeats, leaves, shown, overflow };
    let mut outcome = Ok(());
    loop {
        let batch = tokio::time::timeout(LOOK_AFTER, incoming.recv()).await;
        if stop.is_cancelled() {
            break;
        }
        outcome = match batch {
            Ok(Some((batch, _room))) => work.process(batch).await,
            Ok(None) => break,
            Err(_) => work.quiet().await,
        };
        if outcome.is_err() {
            break;
        }
    }
    reading.cancel();
    drop(incoming);
    let read = reader.await.map_err(|e| ProcessorError::Stage(e.to_string()))?;
    work.close().await?;
    outcome.and(read)
}

struct Work {
    context: Context,
    partition: u32,
    lag: Arc<Lag>,
    chain: Chain,
    grower: Grower,
    erasing: Erasing,
    repeats: Repeats,
    leaves: Leaves,
    shown: Shown,
    overflow: Overflow,
}

/// A record's outcome in the books.
enum Outcome {
    Stored,
    Repeat,
    Dead(String),
}

/// A record with its outcome.
struct Entry {
    site: String,
    raw: StoredRecord,
    logged_at: i64,
    outcome: Outcome,
    /// Of a stored record; away while its range is being written.
    row: Option<StoredRow>,
}

impl Work {
    /// Nothing has come for a while.
    async fn quiet(&mut self) -> Result<(), ProcessorError> {
        self.grower.write_if_due().await?;
        self.look().await?;
        self.erasing.settle().await
    }

    /// Whether the derived tables still stand where this left them: one that was made anew may stand lower.
    async fn look(&self) -> Result<(), ProcessorError> {
        let (log_id, partition, marks) = (self.context.log.identity().log_id, self.partition, self.chain.watermarks());
        match self.context.warehouse.derived_stand(log_id, partition).await {
            Ok(found) if found.ids < marks.ids || found.rates < marks.rates => {
                let (expected, found) = (marks.events, found.ids.min(found.rates));
                Err(WarehouseError::Fenced { partition, expected, found }.into())
            }
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::debug!(partition, %error, "processor.look_failed");
                Ok(())
            }
        }
    }

    async fn process(&mut self, batch: Batch) -> Result<(), ProcessorError> {
        let begun = Instant::now();
        let (from, to) = (batch.from, batch.to);
        if let Some(first) = batch.items.first() {
            self.lag.taken(first.logged_at);
        }
        let entries = self.judge(batch).await?;
        let mut begin = from;
        let mut rest = entries;
        while !rest.is_empty() {
            let cut = cut(&rest);
            let tail = rest.split_off(cut);
            let end = tail.first().map_or(to, |entry| entry.raw.position);
            self.write(begin, end, rest).await?;
            (begin, rest) = (end, tail);
        }
        self.context.metrics.processor.range_seconds.observe(begun.elapsed().as_secs_f64());
        self.repeats.write_if_due(self.chain.watermarks().ids)?;
        self.context.log.processed(self.partition, to).await?;
        self.lag.reached(to);
        Ok(())
    }

    /// Repeats, settings, resolution, overflow: everything that decides what a record becomes.
    async fn judge(&mut self, batch: Batch) -> Result<Vec<Entry>, ProcessorError> {
        let hashes: Vec<_> = batch
            .items
            .iter()
            .map(|item| if let Reading::Record { hash, .. } = &item.reading { Some(*hash) } else { None })
            .collect();
        let log_id = self.context.log.identity().log_id;
        let stand = IdsStand { log_id, partition: self.partition, upto: self.chain.watermarks().ids };
        let repeats = self.repeats.judge(&self.context.warehouse, stand, &hashes).await?;
        let directory = self.directory_for(&batch.items).await?;
        self.shown.prepare(&self.context.warehouse, log_id, self.partition, &batch).await?;
        let events = batch.items.iter().filter_map(|item| match &item.reading {
            Reading::Record { record: LogRecord::ConsentEvent(event), .. } => Some(event.as_ref()),
            _ => None,
        });
        self.overflow.prepare(&self.context.warehouse, events).await?;

        let mut entries = Vec::with_capacity(batch.items.len());
        for (item, repeat) in batch.items.into_iter().zip(repeats) {
            let Item { raw, logged_at, reading } = item;
            let key = String::from_utf8_lossy(&raw.key);
            let site = site_and_shard(&key).0.to_owned();
            let (outcome, row) = match reading {
                Reading::Dead(reason) => (Outcome::Dead(reason), None),
                Reading::Record { .. } if repeat => (Outcome::Repeat, None),
                Reading::Record { record, commitment, .. } => match self.resolved(&key, record, &directory) {
                    Ok((stored, resolved, leaf_kind)) => {
                        // Ledger and leaf are given below, in log order.
                        let (position, ledger, leaf) = (raw.position, Arc::from(""), 0);
                        let row =
                            StoredRow { stored, position, logged_at, resolved, ledger, leaf, leaf_kind, commitment };
                        (Outcome::Stored, Some(row))
                    }
                    Err(reason) => (Outcome::Dead(reason), None),
                },
            };
            entries.push(Entry { site, raw, logged_at, outcome, row });
        }
        self.assign_ledgers(&mut entries, &directory).await?;
        self.repeats.accept(entries.iter().zip(&hashes).filter_map(|(entry, hash)| match entry.outcome {
            Outcome::Stored => *hash,
            _ => None,
        }));
        Ok(entries)
    }

    /// What is stored of a record, what it says and its leaf byte; or why it cannot be applied.
    fn resolved(
        &mut self,
        key: &str,
        record: LogRecord,
        directory: &Directory,
    ) -> Result<(Stored, Resolved, u8), String> {
        let leaf_kind = leaves::kind(&record);
        match record {
            LogRecord::ControlRecord(control) => {
                self.shown.take(key, &control);
                Ok((Stored::Control(control), Resolved::default(), leaf_kind))
            }
            LogRecord::ConsentEvent(event) => {
                let version = version_of(directory, event.site.as_str(), event.config_version);
                let missing =
                    || format!("settings version {} of site {} is not known", event.config_version.0, event.site);
                let version = version.ok_or_else(missing)?;
                let shown = self.shown.listing(key, event.text_hash.as_deref());
                let catalog = directory.catalog_at(event.received_at);
                let mut resolved = resolve(&event, &version.settings, &catalog, shown.as_deref());
                resolved.overflow = self.overflow.judge(&event, &resolved);
                Ok((Stored::Event(event), resolved, leaf_kind))
            }
        }
    }

    /// Gives each stored record its ledger. Leaf indexes are given when a range is written.
    async fn assign_ledgers(&mut self, entries: &mut [Entry], directory: &Directory) -> Result<(), ProcessorError> {
        for entry in entries {
            let Some(row) = &mut entry.row else { continue };
            let naming = directory.site(&entry.site).map_or(LedgerName::Opaque, |h| h.current().settings.ledger.name);
            let key = String::from_utf8_lossy(&entry.raw.key);
            let (site, shard) = site_and_shard(&key);
            row.ledger = self.leaves.ledger(&self.context.warehouse, site, shard, entry.logged_at, naming).await?;
        }
        Ok(())
    }

    /// The directory, with every settings version that the batch cites, as far as there is such a version, and every entry of
    /// the catalogue that it may need: an event is accepted only under settings that lie in the control topic, and what is
    /// read here was in the log before, so what is missing once that topic is read is missing for good.
    async fn directory_for(&self, items: &[Item]) -> Result<Arc<Directory>, ProcessorError> {
        let directory = self.context.control.directory();
        let all_known = items.iter().all(|item| match &item.reading {
            Reading::Record { record: LogRecord::ConsentEvent(event), .. } => {
                let version = version_of(&directory, event.site.as_str(), event.config_version);
                let catalog = || directory.catalog_at(event.received_at);
                version.is_some_and(|version| !may_need_more(event, &version.settings, &catalog()))
            }
            _ => true,
        });
        if all_known {
            return Ok(directory);
        }
        self.context.control.catch_up().await?;
        Ok(self.context.control.directory())
    }

    /// Writes `[from, to)`. A range whose values the engine does not take is halved until the record is found that it means,
    /// and that becomes a dead letter. Any other error says nothing about the records: the partition is begun again.
    async fn write(&mut self, from: u64, to: u64, mut entries: Vec<Entry>) -> Result<(), ProcessorError> {
        self.bury(&entries).await?;
        let range = self.range(from, to, &mut entries);
        let late = self.erasing.before(&range).await?;
        match self.chain.write(&range).await {
            Ok(()) => {
                self.count(&range.books);
                self.grow(&range).await?;
                self.erasing.after(&range, late).await
            }
            Err(WarehouseError::Refused(error)) if self.chain.watermarks().events == from => {
                self.erasing.forget(late).await?;
                self.give_back(&range.rows);
                tracing::warn!(self.partition, from, to, %error, "processor.range_refused");
                self.bisect(from, to, entries, range.rows, &error.to_string()).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Adds what has landed to the ledgers' trees.
    async fn grow(&mut self, range: &Range) -> Result<(), ProcessorError> {
        let leaf = |row: &StoredRow| Leaf {
            ledger: Arc::clone(&row.ledger),
            leaf: row.leaf,
            entry: trees::entry(row.leaf_kind, &row.commitment),
            close: days::said(&row.stored),
        };
        self.grower.add(range.rows.iter().map(leaf).collect(), range.to).await?;
        let broken = i64::try_from(self.grower.broken()).unwrap_or(i64::MAX);
        self.context.metrics.ledger.broken.with_label_values(&[&self.partition.to_string()]).set(broken);
        Ok(self.grower.write_if_due().await?)
    }

    async fn bisect(
        &mut self,
        from: u64,
        to: u64,
        mut entries: Vec<Entry>,
        rows: Vec<StoredRow>,
        reason: &str,
    ) -> Result<(), ProcessorError> {
        let stored = entries.iter_mut().filter(|entry| matches!(entry.outcome, Outcome::Stored));
        stored.zip(rows).for_each(|(entry, row)| entry.row = Some(row));
        if entries.len() == 1 {
            entries[0].outcome = Outcome::Dead(format!("the warehouse refuses it: {reason}"));
            return Box::pin(self.write(from, to, entries)).await;
        }
        let tail = entries.split_off(entries.len() / 2);
        let middle = tail[0].raw.position;
        Box::pin(self.write(from, middle, entries)).await?;
        Box::pin(self.write(middle, to, tail)).await
    }

    /// The range's rows, with their leaf indexes, and its books. The rows move out of the entries.
    fn range(&mut self, from: u64, to: u64, entries: &mut [Entry]) -> Range {
        let mut rows = Vec::with_capacity(entries.len());
        let mut books: BTreeMap<(String, Arc<str>), Book> = BTreeMap::new();
        for entry in entries.iter_mut() {
            let row = entry.row.take();
            let ledger = row.as_ref().map_or_else(|| Arc::from(""), |row| Arc::clone(&row.ledger));
            let book = books.entry((entry.site.clone(), ledger)).or_default();
            book.read += 1;
            match &entry.outcome {
                Outcome::Repeat => book.repeats += 1,
                Outcome::Dead(_) => book.dead += 1,
                Outcome::Stored => book.stored += 1,
            }
            if let Some(mut row) = row {
                row.leaf = self.leaves.take(&row.ledger);
                rows.push(row);
            }
        }
        let books = books.into_iter().map(|((site, ledger), book)| {
            let next_leaf = self.leaves.next(&ledger);
            Book { site, ledger: ledger.to_string(), next_leaf, ..book }
        });
        Range {
            log_id: self.context.log.identity().log_id,
            partition: self.partition,
            from,
            to,
            logged_at: entries.last().map_or(0, |entry| entry.logged_at),
            rows,
            books: books.collect(),
        }
    }

    /// Takes the leaf indexes of a range that did not land back.
    fn give_back(&mut self, rows: &[StoredRow]) {
        for row in rows.iter().rev() {
            self.leaves.give_back(&row.ledger, row.leaf);
        }
    }

    /// Writes dead letters to `consent.rejected`, before the range that leaves them out.
    async fn bury(&self, entries: &[Entry]) -> Result<(), ProcessorError> {
        let log_id = self.context.log.identity().log_id;
        let mut letters = Vec::new();
        for entry in entries {
            let Outcome::Dead(reason) = &entry.outcome else { continue };
            tracing::warn!(self.partition, entry.raw.position, %reason, "processor.dead_letter");
            let id = LetterId { log_id, partition: self.partition, position: entry.raw.position };
            let letter = letters::letter(id, &entry.raw, entry.logged_at, reason);
            letters.extend(letter.map_err(|e| ProcessorError::Stage(e.to_string()))?);
        }
        if !letters.is_empty() {
            self.context.log.append(Topic::Rejected, letters).await?;
        }
        Ok(())
    }

    fn count(&self, books: &[Book]) {
        let metrics = &self.context.metrics.processor;
        for book in books {
            metrics.read.inc_by(u64::from(book.read));
            metrics.records.with_label_values(&["stored"]).inc_by(u64::from(book.stored));
            metrics.records.with_label_values(&["repeat"]).inc_by(u64::from(book.repeats));
            metrics.records.with_label_values(&["dead_letter"]).inc_by(u64::from(book.dead));
        }
        metrics.ranges.inc();
    }

    async fn close(mut self) -> Result<(), ProcessorError> {
        let covers = self.chain.watermarks().ids;
        let written = self.grower.write().await;
        self.chain.close().await;
        written?;
        self.repeats.write(covers)
    }
}

fn version_of(
    directory: &Directory,
    site: &str,
    version: avow_schemas::ids::ConfigVersion,
) -> Option<Arc<SiteVersion>> {
    directory.site(site)?.version(version).cloned()
}

/// How many entries fit into one block by what they unfold to in the roll-up; at least one.
fn cut(entries: &[Entry]) -> usize {
    let mut unfolded = 0;
    for (index, entry) in entries.iter().enumerate() {
        if let Some(row) = &entry.row {
            // By the quarter and by the hour.
            unfolded += 2 * (1 + row.resolved.pairs.len() + row.resolved.categories.len() + row.resolved.signals.len());
        }
        if unfolded > MOST_UNFOLDED && index > 0 {
            return index;
        }
    }
    entries.len()
}
