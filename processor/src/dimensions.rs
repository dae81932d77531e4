//! Keeps the warehouse's `sites` and `services` as the control plane and the catalogue have them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use avow_schemas::catalog::{Catalog, Service};
use avow_schemas::category::UNKNOWN;
use avow_schemas::ids::{ConfigVersion, SiteId};
use avow_warehouse::WarehouseError;
use avow_warehouse::dimensions::ServiceLine;
use tokio_util::sync::CancellationToken;

use crate::partition::Context;

const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Writes what has changed, then waits for the next change, until `stop`.
pub(crate) async fn follow(context: Context, stop: CancellationToken) {
    let mut changes = context.control.changes();
    let mut written: HashMap<SiteId, ConfigVersion> = HashMap::new();
    let mut catalog: Option<Arc<Catalog>> = None;
    loop {
        changes.borrow_and_update();
        let outcome = write(&context, &mut written, &mut catalog).await;
        if let Err(error) = &outcome {
            tracing::warn!(%error, "processor.dimensions_not_written");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = changes.changed(), if outcome.is_ok() => if changed.is_err() { return },
            () = tokio::time::sleep(AGAIN_AFTER), if outcome.is_err() => {}
        }
    }
}

async fn write(
    context: &Context,
    written: &mut HashMap<SiteId, ConfigVersion>,
    catalog: &mut Option<Arc<Catalog>>,
) -> Result<(), WarehouseError> {
    let directory = context.control.directory();
    let now = directory.catalog();
    if catalog.as_ref().is_none_or(|written| !Arc::ptr_eq(written, &now)) {
        // What was written already of the same entries is not written again.
        let before = catalog.as_deref();
        let is_new = |service: &&Service| before.and_then(|before| before.get(service.slug.as_str())) != Some(service);
        let lines: Vec<ServiceLine> = now.iter().filter(is_new).map(line).collect();
        context.warehouse.put_services(&lines, jiff::Timestamp::now().as_millisecond()).await?;
        *catalog = Some(now);
    }
    for (site, history) in directory.sites() {
        let current = history.current();
        if written.get(site) != Some(&current.version) {
            context.warehouse.put_site(current).await?;
            written.insert(site.clone(), current.version);
        }
    }
    Ok(())
}

fn line(service: &Service) -> ServiceLine {
    ServiceLine {
        slug: service.slug.to_string(),
        name: service.name.clone(),
        category: service.category().to_owned(),
        vendor: service.operator.as_ref().map_or_else(|| UNKNOWN.to_owned(), |operator| operator.name.clone()),
        risk: code(&service.risk_level),
    }
}

/// A code as the catalogue's files write it.
fn code(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(code)) => code,
        _ => UNKNOWN.to_owned(),
    }
}
