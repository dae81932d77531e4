//! Stored records as what was accepted: an event in the form in which its leaf commits to it, or a control record's body,
//! each with its place in log and ledger. For whatever shows or proves single records.

use std::collections::{BTreeMap, BTreeSet};

use avow_schemas::event::{
    BotGrade, ConsentEvent, EventType, LoadState, Method, Objections, Observed, Prompt, Regime, Seed, Source,
};
use avow_schemas::ids::{ConfigVersion, EventId, SiteId, SubjectId};
use clickhouse::Row;
use clickhouse::query::{Query, RowCursor};
use serde::Deserialize;
use uuid::Uuid;

use crate::export::ExportScope;
use crate::rows::UNKNOWN;
use crate::{Warehouse, WarehouseError};

/// A stored record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub ledger: String,
    pub leaf: u64,
    /// The leaf's kind, its first byte.
    pub leaf_kind: u8,
    pub commitment: [u8; 32],
    /// Where it lies in the log.
    pub partition: u32,
    pub position: u64,
    /// ms since 1970.
    pub logged_at: i64,
    pub content: Content,
}

impl Record {
    /// The event, where it is one and there is something left of it.
    #[must_use]
    pub fn event(&self) -> Option<&ConsentEvent> {
        match &self.content {
            Content::Event { event, .. } => Some(event),
            Content::Control { .. } | Content::Redacted => None,
        }
    }

    /// The subject of the event.
    #[must_use]
    pub fn subject(&self) -> Option<SubjectId> {
        self.event()?.subject
    }
}

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// With what it means for each service and category.
    Event {
        event: Box<ConsentEvent>,
        pairs: Vec<Choice>,
    },
    Control {
        kind: String,
        body: String,
    },
    /// Its subject was erased: the leaf stays, what it said is gone. Or its subject is restricted, and it is not shown.
    Redacted,
}

/// What an event means for one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub service: String,
    pub category: String,
    pub state: String,
    pub disclosure: String,
}

#[derive(Row, Deserialize)]
struct Stored {
    ledger: String,
    leaf: u64,
    leaf_kind: u8,
    commitment: [u8; 32],
    seed: [u8; 32],
    partition: u32,
    position: u64,
    logged_at: i64,
    kind: String,
    site: String,
    #[serde(with = "clickhouse::serde::uuid")]
    subject: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    id: Uuid,
    occurred_at: i64,
    #[serde(rename = "type")]
    event_type: String,
    view: String,
    prompt: String,
    layer: Option<u8>,
    occurred_at_claimed: Option<i64>,
    sent_at: Option<i64>,
    received_at: i64,
    source: String,
    banner_version: String,
    language: String,
    variant: String,
    text_hash: String,
    regime: String,
    method: String,
    categories: Vec<(String, bool)>,
    services: Vec<(String, bool)>,
    purposes: Vec<(String, bool)>,
    objected_purposes: Vec<String>,
    objected_services: Vec<String>,
    tcf: String,
    gpp: String,
    consent_mode: Vec<(String, String)>,
    gpc: Option<bool>,
    host: String,
    path: String,
    effort_clicks: Option<u32>,
    effort_ms: Option<u64>,
    expires_at: Option<i64>,
    #[serde(with = "clickhouse::serde::uuid")]
    previous: Uuid,
    state: String,
    observed_cookies: Vec<String>,
    observed_domains: Vec<String>,
    observed_others: u64,
    observed_state: Vec<(String, bool)>,
    country: String,
    region: String,
    device: String,
    browser: String,
    os: String,
    bot: String,
    config_version: u32,
    pairs: Vec<(String, String, String, String)>,
    control_kind: String,
    control_body: String,
}

/// The SQL of a column where it is not its name.
fn expression(column: &str) -> String {
    match column {
        "logged_at" | "occurred_at" | "occurred_at_claimed" | "sent_at" | "received_at" | "expires_at" => {
            format!("toUnixTimestamp64Milli(e.{column}) AS {column}")
        }
        "site" | "country" => format!("CAST(e.{column}, 'String') AS {column}"),
        "categories" | "services" | "purposes" | "observed_state" => {
            format!("CAST(e.{column}, 'Array(Tuple(String, Bool))') AS {column}")
        }
        "seed" => "if(subject IN {without:Array(UUID)}, toFixedString('', 32), e.seed) AS seed".to_owned(),
        "consent_mode" => "CAST(e.consent_mode, 'Array(Tuple(String, String))') AS consent_mode".to_owned(),
        "pairs" => "CAST(arrayZip(pair_service, pair_category, pair_state, pair_disclosure), \
                    'Array(Tuple(String, String, String, String))') AS pairs"
            .to_owned(),
        column => format!("e.{column} AS {column}"),
    }
}

/// Records as they arrive.
pub struct Records(RowCursor<Stored>);

impl Records {
    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// The engine's; a row that says what no event can.
    pub async fn next(&mut self) -> Result<Option<Record>, WarehouseError> {
        self.0.next().await?.map(Record::try_from).transpose()
    }
}

impl Warehouse {
    /// The records that an export has beside its events, in no order: what the site's control records say, and of erased
    /// and restricted subjects the leaves. Of the artefacts `shown` (`sha256:<hex>`) and of the settings' versions the control
    /// records, whenever they were put, and those at the places `controls`. An export that is cut to services has none, since
    /// they would name others.
    ///
    /// # Errors
    /// The engine's.
    pub fn besides(
        &self,
        scope: &ExportScope,
        shown: &[String],
        controls: &BTreeSet<(String, u64)>,
    ) -> Result<Records, WarehouseError> {
        let asked = crate::export::condition(scope, scope.subject.is_none());
        let upto = crate::export::upto(scope);
        let sql = format!(
            "SELECT {} FROM events_data AS e WHERE ({asked} OR {CITED} AND {upto}) AND e.ledger != '' \
             AND (e.kind != 'event' OR e.subject IN {{without:Array(UUID)}})",
            columns(),
        );
        let (ledgers, leaves): (Vec<&str>, Vec<u64>) =
            controls.iter().map(|(ledger, leaf)| (ledger.as_str(), *leaf)).unzip();
        let query = lean(self.exported(&sql, scope)).with_setting("max_block_size", "4096");
        Ok(Records(query.param("shown", shown).param("ledgers", ledgers).param("leaves", leaves).fetch()?))
    }

    /// The events of an export and what came before them, subject by subject in the order of time: the order in which they
    /// lie. Those before `scope.from` are there too, since what a choice means depends on the subject's earlier ones.
    ///
    /// # Errors
    /// The engine's.
    pub fn histories(&self, scope: &ExportScope) -> Result<Records, WarehouseError> {
        let scope = ExportScope { from: 0, ..scope.clone() };
        let sql = format!(
            "SELECT {} FROM events_data AS e WHERE {} ORDER BY e.site, e.subject, e.occurred_at, e.id",
            columns(),
            crate::export::condition(&scope, false)
        );
        let query = lean(self.exported(&sql, &scope)).with_setting("optimize_read_in_order", "1");
        // It merges its parts, and of each a block waits: small ones, and none ahead.
        let query = query.with_setting("max_block_size", "512").with_setting("read_in_order_use_buffering", "0");
        // Where the engine sorts all the same, it does so on disk.
        Ok(Records(query.with_setting("max_bytes_before_external_sort", SORTED_IN_MEMORY).fetch()?))
    }

    /// All records that have a leaf, in no order; of a log `log_id` those below the given position of each partition, of
    /// earlier logs all.
    ///
    /// # Errors
    /// The engine's.
    pub fn all_records(&self, log_id: Uuid, upto: &[u64]) -> Result<Records, WarehouseError> {
        let sql = format!("SELECT {} FROM events_data AS e WHERE {}", columns(), crate::audit::LEAVES);
        let client = self.client().clone().with_validation(true);
        let query = client.query_raw(&sql).param("log", log_id.to_string()).param("upto", upto);
        let query = lean(query.param("without", Vec::<String>::new())).with_setting("max_block_size", "4096");
        Ok(Records(query.fetch()?))
    }
}

/// Bytes that the engine sorts in memory; more goes to the disk.
const SORTED_IN_MEMORY: &str = "134217728";

/// The control records of the banner artefacts `{shown}`, of the settings, and at the places `{ledgers}`, `{leaves}`: found by
/// key, since they have no subject.
const CITED: &str = "site = {site:String} AND subject = toUUID('00000000-0000-0000-0000-000000000000') \
                     AND kind = 'control' AND (control_kind = 'settings_version' OR control_kind = 'banner_artefact' \
                     AND has({shown:Array(String)}, JSONExtractString(control_body, 'text_hash')) \
                     OR has(arrayZip({ledgers:Array(String)}, {leaves:Array(UInt64)}), (ledger, leaf)))";

/// What is selected of a record.
fn columns() -> String {
    let columns: Vec<String> = Stored::COLUMN_NAMES.iter().map(|column| expression(column)).collect();
    columns.join(", ")
}

/// A query for wide rows, of which many are read: in one thread, with small buffers for each of the columns of each part, and
/// none of it formatted ahead. (Of a table of 7 parts the engine took 114 MiB, and 160 without.)
pub(crate) fn lean(query: Query) -> Query {
    let settings = [
        ("prefer_column_name_to_alias", "1"),
        ("max_threads", "1"),
        ("output_format_parallel_formatting", "0"),
        ("max_read_buffer_size", "16384"),
        ("max_read_buffer_size_local_fs", "16384"),
        ("local_filesystem_read_method", "pread"),
    ];
    settings.into_iter().fold(query, |query, (name, value)| query.with_setting(name, value))
}

/// A value of a closed list.
fn code<T>(what: &str, text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, WarehouseError> {
    parse(text).ok_or_else(|| WarehouseError::UnknownState(format!("a stored event has {what} {text:?}")))
}

fn text(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn known(text: String) -> Option<String> {
    (!text.is_empty() && text != UNKNOWN).then_some(text)
}

impl TryFrom<Stored> for Record {
    type Error = WarehouseError;

    fn try_from(row: Stored) -> Result<Self, WarehouseError> {
        let place = (row.ledger.clone(), row.leaf, row.leaf_kind, row.commitment);
        let (partition, position, logged_at) = (row.partition, row.position, row.logged_at);
        let content = if row.kind == "control" {
            Content::Control { kind: row.control_kind, body: row.control_body }
        } else if row.seed == [0; 32] {
            Content::Redacted
        } else {
            event(row)?
        };
        let (ledger, leaf, leaf_kind, commitment) = place;
        Ok(Self { ledger, leaf, leaf_kind, commitment, partition, position, logged_at, content })
    }
}

fn event(row: Stored) -> Result<Content, WarehouseError> {
    let kind = code("type", &row.event_type, EventType::parse)?;
    let method = (!row.method.is_empty()).then(|| code("method", &row.method, Method::parse)).transpose()?;
    let state = (!row.state.is_empty()).then(|| code("state", &row.state, LoadState::parse)).transpose()?;
    let site = SiteId::new(&row.site).map_err(|e| WarehouseError::UnknownState(e.to_string()))?;
    let objects = !(row.objected_purposes.is_empty() && row.objected_services.is_empty());
    let objections = objects.then_some(Objections { purposes: row.objected_purposes, services: row.objected_services });
    let observed = (kind == EventType::Observed).then(|| Observed {
        cookies: row.observed_cookies,
        domains: row.observed_domains,
        others: i64::try_from(row.observed_others).unwrap_or(i64::MAX),
        state: row.observed_state.into_iter().collect(),
    });
    let flags = |pairs: Vec<(String, bool)>| pairs.into_iter().collect::<BTreeMap<_, _>>();
    let event = ConsentEvent {
        subject: (!row.subject.is_nil()).then_some(SubjectId(row.subject)),
        view: text(row.view),
        prompt: code("prompt", &row.prompt, Prompt::parse)?,
        layer: row.layer.map(i32::from),
        occurred_at_claimed: row.occurred_at_claimed,
        sent_at: row.sent_at,
        received_at: row.received_at,
        source: code("source", &row.source, Source::parse)?,
        banner_version: text(row.banner_version),
        language: text(row.language),
        variant: text(row.variant),
        text_hash: text(row.text_hash),
        regime: code("regime", &row.regime, Regime::parse)?,
        method,
        categories: flags(row.categories),
        services: flags(row.services),
        purposes: flags(row.purposes),
        objections,
        tcf: text(row.tcf),
        gpp: text(row.gpp),
        consent_mode: row.consent_mode.into_iter().collect(),
        gpc: row.gpc,
        host: text(row.host),
        path: text(row.path),
        effort_clicks: row.effort_clicks.and_then(|clicks| i32::try_from(clicks).ok()),
        effort_ms: row.effort_ms.and_then(|ms| i64::try_from(ms).ok()),
        expires_at: row.expires_at,
        previous: (!row.previous.is_nil()).then_some(EventId(row.previous)),
        state,
        observed,
        country: known(row.country),
        region: known(row.region),
        device: known(row.device),
        browser: known(row.browser),
        os: known(row.os),
        bot: code("bot", &row.bot, BotGrade::parse)?,
        config_version: ConfigVersion(row.config_version.into()),
        seed: Seed(row.seed),
        ..ConsentEvent::least(kind, site, EventId(row.id), row.occurred_at)
    };
    let choice = |(service, category, state, disclosure)| Choice { service, category, state, disclosure };
    Ok(Content::Event { event: Box::new(event), pairs: row.pairs.into_iter().map(choice).collect() })
}
