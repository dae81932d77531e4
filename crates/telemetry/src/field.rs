//! Names of log fields, so that a search finds every line about one thing. Units are in the names. None of them ever
//! holds an address, a user agent, a subject, or a page.

/// What went wrong, in words.
pub const ERROR: &str = "error";
/// A site's name.
pub const SITE: &str = "site";
/// An HTTP status.
pub const STATUS: &str = "http.status";
/// How many events a line is about.
pub const EVENTS: &str = "events";
/// A topic of the log.
pub const TOPIC: &str = "log.topic";
/// A partition of the log.
pub const PARTITION: &str = "log.partition";
/// A position in a partition.
pub const POSITION: &str = "log.position";
/// How long something took.
pub const ELAPSED_MS: &str = "elapsed_ms";
