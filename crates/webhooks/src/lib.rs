//! Webhooks as the Standard Webhooks specification has them (standardwebhooks.com, version 1): what a message is, how it is
//! signed, to which addresses it may go, and sending it once. When it is sent again, and what is kept of it, is the
//! processor's to say.

mod address;
mod config;
mod link;
mod message;
mod report;
mod send;
mod signature;

pub use address::{AddressError, Allowed, is_public};
pub use config::WebhooksConfig;
pub use link::{Link, read as read_link, written as written_link};
pub use message::{body, message_id};
pub use report::report_ready;
pub use send::{Outcome, Sender};
pub use signature::{SecretError, fresh_secret, sign};
