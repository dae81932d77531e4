//! Claim "days": that nothing is left out, by the closes of days in the bundle, of a subject or of a whole site.
//!
//! The closes of a ledger follow one another without gaps, each says how many events its leaves are, and how many of them
//! each subject has. So of a site every leaf of a closed day must be in the bundle, and of a subject as many records as the
//! day's map has, which is proved by `map/<ledger>/<first>-<end>.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use avow_ledger::day_close::DayClose;
use avow_ledger::sum_map::{self, MapProof};
use avow_ledger::{Hash, LeafKind};
use serde::Deserialize;

use super::checkpoints::Trees;
use super::{Claim, Faults, Verdict, counted};
use crate::bundle::{Bundle, BundleError, Manifest};
use crate::disclosure::{DISCLOSURES, Disclosure, uuid};

const NAME: &str = "days";

/// The closes of the bundle, by ledger and first leaf, and the leaves that are opened as control records.
#[derive(Default)]
struct Closes {
    by_place: BTreeMap<(String, u64), Day>,
    controls: BTreeSet<(String, u64)>,
    /// Whether a tombstone is opened of one of the erasures that the manifest says the subject had.
    is_erased: bool,
}

/// The body of a tombstone's control record.
#[derive(Deserialize)]
struct Tombstone {
    erasure: String,
}

/// A close and what the bundle has of its leaves.
struct Day {
    close: DayClose,
    /// Whether it lies in the period of the export; the one before the period only says where that begins.
    is_asked: bool,
    events: u64,
    /// Events whose subject is not shown.
    veiled: u64,
    subjects: BTreeMap<Hash, u64>,
}

/// Of the days that are closed no record is left out. No claim where no ledger is signed.
pub(super) fn judge<R: Read + Seek>(bundle: &Bundle<R>, trees: &Trees) -> Option<Claim> {
    // That the records cannot be read is a fault of the claim `records`.
    if trees.logs.is_empty() { None } else { days(bundle, trees).ok() }
}

fn days<R: Read + Seek>(bundle: &Bundle<R>, trees: &Trees) -> Result<Claim, BundleError> {
    let manifest = &bundle.manifest;
    if !manifest.services.is_empty() {
        return Ok(open("an export cut to services cannot show that nothing was left out"));
    }
    let mut faults = Faults::default();
    let mut closes = closes(bundle, trees, &mut faults)?;
    contiguous(&closes, &mut faults);
    count(bundle, &mut closes)?;
    let asked: Vec<&Day> = closes.by_place.values().filter(|day| day.is_asked).collect();
    let (Some(first), Some(last)) =
        (asked.iter().map(|day| &day.close.day).min(), asked.iter().map(|day| &day.close.day).max())
    else {
        return Ok(if faults.is_empty() {
            open("no day of this export is closed yet")
        } else {
            faults.claim(NAME, "")
        });
    };
    let (mut records, mut gone) = (0, 0);
    for day in &asked {
        records += match subject(manifest) {
            None => whole(day, &closes.controls, &mut faults),
            Some(subject) => {
                let (here, missing) = of_subject(bundle, day, subject, &closes, &mut faults);
                gone += missing;
                here
            }
        };
    }
    if gone > 0 && faults.is_empty() {
        let text = "records of the subject are missing on closed days; the bundle has a tombstone for them: that they were \
                    erased, the operator alone says";
        return Ok(open(&format!("{gone} {text}")));
    }
    let (of, all) = match (&manifest.subject, records) {
        (None, _) => (String::new(), "everything there was"),
        (Some(subject), 0) => (format!(" of {subject}"), "and it is shown that there is none"),
        (Some(subject), _) => (format!(" of {subject}"), "all there are"),
    };
    let text = format!(
        "{} from {first} to {last}: {}{of}, {all}; later days are not closed",
        counted(asked.iter().map(|day| &day.close.day).collect::<BTreeSet<_>>().len(), "closed day"),
        counted(records, "record")
    );
    Ok(faults.claim(NAME, text))
}

fn open(text: &str) -> Claim {
    Claim { name: NAME, verdict: Verdict::Open, text: text.to_owned() }
}

/// The subject whose export this is: the text that stands in her records, and its 16 bytes.
fn subject(manifest: &Manifest) -> Option<(&str, Option<[u8; 16]>)> {
    let text = manifest.subject.as_deref()?;
    Some((text, uuid(text)))
}

/// Reads the closes. One counts if its leaf and the leaves that it closes lie under checkpoints of this bundle; that it is
/// what the leaf says is the claim `records`.
fn closes<R: Read + Seek>(bundle: &Bundle<R>, trees: &Trees, faults: &mut Faults) -> Result<Closes, BundleError> {
    let mut closes = Closes::default();
    let size = |ledger: &str| trees.logs.get(ledger).map_or(0, |tree| tree.checkpoint.size);
    bundle.each_line(DISCLOSURES, |number, line| {
        let Ok(record) = serde_json::from_slice::<Disclosure<'_>>(line) else { return };
        if record.kind == LeafKind::Event as u8 || record.leaf >= size(&record.ledger) {
            return;
        }
        closes.controls.insert((record.ledger.clone(), record.leaf));
        if record.kind == LeafKind::Tombstone as u8 {
            let tombstone = record.body().and_then(|body| serde_json::from_str::<Tombstone>(body).ok());
            closes.is_erased |= tombstone.is_some_and(|one| bundle.manifest.erasures.contains(&one.erasure));
        }
        let Some(body) = record.body().filter(|_| record.kind == LeafKind::DayClose as u8) else { return };
        match DayClose::parse(body.as_bytes()) {
            Ok(close) if close.site != bundle.manifest.site => {
                faults.add(format!("line {number}: the close of a day of {}", close.site));
            }
            Ok(close) if close.end <= size(&close.ledger) => {
                let is_asked = is_asked(&bundle.manifest, &close.day);
                let place = (close.ledger.clone(), close.first);
                let day = Day { close, is_asked, events: 0, veiled: 0, subjects: BTreeMap::new() };
                if closes.by_place.insert(place, day).is_some() {
                    faults.add(format!("line {number}: another close of the same day"));
                }
            }
            // Of leaves that no checkpoint of the bundle covers: it shows nothing.
            Ok(_) => {}
            Err(error) => faults.add(format!("line {number}: no close of a day: {error}")),
        }
    })?;
    Ok(closes)
}

/// Whether the whole day lies in the export's period.
fn is_asked(manifest: &Manifest, day: &str) -> bool {
    let Some(period) = &manifest.period else { return false };
    let begins = period.from.as_str() <= format!("{day}T00:00:00.000Z").as_str();
    begins && period.to.get(..10).is_some_and(|date| date > day)
}

/// Each close of a ledger begins where the one before ended.
fn contiguous(closes: &Closes, faults: &mut Faults) {
    let days: Vec<&DayClose> = closes.by_place.values().map(|day| &day.close).collect();
    for pair in days.windows(2).filter(|pair| pair[0].ledger == pair[1].ledger) {
        if pair[0].end != pair[1].first {
            faults.add(format!(
                "between the closes of {} and {} the leaves {} to {} are not closed",
                pair[0].day, pair[1].day, pair[0].end, pair[1].first
            ));
        }
    }
}

/// Counts the opened events by close. That none is there twice is the claim `records`.
fn count<R: Read + Seek>(bundle: &Bundle<R>, closes: &mut Closes) -> Result<(), BundleError> {
    let site = bundle.manifest.site.clone();
    let wanted = subject(&bundle.manifest).map(|(_, bytes)| bytes);
    bundle.each_line(DISCLOSURES, |_, line| {
        let Ok(record) = serde_json::from_slice::<Disclosure<'_>>(line) else { return };
        if record.kind != LeafKind::Event as u8 {
            return;
        }
        let place = (record.ledger.clone(), record.leaf);
        let day = closes.by_place.range_mut(..=place).next_back().map(|(_, day)| day);
        let Some(day) = day.filter(|day| day.close.ledger == record.ledger && record.leaf < day.close.end) else {
            return;
        };
        day.events += 1;
        match record.subject() {
            None => day.veiled += 1,
            // An export of one subject needs her own number alone.
            Some(subject) if wanted.is_none_or(|wanted| wanted == subject) => {
                *day.subjects.entry(sum_map::subject_tag(&site, subject)).or_default() += 1;
            }
            Some(_) => {}
        }
    })
}

/// Every leaf of the day is there, and the map is that of the events.
fn whole(day: &Day, controls: &BTreeSet<(String, u64)>, faults: &mut Faults) -> u64 {
    let close = &day.close;
    if day.events != close.total {
        faults.add(format!("of the {} events of {} {} are here", close.total, close.day, day.events));
    }
    let missing = missing_controls(close, controls);
    if missing > 0 {
        faults.add(format!("{missing} control records of {} are not here", close.day));
    }
    let map = sum_map::root_of(day.subjects.iter().map(|(tag, count)| (*tag, *count)));
    if day.veiled == 0 && day.events == close.total && map != Ok((close.root, close.total)) {
        faults.add(format!("the events of {} are those of other subjects than its close says", close.day));
    }
    day.events
}

/// The subject's records of the day are as many as its map has: how many are here, and how many were erased.
fn of_subject<R: Read + Seek>(
    bundle: &Bundle<R>,
    day: &Day,
    (text, bytes): (&str, Option<[u8; 16]>),
    closes: &Closes,
    faults: &mut Faults,
) -> (u64, u64) {
    let close = &day.close;
    let tag = sum_map::subject_tag(&close.site, bytes);
    let here = day.subjects.get(&tag).copied().unwrap_or(0);
    let file = format!("map/{}/{}-{}.json", close.ledger, close.first, close.end);
    let proof = bundle.read(&file).map_err(|error| format!("{file}: {error}"));
    let proof = proof.and_then(|bytes| {
        let proof: MapProof = serde_json::from_slice(&bytes).map_err(|error| format!("{file}: {error}"))?;
        sum_map::verify(&proof, &tag, &close.root, close.total, close.pairs).map_err(|error| format!("{file}: {error}"))
    });
    let mut gone = 0;
    match proof {
        Err(fault) => faults.add(fault),
        Ok(there) if closes.is_erased && there > here => gone = there - here,
        Ok(there) if there != here => {
            let records = counted(there, "record");
            faults.add(format!("{} has {records} of {text}, of which {here} are here", close.day));
        }
        Ok(_) => {}
    }
    let missing = missing_controls(close, &closes.controls);
    if missing > 0 {
        faults.add(format!("{missing} control records of {} are not here: they might be events", close.day));
    }
    (here, gone)
}

/// Leaves that the close calls control records, and that are not opened as such.
fn missing_controls(close: &DayClose, controls: &BTreeSet<(String, u64)>) -> usize {
    close.controls.iter().filter(|leaf| !controls.contains(&(close.ledger.clone(), **leaf))).count()
}
