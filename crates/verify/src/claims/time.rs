//! The claim `time`: that records were there not later than a moment that a time stamping authority names (RFC 3161). What was
//! stamped is a checkpoint of the operator log; each log's way from there to the bundle's own checkpoint is proved beside it.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use avow_ledger::checkpoint::Checkpoint;
use avow_ledger::note::Note;
use avow_ledger::tlog_proof::TlogProof;
use avow_ledger::witness::AddCheckpoint;
use avow_ledger::{KeyChange, merkle, proof};
use avow_stamp::{Certificate, StampError, Stamped};

use super::checkpoints::{signed, signed_by};
use super::{Claim, Faults, Verdict, counted, keys};
use crate::bundle::{Bundle, BundleError, Log};
use crate::disclosure::{DISCLOSURES, Disclosure};

const NAME: &str = "time";

/// A stamped checkpoint of the operator log.
struct Stamp {
    folder: String,
    note: Note,
    checkpoint: Checkpoint,
}

/// Judges the stamps of a bundle. `trusted`: certificates of the authorities that the reader trusts; with them a bundle
/// without a stamp fails, without them whose stamp it is stays open. `None` where there is no stamp and none is demanded.
///
/// # Errors
/// Where the bundle cannot be read.
pub fn time<R: Read + Seek>(bundle: &Bundle<R>, trusted: Option<&[Certificate]>) -> Result<Option<Claim>, BundleError> {
    let folders = bundle.names().filter_map(|name| name.strip_suffix(".tsr").filter(|name| name.starts_with("time/")));
    let folders: Vec<String> = folders.map(str::to_owned).collect();
    let mut faults = Faults::default();
    if folders.is_empty() {
        faults.add("there is no time stamp in this bundle");
        return Ok(trusted.map(|_| faults.claim(NAME, "")));
    }
    let Some(operator) = &bundle.manifest.operator else {
        faults.add("the bundle names no operator log, which is what is stamped");
        return Ok(Some(faults.claim(NAME, "")));
    };
    let (_, changes) = keys::judge(bundle);
    let mut covered: BTreeMap<&str, u64> = BTreeMap::new();
    let mut latest: Option<Stamped> = None;
    for folder in folders {
        match stamp(bundle, (operator, &changes), folder, trusted.unwrap_or_default()) {
            Ok((stamp, Ok(stamped))) => {
                cover(bundle, (operator, &changes), &stamp, &mut covered, &mut faults);
                latest = Some(latest.filter(|latest| latest.not_later >= stamped.not_later).unwrap_or(stamped));
            }
            Ok((stamp, Err(_))) if trusted.is_none() => {
                cover(bundle, (operator, &changes), &stamp, &mut covered, &mut faults)
            }
            Ok((stamp, Err(error))) => faults.add(format!("{}.tsr: {error}", stamp.folder)),
            Err(fault) => faults.add(fault),
        }
    }
    let (stamped, newer) = count(bundle, &covered)?;
    let besides = if newer == 0 { String::new() } else { format!("; {newer} not stamped yet") };
    let records = counted(stamped, "record");
    let said = latest.as_ref().map_or_else(
        || format!("{records}; whether their stamp is an authority's, only its certificate (--tsa-ca) can say"),
        |stamp| format!("{records} not later than {}, by {}", avow_stamp::moment(stamp.not_later), stamp.authority),
    );
    let mut claim = faults.claim(NAME, format!("{said}{besides}"));
    if claim.verdict == Verdict::Holds && (latest.is_none() || stamped == 0) {
        claim.verdict = Verdict::Open;
    }
    Ok(Some(claim))
}

/// A stamp of what the operator log signed; and whether its authority is trusted, where that is all that is missing.
fn stamp<R: Read + Seek>(
    bundle: &Bundle<R>,
    (operator, changes): (&Log, &[KeyChange]),
    folder: String,
    trusted: &[Certificate],
) -> Result<(Stamp, Result<Stamped, StampError>), String> {
    let file = format!("{folder}.checkpoint");
    let note = signed_by(bundle, &keys::ever(operator, operator, changes)?, &file)?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(|error| format!("{file}: {error}"))?;
    if checkpoint.origin != operator.origin || format!("time/{}", checkpoint.size) != folder {
        return Err(format!("{file} is of another log or size than its name says"));
    }
    let response = bundle.read(&format!("{folder}.tsr")).map_err(|error| error.to_string())?;
    let stamped = match avow_stamp::verify(&response, note.text.as_bytes(), trusted) {
        Err(error) if !matches!(error, StampError::Untrusted(_)) => return Err(format!("{folder}.tsr: {error}")),
        stamped => stamped,
    };
    Ok((Stamp { folder, note, checkpoint }, stamped))
}

/// Up to where each log was there when this was stamped.
fn cover<'b, R: Read + Seek>(
    bundle: &'b Bundle<R>,
    operator: (&Log, &[KeyChange]),
    stamp: &Stamp,
    covered: &mut BTreeMap<&'b str, u64>,
    faults: &mut Faults,
) {
    for log in &bundle.manifest.logs {
        let proof = format!("{}/{}.tlog-proof", stamp.folder, log.name);
        if bundle.names().all(|name| name != proof) {
            continue;
        }
        match size_at(bundle, operator, stamp, log) {
            Ok(size) => {
                let most = covered.entry(&log.name).or_default();
                *most = size.max(*most);
            }
            Err(fault) => faults.add(fault),
        }
    }
}

/// The size of a log's checkpoint that the stamped one has as an entry, and from which the bundle's follows.
fn size_at<R: Read + Seek>(
    bundle: &Bundle<R>,
    (operator, changes): (&Log, &[KeyChange]),
    stamp: &Stamp,
    log: &Log,
) -> Result<u64, String> {
    let file = |kind: &str| format!("{}/{}.{kind}", stamp.folder, log.name);
    let at = |kind: &str, error: &dyn std::fmt::Display| format!("{}: {error}", file(kind));
    let text = |kind: &str| {
        let bytes = bundle.read(&file(kind)).map_err(|error| at(kind, &error))?;
        String::from_utf8(bytes).map_err(|_| at(kind, &"it is no text"))
    };
    let earlier = signed_by(bundle, &keys::ever(log, operator, changes)?, &file("checkpoint"))?;
    let from = Checkpoint::parse(&earlier.text).map_err(|error| at("checkpoint", &error))?;
    let entry = TlogProof::parse(&text("tlog-proof")?).map_err(|error| at("tlog-proof", &error))?;
    if entry.checkpoint != stamp.note || from.origin != log.origin {
        return Err(at("tlog-proof", &"it is for another checkpoint or another log"));
    }
    let leaf = merkle::leaf_hash(earlier.text.as_bytes());
    let (size, root) = (stamp.checkpoint.size, &stamp.checkpoint.root);
    proof::verify_inclusion(&leaf, entry.index, &entry.hashes, size, root).map_err(|error| at("tlog-proof", &error))?;
    let step = AddCheckpoint::parse(text("consistency")?.as_bytes()).map_err(|error| at("consistency", &error))?;
    let own = signed(bundle, log, &format!("logs/{}/checkpoint", log.name))?;
    let to = Checkpoint::parse(&own.text).map_err(|error| error.to_string())?;
    if step.old != from.size || step.note != own {
        return Err(at("consistency", &"it is for other checkpoints"));
    }
    proof::verify_consistency(from.size, &from.root, &step.proof, to.size, &to.root)
        .map_err(|error| at("consistency", &error))?;
    Ok(from.size)
}

/// How many of the bundle's records are covered, and how many are not.
fn count<R: Read + Seek>(bundle: &Bundle<R>, covered: &BTreeMap<&str, u64>) -> Result<(u64, u64), BundleError> {
    let (mut stamped, mut newer) = (0, 0);
    bundle.each_line(DISCLOSURES, |_, line| {
        // What is no record, the claim `records` says.
        let Ok(record) = serde_json::from_slice::<Disclosure<'_>>(line) else { return };
        let is_covered = covered.get(record.ledger.as_str()).is_some_and(|size| record.leaf < *size);
        if is_covered { stamped += 1 } else { newer += 1 }
    })?;
    Ok((stamped, newer))
}
