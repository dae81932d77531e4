use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use super::*;

const NOW: i64 = 1_794_000_000_000;

fn key(seed: u8) -> Key {
    Key::from_seed([seed; 32]).unwrap()
}

fn published(keys: &[&LedgerKey]) -> Vec<Arc<LedgerKey>> {
    keys.iter().map(|key| Arc::new(LedgerKey::clone(key))).collect()
}

#[tokio::test]
async fn a_key_hands_over_to_the_next_and_both_sign_meanwhile() {
    let old = Keys::new(None, key(1), None).unwrap();
    let both = Keys::new(None, key(1), Some(key(2))).unwrap();
    let new = Keys::new(None, key(2), None).unwrap();
    let first = old.publication(NOW);
    assert!(old.signer(&[]).is_none());
    assert!(both.change(&[], NOW).await.unwrap().is_none());

    let before = published(&[&first]);
    assert!(old.change(&before, NOW).await.unwrap().is_none());
    assert!(new.signer(&before).is_none());
    assert_eq!(both.signer(&before).unwrap().keys.len(), 1);
    let second = both.change(&before, NOW).await.unwrap().unwrap();
    let change = KeyChange::read(second.change.as_deref().unwrap()).unwrap();
    assert_eq!(change.from, verifier(&first, OPERATOR).unwrap());
    assert_eq!(change.to, verifier(&second, OPERATOR).unwrap());

    let after = published(&[&first, &second]);
    assert!(old.signer(&after).is_none());
    assert!(both.change(&after, NOW).await.unwrap().is_none());
    let note = both.signer(&after).unwrap().note("north", "text\n".to_owned()).await.unwrap();
    assert_eq!(note.signatures.len(), 2);
    let vkeys = verifiers(&after, "north").unwrap();
    assert_eq!(note.verify(&vkeys).unwrap().len(), 2);
    assert_eq!(signed_by(&after, "north", &note).unwrap(), vkeys[0]);
    // The name stays that of the first key.
    let signer = new.signer(&after).unwrap();
    assert_eq!(signer.origin("north"), format!("{}/north", first.origin));
    let note = signer.note("north", "text\n".to_owned()).await.unwrap();
    assert_eq!(note.verify(&vkeys[..1]).unwrap().len(), 1);
    assert!(note.verify(&vkeys[1..]).is_err());
}

#[test]
fn another_name_or_key_is_not_the_installations() {
    let keys = Keys::new(Some("log.example".to_owned()), key(1), None).unwrap();
    let first = keys.publication(NOW);
    assert!(keys.signer(&published(&[&first])).is_some());
    assert!(Keys::new(None, key(1), None).unwrap().signer(&published(&[&first])).is_some());
    let renamed = Keys::new(Some("other.example".to_owned()), key(1), None).unwrap();
    assert!(renamed.signer(&published(&[&first])).is_none());
    assert!(Keys::new(Some("a name".to_owned()), key(1), None).is_err());
    assert!(Keys::new(None, key(1), Some(key(1))).is_err());
}

/// A program, and the folder where it lies.
fn program(dir: &Path, name: &str, script: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, format!("#!/bin/sh\ncd {}\n{script}", dir.display())).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

/// A signer around OpenSSL, as `docs/proof.md` shows it, that ends after so many messages.
fn openssl(messages: u32) -> String {
    format!(
        "openssl pkey -in key.pem -pubout -outform DER | tail -c 32 | base64
for n in $(seq {messages}); do
  read -r message
  echo \"$message\" | base64 -d > message
  openssl pkeyutl -sign -rawin -inkey key.pem -in message | base64 -w0
  echo
done
"
    )
}

#[tokio::test]
async fn a_program_signs_and_is_started_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut genpkey = Process::new("openssl");
    genpkey.args(["genpkey", "-algorithm", "ed25519", "-out", "key.pem"]).current_dir(&dir);
    assert!(genpkey.status().expect("openssl (Debian: apt-get install openssl)").success());
    let path = program(dir.path(), "signer", &openssl(2));
    let key = Key::of_command(vec![path.display().to_string()]).await.unwrap();
    let keys = Keys::new(Some("log.example".to_owned()), key, None).unwrap();
    let all = published(&[&keys.publication(NOW)]);
    let signer = keys.signer(&all).unwrap();
    let vkeys = verifiers(&all, OPERATOR).unwrap();
    for _ in 0..3 {
        let note = signer.note(OPERATOR, "a text\nof two lines\n".to_owned()).await.unwrap();
        assert_eq!(note.verify(&vkeys).unwrap().len(), 1);
    }
    // With another key it is another one.
    program(dir.path(), "another", "echo 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\ncat\n");
    std::fs::rename(dir.path().join("another"), &path).unwrap();
    signer.note(OPERATOR, "its last\n".to_owned()).await.unwrap();
    let error = signer.note(OPERATOR, "never\n".to_owned()).await.unwrap_err();
    assert!(error.to_string().contains("another key than before"), "{error}");
}

#[tokio::test]
async fn a_program_that_does_not_sign_says_why() {
    let dir = tempfile::tempdir().unwrap();
    // The key of RFC 8032, section 7.1, test 1.
    let first = "echo 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n";
    let scripts =
        [("", "ended before it said its public key"), ("echo nothing", "has not said its public key of 32 bytes")];
    for (number, (script, why)) in scripts.iter().enumerate() {
        let path = program(dir.path(), &format!("start-{number}"), script);
        let error = Key::of_command(vec![path.display().to_string()]).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let absent = Key::of_command(vec!["/nowhere/signer".to_owned()]).await.unwrap_err().to_string();
    assert!(absent.contains("the signer /nowhere/signer: No such file"), "{absent}");
    let zeros = format!("read -r message; echo {}\n", base64::Engine::encode(&command::BASE64, [0; 64]));
    for (number, (script, why)) in [
        ("", "ended before it said a signature"),
        ("read -r message; echo no", "has not said a signature"),
        (&zeros, ""),
    ]
    .into_iter()
    .enumerate()
    {
        let path = program(dir.path(), &format!("sign-{number}"), &format!("{first}{script}"));
        let key = Key::of_command(vec![path.display().to_string()]).await.unwrap();
        let keys = Keys::new(None, key, None).unwrap();
        let signer = keys.signer(&published(&[&keys.publication(NOW)])).unwrap();
        let error = signer.note(OPERATOR, "text\n".to_owned()).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(matches!(error, TreeError::Note(_)), why.is_empty(), "{error}");
    }
}
