//! Time stamps (RFC 3161): what is asked of a time stamping authority, and what its answer proves. Pure: no I/O, no clock, so
//! that a browser can verify with the same code.
//!
//! [`request`] and [`check`] are the asking side, [`verify`] the judging one: the imprint, the authority's signature (CMS,
//! RFC 5652), and its certificate's chain to one of the authorities that the reader trusts (RFC 5280). Whether a certificate
//! has been revoked is not asked: nobody is.

mod chain;
mod signature;
mod token;

use der::asn1::{OctetString, Uint};
use der::{Decode as _, Encode as _};
use sha2::{Digest as _, Sha256};
pub use x509_cert::Certificate;

use crate::token::{SHA_256, TimeStampReq, TimeStampResp, imprint};

/// The media types of RFC 3161, section 3.4.
pub const QUERY: &str = "application/timestamp-query";
/// As [`QUERY`], of the answer.
pub const REPLY: &str = "application/timestamp-reply";
/// Bytes of an answer at most.
pub const MOST_BYTES: usize = 64 << 10;

/// What a stamp proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// The text existed not later than this, in seconds since 1970: the authority's time and its accuracy.
    pub not_later: u64,
    /// The subject of the authority's certificate.
    pub authority: String,
}

/// Why an answer is no stamp of a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// Not DER of the structure that is named.
    #[error("the stamp's {0} cannot be read")]
    Malformed(&'static str),
    /// The authority refused, with its status (RFC 3161, section 2.4.2) and what it says.
    #[error("the authority refused (status {status}): {text}")]
    Refused { status: u8, text: String },
    /// The stamp is of another text.
    #[error("the stamp is of something else")]
    Imprint,
    /// The answer is to another question.
    #[error("the answer is to another request")]
    Nonce,
    /// A digest or signature algorithm that is not known here.
    #[error("the algorithm {0} is not known")]
    Algorithm(String),
    /// The signature of the named is wrong.
    #[error("the signature of {0} is wrong")]
    Signature(String),
    /// There is no certificate of the signer, or not the one that it signed to have used.
    #[error("the signer's certificate is not there")]
    NoCertificate,
    /// A certificate that may not do what it did.
    #[error("the certificate {0} {1}")]
    Certificate(String, &'static str),
    /// No way from the signer's certificate to one that is trusted.
    #[error("no trusted authority has issued the certificate {0}")]
    Untrusted(String),
}

/// A request for a stamp of `text` by its SHA-256 (RFC 3161, section 2.4.1), with the authority's certificate in the answer.
///
/// # Errors
/// None that can come about.
pub fn request(text: &[u8], nonce: u64) -> Result<Vec<u8>, StampError> {
    let malformed = |_| StampError::Malformed("request");
    let digest = OctetString::new(Sha256::digest(text).to_vec()).map_err(malformed)?;
    let message_imprint = imprint(SHA_256, digest);
    let nonce = Some(Uint::new(&nonce.to_be_bytes()).map_err(malformed)?);
    TimeStampReq { version: 1, message_imprint, req_policy: None, nonce, cert_req: true }.to_der().map_err(malformed)
}

/// Whether an answer is a stamp of `text` to the request with this nonce. Who signed it is not looked at.
///
/// # Errors
/// [`StampError`].
pub fn check(response: &[u8], text: &[u8], nonce: u64) -> Result<(), StampError> {
    let (_, info) = TimeStampResp::read(response)?;
    info.check_imprint(text)?;
    let asked = Uint::new(&nonce.to_be_bytes()).map_err(|_| StampError::Nonce)?;
    if info.nonce == Some(asked) { Ok(()) } else { Err(StampError::Nonce) }
}

/// Verifies an answer: that it is a stamp of `text` by an authority whose certificate leads to one of `trusted`, each valid
/// at the stamp's time.
///
/// # Errors
/// [`StampError`].
pub fn verify(response: &[u8], text: &[u8], trusted: &[Certificate]) -> Result<Stamped, StampError> {
    let (token, info) = TimeStampResp::read(response)?;
    info.check_imprint(text)?;
    let (time, not_later) = info.times()?;
    let signer = token.signer(trusted)?;
    chain::check(&signer, &token.certificates(), trusted, time)?;
    Ok(Stamped { not_later, authority: signer.tbs_certificate().subject().to_string() })
}

/// A moment in seconds since 1970, as RFC 3339 writes it.
pub fn moment(seconds: u64) -> String {
    let date = der::DateTime::from_unix_duration(std::time::Duration::from_secs(seconds));
    date.map_or_else(|_| format!("{seconds} s after 1970"), |date| date.to_string())
}

/// Certificates from a file: PEM, one or several, or DER.
///
/// # Errors
/// Where there is none in it.
pub fn certificates(file: &[u8]) -> Result<Vec<Certificate>, StampError> {
    let malformed = |_| StampError::Malformed("certificate file");
    if let Ok(certificate) = Certificate::from_der(file) {
        return Ok(vec![certificate]);
    }
    let found = Certificate::load_pem_chain(file).map_err(malformed)?;
    if found.is_empty() { Err(StampError::Malformed("certificate file")) } else { Ok(found) }
}
