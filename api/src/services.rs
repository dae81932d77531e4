//! `/api/v1/services`: the catalogue of what consent is given to, and the operator's own entries in it.

use avow_control::Directory;
use avow_schemas::catalog::{CatalogError, Service};
use serde_json::{Value, json};

use crate::moment;
use crate::problem::Problem;

pub mod delete;
pub mod get;
pub mod history;
pub mod import;
pub mod list;
pub mod put;

/// Where an entry comes from that ships with Avow.
const SHIPPED: &str = "avow";

/// Where the entry of a service comes from that was in force at a moment (milliseconds since 1970), and since when it was; no
/// moment: it is a shipped one that nothing was put in place of before.
fn origin<'a>(directory: &'a Directory, slug: &str, at: i64) -> (&'a str, Option<String>) {
    let version = directory.service_versions(slug).iter().rfind(|version| version.from <= at);
    let origin = version.filter(|version| version.entry.is_some()).map_or(SHIPPED, |version| version.origin.as_str());
    (origin, version.map(|version| moment::written(version.from)))
}

/// An entry as somebody sends it, of which all but `name` and `category` may be left out.
fn read(mut entry: Value) -> Result<Service, CatalogError> {
    if let Some(fields) = entry.as_object_mut() {
        // What answers add to the entry.
        for added in ["origin", "in_force_from"] {
            fields.remove(added);
        }
    }
    Service::parse_brief(entry, jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date())
}

/// What is wrong with an entry, as a problem that points at it.
fn refused_entry(error: &CatalogError) -> Problem {
    let place = error.field.replace('[', "/").replace(']', "").replace('.', "/");
    let place = if place == "/" { String::new() } else { format!("/{place}") };
    Problem::unprocessable("invalid_value", format!("{}: {}", error.field, error.reason))
        .at(place)
        .with("service", json!(error.file.trim_end_matches(".json")))
}
