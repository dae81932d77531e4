//! Any bytes as an authority's answer, and as a file of certificates: read or refused, without panic; and nothing is a stamp
//! where nobody is trusted.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    _ = avow_stamp::check(bytes, b"text\n", 7);
    assert!(avow_stamp::verify(bytes, b"text\n", &[]).is_err());
    _ = avow_stamp::certificates(bytes);
});
