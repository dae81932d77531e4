//! The dimensions that BI joins with: sites and services, each in its newest version.

use avow_schemas::settings::SiteVersion;

use crate::{Warehouse, WarehouseError};

/// Services in one statement: parameters go into its address.
const AT_ONCE: usize = 100;

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
        let insert = "INSERT INTO services_data SELECT slug, {version:UInt64}, name, category, vendor, risk FROM \
                      (SELECT {slugs:Array(String)} AS slugs, {names:Array(String)} AS names, \
                      {categories:Array(String)} AS categories, {vendors:Array(String)} AS vendors, \
                      {risks:Array(String)} AS risks) ARRAY JOIN slugs AS slug, names AS name, categories AS category, \
                      vendors AS vendor, risks AS risk";
        for some in services.chunks(AT_ONCE) {
            let all = |field: fn(&ServiceLine) -> &str| some.iter().map(field).collect::<Vec<_>>();
            let query = self.client().query_raw(insert).param("version", at.unsigned_abs());
            let query = query.param("slugs", all(|one| &one.slug)).param("names", all(|one| &one.name));
            let query = query.param("categories", all(|one| &one.category));
            query.param("vendors", all(|one| &one.vendor)).param("risks", all(|one| &one.risk)).execute().await?;
        }
        Ok(())
    }
}
