//! `avow verify`: judges a bundle, offline.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;

use anyhow::{Context, bail};
use avow_ledger::policy::Policy;
use avow_verify::{Bundle, Certificate, Verdict, certificates, time, verify};
use clap::Args;

#[derive(Args)]
pub struct VerifyArgs {
    /// The bundle, a zip.
    #[arg(value_name = "BUNDLE.zip")]
    bundle: PathBuf,
    /// Whom to trust (C2SP tlog-policy): the operator log's key, witnesses, a quorum.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Certificates of time stamping authorities to trust, PEM or DER: their roots, or their own. May be repeated. With it
    /// every bundle has to have a time stamp.
    #[arg(long, value_name = "FILE")]
    tsa_ca: Vec<PathBuf>,
    /// The verdicts as JSON.
    #[arg(long)]
    json: bool,
}

/// Prints a line for each claim.
///
/// # Errors
/// Where a claim fails, by name; where the bundle or the policy cannot be read.
pub fn run(args: &VerifyArgs) -> anyhow::Result<()> {
    let policy = match &args.policy {
        None => None,
        Some(path) => {
            let text = fs::read(path).with_context(|| path.display().to_string())?;
            Some(Policy::parse(&text).with_context(|| path.display().to_string())?)
        }
    };
    let name = args.bundle.display();
    let file = File::open(&args.bundle).with_context(|| name.to_string())?;
    let bundle = Bundle::open(BufReader::new(file)).with_context(|| name.to_string())?;
    let mut claims = verify(&bundle, policy.as_ref()).with_context(|| name.to_string())?;
    let trusted = authorities(&args.tsa_ca)?;
    claims.extend(time(&bundle, trusted.as_deref()).with_context(|| name.to_string())?);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&claims)?);
    } else {
        for claim in &claims {
            let verdict = match claim.verdict {
                Verdict::Holds => "ok  ",
                Verdict::Fails => "FAIL",
                Verdict::Open => "open",
            };
            println!("{verdict}  {:<12}  {}", claim.name, claim.text);
        }
    }
    let failed: Vec<&str> =
        claims.iter().filter(|claim| claim.verdict == Verdict::Fails).map(|claim| claim.name).collect();
    if failed.is_empty() { Ok(()) } else { bail!("{name} does not hold: {}", failed.join(", ")) }
}

/// The certificates of these files; nothing where there is no file.
fn authorities(files: &[PathBuf]) -> anyhow::Result<Option<Vec<Certificate>>> {
    let mut trusted = Vec::new();
    for path in files {
        let file = fs::read(path).with_context(|| path.display().to_string())?;
        trusted.extend(certificates(&file).with_context(|| path.display().to_string())?);
    }
    Ok((!files.is_empty()).then_some(trusted))
}
