//! Who witnesses this installation, and who stamps it: policy, witnesses and authority of the configuration, read and checked before anything is
//! signed.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use avow_ledger::{Policy, VerifierKey};
use avow_processor::{Signing, Stamping, WitnessAt, Witnessing};
use avow_trees::keys::Keys;

use crate::config::{Config, LedgerConfig};

/// How the ledgers are signed.
///
/// # Errors
/// Where the policy, a witness or the authority's address cannot be.
pub fn signing(config: &Config, keys: Keys) -> anyhow::Result<Signing> {
    let witnessing = witnessing(&config.ledger)?.map(Arc::new);
    Ok(Signing { keys, witnessing, stamping: stamping(&config.ledger)? })
}

fn stamping(config: &LedgerConfig) -> anyhow::Result<Option<Stamping>> {
    let Some(url) = config.timestamp_url.clone() else { return Ok(None) };
    ensure!(is_address(&url), "ledger.timestamp_url is {url:?}, and begins with neither http:// nor https://");
    Ok(Some(Stamping { url, every: Duration::from_secs(config.timestamp_seconds.max(1)) }))
}

fn is_address(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

/// Whom to ask, and what is enough; nobody where there is no witness with an address.
fn witnessing(config: &LedgerConfig) -> anyhow::Result<Option<Witnessing>> {
    let policy = config.policy.as_deref().map(policy).transpose()?;
    ensure!(policy.is_some() || !config.require_policy, "ledger.require_policy needs ledger.policy");
    let mut witnesses: Vec<WitnessAt> = Vec::new();
    for witness in &config.witnesses {
        let key: VerifierKey =
            witness.vkey.parse().with_context(|| format!("ledger.witnesses: the key {:?}", witness.vkey))?;
        add(&mut witnesses, key, witness.url.clone()).context("ledger.witnesses")?;
    }
    for witness in policy.iter().flat_map(Policy::witnesses) {
        let Some(url) = &witness.url else { continue };
        if witnesses.iter().all(|other| other.key != witness.key) {
            let url = String::from_utf8(url.clone()).context("ledger.policy: an address is no UTF-8")?;
            add(&mut witnesses, witness.key.clone(), url).context("ledger.policy")?;
        }
    }
    ensure!(
        !witnesses.is_empty() || !config.require_policy,
        "ledger.require_policy needs witnesses with an address, in ledger.witnesses or ledger.policy"
    );
    let every = Duration::from_secs(config.witness_seconds.max(1));
    let (nobody, require_policy) = (witnesses.is_empty(), config.require_policy);
    Ok((!nobody).then_some(Witnessing { witnesses, policy, require_policy, every }))
}

fn policy(path: &Path) -> anyhow::Result<Policy> {
    let text = fs::read(path).with_context(|| format!("ledger.policy: {}", path.display()))?;
    Policy::parse(&text).with_context(|| format!("ledger.policy: {}", path.display()))
}

fn add(witnesses: &mut Vec<WitnessAt>, key: VerifierKey, url: String) -> anyhow::Result<()> {
    ensure!(key.cosigns(), "the key of {} is not one of a witness", key.name());
    ensure!(is_address(&url), "the address of {} is {url:?}, and begins with neither http:// nor https://", key.name());
    witnesses.push(WitnessAt { key, url });
    Ok(())
}

#[cfg(test)]
mod tests {
    use avow_ledger::Cosigner;

    use super::*;
    use crate::config::ledger::WitnessAddress;

    fn vkey(name: &str) -> String {
        Cosigner::from_seed(name.parse().unwrap(), [name.len().try_into().unwrap(); 32]).vkey().unwrap().to_string()
    }

    #[test]
    fn witnesses_come_from_the_list_and_the_policy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trust.policy");
        let (one, two, three) = (vkey("one"), vkey("two.example"), vkey("three"));
        let lines = format!(
            "witness a {one} https://a.example\nwitness b {two} https://b.example\nwitness c {three}\n\
             group two 2 a b c\nquorum two\n"
        );
        fs::write(&path, lines).unwrap();
        let at = |vkey: &str, url: &str| WitnessAddress { vkey: vkey.to_owned(), url: url.to_owned() };
        let config = LedgerConfig {
            witnesses: vec![at(&one, "http://127.0.0.1:1")],
            policy: Some(path),
            require_policy: true,
            ..LedgerConfig::default()
        };
        let found = witnessing(&config).unwrap().unwrap();
        let urls: Vec<&str> = found.witnesses.iter().map(|witness| witness.url.as_str()).collect();
        assert_eq!(urls, ["http://127.0.0.1:1", "https://b.example"]);
        assert!(witnessing(&LedgerConfig::default()).unwrap().is_none());

        let wrong = |config: LedgerConfig| format!("{:#}", witnessing(&config).unwrap_err());
        let needs = wrong(LedgerConfig { require_policy: true, ..LedgerConfig::default() });
        assert_eq!(needs, "ledger.require_policy needs ledger.policy");
        let of = |witness| LedgerConfig { witnesses: vec![witness], ..LedgerConfig::default() };
        assert!(wrong(of(at("nothing", "http://a.example"))).contains("the key \"nothing\""));
        assert!(wrong(of(at(&one, "a.example"))).contains("neither http:// nor https://"));
    }
}
