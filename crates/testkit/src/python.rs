//! Python with pinned packages, for tests that ask whether software written by others reads what we write.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};

use crate::cache::{filled_once, fingerprint};

/// A virtual environment.
#[derive(Debug, Clone)]
pub struct Python {
    interpreter: PathBuf,
}

impl Python {
    /// The environment with exactly these requirements (lines as in a requirements file, versions pinned), made once and
    /// kept under `target/testkit/venv-<hash of the requirements>`.
    ///
    /// # Errors
    /// If Python 3 with `venv` is missing, or the packages cannot be installed.
    pub fn with(requirements: &str) -> Result<Self> {
        let dir = filled_once(&format!("venv-{}", fingerprint(requirements)), |dir| {
            let list = dir.join("requirements.txt");
            fs::write(&list, requirements)?;
            let venv = dir.join("venv");
            run(
                Command::new("python3").args(["-m", "venv"]).arg(&venv),
                "python3 -m venv (Debian: apt-get install python3-venv)",
            )?;
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
            run(Command::new(venv.join("bin/python")).args(pip).arg(&list), "pip install").map(drop)
        })?;
        Ok(Self { interpreter: dir.join("venv/bin/python") })
    }

    /// A command that runs this environment's interpreter.
    #[must_use]
    pub fn command(&self) -> Command {
        Command::new(&self.interpreter)
    }

    /// Runs `script` with `args` and gives back what it printed.
    ///
    /// # Errors
    /// If it ends with another status than 0; the error holds what it wrote to standard error.
    pub fn run(&self, script: &str, args: &[&str]) -> Result<String> {
        let output = run(self.command().arg("-c").arg(script).args(args), "the script")?;
        Ok(String::from_utf8(output.stdout)?)
    }
}

fn run(command: &mut Command, name: &str) -> Result<Output> {
    let output = command.output().with_context(|| format!("starting {name}"))?;
    if !output.status.success() {
        bail!("{name} failed: {} {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_what_it_is_given() {
        let python = Python::with("").unwrap();
        assert_eq!(python.run("import sys; print(sys.argv[1])", &["hello"]).unwrap(), "hello\n");
        assert!(python.run("raise SystemExit('no')", &[]).unwrap_err().to_string().contains("no"));
    }
}
