//! How deep a body nests, found before anything is built from it, so that no decoder recurses further than we say.

/// Where a text first nests deeper than allowed: line and column, both from 1, the column in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

/// The first bracket that nests deeper than `most`. Text that is no JSON gives some answer, never a panic.
pub fn too_deep(text: &[u8], most: usize) -> Option<Place> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.iter().enumerate() {
        if in_string {
            in_string = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > most {
                    return Some(place(text, at));
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The line and column of a byte.
pub fn place(text: &[u8], at: usize) -> Place {
    let before = &text[..at.min(text.len())];
    let line_begins = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    Place { line: before.iter().filter(|byte| **byte == b'\n').count() + 1, column: before.len() - line_begins + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_outside_of_strings_only() {
        assert_eq!(too_deep(br#"{"a":["[[[[[","\"[[[[",{}]}"#, 3), None);
        assert_eq!(too_deep(br#"{"a":["x\\",[["y"]]]}"#, 3), Some(Place { line: 1, column: 14 }));
        assert_eq!(too_deep(b"[\n[\n [", 2), Some(Place { line: 3, column: 2 }));
        assert_eq!(too_deep(b"]]]][[", 2), None);
        assert_eq!(too_deep(&vec![b'['; 2_000], 32), Some(Place { line: 1, column: 33 }));
    }
}
