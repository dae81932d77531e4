//! A time stamping authority (RFC 3161) of the test's own: `openssl ts` with certificates that are made for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

/// What `openssl ts` needs to know.
const SETTINGS: &str = "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\nsigner_cert = tsa.pem\ncerts = chain.pem\n\
                        signer_key = tsa.key\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256,sha512\n\
                        accuracy = secs:1, millisecs:500\nordering = no\ntsa_name = yes\ness_cert_id_chain = no\n";
const ROOT: &[&str] = &["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"];

/// An authority under an intermediate certificate under a root.
#[derive(Debug)]
pub struct Authority {
    dir: TempDir,
}

impl Authority {
    /// `keys` is what `openssl req -newkey` takes, such as `rsa:2048`, or `ec` for P-256. `purpose` is the certificate's
    /// extended key usage: `critical,timeStamping` where all is as it should be.
    ///
    /// # Errors
    /// Where `openssl` is not there or fails.
    pub fn new(keys: &str, purpose: &str) -> Result<Self> {
        let authority = Self { dir: tempfile::tempdir()? };
        fs::write(authority.path("settings"), SETTINGS)?;
        fs::write(authority.path("serial"), "01\n")?;
        authority.certificate("root", None, keys, ROOT)?;
        authority.certificate("between", Some("root"), keys, ROOT)?;
        authority.certificate("tsa", Some("between"), keys, &[&format!("extendedKeyUsage={purpose}")])?;
        fs::copy(authority.path("between.pem"), authority.path("chain.pem"))?;
        Ok(authority)
    }

    /// The root's certificate, PEM.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.path("root.pem")
    }

    /// The authority's own certificate, PEM.
    #[must_use]
    pub fn own(&self) -> PathBuf {
        self.path("tsa.pem")
    }

    /// The answer to a request, both DER.
    ///
    /// # Errors
    /// Where `openssl` fails.
    pub fn reply(&self, request: &[u8]) -> Result<Vec<u8>> {
        fs::write(self.path("request"), request)?;
        let arguments = "ts -reply -config settings -section t -queryfile request -out response";
        openssl(self.dir.path(), &arguments.split(' ').collect::<Vec<_>>())?;
        Ok(fs::read(self.path("response"))?)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn certificate(&self, name: &str, issuer: Option<&str>, keys: &str, extensions: &[&str]) -> Result<()> {
        let (key, pem) = (format!("{name}.key"), format!("{name}.pem"));
        let subject = format!("/O=Avow test/CN={name}");
        let mut arguments = vec!["req", "-x509", "-nodes", "-days", "3650", "-newkey", keys];
        if keys == "ec" {
            arguments.extend(["-pkeyopt", "ec_paramgen_curve:P-256"]);
        }
        arguments.extend(["-keyout", &key, "-out", &pem, "-subj", &subject]);
        let issuer = issuer.map(|issuer| (format!("{issuer}.pem"), format!("{issuer}.key")));
        if let Some((pem, key)) = &issuer {
            arguments.extend(["-CA", pem, "-CAkey", key]);
        }
        // Without a configuration's own extensions.
        fs::write(self.path("plain"), "[req]\ndistinguished_name = d\n[d]\n")?;
        arguments.extend(["-config", "plain"]);
        extensions.iter().for_each(|extension| arguments.extend(["-addext", extension]));
        openssl(self.dir.path(), &arguments)
    }
}

fn openssl(dir: &Path, arguments: &[&str]) -> Result<()> {
    let output = Command::new("openssl").args(arguments).current_dir(dir).output();
    let output = output.context("this test needs openssl on the path")?;
    ensure!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
