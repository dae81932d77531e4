//! Whether the PDF is what it says (PDF/A-3a, PDF/UA-1) to a validator that others wrote (veraPDF), and says what the
//! HTML says to a reader that others wrote (pypdf).

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};
use avow_records::report::{
    Claim, ClaimTitle, Counts, Followed, Language, Report, ReportParty, Summary, Verdict, html, pdf,
};
use avow_records::status::Status;
use avow_schemas::event::{EventType, Method};
use avow_testkit::cache::{filled_once, fingerprint};
use avow_testkit::python::Python;
use serde_json::Value;

const AT: i64 = 1_795_515_302_123;

fn report() -> Report {
    let summary = |n: i64| Summary {
        subject: format!("5b0c6a5e-6a0c-4e0e-a8f2-{n:012}"),
        at: AT + n,
        kind: EventType::Decided,
        method: Some(Method::AcceptAll),
        method_withheld: false,
        banner_version: Some("v1".into()),
        language: Some("fr".into()),
        text_hash: None,
        granted: vec!["Chaport".into(), "Œuvre & Söhne".into()],
        refused: vec![],
        withdrawn: vec![],
        not_disclosed: vec![],
        followed: vec![Followed { at: AT + 9, status: Status::Expired, name: "Chaport".into() }],
    };
    Report {
        site: "shop.example".into(),
        site_name: "The Shop".into(),
        from: AT,
        to: AT + 1,
        controllers: vec![ReportParty { name: "Shop".into(), address: "Gasse 1".into(), contact: "a@b".into() }],
        made_by: "Ada".into(),
        made_at: AT,
        subject: None,
        services: vec![],
        counts: Counts { events: vec![(EventType::Decided, 40)], decisions: 40, ..Counts::default() },
        records: (0..40).map(summary).collect(),
        records_total: 40,
        texts: vec![],
        attached: vec![],
        claims: vec![Claim {
            title: ClaimTitle::Inclusion,
            verdict: Verdict::Proven,
            file: "logs/k7/checkpoint".into(),
            detail: String::new(),
        }],
    }
}

/// The texts between the tags of a page.
fn texts(page: &str) -> Vec<String> {
    let body = page.split("<main>").nth(1).unwrap_or_default();
    let texts = body.split('<').filter_map(|rest| rest.split_once('>')).map(|(_, text)| text);
    let plain = |text: &str| {
        text.replace("&#39;", "'")
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    };
    texts.map(|text| squeezed(&plain(text))).filter(|text| !text.is_empty()).collect()
}

/// Without what lines and pages break at, and without the marks that paper leaves out.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '✓' | '✗')).collect()
}

#[test]
fn paper_says_what_the_page_says() -> Result<()> {
    let python = Python::with(include_str!("pdf-requirements.txt"))?;
    let dir = tempfile::tempdir()?;
    for language in Language::ALL {
        let path = dir.path().join(format!("{}.pdf", language.code()));
        fs::write(&path, pdf(&report(), language)?)?;
        let said = python.run(include_str!("read_pdf.py"), &[path.to_str().context("path")?])?;
        let read: Value = serde_json::from_str(&said)?;
        ensure!(read["language"] == language.code() && read["marked"] == true && read["intents"] == 1, "{read}");
        ensure!(read["pages"].as_u64() > Some(3), "{read}");
        let roles = &read["roles"];
        ensure!(roles["/H1"] == 1 && roles["/H2"] == 5 && roles["/Table"] == 4, "{roles}");
        // The rows of the tables are all in the tree once, the heads that repeat on further pages are not.
        ensure!(roles["/THead"] == 3 && roles["/TR"] == 5 + (1 + 1) + (1 + 6) + (1 + 40), "{roles}");
        let paper = squeezed(read["text"].as_str().context("text")?);
        for text in texts(&html(&report(), language)) {
            ensure!(paper.contains(&text), "{language:?}: {text}");
        }
    }
    Ok(())
}

fn ran(command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{command:?}: {said} {wrong}");
    Ok(output)
}

#[test]
fn a_validator_finds_nothing_wrong() -> Result<()> {
    let pom = include_str!("verapdf/pom.xml");
    let libraries = filled_once(&format!("verapdf-{}", fingerprint(pom)), |dir| {
        fs::write(dir.join("pom.xml"), pom)?;
        let goal = ["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"];
        ran(Command::new("mvn").args(goal).current_dir(dir)).map(drop)
    })?;
    let dir = tempfile::tempdir()?;
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verapdf/Check.java");
    let mut java = Command::new("java");
    java.arg("-cp").arg(libraries.join("lib/*")).arg(check);
    for language in Language::ALL {
        let mut report = report();
        // What is in no font, in the document's title too.
        report.site_name = "日本 \u{202e}\u{e000}".into();
        let path = dir.path().join(format!("{}.pdf", language.code()));
        fs::write(&path, pdf(&report, language)?)?;
        java.arg(path);
    }
    let said = String::from_utf8(ran(&mut java)?.stdout)?;
    ensure!(said.matches(" holds").count() == 8, "{said}");
    Ok(())
}
