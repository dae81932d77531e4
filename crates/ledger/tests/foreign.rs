//! What the ledger makes is verified by others: by the packages of Go's checksum database, run by `tests/go`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use avow_ledger::proof::{Nodes, consistency, inclusion};
use avow_ledger::{Checkpoint, Cosigner, Hash, Note, SigningKey, merkle};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const SIZE: u64 = 1003;

struct Leaves(Vec<Hash>);

impl Nodes for Leaves {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(merkle::root(self.0[(index << level) as usize..((index + 1) << level) as usize].iter().copied()))
    }
}

fn text(hashes: impl IntoIterator<Item = Hash>) -> Vec<String> {
    hashes.into_iter().map(|hash| STANDARD.encode(hash)).collect()
}

/// The program, built once: `go run .` would link it for each input.
fn built(folder: &Path) -> std::path::PathBuf {
    let program = folder.join("verify");
    let go = ["go", "/usr/local/go/bin/go"].into_iter().find(|go| Command::new(go).arg("version").output().is_ok());
    let go = go.expect("go is neither on the PATH nor in /usr/local/go: it is needed to verify with foreign code");
    let status = Command::new(go)
        .args(["build", "-buildvcs=false", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go"))
        .env("GOFLAGS", "-mod=mod")
        .env("CGO_ENABLED", "0")
        .status()
        .unwrap();
    assert!(status.success(), "the Go program does not build");
    program
}

fn verify(program: &Path, input: &Value) -> Output {
    let mut child =
        Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn made() -> Value {
    let leaves = Leaves((0..SIZE).map(|i| merkle::leaf_hash(&i.to_be_bytes())).collect());
    let root = |size: u64| merkle::root(leaves.0[..size as usize].iter().copied());
    let log = SigningKey::from_seed("example.com/log".parse().unwrap(), [3; 32]);
    let checkpoint = Checkpoint::new("example.com/log", SIZE, root(SIZE)).text();
    let mut note = Note::new(&checkpoint).unwrap();
    note.add(log.sign(&checkpoint));
    // An unknown key's, to be ignored.
    let witness = Cosigner::from_seed("witness.example/w".parse().unwrap(), [4; 32]);
    note.add(witness.cosign(&checkpoint, 1_800_000_000).unwrap());
    let inclusions = (0..SIZE).map(|index| {
        let Ok(proof) = inclusion(&leaves, index, SIZE);
        json!({"Index": index, "Leaf": STANDARD.encode(leaves.0[index as usize]), "Proof": text(proof)})
    });
    let consistencies = (1..=SIZE).map(|size| {
        let Ok(proof) = consistency(&leaves, size, SIZE);
        json!({"Size": size, "Root": STANDARD.encode(root(size)), "Proof": text(proof)})
    });
    json!({
        "Checkpoint": note.to_string(),
        "Vkey": log.vkey().to_string(),
        "Inclusion": inclusions.collect::<Vec<_>>(),
        "Consistency": consistencies.collect::<Vec<_>>(),
    })
}

#[test]
fn go_verifies_what_we_make_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let program = built(folder.path());
    let input = made();
    let output = verify(&program, &input);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "verified 1003 leaves and 1003 older trees\n");
    // It is no rubber stamp: one hash of one proof, the text, the key.
    let other = json!(STANDARD.encode([0; 32]));
    for (pointer, value) in [
        ("/Inclusion/500/Leaf", other.clone()),
        ("/Inclusion/1002/Proof/0", other.clone()),
        ("/Consistency/700/Root", other.clone()),
        ("/Consistency/2/Proof/1", other),
        ("/Checkpoint", json!(input["Checkpoint"].as_str().unwrap().replacen("1003", "1004", 1))),
        ("/Vkey", json!(SigningKey::from_seed("example.com/log".parse().unwrap(), [5; 32]).vkey().to_string())),
    ] {
        let mut changed = input.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert!(!verify(&program, &changed).status.success(), "{pointer}");
    }
}
