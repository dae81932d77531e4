//! What other tools say of a site, as it was brought in: one text per site and source, whose newest version counts.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::{Warehouse, WarehouseError};

/// One source's own numbers of a site.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Aggregate {
    pub site: String,
    pub source: String,
    /// ms since 1970.
    pub made_at: i64,
    /// JSON; the api knows its shape.
    pub body: String,
}

const NEWEST: &str = "\
SELECT site, toString(source) AS source_of, max(toUnixTimestamp64Milli(made_at)) AS newest, argMax(body, made_at) AS body_of \
FROM aggregates WHERE site IN {sites:Array(String)} GROUP BY site, source_of ORDER BY site, source_of";

impl Warehouse {
    /// What there is of these sites, by site and source.
    ///
    /// # Errors
    /// The engine's.
    pub async fn aggregates(&self, sites: &[&str]) -> Result<Vec<Aggregate>, WarehouseError> {
        let mut newest = self.newest_aggregates(sites).await?;
        newest.retain(|one| !one.body.is_empty());
        Ok(newest)
    }

    /// Puts a source's numbers in place of those that were there; an empty body takes them away. Returns once that is read
    /// back, whether there was something before.
    ///
    /// # Errors
    /// The engine's, or the row is not there.
    pub async fn put_aggregate(&self, site: &str, source: &str, now: i64, body: &str) -> Result<bool, WarehouseError> {
        let before = self.newest_aggregate(site, source).await?;
        // Another process' clock may be ahead of this one's.
        let made_at = before.as_ref().map_or(now, |before| now.max(before.made_at + 1));
        let row = Aggregate { site: site.to_owned(), source: source.to_owned(), made_at, body: body.to_owned() };
        let mut insert = self.client().insert::<Aggregate>("aggregates").await?;
        insert.write(&row).await?;
        insert.end().await?;
        let kept = self.newest_aggregate(site, source).await?;
        if kept.is_none_or(|kept| kept.made_at < made_at) {
            return Err(WarehouseError::UnknownState(format!("the aggregate {source} of {site} was not kept")));
        }
        Ok(before.is_some_and(|before| !before.body.is_empty()))
    }

    async fn newest_aggregate(&self, site: &str, source: &str) -> Result<Option<Aggregate>, WarehouseError> {
        let newest = self.newest_aggregates(&[site]).await?;
        Ok(newest.into_iter().find(|one| one.source == source))
    }

    async fn newest_aggregates(&self, sites: &[&str]) -> Result<Vec<Aggregate>, WarehouseError> {
        Ok(self.client().query_raw(NEWEST).param("sites", sites).fetch_all().await?)
    }
}
