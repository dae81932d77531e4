//! What concerns the ledgers: `[ledger]`, how they are signed and who witnesses them, and `[witness]`, this machine as a
//! witness of others' logs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LedgerConfig {
    /// The prefix of the ledgers' origins, such as `log.shop.example`.
    pub origin: Option<String>,
    /// The signing key.
    pub key_file: Option<PathBuf>,
    /// Or a program, with its arguments, that has the key.
    pub signer_command: Vec<String>,
    /// The key that is to follow: while it is given too, both sign.
    pub next_key_file: Option<PathBuf>,
    /// Or a program that has it.
    pub next_signer_command: Vec<String>,
    /// Signs the operator log's checkpoints with ML-DSA-44 besides.
    pub ml_dsa: bool,
    /// That key; by default one in the data directory, drawn at the first start.
    pub ml_dsa_key_file: Option<PathBuf>,
    /// Who is asked to cosign the operator log's checkpoints, beside the policy's witnesses that have an address.
    pub witnesses: Vec<WitnessAddress>,
    /// Between two checkpoints that are shown to witnesses, in seconds.
    pub witness_seconds: u64,
    /// A trust policy (C2SP tlog-policy): whose cosignatures are enough.
    pub policy: Option<PathBuf>,
    /// Publishes no checkpoint of the operator log below the policy's quorum.
    pub require_policy: bool,
    /// A time stamping authority (RFC 3161) that stamps the operator log's checkpoints.
    pub timestamp_url: Option<String>,
    /// Between two stamps, in seconds.
    pub timestamp_seconds: u64,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            origin: None,
            key_file: None,
            signer_command: Vec::new(),
            next_key_file: None,
            next_signer_command: Vec::new(),
            ml_dsa: false,
            ml_dsa_key_file: None,
            witnesses: Vec::new(),
            witness_seconds: 10,
            policy: None,
            require_policy: false,
            timestamp_url: None,
            timestamp_seconds: 3600,
        }
    }
}

impl LedgerConfig {
    /// Whether a key is configured.
    pub const fn has_key(&self) -> bool {
        self.key_file.is_some() || !self.signer_command.is_empty()
    }
}

/// A witness that is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessAddress {
    /// Its verifier key (C2SP tlog-cosignature), which names it.
    pub vkey: String,
    /// Its submission prefix: up to `/add-checkpoint`.
    pub url: String,
}

/// `avow witness`: this machine as a witness of others' logs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WitnessConfig {
    /// Its name, which is part of its key, such as `witness.shop.example`.
    pub name: Option<String>,
    /// Its key; by default one in the data directory, drawn at the first start.
    pub key_file: Option<PathBuf>,
    /// Cosigns with ML-DSA-44 too, with a key of its own in the data directory.
    pub ml_dsa: bool,
    /// The logs that it watches: a verifier key each (C2SP signed-note), named as the log's origin.
    pub logs: Vec<String>,
}
