//! Doing one job: how far the ledgers are published, the rows up to there, what proves them, the books beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use avow_control::{Banner, Directory};
use avow_records::Shown;
use avow_records::document::Header;
use avow_schemas::ids::ServiceId;
use avow_schemas::settings::SiteVersion;
use avow_warehouse::WarehouseError;
use avow_warehouse::export::{ExportExtent, ExportScope, Waiting};
use avow_warehouse::records::Record;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;

use super::archive::{ArchiveError, Part, Written, write};
use super::job::Job;
use super::order::Lines;
use super::proof::send_part;
use super::reach::{self, Reach};
use super::readable::About;
use super::summary::Ending;
use super::{Bundling, artefacts, proof};
use crate::moment;

/// How many parts may wait for the disk.
const AHEAD: usize = 64;
/// How many events may lie in them.
const EVENTS_AHEAD: usize = 8_192;
/// Of events without a subject, which have no history, so many go into a part.
const LOT: usize = 256;
/// Events that lie in memory at once. A subject with more is read in several goes, and what followed from one to the next is
/// then not known; no person has so many.
const MOST_AT_ONCE: usize = 5_000;

#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    #[error("the warehouse: {0}")]
    Warehouse(#[from] WarehouseError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Tree(#[from] avow_trees::TreeError),
    #[error("the warehouse counted {expected} records and sent {sent}")]
    Incomplete { expected: u64, sent: u64 },
    #[error("there is no site {0:?} any more")]
    UnknownSite(String),
    #[error(transparent)]
    Disk(#[from] std::io::Error),
    #[error("the warehouse has lost the attachment {0}: delete it and put it again")]
    Lost(String),
    #[error("the writer of the bundle stopped")]
    WriterStopped,
}

/// What an export is of, how much that is, and what waits for a later one.
struct Work {
    scope: ExportScope,
    extent: ExportExtent,
    waiting: Waiting,
    /// None where nothing is signed.
    reach: Option<Reach>,
}

/// Writes the job's bundle; also what was left out since no published checkpoint covers it.
///
/// # Errors
/// What the warehouse or the disk says; a bundle is there whole or not at all.
pub async fn run(
    bundling: &Bundling,
    job: &Job,
    folder: &Path,
    progress: &(dyn Fn(f64) + Send + Sync),
) -> Result<(Written, Waiting), WorkError> {
    let warehouse = &bundling.warehouse;
    let asked = &job.of.asked;
    // Before the positions: what is published is stored by then.
    let reach = reach::of(bundling, &asked.site).await?;
    let scope = ExportScope {
        site: asked.site.clone(),
        from: asked.from,
        to: asked.to.min(moment::END),
        subject: asked.subject,
        services: asked.services.clone(),
        without: restricted(bundling, asked).await?,
        log_id: bundling.log_id,
        upto: warehouse.stands(bundling.log_id).await?,
        ends: reach.as_ref().map(Reach::ends),
    };
    let (extent, waiting) = (warehouse.export_extent(&scope).await?, warehouse.export_waiting(&scope).await?);
    let work = Work { scope, extent, waiting, reach };
    let directory = bundling.control.directory();
    let about = about(&directory, job, &work)?;
    let (parts, received) = tokio::sync::mpsc::channel(AHEAD);
    let sign = bundling.signature(directory.ledger_keys());
    let is_signed = sign.is_some();
    let writer = {
        let folder = folder.to_owned();
        tokio::task::spawn_blocking(move || write(&folder, received, &about, sign))
    };

    let ending = send(bundling, job, &work, (folder, progress), &parts).await;
    match ending {
        Ok(ending) => {
            let _ = parts.send(Part::End(Box::new(Ending { is_signed, ..ending }))).await;
            drop(parts);
            let written = writer.await.map_err(|_| WorkError::WriterStopped)??;
            if written.records + written.redacted == extent.rows {
                return Ok((written, waiting));
            }
            Err(WorkError::Incomplete { expected: extent.rows, sent: written.records + written.redacted })
        }
        Err(error) => {
            drop(parts);
            // The writer's own error says more than that it stopped.
            let written = writer.await.map_err(|_| WorkError::WriterStopped)?;
            match (error, written) {
                (WorkError::WriterStopped, Err(reason)) => Err(reason.into()),
                (error, _) => Err(error),
            }
        }
    }
}

/// What is known of the export beside the records.
fn about(directory: &Directory, job: &Job, work: &Work) -> Result<About, WorkError> {
    let (asked, scope) = (&job.of.asked, &work.scope);
    let unknown = || WorkError::UnknownSite(asked.site.clone());
    let history = directory.site(&asked.site).ok_or_else(unknown)?;
    let artefacts = directory.banners(&asked.site);
    let services = asked.services.iter().filter_map(|service| ServiceId::new(service).ok());
    let made_at = moment::now();
    let whole_before = reach::whole_before(work.waiting, &work.extent, made_at);
    Ok(About {
        header: Header {
            site: asked.site.clone(),
            from: scope.from,
            to: scope.to,
            made_at,
            language: asked.language.clone(),
        },
        until: made_at.min(scope.to).min(whole_before),
        whole_before,
        versions: history.versions().iter().map(|version| SiteVersion::clone(version)).collect(),
        artefacts: artefacts.map(|one| (one.text_hash.clone(), Value::clone(&one.artefact))).collect(),
        shown: if asked.services.is_empty() { Shown::All } else { Shown::Only(services.collect()) },
        catalog: directory.catalog(),
    })
}

/// The restricted subjects that an export leaves out: all but the one whom it is for.
async fn restricted(bundling: &Bundling, asked: &super::job::Asked) -> Result<Vec<uuid::Uuid>, WarehouseError> {
    let (directory, now) = (bundling.control.directory(), moment::now());
    let mut by_salt: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mark in directory.restrictions(&asked.site).filter(|mark| asked.subject.is_none() && mark.is_in_force(now)) {
        by_salt.entry(mark.subject.salt.clone()).or_default().push(mark.subject.digest.clone());
    }
    let mut subjects = Vec::new();
    for (salt, digests) in by_salt {
        let found = bundling.warehouse.subjects_behind(&asked.site, &salt, &digests).await?;
        subjects.extend(found.into_iter().map(|(subject, _)| subject));
    }
    Ok(subjects)
}

/// Sends everything in the order in which it is written; what is known at the end.
async fn send(
    bundling: &Bundling,
    job: &Job,
    work: &Work,
    (folder, progress): (&Path, &(dyn Fn(f64) + Send + Sync)),
    parts: &Sender<Part>,
) -> Result<Ending, WorkError> {
    let (warehouse, scope) = (&bundling.warehouse, &work.scope);
    let directory = bundling.control.directory();
    let mut lines = Lines::beside(folder)?;
    let hashes = histories(bundling, progress, (scope, &work.extent), &mut lines, parts).await?;
    let banners: Vec<&Banner> =
        hashes.iter().filter_map(|hash| directory.banner(&scope.site, hash)).map(AsRef::as_ref).collect();
    let is_cut = !scope.services.is_empty();
    let shown: Vec<String> = if is_cut { Vec::new() } else { hashes.into_iter().collect() };
    let erasures = scope.subject.map(|subject| directory.erasures_of(&scope.site, subject)).unwrap_or_default();
    let erasures: Vec<String> = erasures.iter().map(|erasure| erasure.id.to_string()).collect();
    let tombstones = warehouse.tombstones(&scope.site, &erasures).await?;
    let proven = proof::send(warehouse, work.reach.as_ref(), (scope, &shown), tombstones, lines, parts).await?;
    let artefacts =
        if is_cut { artefacts::withheld(&banners) } else { artefacts::send(warehouse, &banners, parts).await? };
    let attachments = directory.attachments(&scope.site);
    let (named, attached) = artefacts::attachments(warehouse, &attachments, is_cut, parts).await?;
    let mut manifest = manifest(bundling, job, work).await?;
    if !erasures.is_empty() {
        manifest["erasures"] = erasures.into();
    }
    manifest["artefacts"] = artefacts.into();
    manifest["attachments"] = named.into();
    if let Some(operator) = &proven.operator {
        manifest["logs"] = proven.described.clone().into();
        manifest["operator"] = operator.clone();
    }
    // Of somebody who is there no more, the id says who it was.
    let made_by = directory.called(job.by).map_or_else(|| job.by.to_string(), str::to_owned);
    let subject = job.of.asked.subject.map(|subject| subject.to_string());
    Ok(Ending { manifest, made_by, subject, proven, is_signed: false, attached })
}

/// Sends the events subject by subject, and opens those in the period; the addresses of the artefacts that these name.
async fn histories(
    bundling: &Bundling,
    progress: &(dyn Fn(f64) + Send + Sync),
    (scope, extent): (&ExportScope, &ExportExtent),
    lines: &mut Lines,
    parts: &Sender<Part>,
) -> Result<BTreeSet<String>, WorkError> {
    let directory = bundling.control.directory();
    let mut records = bundling.warehouse.histories(scope)?;
    let mut hashes = BTreeSet::new();
    let mut history: Vec<Record> = Vec::new();
    let mut sent = 0_u64;
    let room = Arc::new(Semaphore::new(EVENTS_AHEAD));
    while let Some(record) = records.next().await? {
        if record.logged_at >= scope.from {
            if let Some(hash) = record.event().and_then(|event| event.text_hash.as_deref())
                && !hashes.contains(hash)
                && directory.banner(&scope.site, hash).is_some()
            {
                hashes.insert(hash.to_owned());
            }
            if !record.ledger.is_empty() {
                proof::add(lines, &record, &scope.services).await?;
            }
            sent += 1;
            if sent.is_multiple_of(1000) {
                #[expect(clippy::cast_precision_loss, reason = "a share of a whole, for a bar")]
                progress((sent as f64 / extent.rows.max(1) as f64 * 0.7).min(0.7));
            }
        }
        let goes_on = history.last().is_none_or(|last| last.subject() == record.subject());
        let most = if record.subject().is_some() { MOST_AT_ONCE } else { LOT };
        if !goes_on || history.len() >= most {
            send_history(std::mem::take(&mut history), &room, parts).await?;
        }
        history.push(record);
    }
    send_history(history, &room, parts).await?;
    Ok(hashes)
}

async fn send_history(history: Vec<Record>, room: &Arc<Semaphore>, parts: &Sender<Part>) -> Result<(), WorkError> {
    let many = u32::try_from(history.len()).unwrap_or(u32::MAX);
    let room = Arc::clone(room).acquire_many_owned(many).await.map_err(|_| WorkError::WriterStopped)?;
    send_part(parts, Part::History(history, Some(room))).await
}

/// The manifest without the files, which the writer knows.
async fn manifest(bundling: &Bundling, job: &Job, work: &Work) -> Result<Value, WorkError> {
    let (asked, scope, extent) = (&job.of.asked, &work.scope, &work.extent);
    let of_site = [asked.site.clone()];
    let in_period = bundling.warehouse.books(&of_site, scope.from, scope.to).await?;
    let ever = bundling.warehouse.books(&of_site, 0, moment::END).await?;
    let books = |books: &[avow_warehouse::books::Books]| {
        books.first().map(|books| {
            json!({
                "read": books.read, "stored": books.stored, "repeats": books.repeats, "dead_letters": books.dead_letters,
                "rows": {"events": books.events, "controls": books.controls, "erased": books.erased},
            })
        })
    };
    let upto: BTreeMap<String, u64> =
        (0_u32..).zip(&scope.upto).map(|(partition, upto)| (partition.to_string(), *upto)).collect();
    let covered = (extent.rows > 0).then(
        || json!({"first": moment::written(extent.first_logged_at), "last": moment::written(extent.last_logged_at)}),
    );
    Ok(json!({
        "format": "avow-export/1",
        "generator": concat!("avow ", env!("CARGO_PKG_VERSION")),
        "made_at": moment::written(moment::now()),
        "site": asked.site,
        "period": {"from": moment::written(asked.from), "to": moment::written(asked.to)},
        "covered": covered,
        "ends": reach::described(work.reach.as_ref(), work.waiting),
        "subject": asked.subject,
        "services": asked.services,
        "language": asked.language,
        "log": {"id": bundling.log_id, "upto": upto},
        "books": {"period": books(&in_period), "all": books(&ever)},
    }))
}
