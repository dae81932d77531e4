//! The banners as they were shown, and the reports that others wrote, in `artefacts/` and `attachments/` under the SHA-256
//! of their bytes.

use std::collections::BTreeSet;
use std::sync::Arc;

use avow_control::Banner;
use avow_records::report::Attached;
use avow_schemas::banner::{addressed, digest};
use avow_schemas::control::Attachment;
use avow_warehouse::Warehouse;
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;

use super::archive::Part;
use super::proof::file;
use super::work::WorkError;

/// Sends the artefacts of these addresses with everything that was ever kept beside them; what the manifest says of them.
pub async fn send(warehouse: &Warehouse, banners: &[&Banner], parts: &Sender<Part>) -> Result<Vec<Value>, WorkError> {
    let mut sent = BTreeSet::new();
    let mut described = Vec::new();
    for banner in banners {
        let (canonical, _) = addressed(&banner.artefact).map_err(std::io::Error::other)?;
        let name = named(&banner.text_hash, "json");
        if sent.insert(name.clone()) {
            file(parts, name.clone(), canonical.into_bytes()).await?;
        }
        let mut files = vec![name];
        for version in banner.versions() {
            for hash in version.evidence.html_hash.iter().chain(version.evidence.screenshots.values()) {
                let blob = warehouse.blob(digest(hash).unwrap_or_default()).await?;
                // What the warehouse lost, a checker misses: the artefact's leaf names it.
                let Some(blob) = blob else { continue };
                let name = named(hash, extension(&blob.media_type));
                if sent.insert(name.clone()) {
                    file(parts, name.clone(), blob.bytes).await?;
                }
                if !files.contains(&name) {
                    files.push(name);
                }
            }
        }
        described.push(json!({"text_hash": banner.text_hash, "files": files}));
    }
    Ok(described)
}

/// What the manifest says of artefacts that are left out: they list every service, and cut, they would not be what their
/// hash is of.
pub fn withheld(banners: &[&Banner]) -> Vec<Value> {
    banners.iter().map(|banner| json!({"text_hash": banner.text_hash, "withheld": true})).collect()
}

/// Sends the documents of third parties; what manifest and report say of them. In a cut export they are left out, and named
/// by their hash alone: nobody can tell of which services they speak.
pub async fn attachments(
    warehouse: &Warehouse,
    attachments: &[&Arc<Attachment>],
    is_cut: bool,
    parts: &Sender<Part>,
) -> Result<(Vec<Value>, Vec<Attached>), WorkError> {
    let (mut described, mut attached) = (Vec::new(), Vec::new());
    for one in attachments {
        if is_cut {
            described.push(json!({"hash": one.hash, "withheld": true}));
            continue;
        }
        let blob = warehouse.blob(digest(&one.hash).unwrap_or_default()).await?;
        let blob = blob.ok_or_else(|| WorkError::Lost(one.hash.clone()))?;
        let Attachment { title, issuer, date, .. } = one.as_ref();
        file(parts, one.file(), blob.bytes).await?;
        described.push(json!({
            "hash": one.hash, "file": one.file(), "title": title, "issuer": issuer, "date": date, "media_type": one.media_type,
        }));
        let (title, issuer, date) = (title.clone(), issuer.clone(), date.clone());
        attached.push(Attached { title, issuer, date, file: one.file() });
    }
    Ok((described, attached))
}

fn named(hash: &str, extension: &str) -> String {
    format!("artefacts/{}.{extension}", hash.trim_start_matches("sha256:"))
}

fn extension(media_type: &str) -> &'static str {
    match media_type {
        "text/html" => "html",
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/webp" => "webp",
        _ => "bin",
    }
}
