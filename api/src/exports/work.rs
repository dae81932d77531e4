//! Doing one job: how far the warehouse stands, the rows up to there, the books beside them.

use std::collections::BTreeMap;

use avow_warehouse::WarehouseError;
use avow_warehouse::export::{ExportExtent, ExportScope};
use serde_json::{Value, json};

use super::archive::{ArchiveError, Part, Written, write};
use super::job::Job;
use super::{Exports, proof};
use crate::moment;

/// How many lots of lines may wait for the disk.
const AHEAD: usize = 8;

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
    #[error("the writer of the bundle stopped")]
    WriterStopped,
}

/// Writes the job's bundle.
///
/// # Errors
/// What the warehouse or the disk says; a bundle is there whole or not at all.
pub async fn run(exports: &Exports, job: &Job) -> Result<Written, WorkError> {
    let warehouse = &exports.warehouse;
    let asked = &job.asked;
    let scope = ExportScope {
        site: asked.site.clone(),
        from: asked.from,
        to: asked.to.min(moment::END),
        subject: asked.subject,
        services: asked.services.clone(),
        without: restricted(exports, asked).await?,
        log_id: exports.log_id,
        upto: warehouse.stands(exports.log_id).await?,
    };
    let extent = warehouse.export_extent(&scope).await?;
    let (parts, received) = tokio::sync::mpsc::channel(AHEAD);
    let folder = exports.store.path(job.id);
    let key = exports.control.directory().ledger_key().cloned();
    let sign = key.as_ref().and_then(|key| exports.signature(key));
    let writer = tokio::task::spawn_blocking(move || write(&folder, received, sign));

    let ending = async {
        send_lines(exports, job, &scope, &extent, &parts).await?;
        let logs = match &key {
            Some(key) => proof::send(warehouse, key, &scope, &parts).await?,
            None => None,
        };
        let mut manifest = manifest(exports, job, &scope, &extent).await?;
        if let Some(logs) = logs {
            manifest["logs"] = logs.logs;
            manifest["operator"] = logs.operator;
        }
        Ok(manifest)
    };
    let ending: Result<Value, WorkError> = ending.await;
    match ending {
        Ok(manifest) => {
            let _ = parts.send(Part::End(manifest)).await;
            drop(parts);
            Ok(writer.await.map_err(|_| WorkError::WriterStopped)??)
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

/// The restricted subjects that an export leaves out: all but the one whom it is for.
async fn restricted(exports: &Exports, asked: &super::job::Asked) -> Result<Vec<uuid::Uuid>, WarehouseError> {
    let (directory, now) = (exports.control.directory(), moment::now());
    let mut by_salt: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mark in directory.restrictions(&asked.site).filter(|mark| asked.subject.is_none() && mark.is_in_force(now)) {
        by_salt.entry(mark.subject.salt.clone()).or_default().push(mark.subject.digest.clone());
    }
    let mut subjects = Vec::new();
    for (salt, digests) in by_salt {
        let found = exports.warehouse.subjects_behind(&asked.site, &salt, &digests).await?;
        subjects.extend(found.into_iter().map(|(subject, _)| subject));
    }
    Ok(subjects)
}

async fn send_lines(
    exports: &Exports,
    job: &Job,
    scope: &ExportScope,
    extent: &ExportExtent,
    parts: &tokio::sync::mpsc::Sender<Part>,
) -> Result<(), WorkError> {
    let mut lines = exports.warehouse.export_lines(scope)?;
    let mut sent = 0;
    while let Some(lot) = lines.next().await? {
        sent += lot.len() as u64;
        parts.send(Part::Lines(lot)).await.map_err(|_| WorkError::WriterStopped)?;
        #[expect(clippy::cast_precision_loss, reason = "a share of a whole, for a bar")]
        exports.store.progress(job.id, (sent as f64 / extent.rows.max(1) as f64).min(0.99));
    }
    if sent == extent.rows { Ok(()) } else { Err(WorkError::Incomplete { expected: extent.rows, sent }) }
}

/// The manifest without the files, which the writer knows.
async fn manifest(
    exports: &Exports,
    job: &Job,
    scope: &ExportScope,
    extent: &ExportExtent,
) -> Result<Value, WorkError> {
    let asked = &job.asked;
    let of_site = [asked.site.clone()];
    let in_period = exports.warehouse.books(&of_site, scope.from, scope.to).await?;
    let ever = exports.warehouse.books(&of_site, 0, moment::END).await?;
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
        "subject": asked.subject,
        "services": asked.services,
        "language": asked.language,
        "log": {"id": exports.log_id, "upto": upto},
        "books": {"period": books(&in_period), "all": books(&ever)},
    }))
}
