//! The chain's questions in SQL, asked of the engine over its HTTP interface.

use std::fmt::Write as _;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use clickhouse::Row;
use clickhouse::error::Error;
use clickhouse::native::Block;
use clickhouse::query::Query;
use serde::Deserialize;
use uuid::Uuid;

use super::tables::{Failure, Insert, Source, Stand, Step, Table, Tables};
use super::{derive, staging, steps};
use crate::Warehouse;
use crate::client::quoted;

/// Settings that make one statement one block and so one part, on the disk before it answers.
const ONE_PART: &[(&str, &str)] = &[
    ("async_insert", "0"),
    ("max_insert_threads", "1"),
    ("max_threads", "1"),
    ("max_block_size", "1048448"),
    ("min_insert_block_size_rows", "1048448"),
    ("min_insert_block_size_bytes", "0"),
    ("max_insert_block_size", "1048448"),
    ("insert_deduplicate", "1"),
    // Rows of one key are summed by the table's merges, not a second time while they are written.
    ("optimize_on_insert", "0"),
    ("max_execution_time", "50"),
];
/// Longer than any statement of the chain may run: who has not answered by then will not.
const LONGEST_ANSWER: Duration = Duration::from_secs(60);

/// Errors that are about the rows. Whatever is not among them (no answer, no room, no table, a limit) says nothing of the
/// rows: the same ones may be taken later, and are never made dead letters for it.
const ABOUT_ROWS: &[&str] = &[
    "CANNOT_PARSE_",
    "CANNOT_READ_ALL_DATA",
    "CANNOT_CONVERT_TYPE",
    "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN",
    "INCORRECT_DATA",
    "TYPE_MISMATCH",
    "TOO_LARGE_STRING_SIZE",
    "TOO_LARGE_ARRAY_SIZE",
    "SIZES_OF_ARRAYS_DONT_MATCH",
    "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
    "ARGUMENT_OUT_OF_BOUND",
    "DECIMAL_OVERFLOW",
];

/// One partition's tables in the engine, and this owner's own staging table.
pub struct Engine {
    warehouse: Arc<Warehouse>,
    log_id: Uuid,
    partition: u32,
    staging: Option<String>,
    /// Rows that one step of catching up may come to in a derived table.
    most_rows: u64,
    /// The age from which another staging table of the partition counts as left behind.
    stale_seconds: u32,
}

/// An insert as it is sent.
#[derive(Debug, Clone)]
pub struct Statement {
    pub sql: String,
    pub token: String,
}

#[derive(Row, Deserialize)]
struct Newest {
    to: u64,
    logged_at: i64,
}

#[derive(Row, Deserialize)]
struct Written {
    to: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    write: Uuid,
}

/// How far a table has got with a partition of a log. A scalar subquery is nullable, hence `ifNull`.
const fn watermark(table: Table) -> &'static str {
    match table {
        Table::Events => {
            "ifNull((SELECT max(range_to) FROM events_data WHERE site = '' AND kind = 'range' AND log_id = {log:UUID} \
             AND partition = {partition:UInt32} AND occurred_at >= fromUnixTimestamp64Milli({since:Int64})), 0)"
        }
        Table::Ids => {
            "ifNull((SELECT max(position) FROM event_ids WHERE hash = toFixedString('', 16) AND log_id = {log:UUID} \
             AND partition = {partition:UInt32}), 0)"
        }
        Table::Rates => {
            "ifNull((SELECT max(upto) FROM rates_15m_data WHERE site = '' AND grain = '' \
             AND service = toString({partition:UInt32}) AND category = toString({log:UUID})), 0)"
        }
    }
}

/// Whether a staging table holds exactly the range `{from}` to `{to}`.
fn whole(staging: &str) -> String {
    format!(
        "SELECT countIf(range_to > 0) = 1 AND sum(range_from) = {{from:UInt64}} AND sum(range_to) = {{to:UInt64}} \
         FROM {staging}"
    )
}

impl Engine {
    pub const fn new(warehouse: Arc<Warehouse>, log_id: Uuid, partition: u32) -> Self {
        Self {
            warehouse,
            log_id,
            partition,
            staging: None,
            most_rows: steps::MOST_ROWS,
            stale_seconds: staging::STALE_SECONDS,
        }
    }

    /// With smaller steps, for tests.
    pub fn with_most_rows(self, most_rows: u64) -> Self {
        Self { most_rows, ..self }
    }

    /// With another age of what is left behind, for tests.
    pub fn with_stale_seconds(self, stale_seconds: u32) -> Self {
        Self { stale_seconds, ..self }
    }

    pub fn staging(&self) -> Option<&str> {
        self.staging.as_deref()
    }

    /// Drops this owner's staging table, if it has one.
    pub async fn drop_staging(&mut self) {
        if let Some(name) = self.staging.take() {
            staging::drop_table(&self.warehouse, &name).await;
        }
    }

    /// The statement of an insert. Staged rows are taken only while the staging table holds exactly the insert's range: a
    /// Memory table is empty after the engine's restart, and a watermark derived from it would stand over nothing.
    pub fn statement(&self, insert: &Insert) -> Statement {
        let name = insert.table.name();
        let staging = quoted(self.staging.as_deref().unwrap_or("no staging table"));
        let (rows, condition) = match insert.source {
            Source::Staged => (staging.as_str(), "1"),
            Source::Stored => (
                "events_data",
                "log_id = {log:UUID} AND partition = {partition:UInt32} AND position >= {from:UInt64} \
                 AND position < {to:UInt64}",
            ),
        };
        let body = match insert.table {
            Table::Events => format!("SELECT * FROM {rows}"),
            Table::Ids => derive::ids(rows, condition),
            Table::Rates => derive::rates(rows, condition),
        };
        let mut sql =
            format!("INSERT INTO {name} SELECT * FROM ({body}) WHERE {} = {{from:UInt64}}", watermark(insert.table));
        if insert.source == Source::Staged {
            let _ = write!(sql, " AND ifNull(({}), 0)", whole(&staging));
        }
        let token = format!("{name}/{}/{}/{}/{}", self.log_id, self.partition, insert.step.from, insert.number);
        Statement { sql, token }
    }

    /// Sends the statement of `insert`.
    ///
    /// # Errors
    /// [`Failure`], by what the engine answered.
    pub async fn send(&self, statement: &Statement, insert: &Insert) -> Result<(), Failure<Error>> {
        let mut query = self.with_params(&statement.sql, insert.since);
        query = query.param("from", insert.step.from).param("to", insert.step.to);
        for (setting, value) in ONE_PART {
            query = query.with_setting(*setting, *value);
        }
        let answer = query.with_setting("insert_deduplication_token", statement.token.as_str()).execute();
        in_time(answer).await.map_err(failure)
    }

    fn with_params(&self, sql: &str, since: i64) -> Query {
        let query = self.warehouse.client().query_raw(sql).param("log", self.log_id.to_string());
        query.param("partition", self.partition).param("since", since)
    }
}

impl Tables for Engine {
    type Block = Block;
    type Error = Error;

    async fn newest(&self) -> Result<(u64, i64), Error> {
        let newest = "SELECT max(range_to) AS to, toUnixTimestamp64Milli(max(occurred_at)) AS logged_at FROM events_data \
                      WHERE site = '' AND kind = 'range' AND log_id = {log:UUID} AND partition = {partition:UInt32}";
        let query = self.warehouse.client().query(newest).param("log", self.log_id.to_string());
        let newest: Newest = in_time(query.param("partition", self.partition).fetch_one()).await?;
        Ok((newest.to, if newest.to == 0 { 0 } else { newest.logged_at }))
    }

    async fn stands_at(&self, table: Table, since: i64) -> Result<Stand, Error> {
        if table == Table::Events {
            let newest = "SELECT max(range_to) AS to, argMax(id, range_to) AS write FROM events_data \
                          WHERE site = '' AND kind = 'range' AND log_id = {log:UUID} AND partition = {partition:UInt32} \
                          AND occurred_at >= fromUnixTimestamp64Milli({since:Int64})";
            let newest: Written = in_time(self.with_params(newest, since).fetch_one()).await?;
            return Ok(Stand { at: newest.to, write: Some(newest.write) });
        }
        let query = self.with_params(&format!("SELECT toUInt64({})", watermark(table)), since);
        Ok(Stand { at: in_time(query.fetch_one::<u64>()).await?, write: None })
    }

    async fn steps(&self, from: u64, to: u64) -> Result<Vec<Step>, Error> {
        steps::steps(&self.warehouse, self.log_id, self.partition, Step { from, to }, self.most_rows).await
    }

    async fn drop_stale(&self) {
        staging::drop_stale(&self.warehouse, self.partition, self.stale_seconds).await;
    }

    async fn renew_staging(&mut self) -> Result<(), Error> {
        self.drop_staging().await;
        let name = staging::new_name(self.partition);
        in_time(staging::create(&self.warehouse, &name)).await?;
        self.staging = Some(name);
        Ok(())
    }

    async fn fill_staging(&self, block: &Block) -> Result<(), Failure<Error>> {
        let Some(name) = &self.staging else {
            return Err(Failure::Unclear(Error::Custom("there is no staging table".into())));
        };
        in_time(staging::empty(&self.warehouse, name)).await.map_err(Failure::Unclear)?;
        in_time(staging::fill(&self.warehouse, name, block)).await.map_err(failure)
    }

    async fn is_staged(&self, step: Step) -> Result<bool, Error> {
        let Some(name) = &self.staging else { return Ok(false) };
        let query = self.warehouse.client().query(&whole(&quoted(name)));
        Ok(in_time(query.param("from", step.from).param("to", step.to).fetch_one::<u8>()).await? == 1)
    }

    async fn insert(&self, insert: &Insert) -> Result<(), Failure<Error>> {
        self.send(&self.statement(insert), insert).await
    }

    async fn pause(&self, attempt: u32) {
        tokio::time::sleep(Duration::from_millis(100 << attempt.min(6))).await;
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(LONGEST_ANSWER, answer).await.unwrap_or(Err(Error::TimedOut))
}

/// A refusal is the engine's own word that the statement failed by its rows, against an answer that never came or that says
/// nothing of them.
fn failure(error: Error) -> Failure<Error> {
    let refused = match &error {
        Error::BadResponse(text) => {
            text.contains("DB::Exception") && ABOUT_ROWS.iter().any(|name| text.contains(&format!("({name}")))
        }
        _ => false,
    };
    if refused { Failure::Refused(error) } else { Failure::Unclear(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refusal(text: &str) -> bool {
        matches!(failure(Error::BadResponse(text.into())), Failure::Refused(_))
    }

    #[test]
    fn only_what_lies_in_the_rows_is_a_refusal() {
        assert!(is_refusal("Code: 53. DB::Exception: Type mismatch. (TYPE_MISMATCH) (version 26.7.2)"));
        assert!(is_refusal("Code: 27. DB::Exception: Cannot parse input. (CANNOT_PARSE_INPUT_ASSERTION_FAILED)"));
        assert!(!is_refusal("Code: 159. DB::Exception: Timeout exceeded. (TIMEOUT_EXCEEDED)"));
        assert!(!is_refusal("Code: 60. DB::Exception: Table staging_p0_x does not exist. (UNKNOWN_TABLE)"));
        assert!(!is_refusal("Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)"));
        assert!(!is_refusal("Code: 246. DB::Exception: Empty marks file. (CORRUPTED_DATA)"));
        assert!(!is_refusal("502 Bad Gateway: INCORRECT_DATA"));
        assert!(matches!(failure(Error::TimedOut), Failure::Unclear(_)));
    }
}
