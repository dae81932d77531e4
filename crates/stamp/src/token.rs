//! The structures of RFC 3161 and the signature over a token (CMS SignedData, RFC 5652).

use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{AnyRef, ObjectIdentifier, OctetString, OctetStringRef, Uint};
use der::{Any, Decode as _, Encode as _, Sequence, Tagged as _};
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::{StampError, signature};

pub(crate) const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// Section 2.4.1.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(crate) struct MessageImprint {
    hash_algorithm: AlgorithmIdentifierOwned,
    hashed_message: OctetString,
}

/// Section 2.4.1.
#[derive(Debug, Sequence)]
pub(crate) struct TimeStampReq {
    pub(crate) version: u8,
    pub(crate) message_imprint: MessageImprint,
    pub(crate) req_policy: Option<ObjectIdentifier>,
    pub(crate) nonce: Option<Uint>,
    #[asn1(default = "Default::default")]
    pub(crate) cert_req: bool,
}

/// Section 2.4.2.
#[derive(Debug, Sequence)]
pub(crate) struct TimeStampResp {
    status: StatusInfo,
    token: Option<ContentInfo>,
}

/// PKIStatusInfo of RFC 4210.
#[derive(Debug, Sequence)]
struct StatusInfo {
    status: u8,
    text: Option<Vec<String>>,
    failure: Option<der::asn1::BitString>,
}

/// Section 2.4.2. The time is read by hand: fractions of a second are allowed here, and not in DER of certificates.
#[derive(Debug, Sequence)]
pub(crate) struct TstInfo {
    version: u8,
    policy: ObjectIdentifier,
    message_imprint: MessageImprint,
    serial_number: Uint,
    gen_time: Any,
    accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    pub(crate) nonce: Option<Uint>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    tsa: Option<GeneralName>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    extensions: Option<x509_cert::ext::Extensions>,
}

/// Section 2.4.2: by how much the time may be off.
#[derive(Debug, Sequence)]
struct Accuracy {
    seconds: Option<u32>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    micros: Option<u16>,
}

/// RFC 5035.
#[derive(Debug, Sequence)]
struct SigningCertificateV2 {
    certs: Vec<EssCertIdV2>,
    policies: Option<Any>,
}

/// RFC 5035. The digest is SHA-256 unless it says otherwise.
#[derive(Debug, Sequence)]
struct EssCertIdV2 {
    hash_algorithm: Option<AlgorithmIdentifierOwned>,
    cert_hash: OctetString,
    issuer_serial: Option<Any>,
}

/// The imprint of a digest by an algorithm.
pub(crate) fn imprint(algorithm: ObjectIdentifier, digest: OctetString) -> MessageImprint {
    let hash_algorithm = AlgorithmIdentifierOwned { oid: algorithm, parameters: Some(AnyRef::NULL.into()) };
    MessageImprint { hash_algorithm, hashed_message: digest }
}

impl TimeStampResp {
    /// The token of an answer, and what it says.
    pub(crate) fn read(response: &[u8]) -> Result<(Token, TstInfo), StampError> {
        let response = Self::from_der(response).map_err(|_| StampError::Malformed("response"))?;
        let status = response.status;
        // Granted, and granted with modifications.
        let (0 | 1, Some(token)) = (status.status, response.token) else {
            let text = status.text.unwrap_or_default().join("; ");
            return Err(StampError::Refused { status: status.status, text });
        };
        let token = Token::read(&token)?;
        let info = TstInfo::from_der(&token.content).map_err(|_| StampError::Malformed("TSTInfo"))?;
        Ok((token, info))
    }
}

impl TstInfo {
    /// Whether it is a stamp of this text.
    pub(crate) fn check_imprint(&self, text: &[u8]) -> Result<(), StampError> {
        let digest = signature::digest(self.message_imprint.hash_algorithm.oid, text)?;
        if self.message_imprint.hashed_message.as_bytes() == digest { Ok(()) } else { Err(StampError::Imprint) }
    }

    /// The authority's time, and the latest that it may have been, in seconds since 1970.
    pub(crate) fn times(&self) -> Result<(u64, u64), StampError> {
        let time = self.generalized_time().ok_or(StampError::Malformed("time"))?;
        let accuracy = self.accuracy.as_ref().map_or(0, |accuracy| {
            let rest = accuracy.millis.is_some() || accuracy.micros.is_some();
            u64::from(accuracy.seconds.unwrap_or(0)) + u64::from(rest)
        });
        // A fraction of a second, which is cut off, counts as a whole one.
        Ok((time.0, time.0.saturating_add(accuracy).saturating_add(time.1)))
    }

    /// `YYYYMMDDHHMMSS[.f...]Z` as seconds, and 1 where there is a fraction.
    fn generalized_time(&self) -> Option<(u64, u64)> {
        if self.gen_time.tag() != der::Tag::GeneralizedTime {
            return None;
        }
        let text = std::str::from_utf8(self.gen_time.value()).ok()?.strip_suffix('Z')?;
        let (whole, fraction) = text.split_once('.').map_or((text, ""), |(whole, fraction)| (whole, fraction));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() != 14 || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let part = |from: usize, to: usize| whole[from..to].parse::<u8>().ok();
        let year = whole[..4].parse().ok()?;
        let date = (part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?);
        let time = der::DateTime::new(year, date.0, date.1, date.2, date.3, date.4).ok()?;
        Some((time.unix_duration().as_secs(), u64::from(!fraction.is_empty())))
    }
}

/// A token: signed content, its one signer, and the certificates beside it.
pub(crate) struct Token {
    content: Vec<u8>,
    signer: SignerInfo,
    certificates: Vec<Certificate>,
}

impl Token {
    fn read(token: &ContentInfo) -> Result<Self, StampError> {
        let malformed = |_| StampError::Malformed("token");
        if token.content_type != SIGNED_DATA {
            return Err(StampError::Malformed("token"));
        }
        let signed: SignedData = token.content.decode_as().map_err(malformed)?;
        let content = signed.encap_content_info;
        let (TST_INFO, Some(content)) = (content.econtent_type, content.econtent) else {
            return Err(StampError::Malformed("content"));
        };
        let content: OctetString = content.decode_as().map_err(malformed)?;
        // Section 2.4.2: one signature, that of the authority.
        let [signer] = signed.signer_infos.0.as_slice() else { return Err(StampError::Malformed("signature")) };
        let certificates = signed.certificates.iter().flat_map(|set| set.0.iter());
        let certificates = certificates.filter_map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => Some(certificate.clone()),
            CertificateChoices::Other(_) => None,
        });
        let certificates = certificates.collect();
        Ok(Self { content: content.as_bytes().to_vec(), signer: signer.clone(), certificates })
    }

    /// The certificates that came with it: nobody vouches for them.
    pub(crate) fn certificates(&self) -> Vec<Certificate> {
        self.certificates.clone()
    }

    /// The certificate of whoever signed the content, the signature verified (RFC 5652, section 5.4).
    pub(crate) fn signer(&self, trusted: &[Certificate]) -> Result<Certificate, StampError> {
        let mut all = self.certificates.iter().chain(trusted);
        let signer = all.find(|certificate| self.is_signer(certificate)).ok_or(StampError::NoCertificate)?;
        let attributes = self.signer.signed_attrs.as_ref().ok_or(StampError::Malformed("signed attributes"))?;
        let one = |oid: ObjectIdentifier| -> Option<&Any> {
            let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
            let (first, None) = (found.next()?, found.next()) else { return None };
            if let [value] = first.values.as_slice() { Some(value) } else { None }
        };
        let wrong = || StampError::Signature(signer.tbs_certificate().subject().to_string());
        let content_type = one(CONTENT_TYPE).and_then(|value| value.decode_as::<ObjectIdentifier>().ok());
        let digest = one(MESSAGE_DIGEST).and_then(|value| value.decode_as::<&OctetStringRef>().ok());
        let expected = signature::digest(self.signer.digest_alg.oid, &self.content)?;
        if content_type != Some(TST_INFO) || digest.map(OctetStringRef::as_bytes) != Some(&expected[..]) {
            return Err(wrong());
        }
        if let Some(value) = one(SIGNING_CERTIFICATE_V2) {
            named(value, signer)?;
        }
        // What is signed is the attributes as a SET, whatever they are tagged as in the token.
        let message = attributes.to_der().map_err(|_| StampError::Malformed("signed attributes"))?;
        signature::verify(
            signer,
            self.signer.signature_algorithm.oid,
            Some(self.signer.digest_alg.oid),
            &message,
            self.signer.signature.as_bytes(),
        )?;
        Ok(signer.clone())
    }

    fn is_signer(&self, certificate: &Certificate) -> bool {
        let certificate = certificate.tbs_certificate();
        match &self.signer.sid {
            SignerIdentifier::IssuerAndSerialNumber(id) => {
                *certificate.issuer() == id.issuer && *certificate.serial_number() == id.serial_number
            }
            SignerIdentifier::SubjectKeyIdentifier(id) => {
                let own = certificate.get_extension::<SubjectKeyIdentifier>();
                own.is_ok_and(|own| own.is_some_and(|(_, own)| own == *id))
            }
        }
    }
}

/// Whether the certificate is the one that the signer signed to have used (RFC 5816).
fn named(value: &Any, signer: &Certificate) -> Result<(), StampError> {
    let named: SigningCertificateV2 = value.decode_as().map_err(|_| StampError::Malformed("signing certificate"))?;
    let bytes = signer.to_der().map_err(|_| StampError::Malformed("certificate"))?;
    let first = named.certs.first().ok_or(StampError::NoCertificate)?;
    let algorithm = first.hash_algorithm.as_ref().map_or(SHA_256, |algorithm| algorithm.oid);
    let hash = signature::digest(algorithm, &bytes)?;
    if first.cert_hash.as_bytes() == hash { Ok(()) } else { Err(StampError::NoCertificate) }
}
