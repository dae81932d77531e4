//! Any body, in each of its forms, split into events, each read and checked: no panic, and no more events than allowed.
//! The first byte chooses the form, so that a corpus serves all three.
#![no_main]

use avow_ingest::decode::{Form, split};
use avow_ingest::steps::{page, validate};
use libfuzzer_sys::fuzz_target;

const MOST: usize = 20;

fuzz_target!(|input: &[u8]| {
    let Some((form, body)) = input.split_first() else { return };
    let form = [Form::Json, Form::Lines, Form::Either][usize::from(form % 3)];
    let Ok(split) = split(form, body, MOST) else { return };
    assert!(split.pieces.len() <= MOST);
    let templates = ["/".to_owned(), "/product/*".to_owned()];
    for piece in split.pieces {
        let Ok(fields) = piece.read() else { continue };
        // Whatever is named as unknown is a pointer that can be sent back.
        assert!(fields.unknown().all(|pointer| pointer.starts_with('/')));
        if let Ok(page) = page::reduced(&fields, &templates) {
            assert!(page.path.is_none_or(|path| templates.contains(&path)));
        }
        if let Ok(content) = validate::checked(&fields) {
            assert_eq!(fields.claimed_id(), Some(content.id.0));
            assert!(content.view.is_none_or(|view| view.chars().count() <= 64));
        }
    }
});
