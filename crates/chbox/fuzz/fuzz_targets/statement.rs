//! The splitter of statements: it never panics, its positions are within the text, and what it calls the head of an
//! insert is a beginning of the text.
#![no_main]

use avow_chbox::wire::{Insert, format_clause, insert, without_terminator};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(Insert::WithData(parts)) = insert(text) {
        assert!(text.is_char_boundary(parts.data));
        assert!(text.starts_with(&parts.head));
        assert!(parts.head.len() <= parts.data);
    }
    if let Some(clause) = format_clause(text) {
        assert!(text[clause.range].contains(clause.name));
    }
    let kept = without_terminator(text);
    assert!(text.starts_with(kept));
    assert_eq!(without_terminator(kept), kept);
});
