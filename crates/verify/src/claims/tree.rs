//! Claim "tree".

use std::io::{Read, Seek};

use avow_ledger::merkle;
use avow_ledger::proof::{self, Nodes as _};
use avow_ledger::tile::{self, TileKind, TileNodes, TilePath};

use super::checkpoints::Trees;
use super::{Claim, Faults};
use crate::bundle::Bundle;

/// Every tile is part of the tree that its log's checkpoint signs.
pub(super) fn judge<R: Read + Seek>(bundle: &Bundle<R>, trees: &Trees) -> Claim {
    let mut faults = Faults::default();
    let mut count = 0;
    for (name, tree) in &trees.logs {
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
