//! An export of one site with very many records, and its verification: time, peak memory of server and verifier, bytes a
//! record. `AVOW_BENCH_RECORDS` says how many there are at the end (1,000,000); a tenth of them is measured before, so that
//! it shows what grows.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_testkit::engine;
use avow_testkit::process::{ADMIN_TOKEN, Avow, Settings, binary, without_settings};

const SITE: &str = "export.example";
const PATIENCE: Duration = Duration::from_secs(1800);

fn main() -> Result<()> {
    let records = std::env::var("AVOW_BENCH_RECORDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000_u64);
    for events in [records / 10, records] {
        measure(events)?;
    }
    Ok(())
}

fn measure(events: u64) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let settings = Settings::new("serve").env("AVOW_LIBCHDB", engine::library()?.display().to_string());
    let avow = settings.env("AVOW_INGEST__QUOTAS", "off").data_dir(dir.path().join("data")).start()?;
    let mut simulate = command()?;
    simulate.args(["simulate", "--url", &avow.url(), "--token", ADMIN_TOKEN, "--site", SITE, "--seed", "5"]);
    let number = events.to_string();
    let status = simulate.args(["--events", &number, "--settle", "0s"]).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "the simulator failed");
    settled(&avow, events)?;

    let bundle = dir.path().join("bundle.zip");
    let pid = avow.pid().context("no server")?;
    let idle = peak(pid)?.1;
    // Linux: forgets the peak so far.
    fs::write(format!("/proc/{pid}/clear_refs"), "5")?;
    let mut export = command()?;
    export.args(["export", "--url", &avow.url(), "--token", ADMIN_TOKEN, "--site", SITE]).stderr(Stdio::null());
    export.args(["--from", "2000-01-01", "--to", "2099-01-01", "--out"]).arg(&bundle);
    let begun = Instant::now();
    let output = export.output()?;
    ensure!(output.status.success(), "the export failed");
    ensure!(!String::from_utf8_lossy(&output.stdout).contains("newer events"), "not all is under a checkpoint");
    let (took, (most, _)) = (begun.elapsed().as_secs_f64(), peak(pid)?);
    let size = fs::metadata(&bundle)?.len();
    println!(
        "export of {events} records: {took:.1} s, the server {most} MiB at its peak ({idle} MiB before), {size} bytes, {} a record",
        size / events
    );
    verify(&bundle)
}

fn command() -> Result<Command> {
    let mut command = Command::new(binary()?);
    without_settings(&mut command);
    Ok(command)
}

/// Waits until so many records are stored and a checkpoint covers them.
fn settled(avow: &Avow, events: u64) -> Result<()> {
    let begun = Instant::now();
    while avow.metric("avow_processor_read_records_total")? < events as f64 {
        ensure!(begun.elapsed() < PATIENCE, "the processor does not get there");
        std::thread::sleep(Duration::from_millis(200));
    }
    // That a ledger is a busy one, with a checkpoint each ten seconds, is seen within a minute.
    std::thread::sleep(Duration::from_secs(90));
    Ok(())
}

fn verify(bundle: &Path) -> Result<()> {
    let begun = Instant::now();
    let mut verify = command()?.arg("verify").arg(bundle).spawn()?;
    let mut most = 0;
    let status = loop {
        if let Some(status) = verify.try_wait()? {
            break status;
        }
        if let Ok((peak, _)) = peak(verify.id()) {
            most = peak;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    println!("verified in {:.1} s, {most} MiB at its peak", begun.elapsed().as_secs_f64());
    ensure!(status.success(), "the bundle does not hold");
    Ok(())
}

/// The most memory that a process has had resident, and what it has now, in MiB.
fn peak(pid: u32) -> Result<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| -> Result<u64> {
        let line = status.lines().find(|line| line.starts_with(name)).with_context(|| format!("no {name}"))?;
        Ok(line.split_whitespace().nth(1).context("no number")?.parse::<u64>()? / 1024)
    };
    Ok((field("VmHWM:")?, field("VmRSS:")?))
}
