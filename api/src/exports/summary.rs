//! The report of a bundle: who, when, what was shown, chosen and followed, and what of it is proven by which file.

use std::collections::BTreeSet;

use avow_records::Shown;
use avow_records::report::{Attached, Claim, ClaimTitle, Report, ReportParty, ShownText, Summary, Verdict};
use avow_schemas::catalog::Catalog;
use avow_schemas::ids::ServiceId;
use serde_json::Value;

use super::figures::Figures;
use super::proof::Proven;
use super::readable::About;

/// Banners whose texts the report quotes; all of them are files of the bundle.
const MOST_TEXTS: usize = 20;

/// What is known at the end of an export.
pub struct Ending {
    /// Without files and counts.
    pub manifest: Value,
    /// The name of the token that asked.
    pub made_by: String,
    pub subject: Option<String>,
    pub proven: Proven,
    /// Whether the manifest is signed.
    pub is_signed: bool,
    pub attached: Vec<Attached>,
}

/// The report.
pub fn report(about: &About, figures: &Figures, ending: &Ending) -> Report {
    let settings = about.versions.last().map(|version| &version.settings);
    let controllers = settings.into_iter().flat_map(|settings| &settings.controllers);
    let party = |name: &str, address: &str, contact: &str| ReportParty {
        name: name.to_owned(),
        address: address.to_owned(),
        contact: contact.to_owned(),
    };
    let records = figures.summaries();
    Report {
        site: about.header.site.clone(),
        site_name: settings.map_or_else(|| about.header.site.clone(), |settings| settings.name.clone()),
        from: about.header.from,
        to: about.header.to.min(about.whole_before).max(about.header.from),
        controllers: controllers.map(|one| party(&one.name, &one.address, &one.contact)).collect(),
        made_by: ending.made_by.clone(),
        made_at: about.header.made_at,
        subject: ending.subject.clone(),
        services: match &about.shown {
            Shown::All => Vec::new(),
            Shown::Only(services) => services.iter().map(|service| name(&about.catalog, service)).collect(),
        },
        counts: figures.counts.clone(),
        texts: texts(about, &records),
        records,
        records_total: figures.decided,
        attached: ending.attached.clone(),
        claims: claims(about, figures, ending),
    }
}

/// What the banners said that these records name, in the order in which they do. A bundle that is cut has no banners.
fn texts(about: &About, records: &[Summary]) -> Vec<ShownText> {
    if about.shown != Shown::All {
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let named = records.iter().filter_map(|record| record.text_hash.as_deref()).filter(|hash| seen.insert(*hash));
    let known = named.filter_map(|hash| Some(ShownText::of(hash, about.artefacts.get(hash)?)));
    known.take(MOST_TEXTS).collect()
}

fn name(catalog: &Catalog, service: &ServiceId) -> String {
    let entry = catalog.get(service.as_str());
    entry.map_or_else(|| service.to_string(), |entry| entry.name.clone())
}

/// How each claim stands, by what is in the bundle. `avow verify` asks nobody and comes to the same.
fn claims(about: &About, figures: &Figures, ending: &Ending) -> Vec<Claim> {
    let proven = &ending.proven;
    let is = |holds: bool| if holds { Verdict::Proven } else { Verdict::NotProven };
    let claim = |title, verdict, file: &str, detail: String| Claim { title, verdict, file: file.to_owned(), detail };
    let covered = proven.opened > 0 && proven.uncovered == 0;
    let share = |part: u64, whole: u64| format!("{part} / {whole}");
    let mut claims = vec![
        claim(
            ClaimTitle::Inclusion,
            is(covered && proven.logs > 0),
            "disclosures.jsonl, logs/, proofs/",
            share(proven.opened - proven.uncovered, proven.opened),
        ),
        claim(ClaimTitle::Signature, is(ending.is_signed), "manifest.note, operator/checkpoint", String::new()),
        claim(ClaimTitle::Totals, is(ending.is_signed), "manifest.json, disclosures.jsonl", String::new()),
    ];
    if about.shown == Shown::All {
        let all = figures.decided > 0 && figures.texts_known == figures.decided;
        let detail = share(figures.texts_known, figures.decided);
        claims.push(claim(ClaimTitle::AsShown, is(all), "artefacts/", detail));
    } else {
        claims.push(claim(ClaimTitle::AsShown, Verdict::NotProven, "", String::new()));
    }
    // A witness cosigns only what follows from what it has seen.
    let is_cosigned = proven.cosigned > 0;
    claims.push(claim(ClaimTitle::AppendOnly, is(is_cosigned), "operator/checkpoint", String::new()));
    let days = proven.closed.as_ref().map(|(first, last)| format!("{first} – {last}")).unwrap_or_default();
    let reaches_the_end = |last: &str| crate::moment::written(about.header.to - 1).starts_with(last);
    let is_whole = proven.closed.as_ref().is_some_and(|(_, last)| reaches_the_end(last));
    claims.push(claim(ClaimTitle::Completeness, is(is_whole), "disclosures.jsonl, map/", days));
    let set_up = |holds: bool| if holds { Verdict::Proven } else { Verdict::NotConfigured };
    let witnesses = if is_cosigned { proven.cosigned.to_string() } else { String::new() };
    claims.push(claim(ClaimTitle::Witnesses, set_up(is_cosigned), "operator/checkpoint", witnesses));
    claims.push(claim(ClaimTitle::Time, set_up(proven.is_stamped), "time/", String::new()));
    claims
}
