//! Putting banner artefacts.

use std::sync::Arc;

use avow_schemas::banner::{Artefact, Description, Evidence, addressed, sha256};
use avow_schemas::control::ControlValue;
use avow_schemas::ids::{EventId, SiteId};
use avow_schemas::record::{ControlKind, ControlRecord, derived_id, keys};
use serde_json::Value;
use uuid::Uuid;

use super::{Control, ControlError, now};
use crate::directory::Banner;

impl Control {
    /// Puts a banner artefact of a site, and what is kept beside it; of that, what is left out stays as it is. Returns once
    /// it is durable, in force here, and its control record lies under each of the site's keys in the events topic; and
    /// whether the artefact is new. Putting the same again changes nothing.
    ///
    /// The control record comes first: events are read against what lies before them under their own key of the log. If
    /// there is no answer after it, whoever puts the artefact again writes the rest.
    ///
    /// # Errors
    /// An unknown site, an artefact of the wrong shape, or a log that does not take it.
    pub async fn put_banner(
        &self,
        site: &SiteId,
        artefact: Value,
        evidence: Evidence,
    ) -> Result<(Arc<Banner>, bool), ControlError> {
        let known = Artefact::of(&artefact)?;
        let encode = |e: serde_json::Error| ControlError::Encode(e.to_string());
        let (_, hash) = addressed(&artefact).map_err(encode)?;
        let directory = self.directory();
        let history = directory.site(site.as_str()).ok_or_else(|| ControlError::UnknownSite(site.clone()))?;
        let banner = directory.banner(site.as_str(), &hash).cloned();
        let evidence = match &banner {
            Some(banner) => evidence.over(&banner.current().evidence),
            None => evidence,
        };
        let earlier = banner.as_ref().map_or(0, |banner| banner.versions().len());
        let unchanged = banner.filter(|banner| banner.current().evidence == evidence);
        let (number, made_at) = match &unchanged {
            Some(banner) => (earlier, banner.current().made_at),
            None => (earlier + 1, now()),
        };

        let body = serde_json_canonicalizer::to_string(&Description::of(site, &hash, &known, &evidence));
        let body = body.map_err(encode)?;
        let says = sha256(body.as_bytes());
        let record = |key: &str| ControlRecord {
            id: EventId(derived_id(&format!("banner/{key}/{number}/{says}"))),
            site: site.clone(),
            kind: ControlKind::BannerArtefact,
            version: 0,
            made_at,
            body: body.clone(),
        };
        self.write_leaves(keys(site, history.current().settings.ledger.shards), record).await?;
        if let Some(banner) = unchanged {
            return Ok((banner, false));
        }
        let key = format!("banner/{site}/{}/{}", hash.trim_start_matches("sha256:"), Uuid::now_v7());
        let value = ControlValue::Banner { site: site.clone(), hash: hash.clone(), artefact, made_at, evidence };
        self.put(&key, Some(&value)).await?;
        let banner = self.directory().banner(site.as_str(), &hash).cloned().ok_or(ControlError::NotYetInForce)?;
        Ok((banner, earlier == 0))
    }
}
