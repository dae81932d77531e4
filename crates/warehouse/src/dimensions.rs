//! The dimensions that BI joins with: sites and services, each in its newest version.

use avow_schemas::settings::SiteVersion;

use crate::{Warehouse, WarehouseError};

/// What `services` shows of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceLine {
    pub slug: String,
    pub name: String,
    pub category: String,
    pub vendor: String,
    pub risk: String,
}

impl Warehouse {
    /// Puts a site's current version; an older one than is there changes nothing.
    ///
    /// # Errors
    /// The engine's.
    pub async fn put_site(&self, version: &SiteVersion) -> Result<(), WarehouseError> {
        let insert = "INSERT INTO sites_data SELECT {site:String}, {version:UInt32}, {name:String}, {timezone:String}, \
                      {settings:String}, fromUnixTimestamp64Milli({from:Int64}, 'UTC')";
        let settings = serde_json::to_string(&version.settings).map_err(|e| WarehouseError::Block(e.to_string()))?;
        let query = self.client().query_raw(insert).param("site", version.site.as_str());
        let query = query.param("version", u32::try_from(version.version.0).unwrap_or(u32::MAX));
        let query = query.param("name", &version.settings.name).param("timezone", &version.settings.timezone);
        Ok(query.param("settings", settings).param("from", version.in_force_from).execute().await?)
    }

    /// Puts the catalogue's services, as of a moment (ms since 1970).
    ///
    /// # Errors
    /// The engine's.
    pub async fn put_services(&self, services: &[ServiceLine], at: i64) -> Result<(), WarehouseError> {
        let insert = "INSERT INTO services_data SELECT {slug:String}, {version:UInt64}, {name:String}, {category:String}, \
                      {vendor:String}, {risk:String}";
        for service in services {
            let query =
                self.client().query_raw(insert).param("slug", &service.slug).param("version", at.unsigned_abs());
            let query = query.param("name", &service.name).param("category", &service.category);
            query.param("vendor", &service.vendor).param("risk", &service.risk).execute().await?;
        }
        Ok(())
    }
}
