//! The rows of `events_data` and their block in ClickHouse's Native format, column by column.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use avow_schemas::event::ConsentEvent;
use avow_schemas::record::ControlRecord;
use clickhouse::native::builder::BlockBuilder;
use clickhouse::native::encode::{Encode, ValueWriter};
use clickhouse::native::{Block, DataTypeNode};
use uuid::Uuid;

use crate::WarehouseError;

/// The value of a dimension that is not known.
pub const UNKNOWN: &str = "unknown";

/// A (decision, service) pair as `docs/metrics.md` defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub service: String,
    pub category: String,
    pub state: &'static str,
    pub disclosure: &'static str,
}

/// What an event says under the settings in force.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolved {
    pub decision: bool,
    pub opted_in: bool,
    pub pairs: Vec<Pair>,
    pub categories: Vec<(String, &'static str)>,
    /// What each signal of a decision was found to be.
    pub signals: Vec<(&'static str, &'static str)>,
    /// Bit 0 language, bit 1 banner version, bit 2 variant: the roll-up calls it `other`.
    pub overflow: u8,
}

/// What a row was before it was stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    Event(Box<ConsentEvent>),
    Control(ControlRecord),
}

/// One row of a range: an event or a control record with its place in log and ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRow {
    pub stored: Stored,
    pub position: u64,
    /// max(that of the row before, the log's append time), ms since 1970: monotone within a partition.
    pub logged_at: i64,
    pub resolved: Resolved,
    pub ledger: Arc<str>,
    pub leaf: u64,
    pub leaf_kind: u8,
    /// Of an event: its commitment. Of a control record: SHA-256 of its body.
    pub commitment: [u8; 32],
}

/// The books of one site in one range: read = stored + repeats + dead.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Book {
    pub site: String,
    pub read: u32,
    pub stored: u32,
    pub repeats: u32,
    pub dead: u32,
    /// The ledgers of the site that grew, with their next leaf index; the first book of a site carries one, further
    /// ledgers (another shard in the same partition) have books of their own with nothing read.
    pub ledger: String,
    pub next_leaf: u64,
}

/// A range `[from, to)` of one log partition and all that it gave.
#[derive(Debug, Clone)]
pub struct Range {
    pub log_id: Uuid,
    pub partition: u32,
    pub from: u64,
    pub to: u64,
    /// Of its last record; all of a range lie in one month, so that the block falls into one ClickHouse partition.
    pub logged_at: i64,
    pub rows: Vec<StoredRow>,
    pub books: Vec<Book>,
}

/// Milliseconds since 1970 as DateTime64(3, 'UTC').
pub(crate) struct Moment(pub(crate) i64);

/// 32 bytes as FixedString(32).
pub(crate) struct Bytes32(pub(crate) [u8; 32]);

#[expect(clippy::expect_used, reason = "a constant type name, checked by the tests")]
static MOMENT: LazyLock<DataTypeNode> = LazyLock::new(|| DataTypeNode::new("DateTime64(3, 'UTC')").expect("a type"));

type Boxed = Box<dyn std::error::Error + Send + Sync>;

impl Encode for Moment {
    fn produces() -> DataTypeNode {
        MOMENT.clone()
    }

    fn encode(&self, writer: &mut ValueWriter<'_>) -> Result<(), Boxed> {
        Ok(writer.write_fixed(&self.0.to_le_bytes())?)
    }
}

impl Encode for Bytes32 {
    fn produces() -> DataTypeNode {
        DataTypeNode::FixedString(32)
    }

    fn encode(&self, writer: &mut ValueWriter<'_>) -> Result<(), Boxed> {
        Ok(writer.write_fixed(&self.0)?)
    }
}

/// A row of the range, or the range row itself.
#[derive(Clone, Copy)]
enum Line<'a> {
    Event(&'a StoredRow, &'a ConsentEvent),
    Control(&'a StoredRow, &'a ControlRecord),
    Range,
}

impl<'a> Line<'a> {
    fn event(self) -> Option<&'a ConsentEvent> {
        match self {
            Self::Event(_, event) => Some(event),
            _ => None,
        }
    }

    fn row(self) -> Option<&'a StoredRow> {
        match self {
            Self::Event(row, _) | Self::Control(row, _) => Some(row),
            Self::Range => None,
        }
    }

    fn control(self) -> Option<&'a ControlRecord> {
        match self {
            Self::Control(_, record) => Some(record),
            _ => None,
        }
    }

    fn resolved(self) -> Option<&'a Resolved> {
        self.row().map(|row| &row.resolved)
    }
}

struct Columns<'a> {
    lines: &'a [Line<'a>],
    block: BlockBuilder,
}

impl<'a> Columns<'a> {
    fn add<T: Encode>(&mut self, name: &str, value: impl Fn(Line<'a>) -> T) -> Result<(), WarehouseError> {
        let bad = |e: String| WarehouseError::Block(format!("{name}: {e}"));
        let mut column = self.block.upsert_column::<T>(name).map_err(|e| bad(e.to_string()))?;
        column.add_all(self.lines.iter().map(|line| value(*line))).map_err(|e| bad(e.to_string()))?;
        Ok(())
    }

    /// A text of the event; empty where there is none.
    fn text(&mut self, name: &str, value: impl Fn(&'a ConsentEvent) -> Option<&'a str>) -> Result<(), WarehouseError> {
        self.add(name, |line| line.event().and_then(&value).unwrap_or_default())
    }

    /// A dimension of the event; `unknown` where there is none.
    fn known(&mut self, name: &str, value: impl Fn(&'a ConsentEvent) -> Option<&'a str>) -> Result<(), WarehouseError> {
        self.add(name, |line| line.event().map_or("", |event| value(event).unwrap_or(UNKNOWN)))
    }
}

impl Range {
    /// The range as one block: its rows and, last, its range row, which carries `write` as its id: two owners may come to
    /// the same range, and by this each knows its own.
    ///
    /// # Errors
    /// Only where a column and its type disagree, a defect.
    pub fn block(&self, write: Uuid) -> Result<Block, WarehouseError> {
        let mut lines: Vec<Line<'_>> = Vec::with_capacity(self.rows.len() + 1);
        lines.extend(self.rows.iter().map(|row| match &row.stored {
            Stored::Event(event) => Line::Event(row, event),
            Stored::Control(record) => Line::Control(row, record),
        }));
        lines.push(Line::Range);
        let mut columns = Columns { lines: &lines, block: BlockBuilder::new() };
        self.key_columns(&mut columns, write)?;
        event_columns(&mut columns)?;
        choice_columns(&mut columns)?;
        resolved_columns(&mut columns)?;
        self.range_columns(&mut columns)?;
        columns.block.build().map_err(|e| WarehouseError::Block(e.to_string()))
    }

    fn key_columns<'a>(&'a self, c: &mut Columns<'a>, write: Uuid) -> Result<(), WarehouseError> {
        c.add("site", |line| match line {
            Line::Event(_, event) => event.site.as_str(),
            Line::Control(_, record) => record.site.as_str(),
            Line::Range => "",
        })?;
        c.add("subject", |line| line.event().and_then(|e| e.subject).map_or(Uuid::nil(), |s| s.0))?;
        c.add("occurred_at", |line| match line {
            Line::Event(_, event) => Moment(event.occurred_at),
            Line::Control(_, record) => Moment(record.made_at),
            Line::Range => Moment(self.logged_at),
        })?;
        c.add("id", |line| match line {
            Line::Event(_, event) => event.id.0,
            Line::Control(_, record) => record.id.0,
            Line::Range => write,
        })?;
        c.add("kind", |line| match line {
            Line::Event(..) => "event",
            Line::Control(..) => "control",
            Line::Range => "range",
        })?;
        c.text("type", |e| Some(e.kind.as_str()))?;
        c.add("log_id", |_| self.log_id)?;
        c.add("partition", |_| self.partition)?;
        c.add("position", |line| line.row().map_or(self.from, |row| row.position))?;
        c.add("logged_at", |line| Moment(line.row().map_or(self.logged_at, |row| row.logged_at)))
    }

    fn range_columns<'a>(&'a self, c: &mut Columns<'a>) -> Result<(), WarehouseError> {
        fn book<T>(line: Line<'_>, books: &[Book], value: impl Fn(&Book) -> T) -> Vec<T> {
            if matches!(line, Line::Range) { books.iter().map(value).collect() } else { Vec::new() }
        }
        c.add("range_from", |line| if matches!(line, Line::Range) { self.from } else { 0 })?;
        c.add("range_to", |line| if matches!(line, Line::Range) { self.to } else { 0 })?;
        c.add("book_site", |line| book(line, &self.books, |b| b.site.clone()))?;
        c.add("book_read", |line| book(line, &self.books, |b| b.read))?;
        c.add("book_stored", |line| book(line, &self.books, |b| b.stored))?;
        c.add("book_repeats", |line| book(line, &self.books, |b| b.repeats))?;
        c.add("book_dead", |line| book(line, &self.books, |b| b.dead))?;
        c.add("book_ledger", |line| book(line, &self.books, |b| b.ledger.clone()))?;
        c.add("book_next_leaf", |line| book(line, &self.books, |b| b.next_leaf))
    }
}

fn event_columns<'a>(c: &mut Columns<'a>) -> Result<(), WarehouseError> {
    c.text("view", |e| e.view.as_deref())?;
    c.text("prompt", |e| Some(e.prompt.as_str()))?;
    c.add("layer", |line| line.event().and_then(|e| e.layer).and_then(|n| u8::try_from(n).ok()))?;
    c.add("occurred_at_claimed", |line| line.event().and_then(|e| e.occurred_at_claimed).map(Moment))?;
    c.add("sent_at", |line| line.event().and_then(|e| e.sent_at).map(Moment))?;
    c.add("received_at", |line| Moment(line.event().map_or(0, |e| e.received_at)))?;
    c.text("source", |e| Some(e.source.as_str()))?;
    c.text("banner_version", |e| e.banner_version.as_deref())?;
    c.text("language", |e| e.language.as_deref())?;
    c.text("variant", |e| e.variant.as_deref())?;
    c.text("text_hash", |e| e.text_hash.as_deref())?;
    c.text("regime", |e| Some(e.regime.as_str()))?;
    c.text("method", |e| e.method.map(|m| m.as_str()))?;
    c.text("tcf", |e| e.tcf.as_deref())?;
    c.text("gpp", |e| e.gpp.as_deref())?;
    c.add("gpc", |line| line.event().and_then(|e| e.gpc))?;
    c.text("host", |e| e.host.as_deref())?;
    c.text("path", |e| e.path.as_deref())?;
    c.add("effort_clicks", |line| line.event().and_then(|e| e.effort_clicks).and_then(|n| u32::try_from(n).ok()))?;
    c.add("effort_ms", |line| line.event().and_then(|e| e.effort_ms).and_then(|n| u64::try_from(n).ok()))?;
    c.add("expires_at", |line| line.event().and_then(|e| e.expires_at).map(Moment))?;
    c.add("previous", |line| line.event().and_then(|e| e.previous).map_or(Uuid::nil(), |id| id.0))?;
    c.text("state", |e| e.state.map(|s| s.as_str()))?;
    c.known("country", |e| e.country.as_deref())?;
    c.known("region", |e| e.region.as_deref())?;
    c.known("device", |e| e.device.as_deref())?;
    c.known("browser", |e| e.browser.as_deref())?;
    c.known("os", |e| e.os.as_deref())?;
    c.text("bot", |e| Some(e.bot.as_str()))?;
    c.add("config_version", |line| line.event().and_then(|e| u32::try_from(e.config_version.0).ok()).unwrap_or(0))
}

fn choice_columns<'a>(c: &mut Columns<'a>) -> Result<(), WarehouseError> {
    fn borrowed<V: Copy>(map: &BTreeMap<String, V>) -> BTreeMap<&str, V> {
        map.iter().map(|(key, value)| (key.as_str(), *value)).collect()
    }
    c.add("categories", |line| line.event().map(|e| borrowed(&e.categories)).unwrap_or_default())?;
    c.add("services", |line| line.event().map(|e| borrowed(&e.services)).unwrap_or_default())?;
    c.add("purposes", |line| line.event().map(|e| borrowed(&e.purposes)).unwrap_or_default())?;
    c.add("objected_purposes", |line| {
        line.event().and_then(|e| e.objections.as_ref()).map(|o| o.purposes.clone()).unwrap_or_default()
    })?;
    c.add("objected_services", |line| {
        line.event().and_then(|e| e.objections.as_ref()).map(|o| o.services.clone()).unwrap_or_default()
    })?;
    c.add("consent_mode", |line| line.event().map(|e| e.consent_mode.clone()).unwrap_or_default())?;
    let observed = |line: Line<'a>| line.event().and_then(|e| e.observed.as_ref());
    c.add("observed_cookies", |line| observed(line).map(|o| o.cookies.clone()).unwrap_or_default())?;
    c.add("observed_domains", |line| observed(line).map(|o| o.domains.clone()).unwrap_or_default())?;
    c.add("observed_others", |line| observed(line).and_then(|o| u64::try_from(o.others).ok()).unwrap_or(0))?;
    c.add("observed_state", |line| observed(line).map(|o| borrowed(&o.state)).unwrap_or_default())
}

fn resolved_columns<'a>(c: &mut Columns<'a>) -> Result<(), WarehouseError> {
    fn pairs<'a, T>(line: Line<'a>, value: impl Fn(&'a Pair) -> T) -> Vec<T> {
        line.resolved().map(|r| r.pairs.iter().map(value).collect()).unwrap_or_default()
    }
    c.add("decision", |line| line.resolved().map_or(0, |r| u8::from(r.decision)))?;
    c.add("opted_in", |line| line.resolved().map_or(0, |r| u8::from(r.opted_in)))?;
    c.add("pair_service", |line| pairs(line, |p| p.service.as_str()))?;
    c.add("pair_category", |line| pairs(line, |p| p.category.as_str()))?;
    c.add("pair_state", |line| pairs(line, |p| p.state))?;
    c.add("pair_disclosure", |line| pairs(line, |p| p.disclosure))?;
    c.add("category_name", |line| -> Vec<&str> {
        line.resolved().map(|r| r.categories.iter().map(|(name, _)| name.as_str()).collect()).unwrap_or_default()
    })?;
    c.add("category_state", |line| -> Vec<&str> {
        line.resolved().map(|r| r.categories.iter().map(|(_, state)| *state).collect()).unwrap_or_default()
    })?;
    c.add("signal_name", |line| -> Vec<&str> {
        line.resolved().map(|r| r.signals.iter().map(|(name, _)| *name).collect()).unwrap_or_default()
    })?;
    c.add("signal_finding", |line| -> Vec<&str> {
        line.resolved().map(|r| r.signals.iter().map(|(_, finding)| *finding).collect()).unwrap_or_default()
    })?;
    c.add("overflow", |line| line.resolved().map_or(0, |r| r.overflow))?;
    c.add("ledger", |line| line.row().map_or("", |row| &*row.ledger))?;
    c.add("leaf", |line| line.row().map_or(0, |row| row.leaf))?;
    c.add("leaf_kind", |line| line.row().map_or(0, |row| row.leaf_kind))?;
    c.add("seed", |line| Bytes32(line.event().map_or([0; 32], |e| e.seed.0)))?;
    c.add("commitment", |line| Bytes32(line.row().map_or([0; 32], |row| row.commitment)))?;
    c.add("control_kind", |line| line.control().map_or("", |r| r.kind.as_str()))?;
    c.add("control_version", |line| line.control().and_then(|r| u32::try_from(r.version).ok()).unwrap_or(0))?;
    c.add("control_body", |line| {
        line.control().map_or(Cow::Borrowed(""), |r| Cow::Borrowed(r.body.as_str())).into_owned()
    })
}
