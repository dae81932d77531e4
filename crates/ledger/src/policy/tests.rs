//! Policies: the example of C2SP tlog-policy with each subset of its witnesses, and every refused line.

use proptest::prelude::*;

use super::*;
use crate::{Cosigner, SigningKey};

fn log() -> SigningKey {
    SigningKey::from_seed("example.com/log".parse().unwrap(), [0x11; 32])
}

fn witness(number: u8) -> Cosigner {
    Cosigner::from_seed(format!("witness.example/{number}").parse().unwrap(), [number + 1; 32])
}

fn vkey(number: u8) -> String {
    witness(number).vkey().unwrap().to_string()
}

/// The example of the specification.
fn example() -> String {
    let [a, b, c, d, e, f] = [0, 1, 2, 3, 4, 5].map(vkey);
    format!(
        "log {}\n\n\twitness X1 {a}\nwitness  X2\t{b} https://x2.example/ \nwitness X3 {c}\n\
        group X-witnesses 2 X1 X2 X3\n # Y\nwitness Y1 {d}\nwitness Y2 {e}\nwitness Y3 {f}\n\
        group Y-witnesses any Y1 Y2 Y3\n\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n",
        log().vkey()
    )
}

fn note(witnesses: impl IntoIterator<Item = u8>) -> Note {
    let text = Checkpoint::new("example.com/log", 5, [9; 32]).text();
    let mut note = Note::new(&text).unwrap();
    note.add(log().sign(&text));
    witnesses.into_iter().for_each(|number| note.add(witness(number).cosign(&text, 1000 + u64::from(number)).unwrap()));
    note
}

#[test]
fn the_example_with_each_subset_of_its_witnesses() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    assert_eq!(policy.logs().len(), 1);
    assert_eq!(policy.witnesses().len(), 6);
    assert_eq!(policy.witnesses()[1].url.as_deref(), Some(&b"https://x2.example/"[..]));
    for subset in 0..64_u8 {
        let there = (0..6).filter(|number| subset >> number & 1 == 1);
        let note = note(there.clone());
        let evaluation = policy.evaluate(&note).unwrap();
        assert_eq!(evaluation.logs, [&policy.logs()[0]]);
        let times: Vec<u64> = evaluation.witnesses.iter().map(|witnessed| witnessed.timestamp).collect();
        assert_eq!(times, there.map(|number| 1000 + u64::from(number)).collect::<Vec<_>>());
        assert_eq!(evaluation.quorum, (subset & 7).count_ones() >= 2 && subset >> 3 > 0, "{subset:06b}");
        assert_eq!(evaluation.is_valid(), evaluation.quorum);
    }
}

#[test]
fn logs_count_by_their_origin_and_wrong_signatures_spoil() {
    let policy = Policy::parse(format!("log {}\nquorum none\n", log().vkey()).as_bytes()).unwrap();
    assert!(policy.evaluate(&note([])).unwrap().is_valid());
    let other = Checkpoint::new("example.com/other", 5, [9; 32]).text();
    let mut signed = Note::new(&other).unwrap();
    signed.add(log().sign(&other));
    let evaluation = policy.evaluate(&signed).unwrap();
    assert!(evaluation.logs.is_empty() && evaluation.quorum && !evaluation.is_valid());
    signed.signatures[0].bytes[0] ^= 1;
    assert!(matches!(policy.evaluate(&signed), Err(NoteError::Signature(_))));
    assert!(!Policy::parse(b"quorum none\n").unwrap().evaluate(&note([])).unwrap().is_valid());
    assert!(matches!(policy.evaluate(&Note::new("a\n").unwrap()), Err(NoteError::Checkpoint(_))));
    // A single witness as quorum.
    let policy = Policy::parse(format!("witness w {}\nquorum w\n", vkey(3)).as_bytes()).unwrap();
    assert!(policy.evaluate(&note([3])).unwrap().quorum);
    assert!(!policy.evaluate(&note([2])).unwrap().quorum);
}

#[test]
fn every_other_policy_is_refused() {
    use PolicyErrorKind::*;
    let (a, b) = (vkey(0), vkey(1));
    let log = log().vkey();
    let renamed = Cosigner::from_seed("w".parse().unwrap(), [1; 32]).vkey().unwrap();
    let w = format!("witness a {a}\nwitness b {b}\n");
    for (policy, line, kind) in [
        (String::new(), 1, Quorum),
        ("# none\n".into(), 2, Quorum),
        ("quorum none".into(), 1, Newline),
        ("quorum none\r\n".into(), 1, Control),
        ("quorum none\x7f\n".into(), 1, Control),
        ("quorum\n".into(), 1, Items),
        ("quorum none none\n".into(), 1, Items),
        ("quorum none\nquorum none\n".into(), 2, Quorum),
        ("quorum a\n".into(), 1, Undefined),
        (format!("quorum a\n{w}"), 1, Undefined),
        ("Quorum none\n".into(), 1, Keyword),
        ("quorum\u{a0}none\n".into(), 1, Keyword),
        ("log\n".into(), 1, Items),
        (format!("log {log} u v\n"), 1, Items),
        (format!("log {log}\nlog {log} u\n"), 2, Duplicate),
        (format!("log {a}\n"), 1, Key),
        ("log x\n".into(), 1, Key),
        (format!("witness a {log}\n"), 1, Key),
        ("witness a\n".into(), 1, Items),
        (format!("witness none {a}\n"), 1, Name),
        (format!("witness a {a}\nwitness a {b}\n"), 2, Name),
        (format!("witness a {a}\nwitness b {renamed}\n"), 2, Duplicate),
        (format!("{w}group a any b\n"), 3, Name),
        (format!("{w}group none any b\n"), 3, Name),
        (format!("{w}group g any\n"), 3, Items),
        (format!("{w}group g\n"), 3, Items),
        (format!("{w}group g 0 a b\n"), 3, Threshold),
        (format!("{w}group g 3 a b\n"), 3, Threshold),
        (format!("{w}group g 01 a b\n"), 3, Threshold),
        (format!("{w}group g +1 a b\n"), 3, Threshold),
        (format!("{w}group g most a b\n"), 3, Threshold),
        (format!("{w}group g any a a\n"), 3, Member),
        (format!("{w}group g any a\ngroup h any a b\n"), 4, Member),
        (format!("{w}group g any none\n"), 3, Undefined),
        (format!("{w}group g any g\n"), 3, Undefined),
    ] {
        assert_eq!(Policy::parse(policy.as_bytes()), Err(PolicyError { line, kind }), "{policy}");
    }
}

#[test]
fn names_are_bytes() {
    let policy =
        [b"witness \xff ", vkey(0).as_bytes(), b" \xfe\n#\xfd\ngroup \xe2\x84\xaa 1 \xff\nquorum \xe2\x84\xaa\n"]
            .concat();
    let policy = Policy::parse(&policy).unwrap();
    assert_eq!(
        (&policy.witnesses()[0].name[..], policy.witnesses()[0].url.as_deref()),
        (&b"\xff"[..], Some(&b"\xfe"[..]))
    );
}

proptest! {
    #[test]
    fn any_bytes_are_a_policy_or_an_error(bytes: Vec<u8>, text in "((group|quorum|witness|log|#)( (a|b|any|all|none|1)){0,4}\n){0,5}") {
        _ = Policy::parse(&bytes);
        _ = Policy::parse(text.as_bytes());
    }
}
