//! A report as PDF/A-3a, tagged so that a screen reader reads it as the HTML (PDF/UA-1).
//!
//! krilla writes PDF and lays out nothing. So [`layout`] flows the blocks over pages and gives each line a place and
//! a group in the tree of tags; here the pages are drawn and the tree is built. Fonts are Noto Sans (Apache-2.0, from the
//! crate `ttf-noto-sans`), which has Latin, Greek and Cyrillic; what it lacks is printed as a question mark, since
//! PDF/A takes no missing glyph.

mod fonts;
mod layout;
mod tags;

use std::num::NonZeroU16;

use jiff::Timestamp;
use jiff::tz::Offset;
use krilla::color::rgb;
use krilla::configure::{Accessibility, Archival, Configuration, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, Identifier, SpanTag};
use krilla::text::TextDirection;
use krilla::{Document, SerializeSettings};

use super::content::{Block, content};
use super::{Language, Report};
use fonts::Fonts;
use layout::{Color, Op, PAGE_HEIGHT, PAGE_WIDTH, Page};

/// Why there is no PDF.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    #[error("the fonts in the program cannot be read")]
    Fonts,
    #[error("PDF: {0}")]
    Pdf(String),
}

/// The report as a PDF file. The same report gives the same bytes.
///
/// # Errors
/// Where the file would not be what PDF/A-3a and PDF/UA-1 demand.
pub fn pdf(report: &Report, language: Language) -> Result<Vec<u8>, PdfError> {
    let sheet = Sheet {
        title: format!("{}{}{}", language.text("report.title"), language.colon(), report.site_name),
        author: report.made_by.clone(),
        id: format!("{}\n{}\n{}\n{}", report.site, report.from, report.to, report.made_at),
        made_at: report.made_at,
    };
    drawn(&content(report, language), language, &sheet)
}

/// What a file says of itself.
pub(super) struct Sheet {
    pub title: String,
    pub author: String,
    pub id: String,
    /// ms since 1970.
    pub made_at: i64,
}

/// Blocks as a PDF file.
///
/// # Errors
/// As [`pdf`].
pub(super) fn drawn(blocks: &[Block], language: Language, sheet: &Sheet) -> Result<Vec<u8>, PdfError> {
    let fonts = Fonts::load().ok_or(PdfError::Fonts)?;
    let flow = layout::flow(blocks, &fonts, language);
    let settings = SerializeSettings { configuration: configuration()?, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    let mut identifiers: Vec<Option<Identifier>> = vec![None; flow.lines];
    for page in &flow.pages {
        draw(&mut document, page, &fonts, &mut identifiers);
    }
    document.set_tag_tree(tags::tree(&flow.groups, &identifiers, language));
    let mut outline = Outline::new();
    for heading in flow.headings {
        let point = Point::from_xy(layout::MARGIN, heading.y);
        outline.push_child(OutlineNode::new(heading.text, XyzDestination::new(heading.page, point)));
    }
    document.set_outline(outline);
    document.set_metadata(metadata(sheet, language, &fonts));
    document.finish().map_err(|error| PdfError::Pdf(error.to_string()))
}

fn configuration() -> Result<Configuration, PdfError> {
    ConfigurationBuilder::new()
        .with_archival_validator(Archival::A3_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| PdfError::Pdf(format!("{error:?}")))
}

fn metadata(sheet: &Sheet, language: Language, fonts: &Fonts) -> Metadata {
    let time = Offset::UTC.to_datetime(Timestamp::from_millisecond(sheet.made_at).unwrap_or_default());
    let part = |number: i8| u8::try_from(number).unwrap_or_default();
    let date = DateTime::new(u16::try_from(time.year()).unwrap_or_default())
        .month(part(time.month()))
        .day(part(time.day()))
        .hour(part(time.hour()))
        .minute(part(time.minute()))
        .second(part(time.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    Metadata::new()
        .title(fonts.printable(&sheet.title))
        .language(language.code().to_owned())
        .creator("Avow".to_owned())
        .authors(vec![fonts.printable(&sheet.author)])
        .document_id(sheet.id.clone())
        .creation_date(date)
}

/// The level of a heading, which is never zero.
fn level(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN)
}

fn draw(document: &mut Document, page: &Page, fonts: &Fonts, identifiers: &mut [Option<Identifier>]) {
    let settings = PageSettings::from_wh(PAGE_WIDTH, PAGE_HEIGHT).unwrap_or_default();
    let mut drawn = document.start_page_with(settings);
    let mut surface = drawn.surface();
    for op in &page.ops {
        match op {
            Op::Line { x, y, style, text, id } => {
                let tag = match id {
                    Some(_) => ContentTag::Span(SpanTag::empty()),
                    None => ContentTag::Artifact(Artifact::with_kind(ArtifactType::PaginationOther)),
                };
                let identifier = surface.start_tagged(tag);
                surface.set_fill(Some(fill(style.color)));
                let (point, font) = (Point::from_xy(*x, *y), fonts.font(style.weight).clone());
                surface.draw_text(point, font, style.size, text, false, TextDirection::LeftToRight);
                surface.end_tagged();
                if let Some(place) = id.and_then(|id| identifiers.get_mut(id)) {
                    *place = Some(identifier);
                }
            }
            Op::Box { x, y, width, height, color } => rectangle(&mut surface, [*x, *y, *width, *height], *color),
        }
    }
    surface.finish();
    drawn.finish();
}

/// A rule or a band: decoration, which no screen reader reads.
fn rectangle(surface: &mut Surface<'_>, [x, y, width, height]: [f32; 4], color: Color) {
    let Some(rect) = Rect::from_xywh(x, y, width, height) else { return };
    let mut path = PathBuilder::new();
    path.push_rect(rect);
    let Some(path) = path.finish() else { return };
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)));
    surface.set_fill(Some(fill(color)));
    surface.draw_path(&path);
    surface.end_tagged();
}

fn fill(color: Color) -> Fill {
    let (red, green, blue) = match color {
        Color::Text => (0x1b, 0x1f, 0x24),
        Color::Muted => (0x4a, 0x52, 0x5b),
        Color::Good => (0x0b, 0x6b, 0x3a),
        Color::Bad => (0xa4, 0x26, 0x2c),
        Color::Rule => (0xc0, 0xc6, 0xcc),
        Color::Band => (0xf0, 0xf2, 0xf4),
    };
    Fill { paint: rgb::Color::new(red, green, blue).into(), opacity: NormalizedF32::ONE, ..Fill::default() }
}

/// What the outline lists.
const fn is_heading(block: &Block) -> bool {
    matches!(block, Block::Title(_) | Block::Heading(_))
}

#[cfg(test)]
mod tests;
