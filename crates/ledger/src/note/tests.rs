//! Notes and keys: the vectors of C2SP signed-note and of Go's package, the refused forms, and every changed bit.

use proptest::prelude::*;

use super::*;
use crate::key::{COSIGNATURE_V1, ED25519, ML_DSA_44, PublicKey, SigningKey};
use crate::{Checkpoint, Cosigner};

/// The example of C2SP signed-note.
const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n— example.com/foo \
    Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name.parse().unwrap(), [seed; 32])
}

fn signed(text: &str, keys: &[&SigningKey]) -> Note {
    let mut note = Note::new(text).unwrap();
    keys.iter().for_each(|key| note.add(key.sign(text)));
    note
}

#[test]
fn the_example_of_the_specification() {
    let vkey: VerifierKey = KEY.parse().unwrap();
    assert_eq!((vkey.name().as_str(), vkey.id(), vkey.public().algorithm()), ("example.com/foo", 0x530d_903a, ED25519));
    assert_eq!(vkey.to_string(), KEY);
    let note = Note::parse(NOTE).unwrap();
    assert_eq!(note.text, "This is an example message.\n");
    assert_eq!(note.to_string(), NOTE);
    let keys = [vkey];
    assert_eq!(note.verify(&keys), Ok(vec![Signed { key: &keys[0], timestamp: None }]));
}

/// The example in the documentation of golang.org/x/mod/sumdb/note.
#[test]
fn signing_is_that_of_go() {
    let seed = STANDARD.decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz").unwrap();
    let key = SigningKey::from_seed("PeterNeumann".parse().unwrap(), seed[1..].try_into().unwrap());
    assert_eq!(key.vkey().to_string(), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    assert_eq!(
        signed(text, &[&key]).to_string(),
        format!(
            "{text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
        )
    );
}

#[test]
fn unknown_keys_are_ignored_and_wrong_signatures_are_not() {
    let text = "a\n\nb\n";
    let (one, two, three) = (key("one", 1), key("two", 2), key("three", 3));
    let note = signed(text, &[&one, &two, &one]);
    let note = Note::parse(&note.to_string()).unwrap();
    assert_eq!(note.text, text);
    let keys = [two.vkey(), three.vkey(), one.vkey()];
    let names = |signed: Vec<Signed<'_>>| signed.iter().map(|s| s.key.name().to_string()).collect::<Vec<_>>();
    assert_eq!(note.verify(&keys).map(names).unwrap(), ["one", "two"]);
    assert_eq!(note.verify(&keys[1..2]), Err(NoteError::Unsigned));
    // A key of the same name, or of the same id, is another one.
    assert_eq!(note.verify(&[key("one", 9).vkey(), key("eno", 1).vkey()]), Err(NoteError::Unsigned));
    // The same key twice is one.
    assert_eq!(note.verify(&[one.vkey(), one.vkey()]).map(names).unwrap(), ["one"]);
    // One wrong signature of a known key spoils the note, wherever it stands.
    let mut wrong = note.clone();
    wrong.signatures[2].bytes[5] ^= 1;
    assert_eq!(wrong.verify(&keys), Err(NoteError::Signature("one".parse().unwrap())));
    assert_eq!(wrong.verify(&keys[..1]).map(names).unwrap(), ["two"]);
    let mut short = note;
    short.signatures[0].bytes.pop();
    assert_eq!(short.verify(&keys), Err(NoteError::Signature("one".parse().unwrap())));
}

#[test]
fn every_other_note_is_refused() {
    let sig = "— a AAAAAAA=";
    for (note, error) in [
        (String::new(), NoteError::NoSignatures),
        ("a\n".into(), NoteError::NoSignatures),
        ("a\n\n".into(), NoteError::NoSignatures),
        (format!("a\n{sig}\n"), NoteError::NoSignatures),
        (format!("a\n\n{sig}"), NoteError::NoSignatures),
        (format!("\n{sig}\n"), NoteError::NoSignatures),
        (format!("a\r\n\n{sig}\n"), NoteError::Text),
        (format!("a\0\n\n{sig}\n"), NoteError::Text),
        (format!("a\tb\n\n{sig}\n"), NoteError::Text),
        ("a\n\nb\n".into(), NoteError::Line(1)),
        (format!("a\n\n{sig}\n{sig} \n"), NoteError::Line(2)),
        ("a\n\n- a AAAAAAA=\n".into(), NoteError::Line(1)),
        ("a\n\n—a AAAAAAA=\n".into(), NoteError::Line(1)),
        ("a\n\n— a AAAAAA==\n".into(), NoteError::Line(1)),
        ("a\n\n— a AAAAAAA\n".into(), NoteError::Line(1)),
        ("a\n\n— a AAAAAAB=\n".into(), NoteError::Line(1)),
        ("a\n\n— a\n".into(), NoteError::Line(1)),
        ("a\n\n—  AAAAAAA=\n".into(), NoteError::Name(1, KeyError::Name)),
        ("a\n\n— a+b AAAAAAA=\n".into(), NoteError::Name(1, KeyError::Name)),
        ("a\n\n— a\u{a0}b AAAAAAA=\n".into(), NoteError::Name(1, KeyError::Name)),
        (format!("a\n\n{}", format!("{sig}\n").repeat(101)), NoteError::TooMany),
    ] {
        assert_eq!(Note::parse(&note), Err(error), "{note:?}");
    }
    assert_eq!(Note::parse(&format!("a\n\n{}", format!("{sig}\n").repeat(100))).unwrap().signatures.len(), 100);
    assert_eq!(Note::parse(&format!("\n\n{sig}\n")).unwrap().text, "\n");
    assert_eq!(Note::new("a"), Err(NoteError::Text));
    assert_eq!(Note::new(""), Err(NoteError::Text));
    assert_eq!(Note::new("a\t\n"), Err(NoteError::Text));
}

#[test]
fn every_other_key_is_refused() {
    let id = |name: &str, algorithm, public: &[u8]| crate::key::key_id(&name.parse().unwrap(), algorithm, public);
    let encode = |algorithm: u8, public: &[u8]| {
        format!("a+{:08x}+{}", id("a", algorithm, public), STANDARD.encode([&[algorithm], public].concat()))
    };
    let public = *key("a", 1).vkey().public().bytes().first_chunk::<32>().unwrap();
    assert_eq!(encode(ED25519, &public).parse(), Ok(key("a", 1).vkey()));
    let mut not_reduced = [0xff; 32];
    not_reduced[0] = 0xee;
    let mut identity = [0; 32];
    identity[0] = 1;
    for (vkey, error) in [
        (String::new(), KeyError::Form),
        ("a".into(), KeyError::Form),
        ("a+530d903a".into(), KeyError::Form),
        (KEY.replacen("example.com/foo", "", 1), KeyError::Name),
        (KEY.replacen("/foo", " foo", 1), KeyError::Name),
        (KEY.replacen("530d903a", "530D903A", 1), KeyError::Form),
        (KEY.replacen("530d903a", "+30d903a", 1), KeyError::Form),
        (KEY.replacen("530d903a", "0530d903a", 1), KeyError::Form),
        (KEY.replacen("530d903a", "530d903b", 1), KeyError::Id),
        (KEY.replacen("foo", "bar", 1), KeyError::Id),
        (KEY.replacen("AekyeR", "BOkyeR", 1), KeyError::Id),
        (format!("{KEY}\n"), KeyError::Form),
        (format!("{KEY}AAA="), KeyError::Public),
        ("a+00000000+".into(), KeyError::Form),
        (encode(ED25519, &public[..31]), KeyError::Public),
        (encode(ED25519, &not_reduced), KeyError::Public),
        (encode(COSIGNATURE_V1, &identity), KeyError::Public),
        (encode(ML_DSA_44, &public), KeyError::Public),
    ] {
        assert_eq!(vkey.parse::<VerifierKey>(), Err(error), "{vkey}");
    }
    for vkey in [encode(ML_DSA_44, &[7; 1312]), encode(COSIGNATURE_V1, &public), "a+00000000+AgEC".into()] {
        assert_eq!(vkey.parse::<VerifierKey>().unwrap().to_string(), vkey);
    }
    let ecdsa: VerifierKey = "a+00000000+AgEC".parse().unwrap();
    assert_eq!(*ecdsa.public(), PublicKey::Unknown { algorithm: 2, public: vec![1, 2] });
    // Nothing that such a key signed counts.
    assert_eq!(Note::parse("x\n\n— a AAAAAAEC\n").unwrap().verify(&[ecdsa]), Err(NoteError::Unsigned));
}

#[test]
fn a_cosignature_gives_its_time() {
    let log = key("example.com/log", 1);
    let witness = Cosigner::from_seed("witness.example/w".parse().unwrap(), [2; 32]);
    let text = Checkpoint::new("example.com/log", 7, [3; 32]).text();
    let mut note = signed(&text, &[&log]);
    note.add(witness.cosign(&text, 1_679_315_147).unwrap());
    let note = Note::parse(&note.to_string()).unwrap();
    let keys = [witness.vkey().unwrap(), log.vkey()];
    let expected = |key, timestamp| Signed { key, timestamp };
    assert_eq!(note.verify(&keys), Ok(vec![expected(&keys[1], None), expected(&keys[0], Some(1_679_315_147))]));
    // What is signed is the message of the specification.
    let message = format!("cosignature/v1\ntime 1679315147\n{text}");
    let PublicKey::CosignatureV1(public) = keys[0].public() else { unreachable!() };
    assert!(crate::key::verify_ed25519(public, message.as_bytes(), &note.signatures[1].bytes[8..]).is_some());
    // Another time, another text, another kind of signature of the same key.
    let wrong = Err(NoteError::Signature("witness.example/w".parse().unwrap()));
    let mut other = note.clone();
    other.signatures[1].bytes[7] ^= 1;
    assert_eq!(other.verify(&keys), wrong);
    let mut other = note.clone();
    other.text = Checkpoint::new("example.com/log", 8, [3; 32]).text();
    assert_eq!(other.verify(&keys[..1]), wrong);
    let mut other = note.clone();
    other.signatures[1].bytes.truncate(7);
    assert_eq!(other.verify(&keys), wrong);
    let mut other = note;
    other.signatures[1].bytes[0] = 0xff;
    assert_eq!(other.verify(&keys), Err(NoteError::Timestamp));
    assert_eq!(witness.cosign(&text, 1 << 63), Err(NoteError::Timestamp));
    assert!(matches!(witness.cosign("a\n", 1), Err(NoteError::Checkpoint(_))));
}

fn any_note() -> impl Strategy<Value = Note> {
    let bytes = prop::collection::vec(any::<u8>(), 1..90);
    let signature = ("[^\\x00-\\x20+\\s]{1,8}", any::<u32>(), bytes).prop_map(|(name, key_id, bytes)| NoteSignature {
        name: name.parse().unwrap(),
        key_id,
        bytes,
    });
    ("([^\\x00-\\x1f]|\n){0,20}\n", prop::collection::vec(signature, 1..4))
        .prop_map(|(text, signatures)| Note { text, signatures })
}

proptest! {
    #[test]
    fn a_note_is_read_as_it_was_written(note in any_note()) {
        prop_assert_eq!(Note::parse(&note.to_string()), Ok(note));
    }

    #[test]
    fn any_text_is_read_in_one_way_or_none(text in "[a\n]{0,3}\n\n(— a[ +]?[A-Za-z0-9]{6}[A-Z]=\n?){0,3}") {
        if let Ok(note) = Note::parse(&text) {
            prop_assert_eq!(note.to_string(), text);
        }
    }

    #[test]
    fn any_key_is_read_in_one_way_or_none(text in "a\\+[0-9a-fA-F]{8}\\+[A-Za-z0-9+/]{2}[AQgw]=") {
        if let Ok(key) = text.parse::<VerifierKey>() {
            prop_assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn no_changed_bit_is_taken(text in "[a-z\n]{1,20}\n", at: prop::sample::Index, bit in 0..8_u8) {
        let key = key("k", 5);
        let keys = [key.vkey()];
        let mut note = signed(&text, &[&key]);
        prop_assert!(note.verify(&keys).is_ok());
        let at = at.index(64);
        note.signatures[0].bytes[at] ^= 1 << bit;
        prop_assert!(note.verify(&keys).is_err());
        let mut note = signed(&text, &[&key]);
        note.text.push('\n');
        prop_assert!(note.verify(&keys).is_err());
    }
}
