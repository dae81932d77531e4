//! GPP strings, valid or not, are read without a panic.
#![no_main]

use avow_signals::Gpp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(gpp) = Gpp::parse(text) {
        for (id, section) in gpp.sections {
            let _ = Gpp::section(id, section);
        }
    }
});
