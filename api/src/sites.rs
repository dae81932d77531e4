//! `/api/v1/sites`: a site is its settings, of which each change is a version.

pub mod get;
pub mod list;
pub mod put;
pub mod switch;

use avow_schemas::settings::{SiteSettings, SiteVersion};
use serde::Serialize;
use utoipa::ToSchema;

use crate::moment;

/// A site with the settings in force.
#[derive(Serialize, ToSchema)]
pub struct Site {
    #[schema(value_type = String)]
    pub site: String,
    /// The settings' version, from 1.
    pub version: i64,
    /// RFC 3339.
    pub in_force_from: String,
    #[serde(flatten)]
    #[schema(value_type = crate::openapi::Settings)]
    pub settings: SiteSettings,
}

impl Site {
    fn of(version: &SiteVersion) -> Self {
        Self {
            site: version.site.to_string(),
            version: version.version.0,
            in_force_from: moment::written(version.in_force_from),
            settings: version.settings.clone(),
        }
    }

    /// As whoever has the link of a shared view sees it: with what the view needs, every other setting at its default.
    fn in_a_shared_view(version: &SiteVersion) -> Self {
        let of = &version.settings;
        let settings = SiteSettings {
            services: of.services.clone(),
            timezone: of.timezone.clone(),
            suppress_below: of.suppress_below,
            ..SiteSettings::named(&of.name)
        };
        Self { settings, ..Self::of(version) }
    }
}
