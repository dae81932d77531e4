//! The claims of a bundle, each judged and said in one line.

#[cfg(feature = "time")]
mod time;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use avow_ledger::checkpoint::Checkpoint;
use avow_ledger::key::VerifierKey;
use avow_ledger::note::Note;
use avow_ledger::policy::Policy;
use avow_ledger::proof::{self, Nodes as _};
use avow_ledger::tile::{self, TileKind, TileNodes, TilePath};
use avow_ledger::tlog_proof::TlogProof;
use avow_ledger::{Hash, hex, merkle};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::bundle::{Bundle, BundleError, Log, MANIFEST, MANIFEST_NOTE};
use crate::disclosure::{Disclosure, Opened};

#[cfg(feature = "time")]
pub use self::time::time;

const DISCLOSURES: &str = "disclosures.jsonl";
/// Faults of one claim that are named; more are only counted.
const MOST_NAMED: usize = 3;

/// How a claim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Holds,
    Fails,
    /// It cannot be judged from the bundle alone; that is no failure.
    Open,
}

/// A claim with what there is to say of it, in words for anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    pub name: &'static str,
    pub verdict: Verdict,
    pub text: String,
}

/// What is found wrong with one claim.
#[derive(Default)]
struct Faults {
    named: Vec<String>,
    more: usize,
}

impl Faults {
    fn add(&mut self, fault: impl Into<String>) {
        if self.named.len() < MOST_NAMED { self.named.push(fault.into()) } else { self.more += 1 }
    }

    fn claim(self, name: &'static str, holds: impl Into<String>) -> Claim {
        if self.named.is_empty() {
            return Claim { name, verdict: Verdict::Holds, text: holds.into() };
        }
        let more = if self.more == 0 { String::new() } else { format!("; and {} more", self.more) };
        Claim { name, verdict: Verdict::Fails, text: format!("{}{more}", self.named.join("; ")) }
    }
}

/// A log of the bundle whose checkpoint could be read.
struct Tree {
    checkpoint: Checkpoint,
    note: Note,
}

/// Judges every claim of a bundle. A claim of which the bundle says nothing is none.
///
/// # Errors
/// Where the bundle cannot be read at all.
pub fn verify<R: Read + Seek>(bundle: &Bundle<R>, policy: Option<&Policy>) -> Result<Vec<Claim>, BundleError> {
    let mut claims = vec![files(bundle)?];
    let operator = bundle.manifest.operator.as_ref();
    if let Some(operator) = operator {
        claims.push(manifest(bundle, operator));
    }
    let mut faults = Faults::default();
    let mut trees = BTreeMap::new();
    for log in &bundle.manifest.logs {
        match tree(bundle, log, &format!("logs/{}/checkpoint", log.name)) {
            Ok(tree) => {
                trees.insert(log.name.clone(), tree);
            }
            Err(fault) => faults.add(fault),
        }
    }
    let operator_tree = match operator.map(|log| tree(bundle, log, "operator/checkpoint")) {
        Some(Err(fault)) => {
            faults.add(fault);
            None
        }
        Some(Ok(tree)) => Some(tree),
        None => None,
    };
    claims.push(
        faults.claim("checkpoints", format!("{} logs, each signed by the key that the bundle names", trees.len())),
    );
    claims.push(tiles(bundle, &trees));
    claims.push(records(bundle, &trees)?);
    if let Some(operator) = &operator_tree {
        claims.push(anchored(bundle, &trees, operator));
    }
    claims.push(trust(operator.zip(operator_tree.as_ref()), policy));
    Ok(claims)
}

/// The bundle's files are those of its manifest, byte for byte.
fn files<R: Read + Seek>(bundle: &Bundle<R>) -> Result<Claim, BundleError> {
    let mut faults = Faults::default();
    let listed = bundle.listed();
    for name in bundle.names().filter(|name| ![MANIFEST, MANIFEST_NOTE].contains(name)) {
        if !listed.contains_key(name) {
            faults.add(format!("{name} is not in the manifest"));
        }
    }
    for (name, file) in &listed {
        match bundle.fingerprint(name) {
            Ok((size, sha256)) if size == file.size && sha256 == file.sha256 => {}
            Ok(_) => faults.add(format!("{name} is not the file that was exported")),
            Err(BundleError::Missing(_)) => faults.add(format!("{name} is missing")),
            Err(error) => faults.add(format!("{name} cannot be read: {error}")),
        }
    }
    Ok(faults.claim("files", format!("{} files, each as the manifest has it", listed.len())))
}

/// The manifest is signed with the operator log's key.
fn manifest<R: Read + Seek>(bundle: &Bundle<R>, operator: &Log) -> Claim {
    let mut faults = Faults::default();
    let expected = format!("avow bundle\n{}\n", hex::encode(&Sha256::digest(&bundle.manifest_bytes).into()));
    match signed(bundle, operator, MANIFEST_NOTE) {
        Ok(note) if note.text == expected => {}
        Ok(_) => faults.add(format!("{MANIFEST_NOTE} signs another manifest")),
        Err(fault) => faults.add(fault),
    }
    faults.claim("manifest", format!("signed by {}", operator.origin))
}

/// A note that the log's key has signed.
fn signed<R: Read + Seek>(bundle: &Bundle<R>, log: &Log, file: &str) -> Result<Note, String> {
    let key: VerifierKey = log.public_key.parse().map_err(|_| format!("the key of {} is none", log.origin))?;
    let bytes = bundle.read(file).map_err(|error| format!("{file}: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{file} is no text"))?;
    let note = Note::parse(&text).map_err(|error| format!("{file}: {error}"))?;
    note.verify(std::slice::from_ref(&key)).map_err(|error| format!("{file}: {error}"))?;
    Ok(note)
}

fn tree<R: Read + Seek>(bundle: &Bundle<R>, log: &Log, file: &str) -> Result<Tree, String> {
    let note = signed(bundle, log, file)?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(|error| format!("{file}: {error}"))?;
    if checkpoint.origin != log.origin || checkpoint.size != log.size {
        return Err(format!("{file} is of another log or size than the manifest says"));
    }
    Ok(Tree { checkpoint, note })
}

/// Every tile is part of the tree that its log's checkpoint signs.
fn tiles<R: Read + Seek>(bundle: &Bundle<R>, trees: &BTreeMap<String, Tree>) -> Claim {
    let mut faults = Faults::default();
    let mut count = 0;
    for (name, tree) in trees {
        let size = tree.checkpoint.size;
        let nodes = TileNodes::new(size, |path: &TilePath| bundle.read(&format!("logs/{name}/{path}")));
        match proof::root_of(&nodes, size) {
            Ok(root) if root == tree.checkpoint.root => {}
            Ok(_) => faults.add(format!("the tiles of {name} lead to another root than its checkpoint has")),
            Err(error) => faults.add(format!("the tiles of {name}: {error}")),
        }
        let prefix = format!("logs/{name}/");
        for path in bundle.names().filter_map(|file| file.strip_prefix(&prefix)?.parse::<TilePath>().ok()) {
            count += 1;
            // A partial tile is on the tree's right edge, where the root was made of it.
            let TilePath { kind: TileKind::Hashes { level }, index, width: tile::HASHES_PER_TILE } = path else {
                continue;
            };
            let above = level.checked_add(1).and_then(|level| level.checked_mul(8));
            let is_top = above.is_none_or(|above| above >= 64 || (size >> above) <= index);
            if is_top {
                continue;
            }
            let hashes =
                bundle.read(&format!("{prefix}{path}")).ok().and_then(|bytes| tile::hashes(&bytes, path.width).ok());
            let root = hashes.map(merkle::root);
            if root.is_none() || root != nodes.node(above.unwrap_or(0), index).ok() {
                faults.add(format!("{prefix}{path} is no part of the tree"));
            }
        }
    }
    faults.claim("tree", format!("{count} tiles lead to the checkpoints' roots"))
}

/// Every record that is opened is the leaf at its place.
fn records<R: Read + Seek>(bundle: &Bundle<R>, trees: &BTreeMap<String, Tree>) -> Result<Claim, BundleError> {
    let mut faults = Faults::default();
    let (mut proven, mut redacted, mut newer) = (0_u64, 0_u64, 0_u64);
    let mut seen: BTreeSet<(String, u64)> = BTreeSet::new();
    let tiles = leaf_tiles(bundle, trees);
    bundle.each_line(DISCLOSURES, |number, line| {
        let record: Disclosure<'_> = match serde_json::from_slice(line) {
            Ok(record) => record,
            Err(error) => return faults.add(format!("line {number} of {DISCLOSURES} is no record: {error}")),
        };
        if bundle.manifest.logs.iter().all(|log| log.name != record.ledger) {
            newer += 1;
            return;
        }
        let Some(tree) = trees.get(&record.ledger) else {
            return faults.add(format!("line {number}: there is no checkpoint of {}", record.ledger));
        };
        if record.leaf >= tree.checkpoint.size {
            newer += 1;
            return;
        }
        if !seen.insert((record.ledger.clone(), record.leaf)) {
            return faults.add(format!("line {number}: leaf {} is there twice", record.leaf));
        }
        let leaf = match record.open() {
            Opened::Leaf(leaf) => leaf,
            Opened::Redacted => {
                redacted += 1;
                return;
            }
            Opened::Broken(why) => return faults.add(format!("line {number}: {why}")),
        };
        let place = (record.ledger.clone(), record.leaf / u64::from(tile::HASHES_PER_TILE));
        let at = usize::try_from(record.leaf % u64::from(tile::HASHES_PER_TILE)).unwrap_or(usize::MAX);
        match tiles.get(&place).and_then(|hashes| hashes.get(at)) {
            Some(hash) if *hash == leaf => proven += 1,
            Some(_) => faults.add(format!("line {number}: the record is not what leaf {} commits to", record.leaf)),
            None => faults.add(format!("line {number}: the tile with leaf {} is not in the bundle", record.leaf)),
        }
    })?;
    let besides = [(redacted, "erased, their leaves are there"), (newer, "not under a checkpoint yet and not proven")];
    let besides: String = besides.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("; {n} {what}")).collect();
    let mut claim = faults.claim("records", format!("{proven} records, each what its leaf commits to{besides}"));
    if claim.verdict == Verdict::Holds && proven == 0 && newer > 0 {
        claim.verdict = Verdict::Open;
    }
    Ok(claim)
}

/// The leaf hashes that the bundle has, 256 at a time, by log and tile.
fn leaf_tiles<R: Read + Seek>(
    bundle: &Bundle<R>,
    trees: &BTreeMap<String, Tree>,
) -> BTreeMap<(String, u64), Vec<Hash>> {
    let mut tiles = BTreeMap::new();
    for (name, tree) in trees {
        let prefix = format!("logs/{name}/");
        for path in bundle.names().filter_map(|file| file.strip_prefix(&prefix)?.parse::<TilePath>().ok()) {
            let of_tree =
                TilePath::of_node(0, path.index.saturating_mul(u64::from(tile::HASHES_PER_TILE)), tree.checkpoint.size);
            if path.kind != (TileKind::Hashes { level: 0 }) || of_tree != Some(path) {
                continue;
            }
            let bytes = bundle.read(&format!("{prefix}{path}")).ok();
            if let Some(hashes) = bytes.and_then(|bytes| tile::hashes(&bytes, path.width).ok()) {
                tiles.insert((name.clone(), path.index), hashes);
            }
        }
    }
    tiles
}

/// Every log's checkpoint is an entry of the operator log.
fn anchored<R: Read + Seek>(bundle: &Bundle<R>, trees: &BTreeMap<String, Tree>, operator: &Tree) -> Claim {
    let mut faults = Faults::default();
    for (name, tree) in trees {
        let file = format!("proofs/{name}.tlog-proof");
        let text = bundle.read(&file).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(text) = text else {
            faults.add(format!("{file} is missing"));
            continue;
        };
        let leaf = merkle::leaf_hash(tree.note.text.as_bytes());
        let verified = TlogProof::parse(&text).map_err(|error| error.to_string()).and_then(|proof| {
            if proof.checkpoint.to_string() != operator.note.to_string() {
                return Err("it is for another checkpoint of the operator log".to_owned());
            }
            let (size, root) = (operator.checkpoint.size, &operator.checkpoint.root);
            proof::verify_inclusion(&leaf, proof.index, &proof.hashes, size, root).map_err(|error| error.to_string())
        });
        if let Err(error) = verified {
            faults.add(format!("{file}: {error}"));
        }
    }
    faults.claim("operator log", format!("it holds the checkpoints of {} logs", trees.len()))
}

/// Whether the operator log's key, with which the manifest is signed too, is one that the reader trusts, and its witnesses
/// have cosigned. With a policy, a bundle in which nothing is signed fails.
fn trust(operator: Option<(&Log, &Tree)>, policy: Option<&Policy>) -> Claim {
    let name = "signer";
    let mut faults = Faults::default();
    let (Some((log, tree)), Some(policy)) = (operator, policy) else {
        let text = operator.map_or_else(
            || "nothing in this bundle is signed".to_owned(),
            |(log, _)| {
                format!(
                    "{} signed this; whether that key is the operator's, only a policy (--policy) can say",
                    log.origin
                )
            },
        );
        if policy.is_some() {
            faults.add(text);
            return faults.claim(name, "");
        }
        return Claim { name, verdict: Verdict::Open, text };
    };
    if policy.logs().iter().all(|trusted| trusted.key.to_string() != log.public_key) {
        faults.add(format!("the key of {} is not one of the policy's", log.origin));
    }
    match policy.evaluate(&tree.note) {
        Ok(evaluation) if evaluation.is_valid() => {}
        Ok(evaluation) if evaluation.logs.is_empty() => faults.add("no key of the policy has signed"),
        Ok(_) => faults.add("too few of the policy's witnesses have cosigned"),
        Err(error) => faults.add(error.to_string()),
    }
    faults.claim(name, format!("{} is a log of the policy", log.origin))
}
