//! Whether the books balance, as the api last saw them.

use prometheus::{IntGauge, Registry};

use crate::MetricsError;
use crate::registrar::Registrar;

/// The books' metrics. All but `checked` are 0 while everything is as it should be.
pub struct BooksMetrics {
    pub unbalanced_sites: IntGauge,
    pub missing_rows: IntGauge,
    pub missing_positions: IntGauge,
    /// When they were last looked at, in seconds since 1970.
    pub checked: IntGauge,
}

impl BooksMetrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, MetricsError> {
        let to = Registrar(registry);
        Ok(Self {
            unbalanced_sites: to.gauge(
                "avow_books_unbalanced_sites",
                "Sites whose books do not balance: read = stored + repeats + dead letters, stored = rows.",
            )?,
            missing_rows: to.gauge(
                "avow_books_missing_rows_records",
                "Records that the books say were stored and that have no row.",
            )?,
            missing_positions: to.gauge(
                "avow_books_missing_positions_records",
                "Positions of the log between the first and the last range that no range covers, or that two do.",
            )?,
            checked: to.gauge(
                "avow_books_checked_timestamp_seconds",
                "When the books were last looked at, in seconds since 1970; 0: not yet.",
            )?,
        })
    }
}
