//! The API is as its OpenAPI document says, judged by a foreign program: schemathesis makes requests from the document, valid and
//! not, and looks at every answer. The requests are the same on every run; `AVOW_SOAK_EXAMPLES` makes others, and more of them.

use anyhow::{Result, ensure};
use avow_testkit::process::ADMIN_TOKEN;
use avow_testkit::python::Python;

use crate::installation::{embedded, simulate};
use crate::scale;

const REQUIREMENTS: &str = "schemathesis==4.32.5\n";
const RUN: &str = "from schemathesis.cli import schemathesis; schemathesis()";
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
const EXAMPLES: u64 = 5;

#[test]
fn every_answer_is_as_the_document_says() -> Result<()> {
    let avow = embedded()?.env("AVOW_API__REQUESTS_PER_MINUTE", "1000000").start()?;
    simulate(&avow.url(), &["--site", "described.example", "--events", "300", "--settle", "0s", "--seed", "5"])?;
    let examples = scale("AVOW_SOAK_EXAMPLES", EXAMPLES);
    let seed = if examples == EXAMPLES { 1 } else { rand::random::<u32>() };
    let mut run = Python::with(REQUIREMENTS)?.command();
    run.args(["-c", RUN, "run", &format!("{}/api/v1/openapi.json", avow.url()), "--checks", CHECKS, "--no-color"]);
    run.args(["--header", &format!("Authorization: Bearer {ADMIN_TOKEN}")]);
    // A stream does not end.
    run.args(["--exclude-path", "/api/v1/live", "--max-examples", &examples.to_string(), "--seed", &seed.to_string()]);
    let output = run.current_dir(tempfile::tempdir()?.path()).output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    println!("{}", told.lines().filter(|line| line.contains("passed")).collect::<Vec<_>>().join("\n"));
    Ok(())
}
