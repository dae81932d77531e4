//! Claim "signer".

use avow_ledger::policy::{Log as PolicyLog, Policy};
use avow_ledger::{KeyChange, PublicKey};

use super::checkpoints::Tree;
use super::{Claim, Faults, Verdict};
use crate::bundle::Log;

/// Whether the operator log's key, with which the manifest is signed too, is one that the reader trusts, and its witnesses
/// have cosigned. A key to which a trusted one has handed over is trusted too. Where the policy names an ML-DSA-44 key of the
/// log besides, that has to have signed as well. With a policy, a bundle in which nothing is signed fails.
pub(super) fn judge(operator: Option<(&Log, &Tree)>, policy: Option<&Policy>, changes: &[KeyChange]) -> Claim {
    let name = "signer";
    let mut faults = Faults::default();
    let (Some((log, tree)), Some(policy)) = (operator, policy) else {
        let text = operator.map_or_else(
            || "nothing in this bundle is signed".to_owned(),
            |(log, _)| {
                format!(
                    "{} signed this; whether that key is the operator's, only a policy (--policy) can say",
                    log.origin
                )
            },
        );
        if policy.is_some() {
            faults.add(text);
            return faults.claim(name, "");
        }
        return Claim { name, verdict: Verdict::Open, text };
    };
    let is_named = policy.logs().iter().any(|trusted| trusted.key.to_string() == log.public_key);
    let mut policy = policy.clone();
    policy.follow(changes);
    if policy.logs().iter().all(|trusted| trusted.key.to_string() != log.public_key) {
        faults.add(format!("the key of {} is not one of the policy's", log.origin));
    }
    let mut besides = "";
    match policy.evaluate(&tree.note) {
        Ok(evaluation) if evaluation.is_valid() => {
            let is_ml_dsa = |trusted: &&PolicyLog| {
                matches!(trusted.key.public(), PublicKey::MlDsa44(_)) && trusted.key.name().as_str() == log.origin
            };
            for trusted in policy.logs().iter().filter(is_ml_dsa) {
                besides = ", with ML-DSA-44 besides";
                if !evaluation.logs.contains(&trusted) {
                    faults.add("the log's ML-DSA-44 key, which the policy names, has not signed");
                }
            }
        }
        Ok(evaluation) if evaluation.logs.is_empty() => faults.add("no key of the policy has signed"),
        Ok(_) => faults.add("too few of the policy's witnesses have cosigned"),
        Err(error) => faults.add(error.to_string()),
    }
    let handed = if is_named { "" } else { ", whose key has handed over to the one that signed this" };
    faults.claim(name, format!("{} is a log of the policy{handed}{besides}", log.origin))
}
