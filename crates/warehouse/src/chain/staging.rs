//! Staging tables: what an owner has built and not yet written lies in a Memory table of its own, since the engine's stream
//! insert takes no SELECT and so no condition.

use clickhouse::error::Error;
use clickhouse::native::Block;
use uuid::Uuid;

use crate::Warehouse;
use crate::client::quoted;

/// After how many seconds a staging table that is not the opener's own counts as left behind.
///
/// A killed process cannot drop its table, and on a server it keeps its block in memory. Who opens a partition drops such
/// tables by their age, which is counted from their creation: what lies younger may belong to a process that is just being
/// killed or is handing the partition over. But a table's age says nothing of its owner, who may live and work with it for
/// weeks, so this may take the table of a second, living owner. The result is right even then: a statement that has begun
/// to read a dropped table reads it to its end; one that begins later fails with UNKNOWN_TABLE, which the owner takes for
/// an unclear answer: it reads back, stages anew under a new name, and is fenced off as soon as the opener has written. A
/// derived table is then filled from `events_data`. No name is ever used twice, so nothing is read from a wrong table.
pub(super) const STALE_SECONDS: u32 = 600;

pub(super) fn new_name(partition: u32) -> String {
    format!("{}{}", prefix(partition), Uuid::new_v4().simple())
}

fn prefix(partition: u32) -> String {
    format!("staging_p{partition}_")
}

pub(super) async fn create(warehouse: &Warehouse, name: &str) -> Result<(), Error> {
    let create = format!("CREATE TABLE {} ENGINE = Memory AS SELECT * FROM events_data LIMIT 0", quoted(name));
    warehouse.client().query(&create).execute().await
}

pub(super) async fn empty(warehouse: &Warehouse, name: &str) -> Result<(), Error> {
    warehouse.client().query(&format!("TRUNCATE TABLE {}", quoted(name))).execute().await
}

pub(super) async fn fill(warehouse: &Warehouse, name: &str, block: &Block) -> Result<(), Error> {
    let name = quoted(name);
    let client = warehouse.client();
    let mut insert = client.insert_native_unescaped(&name).with_setting("max_insert_block_size", "1048448");
    insert = insert.with_setting("min_insert_block_size_rows", "1048448");
    insert = insert.with_setting("min_insert_block_size_bytes", "0");
    insert.write(block).await?;
    insert.end().await
}

/// Drops a table; one that stays is dropped later by age.
pub(super) async fn drop_table(warehouse: &Warehouse, name: &str) {
    let drop = format!("DROP TABLE IF EXISTS {}", quoted(name));
    if let Err(error) = warehouse.client().query(&drop).execute().await {
        tracing::debug!(%error, name, "warehouse.staging_not_dropped");
    }
}

/// Drops the partition's staging tables that are older than that, of whatever log.
pub(super) async fn drop_stale(warehouse: &Warehouse, partition: u32, seconds: u32) {
    let stale = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'Memory' \
                 AND startsWith(name, {prefix:String}) \
                 AND metadata_modification_time < now() - toIntervalSecond({age:UInt32})";
    let query = warehouse.client().query(stale).param("prefix", prefix(partition)).param("age", seconds);
    let names: Vec<String> = match query.fetch_all().await {
        Ok(names) => names,
        Err(error) => {
            tracing::warn!(%error, partition, "warehouse.staging_not_listed");
            return;
        }
    };
    for name in names {
        tracing::info!(name, partition, "warehouse.stale_staging_dropped");
        drop_table(warehouse, &name).await;
    }
}
