//! The body of `add-checkpoint` as C2SP tlog-witness gives it, and every way to be refused.

use proptest::prelude::*;

use super::*;
use crate::proof::{self, Nodes};
use crate::{Cosigner, SigningKey};

/// The example of the specification.
const EXAMPLE: &str = "old 20852014\n\
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
    jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
    5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
    /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\
    \n\
    example.com/behind-the-sofa\n\
    20852163\n\
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
    \n\
    \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
    \u{2014} example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";

/// A tree of leaves that are their numbers.
struct Tree(u64);

impl Nodes for Tree {
    type Error = std::convert::Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let leaves = (index << level)..((index + 1) << level);
        Ok(merkle::root(leaves.map(|leaf| merkle::leaf_hash(&(leaf ^ self.0).to_be_bytes()))))
    }
}

fn log() -> SigningKey {
    SigningKey::from_seed("example.com/log".parse().unwrap(), [1; 32])
}

/// A signed request from `old` to `size` leaves of the tree `tree`.
fn request(tree: u64, old: u64, size: u64) -> AddCheckpoint {
    let Ok(root) = proof::root_of(&Tree(tree), size);
    let Ok(proof) = proof::consistency(&Tree(tree), old, size);
    let text = Checkpoint::new("example.com/log", size, root).text();
    let mut note = Note::new(&text).unwrap();
    note.add(log().sign(&text));
    AddCheckpoint { old, proof, note }
}

fn seen(tree: u64, size: u64) -> Seen {
    let Ok(root) = proof::root_of(&Tree(tree), size);
    Seen { size, root }
}

#[test]
fn the_example_of_the_specification() {
    let body = AddCheckpoint::parse(EXAMPLE.as_bytes()).unwrap();
    assert_eq!((body.old, body.proof.len(), body.note.signatures.len()), (20_852_014, 4, 2));
    assert_eq!(body.checkpoint().unwrap().size, 20_852_163);
    assert_eq!(body.to_string(), EXAMPLE);
}

#[test]
fn every_other_body_is_refused() {
    let hash = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
    let note = &EXAMPLE[EXAMPLE.find("example.com").unwrap()..];
    let refused = |body: &str| AddCheckpoint::parse(body.as_bytes()).unwrap_err();
    for first in
        ["", "\n", "old\n", "old \n", "old 01\n", "old +1\n", "old -1\n", "old 1 \n", "Old 1\n", "1\n", " old 1\n"]
    {
        assert_eq!(refused(&format!("{first}\n{note}")), BodyError::Old, "{first:?}");
    }
    assert_eq!(refused("old 18446744073709551616\n\n"), BodyError::Old);
    for proof in ["x\n\n", "AAAA\n\n", &hash.repeat(64), " \n\n", &format!("{}\r\n\n", hash.trim())] {
        assert_eq!(refused(&format!("old 1\n{proof}\n{note}")), BodyError::Proof, "{proof:?}");
    }
    assert!(AddCheckpoint::parse(format!("old 1\n{}\n{note}", hash.repeat(63)).as_bytes()).is_ok());
    assert_eq!(refused(&format!("old 1\n{}", hash.trim())), BodyError::Proof);
    // Without the empty line the checkpoint's origin is taken for a hash.
    assert_eq!(refused(&format!("old 1\n{hash}{note}")), BodyError::Proof);
    assert_eq!(refused("old 1\n\n"), BodyError::Note(NoteError::NoSignatures));
    assert!(matches!(refused("old 1\n\nno checkpoint\n\n\u{2014} a AAAAAAA=\n"), BodyError::Checkpoint(_)));
    assert_eq!(AddCheckpoint::parse(b"old 1\n\xff").unwrap_err(), BodyError::Text);
    assert_eq!(refused(&" ".repeat(MOST_BYTES + 1)), BodyError::Text);
}

#[test]
fn what_follows_is_cosigned_and_nothing_else() {
    let keys = [log().vkey()];
    let judge = |request: &AddCheckpoint, seen: &Seen| request.judge(seen, &keys);
    // From nothing, forward, and the same once more.
    assert_eq!(judge(&request(0, 0, 5), &Seen::default()), Ok(seen(0, 5)));
    assert_eq!(judge(&request(0, 5, 12), &seen(0, 5)), Ok(seen(0, 12)));
    assert_eq!(judge(&request(0, 5, 5), &seen(0, 5)), Ok(seen(0, 5)));
    assert_eq!(judge(&request(0, 0, 0), &Seen::default()), Ok(Seen::default()));
    // Another tree of the same size, and one that forks earlier.
    assert_eq!(judge(&request(1, 5, 5), &seen(0, 5)), Err(Refusal::Inconsistent(ProofError::Root)));
    assert_eq!(judge(&request(1, 5, 12), &seen(0, 5)), Err(Refusal::Inconsistent(ProofError::Root)));
    // Back, and what the log only believes of the witness.
    assert_eq!(judge(&request(0, 0, 3), &seen(0, 5)), Err(Refusal::Conflict(5)));
    assert_eq!(judge(&request(0, 3, 12), &seen(0, 5)), Err(Refusal::Conflict(5)));
    let backwards = AddCheckpoint { old: 5, ..request(0, 0, 3) };
    assert_eq!(judge(&backwards, &seen(0, 5)), Err(Refusal::Old));
    // A proof where there is none to be, none where there is to be one.
    let padded = AddCheckpoint { proof: vec![[0; 32]], ..request(0, 0, 5) };
    assert_eq!(judge(&padded, &Seen::default()), Err(Refusal::Inconsistent(ProofError::Length)));
    let without = AddCheckpoint { proof: Vec::new(), ..request(0, 5, 12) };
    assert_eq!(judge(&without, &seen(0, 5)), Err(Refusal::Inconsistent(ProofError::Length)));
    // A root of nothing that is not that of nothing.
    let text = Checkpoint::new("example.com/log", 0, [7; 32]).text();
    let mut note = Note::new(&text).unwrap();
    note.add(log().sign(&text));
    let empty = AddCheckpoint { old: 0, proof: Vec::new(), note };
    assert_eq!(judge(&empty, &Seen::default()), Err(Refusal::Inconsistent(ProofError::Root)));
    // Who signed comes first.
    let mut wrong = request(1, 0, 5);
    wrong.note.signatures[0].bytes[0] ^= 1;
    assert!(matches!(judge(&wrong, &seen(0, 9)), Err(Refusal::Unsigned(NoteError::Signature(_)))));
    let others = [SigningKey::from_seed("example.com/log".parse().unwrap(), [2; 32]).vkey()];
    assert_eq!(request(0, 0, 5).judge(&Seen::default(), &others), Err(Refusal::Unsigned(NoteError::Unsigned)));
}

#[test]
fn an_answer_counts_by_the_witness_s_own_lines() {
    let text = request(0, 0, 5).note.text;
    let witness = |number: u8| Cosigner::from_seed(format!("witness.example/{number}").parse().unwrap(), [number; 32]);
    let keys = [witness(8).vkey().unwrap()];
    let line = |number: u8, text: &str, time| witness(number).cosign(text, time).unwrap().to_string();
    let (own, other) = (line(8, &text, 1_700_000_000), line(9, &text, 1_700_000_000));
    let taken = cosignatures(&text, &format!("{other}\n{own}\n{own}\n"), &keys).unwrap();
    assert_eq!(taken, [own.parse().unwrap()]);
    assert_eq!(cosignatures(&text, &format!("{other}\n"), &keys), Err(NoteError::Unsigned));
    assert_eq!(cosignatures(&text, &format!("{}\n", line(8, &text, 0)), &keys), Err(NoteError::Timestamp));
    let foreign = line(8, &request(0, 0, 6).note.text, 1_700_000_000);
    assert!(matches!(cosignatures(&text, &format!("{foreign}\n"), &keys), Err(NoteError::Signature(_))));
    for broken in ["", "\n", "nothing", &own, "<html></html>\n", &format!("\n{own}\n"), &format!("a\n\n{own}\n")] {
        assert!(cosignatures(&text, broken, &keys).is_err(), "{broken:?}");
    }
}

proptest! {
    #[test]
    fn any_step_forward_is_cosigned(old in 0_u64..200, more in 0_u64..200) {
        let body = request(0, old, old + more);
        prop_assert_eq!(AddCheckpoint::parse(body.to_string().as_bytes()), Ok(body.clone()));
        prop_assert_eq!(body.judge(&seen(0, old), &[log().vkey()]), Ok(seen(0, old + more)));
    }

    #[test]
    fn any_bytes_are_read_in_one_way_or_none(body in "old [0-9]{0,3}\n([A-Za-z0-9+/]{42}[AEI]=\n){0,2}\n?[a\n]{0,3}") {
        if let Ok(read) = AddCheckpoint::parse(body.as_bytes()) {
            prop_assert_eq!(read.to_string(), body);
        }
    }
}
