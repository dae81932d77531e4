//! The two fonts, how wide text is in them, and where lines break.

use krilla::text::Font;
use rustybuzz::{Face, UnicodeBuffer};

use super::super::html::unfit;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

struct Cut {
    face: Face<'static>,
    font: Font,
}

impl Cut {
    fn load(data: &'static [u8]) -> Option<Self> {
        Some(Self { face: Face::from_slice(data, 0)?, font: Font::new(data.into(), 0)? })
    }
}

pub(super) struct Fonts {
    regular: Cut,
    bold: Cut,
}

impl Fonts {
    pub(super) fn load() -> Option<Self> {
        Some(Self { regular: Cut::load(ttf_noto_sans::REGULAR)?, bold: Cut::load(ttf_noto_sans::BOLD)? })
    }

    const fn cut(&self, weight: Weight) -> &Cut {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    pub(super) const fn font(&self, weight: Weight) -> &Font {
        &self.cut(weight).font
    }

    /// The width of a text, shaped as krilla will shape it.
    pub(super) fn width(&self, text: &str, weight: Weight, size: f32) -> f32 {
        let face = &self.cut(weight).face;
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        buffer.set_direction(rustybuzz::Direction::LeftToRight);
        let shaped = rustybuzz::shape(face, &[], buffer);
        let advance: i32 = shaped.glyph_positions().iter().map(|glyph| glyph.x_advance).sum();
        #[expect(clippy::cast_precision_loss, reason = "a line has far fewer than 2^24 units")]
        let units = advance as f32;
        units / units_per_em(face) * size
    }

    /// The text with what cannot or must not be printed as question marks. Marks that only repeat what the words beside
    /// them say (✓, ✗) are left out.
    pub(super) fn printable(&self, text: &str) -> String {
        let has = |c: char| {
            [&self.regular, &self.bold].iter().all(|cut| cut.face.glyph_index(c).is_some_and(|glyph| glyph.0 != 0))
        };
        let text = text.trim_start_matches(['✓', '✗']).trim();
        text.chars()
            .map(|c| match c {
                '\n' | '\t' => ' ',
                c if unfit(c) || !has(c) => '?',
                c => c,
            })
            .collect()
    }

    /// Breaks a text into lines that fit; at spaces, and within a word that is wider than a line.
    pub(super) fn wrap(&self, text: &str, weight: Weight, size: f32, width: f32) -> Vec<String> {
        let text = self.printable(text);
        let mut lines = Vec::new();
        let mut line = String::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&longer, weight, size) <= width {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            line = self.broken(word, weight, size, width, &mut lines);
        }
        if !line.is_empty() || lines.is_empty() {
            lines.push(line);
        }
        lines
    }

    /// Cuts a word into pieces that fit, and gives back the last.
    fn broken(&self, word: &str, weight: Weight, size: f32, width: f32, lines: &mut Vec<String>) -> String {
        let mut piece = String::new();
        for c in word.chars() {
            piece.push(c);
            if self.width(&piece, weight, size) > width && piece.chars().count() > 1 {
                piece.pop();
                lines.push(std::mem::replace(&mut piece, c.to_string()));
            }
        }
        piece
    }
}

fn units_per_em(face: &Face<'_>) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "at most 16384")]
    let units = face.units_per_em() as f32;
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_nothing_is_lost() {
        let fonts = Fonts::load().unwrap();
        let text =
            "Einwilligungsverwaltungsplattformbetreiber und andere lange Wörter sha256:0123456789abcdef0123456789";
        for width in [40.0, 90.0, 300.0] {
            let lines = fonts.wrap(text, Weight::Regular, 9.0, width);
            assert!(lines.iter().all(|line| fonts.width(line, Weight::Regular, 9.0) <= width), "{lines:?}");
            assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        }
        assert_eq!(fonts.wrap("", Weight::Bold, 9.0, 50.0), [""]);
    }

    #[test]
    fn what_cannot_be_printed_is_a_question_mark() {
        let fonts = Fonts::load().unwrap();
        assert_eq!(fonts.printable("✓ proved"), "proved");
        assert_eq!(fonts.printable("a\u{202e}b\u{0}c"), "a?b?c");
        assert_eq!(fonts.printable("日本"), "??");
        let prose = "« œuvre » – “x” ‘y’ „z“ … ß ñ ¿ € Ελλάδα Київ";
        assert_eq!(fonts.printable(prose), prose);
    }
}
