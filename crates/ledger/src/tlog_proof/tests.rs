//! Proofs that stand alone: made, written, read, verified, and every other form refused.

use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::merkle::{leaf_hash, root};
use crate::proof::{Nodes, inclusion};
use crate::{Cosigner, SigningKey};

struct Leaves(Vec<Hash>);

impl Nodes for Leaves {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(root(self.0[(index << level) as usize..((index + 1) << level) as usize].iter().copied()))
    }
}

fn log() -> SigningKey {
    SigningKey::from_seed("example.com/log".parse().unwrap(), [1; 32])
}

fn made(index: u64, size: u64, extra: Option<Vec<u8>>) -> (TlogProof, Hash) {
    let leaves = Leaves((0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect());
    let text = Checkpoint::new("example.com/log", size, root(leaves.0.iter().copied())).text();
    let mut checkpoint = Note::new(&text).unwrap();
    checkpoint.add(log().sign(&text));
    checkpoint.add(witness().cosign(&text, 77).unwrap());
    let Ok(hashes) = inclusion(&leaves, index, size);
    (TlogProof { extra, index, hashes, checkpoint }, leaves.0[index as usize])
}

fn witness() -> Cosigner {
    Cosigner::from_seed("witness.example/w".parse().unwrap(), [2; 32])
}

#[test]
fn it_is_verified_by_keys_and_by_policy() {
    let (proof, leaf) = made(3, 11, None);
    let keys = [log().vkey(), witness().vkey().unwrap()];
    let (checkpoint, signed) = proof.verify(&leaf, &keys).unwrap();
    assert_eq!((checkpoint.size, signed.len(), signed[1].timestamp), (11, 2, Some(77)));
    assert_eq!(proof.verify(&leaf_hash(b"x"), &keys), Err(TlogProofError::Inclusion(ProofError::Root)));
    assert_eq!(proof.verify(&leaf, &[]), Err(TlogProofError::Note(NoteError::Unsigned)));
    // A witness alone, or a log of another name, does not make a log.
    assert_eq!(proof.verify(&leaf, &keys[1..]), Err(TlogProofError::Origin("example.com/log".into())));
    let policy =
        |quorum: &str| Policy::parse(format!("log {}\nwitness w {}\n{quorum}\n", keys[0], keys[1]).as_bytes()).unwrap();
    let policies = [policy("quorum w"), policy("quorum none")];
    assert!(policies.iter().all(|policy| proof.verify_by(&leaf, policy).unwrap().is_valid()));
    let mut alone = proof.clone();
    alone.checkpoint.signatures.pop();
    assert_eq!(alone.verify_by(&leaf, &policies[0]).err(), Some(TlogProofError::Quorum));
    assert!(alone.verify_by(&leaf, &policies[1]).is_ok());
    alone.index = 4;
    assert!(alone.verify_by(&leaf, &policies[1]).is_err());
    alone.checkpoint.signatures.clear();
    assert_eq!(alone.verify_by(&leaf, &policies[1]).err(), Some(TlogProofError::Origin("example.com/log".into())));
}

#[test]
fn every_other_text_is_refused() {
    let text = made(3, 11, Some(b"extra".to_vec())).0.to_string();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra ZXh0cmE=\nindex 3\n"));
    assert!(TlogProof::parse(&text).is_ok());
    let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    for (from, to, error) in [
        ("@v1", "@v2", TlogProofError::Header),
        ("c2sp", " c2sp", TlogProofError::Header),
        ("@v1\n", "@v1\r\n", TlogProofError::Header),
        ("extra ZXh0cmE=", "extra ZXh0cmE", TlogProofError::Extra),
        ("extra ZXh0cmE=", "extra  ZXh0cmE=", TlogProofError::Extra),
        ("extra ZXh0cmE=", "more ZXh0cmE=", TlogProofError::Index),
        ("index 3\n", "", TlogProofError::Index),
        ("index 3", "index 03", TlogProofError::Index),
        ("index 3", "index  3", TlogProofError::Index),
        ("index 3\n", "extra ZXh0cmE=\nindex 3\n", TlogProofError::Index),
        ("index 3\n", "index 3\nAAAA\n", TlogProofError::Hashes),
        ("index 3\n", &format!("index 3\n{}", hash.repeat(64)), TlogProofError::Hashes),
        ("index 3\n", "index 3\n\n", TlogProofError::Checkpoint(CheckpointError::Line)),
        ("\n\nexample", "\nexample", TlogProofError::Hashes),
        ("\u{2014}", "-", TlogProofError::Note(NoteError::Line(1))),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        let read = TlogProof::parse(&changed);
        let found = read.and_then(|proof| proof.verify(&[0; 32], &[log().vkey()]).map(drop));
        assert_eq!(found, Err(error), "{changed}");
    }
    assert_eq!(TlogProof::parse("c2sp.org/tlog-proof@v1"), Err(TlogProofError::Header));
    assert_eq!(TlogProof::parse("c2sp.org/tlog-proof@v1\nindex 1"), Err(TlogProofError::NoCheckpoint));
    assert_eq!(TlogProof::parse("c2sp.org/tlog-proof@v1\nindex 1\n"), Err(TlogProofError::NoCheckpoint));
    assert_eq!(
        TlogProof::parse("c2sp.org/tlog-proof@v1\nindex 1\n\n"),
        Err(TlogProofError::Note(NoteError::NoSignatures))
    );
}

proptest! {
    #[test]
    fn a_proof_is_read_as_it_was_written_and_holds(
        (size, index) in (1..80_u64).prop_flat_map(|n| (Just(n), 0..n)), extra: Option<Vec<u8>>,
        at: prop::sample::Index, bit in 0..8_u8,
    ) {
        let (proof, leaf) = made(index, size, extra.clone());
        let text = proof.to_string();
        let read = TlogProof::parse(&text);
        prop_assert_eq!(read.as_ref(), Ok(&proof));
        let keys = [log().vkey()];
        prop_assert!(proof.verify(&leaf, &keys).is_ok());
        // Any changed bit fails, or is of the extra data or the unknown witness's signature.
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let changed = String::from_utf8(bytes).ok().and_then(|text| TlogProof::parse(&text).ok());
        if let Some(changed) = changed && changed.verify(&leaf, &keys).is_ok() {
            prop_assert_eq!((changed.index, &changed.hashes), (index, &proof.hashes));
            prop_assert_eq!(&changed.checkpoint.text, &proof.checkpoint.text);
            prop_assert_eq!(&changed.checkpoint.signatures[0], &proof.checkpoint.signatures[0]);
        }
    }
}
