//! `avow doctor` asks whoever is to witness and stamp this installation, as signing asks them, and says how to mend it.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use avow_testkit::authority::Authority;
use tokio::runtime::Runtime;

use crate::installation::command;
use crate::stamped::serve;
use crate::witness::{keys_of, witness_of};
use crate::witnessed::key_file;

const NAME: &str = "witness.doctor.example";

#[test]
fn the_doctor_asks_witnesses_and_the_authority() -> Result<()> {
    let (runtime, dir) = (Runtime::new()?, tempfile::tempdir()?);
    let (file, log) = key_file(dir.path(), "doctor.example/log", 1)?;
    let witness = witness_of(NAME, &log.vkey().to_string()).start()?;
    let foreign = witness_of(NAME, &key_file(dir.path(), "other.example/log", 2)?.1.vkey().to_string()).start()?;
    let key = keys_of(&witness, NAME)?.first().context("no key")?.to_string();
    let foreign_key = keys_of(&foreign, NAME)?.first().context("no key")?.to_string();
    let away = Arc::new(AtomicBool::new(false));
    let authority = Arc::new(Mutex::new(Authority::new("ec", "critical,timeStamping")?));
    let stamps = serve(&runtime, authority, Arc::clone(&away))?;
    // Whether all is well, and what is said of the one who is asked.
    let doctor = |vkey: &str, url: &str| -> Result<(bool, String)> {
        let policy = dir.path().join("trust.policy");
        fs::write(&policy, format!("log {}\nwitness w {vkey} {url}\nquorum none\n", log.vkey()))?;
        let settings = [
            ("AVOW_DATA_DIR", dir.path().join("data").display().to_string()),
            ("AVOW_LISTEN", "127.0.0.1:0".to_owned()),
            ("AVOW_ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
            ("AVOW_LEDGER__KEY_FILE", file.clone()),
            ("AVOW_LEDGER__ORIGIN", log.name().as_str().to_owned()),
            ("AVOW_LEDGER__POLICY", policy.display().to_string()),
            ("AVOW_LEDGER__TIMESTAMP_URL", stamps.clone()),
        ];
        command(&["doctor"], &settings)
    };
    let (went, told) = doctor(&key, &witness.url())?;
    println!("{told}");
    ensure!(went && told.contains("cosigns this log, with the key that is configured"), "{told}");
    ensure!(told.contains("must trust: ") && told.contains("O=Avow test"), "{told}");

    // Each thing that can be wrong, and how it is said.
    let nobody = format!("http://127.0.0.1:{}", avow_testkit::ports::free()?);
    for (vkey, url, said) in [
        (&key, &nobody, "no answer"),
        (&key, &foreign.url(), "it does not watch this log: give its operator the log's key, doctor.example/log+"),
        (&foreign_key, &witness.url(), "it cosigns with another key than the one that is configured"),
    ] {
        let (went, told) = doctor(vkey, url)?;
        ensure!(!went && told.contains(said) && told.contains("WRONG  witness"), "not {said:?}: {told}");
    }
    away.store(true, Ordering::Relaxed);
    let (went, told) = doctor(&key, &witness.url())?;
    ensure!(!went && told.contains("WRONG  time stamps") && told.contains("it answers 503"), "{told}");
    Ok(())
}
