//! The clients of other languages, each in its pinned version, with the suites in `tests/clients`.

use std::path::Path;
use std::process::{Command, Output};

use avow_testkit::cache::{filled_once, fingerprint};
use avow_testkit::python::Python;

use crate::harness::{self, PASSWORD};

fn passed(name: &str, output: &Output) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.trim_end().ends_with("passed"), "{name}:\n{out}\n{err}");
}

#[test]
fn clickhouse_connect_for_python() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/python");
    let requirements = std::fs::read_to_string(folder.join("requirements.txt")).unwrap();
    let python = Python::with(&requirements).unwrap();
    let (host, port) = harness::shared().url.strip_prefix("http://").unwrap().split_once(':').unwrap();
    let output = python.command().arg(folder.join("suite.py")).args([host, port, PASSWORD]).output().unwrap();
    passed("clickhouse-connect", &output);
}

#[test]
fn clickhouse_client_for_node() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/node");
    let lock = std::fs::read_to_string(folder.join("package-lock.json")).unwrap();
    let modules = filled_once(&format!("chbox-node-{}", fingerprint(&lock)), |dir| {
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(folder.join(name), dir.join(name))?;
        }
        let output = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(dir)
            .output()?;
        anyhow::ensure!(output.status.success(), "npm ci: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    })
    .unwrap();
    // Node looks for modules beside the script.
    let script = modules.join("suite.mjs");
    std::fs::copy(folder.join("suite.mjs"), &script).unwrap();
    let output = Command::new("node").arg(script).args([&harness::shared().url, PASSWORD]).output().unwrap();
    passed("@clickhouse/client", &output);
}
