//! `/api/v1/audit/attachments`: documents of third parties, such as audit reports, that go into a site's exports.

pub mod delete;
pub mod list;
pub mod put;

use avow_schemas::control::Attachment;
use serde::Serialize;
use utoipa::ToSchema;

use crate::moment;

/// A document that goes into a site's exports.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttachmentLine {
    pub site: String,
    /// `sha256:<hex>` of its bytes.
    pub hash: String,
    pub title: String,
    /// Who wrote it.
    pub issuer: String,
    /// Its own date, as it was stated.
    pub date: String,
    pub media_type: String,
    pub size_bytes: u64,
    /// Its file in a bundle.
    pub file: String,
    /// RFC 3339.
    pub made_at: String,
}

impl AttachmentLine {
    fn of(attachment: &Attachment) -> Self {
        Self {
            site: attachment.site.to_string(),
            hash: attachment.hash.clone(),
            title: attachment.title.clone(),
            issuer: attachment.issuer.clone(),
            date: attachment.date.clone(),
            media_type: attachment.media_type.clone(),
            size_bytes: attachment.size_bytes,
            file: attachment.file(),
            made_at: moment::written(attachment.made_at),
        }
    }
}
