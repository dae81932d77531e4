//! Cursors: where a page ends, opaque to callers and bound to the question it belongs to.

use sha2::{Digest, Sha256};

/// The first 16 hexadecimal digits of a SHA-256.
pub fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes())[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A cursor behind `offset` rows of the question that `question` identifies.
pub fn cursor(question: &str, offset: usize) -> String {
    format!("{}{offset:x}", digest(question))
}

/// The offset in a cursor of this question; `None` where it is of another, or none at all.
pub fn offset(question: &str, cursor: &str) -> Option<usize> {
    usize::from_str_radix(cursor.strip_prefix(&digest(question))?, 16).ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cursor_fits_its_own_question_alone() {
        let cursor = super::cursor("a", 300);
        assert_eq!(super::offset("a", &cursor), Some(300));
        assert_eq!(super::offset("b", &cursor), None);
        assert_eq!(super::offset("a", "é"), None);
    }
}
