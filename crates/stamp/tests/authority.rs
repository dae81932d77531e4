//! Stamps of a real authority (`openssl ts`): what holds, and that nothing else does.

use std::fs;

use anyhow::{Result, ensure};
use avow_stamp::{StampError, certificates, check, request, verify};
use avow_testkit::authority::Authority;

const TEXT: &[u8] = b"log.example\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
const NONCE: u64 = 0x8000_0000_0000_0007;
const RIGHT: &str = "critical,timeStamping";

fn now() -> Result<u64> {
    Ok(std::time::UNIX_EPOCH.elapsed()?.as_secs())
}

#[test]
fn a_stamp_holds_with_the_keys_that_authorities_have() -> Result<()> {
    for keys in ["rsa:2048", "rsa:4096", "ec"] {
        let authority = Authority::new(keys, RIGHT)?;
        let response = authority.reply(&request(TEXT, NONCE)?)?;
        check(&response, TEXT, NONCE)?;
        for trusted in [authority.root(), authority.own()] {
            let stamped = verify(&response, TEXT, &certificates(&fs::read(trusted)?)?)?;
            // Its accuracy is 1.5 s.
            ensure!((0..=60).contains(&(now()? + 2 - stamped.not_later)), "{keys}: {stamped:?}");
            ensure!(stamped.authority.contains("CN=tsa"), "{stamped:?}");
        }
    }
    Ok(())
}

#[test]
fn nothing_else_holds() -> Result<()> {
    let authority = Authority::new("rsa:2048", RIGHT)?;
    let trusted = certificates(&fs::read(authority.root())?)?;
    let asked = request(TEXT, NONCE)?;
    let response = authority.reply(&asked)?;
    ensure!(check(&response, b"another text\n", NONCE) == Err(StampError::Imprint));
    ensure!(check(&response, TEXT, NONCE + 1) == Err(StampError::Nonce));
    ensure!(verify(&response, b"another text\n", &trusted) == Err(StampError::Imprint));
    let other = certificates(&fs::read(Authority::new("rsa:2048", RIGHT)?.root())?)?;
    ensure!(matches!(verify(&response, TEXT, &other), Err(StampError::Untrusted(_))), "another root of the same name");
    ensure!(matches!(verify(&response, TEXT, &[]), Err(StampError::Untrusted(_))));
    for purpose in ["timeStamping", "critical,timeStamping,emailProtection", "critical,codeSigning"] {
        // OpenSSL itself refuses to stamp with the last ones: then there is nothing to verify.
        let wrong = Authority::new("ec", purpose)?;
        let Ok(response) = wrong.reply(&asked) else { continue };
        let error = verify(&response, TEXT, &certificates(&fs::read(wrong.root())?)?).unwrap_err();
        ensure!(
            matches!(error, StampError::Certificate(_, "is not one for time stamping alone")),
            "{purpose}: {error}"
        );
    }
    // A digest that the authority does not take: SHA-384, by the last byte of its identifier.
    let mut unwanted = asked.clone();
    let at = unwanted.windows(4).position(|bytes| bytes == [3, 4, 2, 1]).unwrap_or_default();
    unwanted[at + 3] = 2;
    let refused = check(&authority.reply(&unwanted)?, TEXT, NONCE);
    ensure!(matches!(refused, Err(StampError::Refused { status: 2, .. })), "{refused:?}");
    // Any bit of it.
    let mut held = 0;
    for at in 0..response.len() {
        let mut changed = response.clone();
        changed[at] ^= 1 << (at % 8);
        held += usize::from(verify(&changed, TEXT, &trusted).is_ok());
        _ = verify(&response[..at], TEXT, &trusted);
    }
    // What is not signed: the algorithm's parameters, certificates that are not needed, the status.
    ensure!(held < response.len() / 8, "{held} of {} changes went unnoticed", response.len());
    println!("{held} of {} changes are of what nothing depends on", response.len());
    Ok(())
}
