//! The first start makes an admin token, so that somebody can sign in: it is printed and left in the data directory,
//! readable by its owner alone.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::Context;
use avow_control::Control;
use avow_schemas::control::Scope;

use crate::config::Config;

/// Where the first token is kept.
pub fn path(config: &Config) -> PathBuf {
    config.data_dir.join("admin-token")
}

/// Makes the token where the installation has none and none is configured; `None` otherwise.
pub async fn make(config: &Config, control: &Control) -> anyhow::Result<Option<String>> {
    let path = path(config);
    if config.admin_token.is_some() {
        return Ok(None);
    }
    if control.directory().tokens().next().is_some() {
        let kept = std::fs::read_to_string(&path).ok().map(|token| token.trim().to_owned());
        return Ok(kept.filter(|token| control.authenticate(token).is_some()));
    }
    let made = control.create_token("admin of the first start", Scope::ALL.to_vec(), None, None).await?;
    let mut options = std::fs::OpenOptions::new();
    let opened = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
    let written = opened.and_then(|mut file| writeln!(file, "{}", made.secret));
    written.with_context(|| format!("writing the first token to {}", path.display()))?;
    Ok(Some(made.secret))
}
