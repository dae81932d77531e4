//! The way from an authority's certificate to one that the reader trusts (RFC 5280, section 6.1, as far as time stamping
//! needs it): names, signatures, validity at the stamp's time, who may issue, and what the certificate is for.

use std::time::Duration;

use der::Encode as _;
use der::asn1::ObjectIdentifier;
use x509_cert::Certificate;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages};

use crate::{StampError, signature};

const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
/// Certificates between the authority's and the trusted one, at most.
const LONGEST: usize = 8;
/// The critical extensions that are understood here: key usage, basic constraints, certificate policies, extended key usage.
const UNDERSTOOD: [&str; 4] = ["2.5.29.15", "2.5.29.19", "2.5.29.32", "2.5.29.37"];

/// Whether `signer` may stamp, and leads to one of `trusted` by way of some of `others`, all valid at `time` (seconds since
/// 1970).
pub(crate) fn check(
    signer: &Certificate,
    others: &[Certificate],
    trusted: &[Certificate],
    time: u64,
) -> Result<(), StampError> {
    may_stamp(signer)?;
    let mut at = signer;
    for below in 0..LONGEST {
        is_valid(at, time)?;
        if trusted.contains(at) {
            return Ok(());
        }
        let issued = |issuer: &&Certificate| {
            issuer.tbs_certificate().subject() == at.tbs_certificate().issuer() && has_signed(issuer, at)
        };
        if let Some(issuer) = trusted.iter().find(issued) {
            may_issue(issuer, below)?;
            return is_valid(issuer, time);
        }
        let Some(issuer) = others.iter().filter(|other| *other != at).find(issued) else { break };
        may_issue(issuer, below)?;
        at = issuer;
    }
    Err(StampError::Untrusted(name(at)))
}

fn name(certificate: &Certificate) -> String {
    certificate.tbs_certificate().subject().to_string()
}

fn has_signed(issuer: &Certificate, certificate: &Certificate) -> bool {
    let Ok(message) = certificate.tbs_certificate().to_der() else { return false };
    let signature = certificate.signature().as_bytes().unwrap_or_default();
    signature::verify(issuer, certificate.signature_algorithm().oid, None, &message, signature).is_ok()
}

fn is_valid(certificate: &Certificate, time: u64) -> Result<(), StampError> {
    let validity = certificate.tbs_certificate().validity();
    let time = Duration::from_secs(time);
    if validity.not_before.to_unix_duration() > time || time > validity.not_after.to_unix_duration() {
        return Err(StampError::Certificate(name(certificate), "was not valid at the stamp's time"));
    }
    let strange = |critical: bool, oid: ObjectIdentifier| critical && !UNDERSTOOD.contains(&oid.to_string().as_str());
    let extensions = certificate.tbs_certificate().extensions().into_iter().flatten();
    if extensions.into_iter().any(|extension| strange(extension.critical, extension.extn_id)) {
        return Err(StampError::Certificate(name(certificate), "has a critical extension that is not understood"));
    }
    Ok(())
}

/// RFC 3161, section 2.3: for time stamping and nothing else, and that critical.
fn may_stamp(certificate: &Certificate) -> Result<(), StampError> {
    let usage = certificate.tbs_certificate().get_extension::<ExtendedKeyUsage>();
    match usage {
        Ok(Some((true, usage))) if usage.0 == [TIME_STAMPING] => Ok(()),
        _ => Err(StampError::Certificate(name(certificate), "is not one for time stamping alone")),
    }
}

/// Whether a certificate may issue others, with so many below that issue too.
fn may_issue(certificate: &Certificate, below: usize) -> Result<(), StampError> {
    let may_not = || StampError::Certificate(name(certificate), "may not issue this one");
    let constraints = certificate.tbs_certificate().get_extension::<BasicConstraints>();
    let Ok(Some((_, BasicConstraints { ca: true, path_len_constraint }))) = constraints else { return Err(may_not()) };
    if path_len_constraint.is_some_and(|most| below > usize::from(most)) {
        return Err(may_not());
    }
    match certificate.tbs_certificate().get_extension::<KeyUsage>() {
        Ok(None) => Ok(()),
        Ok(Some((_, usage))) if usage.0.contains(KeyUsages::KeyCertSign) => Ok(()),
        _ => Err(may_not()),
    }
}
