//! What an audit hands out, as pure functions: consent records (ISO/IEC TS 27560:2023 in the W3C Data Privacy
//! Vocabulary), the states that a consent went through, and the report about them for people.
//!
//! Nothing here reads a file, asks a clock or knows a database. Whoever exports brings events, settings, catalogue,
//! artefacts and the time, and carries away JSON-LD, CSV rows, HTML and PDF.
//!
//! | module | from | to |
//! |---|---|---|
//! | [`choice`] | one event and the settings in force | what it says of each service and purpose |
//! | [`status`] | a subject's history | the states of each consent and when each began |
//! | [`record`] | one event with all that is known about it | a consent record in JSON-LD |
//! | [`document`] | records, one by one | `records.jsonld`, never in memory as a whole |
//! | [`table`] | the same input | a row of `records.csv` |
//! | [`report`] | figures, summaries, claims | the report for people, and the bundle's README |

pub mod choice;
pub mod document;
pub mod dpv;
mod moment;
pub mod record;
pub mod report;
pub mod status;
pub mod table;
#[cfg(test)]
mod testing;

pub use record::{Artefact, Place, RecordInput, Shared, Shown, record, record_in, visible_choices};
pub use status::{Change, Facts, Status, Timeline, statuses};
