//! The reader of multipart bodies: it never panics and never gives more than it was given.
#![no_main]

use avow_chbox::wire::take_multipart;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let mut given = 0;
    let read = take_multipart(body.to_vec().into(), "b", |name, value| {
        given += name.len() + value.len();
        Ok(())
    });
    let _refused = futures::executor::block_on(read);
    assert!(given <= body.len());
});
