//! The migrator: applies the numbered files of `schemas/clickhouse` once each and records what it applied. It refuses to
//! go on from a state that it does not know: a file recorded with another content, a number that this program does not
//! have, or a file that was begun and not finished.

use avow_schemas::ddl::{MIGRATIONS, Migration};
use clickhouse::Row;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{Warehouse, WarehouseError};

const JOURNAL: &str = "CREATE TABLE IF NOT EXISTS migrations (number UInt32, name String, sha256 String, state String, \
                       at DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY (number, at)";

/// A line of the journal: a file begun or applied.
#[derive(Debug, Clone, Row, Deserialize)]
pub struct Migrated {
    pub number: u32,
    pub name: String,
    pub sha256: String,
    pub state: String,
}

impl Warehouse {
    pub(crate) async fn migrate(&self) -> Result<(), WarehouseError> {
        self.client().query(JOURNAL).execute().await?;
        let journal = self.migrations().await?;
        if let Some(stranger) = journal.iter().find(|line| MIGRATIONS.iter().all(|m| m.number != line.number)) {
            return Err(WarehouseError::UnknownState(format!(
                "migration {} was applied by a newer version of Avow; start that version",
                stranger.name
            )));
        }
        for migration in MIGRATIONS {
            self.apply(migration, &journal).await?;
        }
        Ok(())
    }

    /// What the journal says, in order.
    ///
    /// # Errors
    /// The engine's.
    pub async fn migrations(&self) -> Result<Vec<Migrated>, WarehouseError> {
        let select = "SELECT number, name, sha256, state FROM migrations ORDER BY number, at, state = 'applied'";
        Ok(self.client().query(select).fetch_all().await?)
    }

    async fn apply(&self, migration: &Migration, journal: &[Migrated]) -> Result<(), WarehouseError> {
        let hash = fingerprint(migration.sql);
        match journal.iter().rfind(|line| line.number == migration.number) {
            Some(line) if line.sha256 != hash => {
                return Err(WarehouseError::UnknownState(format!(
                    "migration {} was applied with another content ({}, this program has {hash})",
                    line.name, line.sha256
                )));
            }
            Some(line) if line.state == "applied" => return Ok(()),
            Some(line) => {
                return Err(WarehouseError::UnknownState(format!(
                    "migration {} was begun and not finished; restore the warehouse from a backup, or, where it is new \
                     and empty, drop its database",
                    line.name
                )));
            }
            None => {}
        }
        self.journal(migration, &hash, "begun").await?;
        for statement in statements(migration.sql) {
            self.client().query_raw(statement).execute().await?;
        }
        self.journal(migration, &hash, "applied").await?;
        tracing::info!(migration.name, "warehouse.migrated");
        Ok(())
    }

    async fn journal(&self, migration: &Migration, hash: &str, state: &str) -> Result<(), WarehouseError> {
        let line =
            "INSERT INTO migrations SELECT {number:UInt32}, {name:String}, {hash:String}, {state:String}, now64(3)";
        let insert = self.client().query(line).param("number", migration.number).param("name", migration.name);
        Ok(insert.param("hash", hash).param("state", state).execute().await?)
    }
}

fn fingerprint(sql: &str) -> String {
    Sha256::digest(sql.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The statements of a file: each ends with a semicolon at the end of a line; whole-line comments stay, the engine reads
/// over them.
fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(";\n").map(str::trim).filter(|s| s.lines().any(|line| !line.trim().is_empty() && !line.starts_with("--")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_split_into_their_statements() {
        let counts: Vec<usize> = MIGRATIONS.iter().map(|m| statements(m.sql).count()).collect();
        assert_eq!(counts, [7, 5, 6, 1, 3, 3, 3, 1, 3, 1, 3, 2]);
        let verbs = ["CREATE ", "ALTER ", "INSERT "];
        assert!(MIGRATIONS.iter().flat_map(|m| statements(m.sql)).all(|s| verbs.iter().any(|verb| s.contains(verb))));
    }

    #[test]
    fn numbers_rise() {
        assert!(MIGRATIONS.is_sorted_by(|a, b| a.number < b.number));
    }
}
