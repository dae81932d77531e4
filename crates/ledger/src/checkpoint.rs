//! Checkpoints, the text that a log signs: C2SP tlog-checkpoint.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Hash;

/// What a log says about itself at a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's identity: one non-empty line, without control characters.
    pub origin: String,
    /// The number of leaves.
    pub size: u64,
    /// The root of the tree at that size.
    pub root: Hash,
    /// Lines with a meaning of the log's own, each non-empty; not recommended.
    pub extensions: Vec<String>,
}

/// Why a text is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Fewer than three lines, or a last line that does not end.
    #[error("a checkpoint has three lines or more, each with its end")]
    Lines,
    /// A line that is empty or has a control character.
    #[error("a line of the checkpoint is empty or has a control character")]
    Line,
    /// The size is not a decimal number without leading zeroes.
    #[error("the checkpoint's size is not a number")]
    Size,
    /// The root is not 32 bytes in base64.
    #[error("the checkpoint's root is not a hash")]
    Root,
}

impl Checkpoint {
    /// A checkpoint without extensions.
    pub fn new(origin: impl Into<String>, size: u64, root: Hash) -> Self {
        Self { origin: origin.into(), size, root, extensions: Vec::new() }
    }

    /// The text to be signed. It can be parsed again where origin and extensions are as they must be.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root));
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Reads a note's text, strictly: what is read is written the same.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let text = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Lines);
        };
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        let fits = |line: &str| !line.is_empty() && !line.contains(|c: char| c < ' ');
        if !fits(origin) || !extensions.iter().all(|line| fits(line)) {
            return Err(CheckpointError::Line);
        }
        let size = decimal(size).ok_or(CheckpointError::Size)?;
        let root = hash(root).ok_or(CheckpointError::Root)?;
        Ok(Self { origin: origin.to_owned(), size, root, extensions })
    }
}

/// An ASCII decimal number without sign and leading zeroes.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// A hash in base64.
pub(crate) fn hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn the_example_of_the_specification() {
        let checkpoint = Checkpoint::parse(EXAMPLE).unwrap();
        assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
        assert_eq!(checkpoint.size, 20_852_163);
        assert_eq!(checkpoint.root[..4], [0x0a, 0xc5, 0x18, 0x6a]);
        assert_eq!(checkpoint.text(), EXAMPLE);
    }

    #[test]
    fn every_other_text_is_refused() {
        use CheckpointError::{Line, Lines, Root, Size};
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        for (text, error) in [
            (String::new(), Lines),
            ("\n".into(), Lines),
            (format!("a\n1\n{root}"), Lines),
            ("a\n1\n".into(), Lines),
            (format!("\n1\n{root}\n"), Line),
            (format!("a\tb\n1\n{root}\n"), Line),
            (format!("a\n1\n{root}\n\n"), Line),
            (format!("a\n1\n{root}\nx\n\ny\n"), Line),
            (format!("a\n1\n{root}\nx\r\n"), Line),
            (format!("a\n01\n{root}\n"), Size),
            (format!("a\n00\n{root}\n"), Size),
            (format!("a\n+1\n{root}\n"), Size),
            (format!("a\n-1\n{root}\n"), Size),
            (format!("a\n 1\n{root}\n"), Size),
            (format!("a\n\n{root}\n"), Size),
            (format!("a\n18446744073709551616\n{root}\n"), Size),
            ("a\n1\n\n".into(), Root),
            ("a\n1\nAAAA\n".into(), Root),
            // Not padded, not canonical, of the other alphabet.
            (format!("a\n1\n{}\n", root.trim_end_matches('=')), Root),
            ("a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n".into(), Root),
            ("a\n1\nCsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I=\n".into(), Root),
        ] {
            assert_eq!(Checkpoint::parse(&text), Err(error), "{text:?}");
        }
        assert_eq!(Checkpoint::parse(&format!("a\n0\n{root}\n")).unwrap().size, 0);
        assert_eq!(Checkpoint::parse(&format!("a\n18446744073709551615\n{root}\n")).unwrap().size, u64::MAX);
    }

    proptest! {
        #[test]
        fn it_is_read_as_it_was_written(
            origin in "[^\\x00-\\x1f]+", size: u64, root: Hash, extensions in prop::collection::vec("[^\\x00-\\x1f]+", 0..3),
        ) {
            let checkpoint = Checkpoint { origin, size, root, extensions };
            prop_assert_eq!(Checkpoint::parse(&checkpoint.text()), Ok(checkpoint));
        }

        #[test]
        fn any_text_is_read_in_one_way_or_none(text in "[a\n]{0,3}\n[0-9]{1,3}\n([A-Za-z0-9+/]{42}[AEI]=)?\n?[b\n]{0,4}") {
            if let Ok(checkpoint) = Checkpoint::parse(&text) {
                prop_assert_eq!(checkpoint.text(), text);
            }
        }
    }
}
