//! Digests and signatures by their object identifiers: SHA-2 with RSA (PKCS #1 v1.5) of 2048 bits and more, and ECDSA over
//! P-256 and P-384. Whatever else an authority signs with is an error that names it.

use der::asn1::ObjectIdentifier;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{Pkcs1v15Sign, PublicKey};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use x509_cert::Certificate;

use crate::StampError;

const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";
const P_256: &str = "1.2.840.10045.3.1.7";
const P_384: &str = "1.3.132.0.34";
const SHA_256: &str = "2.16.840.1.101.3.4.2.1";
const SHA_384: &str = "2.16.840.1.101.3.4.2.2";
const SHA_512: &str = "2.16.840.1.101.3.4.2.3";
/// Bytes of the smallest RSA modulus.
const SMALLEST: usize = 256;

fn unknown(algorithm: &str) -> StampError {
    StampError::Algorithm(algorithm.to_owned())
}

/// The digest of some bytes.
pub(crate) fn digest(algorithm: ObjectIdentifier, bytes: &[u8]) -> Result<Vec<u8>, StampError> {
    match algorithm.to_string().as_str() {
        SHA_256 => Ok(Sha256::digest(bytes).to_vec()),
        SHA_384 => Ok(Sha384::digest(bytes).to_vec()),
        SHA_512 => Ok(Sha512::digest(bytes).to_vec()),
        other => Err(unknown(other)),
    }
}

/// Verifies a signature with a certificate's key. `digest_algorithm` is what CMS says of it, beside an algorithm of the
/// signature that does not.
pub(crate) fn verify(
    by: &Certificate,
    algorithm: ObjectIdentifier,
    digest_algorithm: Option<ObjectIdentifier>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), StampError> {
    let by = by.tbs_certificate();
    let wrong = || StampError::Signature(by.subject().to_string());
    let key = by.subject_public_key_info();
    let bytes = key.subject_public_key.as_bytes().ok_or_else(wrong)?;
    let named = algorithm.to_string();
    let of_signature = match named.as_str() {
        "1.2.840.113549.1.1.11" | "1.2.840.10045.4.3.2" => Some(SHA_256),
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => Some(SHA_384),
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => Some(SHA_512),
        RSA => None,
        other => return Err(unknown(other)),
    };
    let digest_algorithm = match of_signature {
        Some(algorithm) => ObjectIdentifier::new(algorithm).map_err(|_| wrong())?,
        None => digest_algorithm.ok_or_else(|| unknown(&named))?,
    };
    let hash = digest(digest_algorithm, message)?;
    let is_ec = named.starts_with("1.2.840.10045.");
    let right = match key.algorithm.oid.to_string().as_str() {
        RSA if !is_ec => {
            let key = PublicKey::from_pkcs1_der(bytes).map_err(|_| wrong())?;
            let scheme = match digest_algorithm.to_string().as_str() {
                SHA_256 => Pkcs1v15Sign::new::<Sha256>(),
                SHA_384 => Pkcs1v15Sign::new::<Sha384>(),
                _ => Pkcs1v15Sign::new::<Sha512>(),
            };
            key.size() >= SMALLEST && key.verify(scheme, &hash, signature).is_ok()
        }
        EC if is_ec => {
            let curve = key.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
            match curve.map(|curve| curve.to_string()).as_deref() {
                Some(P_256) => {
                    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(bytes).map_err(|_| wrong())?;
                    let signature = p256::ecdsa::Signature::from_der(signature).map_err(|_| wrong())?;
                    key.verify_prehash(&hash, &signature).is_ok()
                }
                Some(P_384) => {
                    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(bytes).map_err(|_| wrong())?;
                    let signature = p384::ecdsa::Signature::from_der(signature).map_err(|_| wrong())?;
                    key.verify_prehash(&hash, &signature).is_ok()
                }
                other => return Err(unknown(other.unwrap_or("of an elliptic curve without a name"))),
            }
        }
        other => return Err(unknown(other)),
    };
    if right { Ok(()) } else { Err(wrong()) }
}
