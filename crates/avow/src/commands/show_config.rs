//! `avow config`: the effective configuration as TOML, secrets hidden.

use crate::config::Config;

pub fn run(config: &Config) -> anyhow::Result<()> {
    print!("{}", toml::to_string(config)?);
    Ok(())
}
