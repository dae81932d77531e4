//! The commands other than the roles. Administration goes through the API of the running server.

pub mod alert;
pub mod banner;
pub mod catalog;
pub mod demo;
pub mod doctor;
pub mod export;
mod follow;
pub mod import;
pub mod ledger;
pub mod migrate;
pub mod person;
pub mod rebuild;
pub mod replay;
pub mod show_config;
pub mod signals;
pub mod simulate;
pub mod site;
pub mod subject;
pub mod token;
pub mod verify;
pub mod webhook;
pub mod witness;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{ContentArrangement, Table};

/// A table in the one style that all commands print.
fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic).set_header(header);
    table
}
