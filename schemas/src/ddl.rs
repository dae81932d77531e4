//! The warehouse's tables: the numbered files of `schemas/clickhouse`, in order, as part of the program.

/// One numbered file. A file that has been released is never changed; a change is a new file.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    pub number: u32,
    pub name: &'static str,
    pub sql: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal),+ $(,)?) => {
        &[$(Migration { number: $number, name: $name, sql: include_str!(concat!("../clickhouse/", $name, ".sql")) }),+]
    };
}

/// All migrations, by number.
pub const MIGRATIONS: &[Migration] = migrations! {
    1 "0001_tables",
    2 "0002_views",
    3 "0003_ledger",
    4 "0004_artefacts",
    5 "0005_days",
    6 "0006_erasure",
    7 "0007_witnesses",
    8 "0008_access_log",
    9 "0009_alerts",
    10 "0010_aggregates",
    11 "0011_hours",
    12 "0012_signals",
};
