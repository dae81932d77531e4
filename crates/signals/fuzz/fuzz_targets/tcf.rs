//! TC strings, valid or not, are read without a panic and without keeping anybody waiting.
#![no_main]

use avow_signals::Tcf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(tcf) = Tcf::parse(text) {
        tcf.is_invalid(0);
    }
});
