//! A database of its own in the real engine, ranges to write into it, and what its three tables hold. Every event is shown
//! in a quarter of an hour of its own, so that the roll-up's rows tell of positions too.

use std::collections::BTreeMap;
use std::sync::Arc;

use avow_schemas::event::{ConsentEvent, EventType};
use avow_schemas::ids::{EventId, SiteId};
use avow_warehouse::chain::engine::Engine;
use avow_warehouse::chain::tables::Step;
use avow_warehouse::rows::{Book, Range, Resolved, Stored, StoredRow};
use avow_warehouse::{Endpoint, Warehouse};
use uuid::Uuid;

use crate::engine;
use crate::model::Block;

const QUARTER_MS: i64 = 900_000;
/// 2026-01-01, UTC.
const BEGIN_MS: i64 = 1_767_225_600_000;

pub struct Bench {
    pub warehouse: Arc<Warehouse>,
    pub log_id: Uuid,
}

/// What the three tables hold: positions, with how often each is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    pub ranges: Vec<(u64, u64)>,
    pub events: BTreeMap<u64, u64>,
    pub ids: BTreeMap<u64, u64>,
    pub rates: BTreeMap<u64, u64>,
}

impl Bench {
    pub async fn start() -> Self {
        let endpoint = Endpoint {
            url: engine::url().to_owned(),
            user: "avow".into(),
            password: "any".into(),
            database: format!("chain_{}", Uuid::new_v4().simple()),
        };
        Self { warehouse: Warehouse::open(&endpoint).await.unwrap(), log_id: Uuid::new_v4() }
    }

    pub fn engine(&self) -> Engine {
        Engine::new(Arc::clone(&self.warehouse), self.log_id, 0)
    }

    pub async fn run(&self, sql: &str) {
        self.warehouse.client().query_raw(sql).execute().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    async fn counts(&self, sql: &str) -> BTreeMap<u64, u64> {
        self.warehouse.client().query(sql).fetch_all::<(u64, u64)>().await.unwrap().into_iter().collect()
    }

    pub async fn contents(&self) -> Contents {
        let client = self.warehouse.client();
        let ranges = "SELECT range_from, range_to FROM events_data WHERE kind = 'range' ORDER BY range_from, range_to";
        let rates = format!(
            "SELECT toUInt64((toUnixTimestamp(quarter) - {}) / {}) AS at, sum(shown) FROM rates_15m_data \
             WHERE grain = 'total' GROUP BY at",
            BEGIN_MS / 1000,
            QUARTER_MS / 1000
        );
        Contents {
            ranges: client.query(ranges).fetch_all().await.unwrap(),
            events: self.counts("SELECT position, count() FROM events_data WHERE kind = 'event' GROUP BY 1").await,
            ids: self
                .counts("SELECT position, count() FROM event_ids WHERE hash != toFixedString('', 16) GROUP BY 1")
                .await,
            rates: self.counts(&rates).await,
        }
    }

    pub fn range(&self, block: &Block) -> Range {
        let rows: Vec<StoredRow> = block.rows.iter().map(|&position| row(position, block.logged_at)).collect();
        let book = Book {
            site: "shop.example".into(),
            read: (block.step.to - block.step.from) as u32,
            stored: rows.len() as u32,
            repeats: block.repeats as u32,
            dead: block.dead as u32,
            ..Book::default()
        };
        Range {
            log_id: self.log_id,
            partition: 0,
            from: block.step.from,
            to: block.step.to,
            logged_at: BEGIN_MS + block.logged_at,
            rows,
            books: vec![book],
        }
    }
}

impl Contents {
    /// Positions below `end` that a table lacks, and those that it has more than once, over all three tables.
    pub fn lost_and_doubled(&self, end: u64) -> (u64, u64) {
        let tables = [&self.events, &self.ids, &self.rates];
        let lost = tables.iter().map(|table| (0..end).filter(|at| !table.contains_key(at)).count() as u64).sum();
        (lost, tables.iter().flat_map(|table| table.values()).map(|times| times - 1).sum())
    }
}

/// An insert's text without its condition on the watermark.
pub fn without_condition(sql: &str) -> String {
    let begin = sql.rfind(" WHERE ifNull((SELECT max(").unwrap();
    let end = begin + sql[begin..].find("= {from:UInt64}").unwrap() + "= {from:UInt64}".len();
    format!("{} WHERE 1{}", &sql[..begin], &sql[end..])
}

/// A range in which every record is stored.
pub fn full(step: Step) -> Block {
    let rows = (step.from..step.to).collect();
    Block { step, write: Uuid::new_v4(), rows, logged_at: step.to as i64, ..Block::default() }
}

fn row(position: u64, logged_at: i64) -> StoredRow {
    StoredRow {
        stored: Stored::Event(Box::new(event(BEGIN_MS + QUARTER_MS * position as i64))),
        position,
        logged_at: BEGIN_MS + logged_at,
        resolved: Resolved::default(),
        ledger: "ledger".into(),
        leaf: position,
        leaf_kind: 1,
        commitment: [7; 32],
    }
}

fn event(at: i64) -> ConsentEvent {
    ConsentEvent::least(EventType::Shown, SiteId::new("shop.example").unwrap(), EventId(Uuid::new_v4()), at)
}
