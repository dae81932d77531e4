//! `README.<language>.html` of a bundle: what it is, how to check it, what each file is.

use super::Language;
use super::content::{Block, Line, Table, Tone};
use super::html::page;

/// Files and folders of a bundle, each with the key of its text.
const FILES: [(&str, &str); 13] = [
    ("report.html, report.pdf", "readme.file.report"),
    ("manifest.json, manifest.note", "readme.file.manifest"),
    ("records.jsonld", "readme.file.records_jsonld"),
    ("records.csv", "readme.file.records_csv"),
    ("disclosures.jsonl", "readme.file.disclosures"),
    ("logs/", "readme.file.logs"),
    ("operator/", "readme.file.operator"),
    ("proofs/", "readme.file.proofs"),
    ("map/", "readme.file.map"),
    ("artefacts/", "readme.file.artefacts"),
    ("attachments/", "readme.file.attachments"),
    ("time/", "readme.file.time"),
    ("trust.policy", "readme.file.policy"),
];

/// The page that explains a bundle.
#[must_use]
pub fn readme(language: Language) -> String {
    let text = |key| language.text(key).to_owned();
    let rows = FILES.iter().map(|(file, key)| vec![vec![Line::toned(*file, Tone::Code)], vec![Line::plain(text(key))]]);
    let files = Table {
        caption: text("readme.files.caption"),
        columns: vec![text("readme.file"), text("readme.meaning")],
        widths: vec![35, 65],
        figures: vec![],
        rows: rows.collect(),
    };
    let blocks = [
        Block::Title(text("readme.title")),
        Block::Paragraph(text("readme.lead")),
        Block::Paragraph(text("readme.start")),
        Block::Paragraph(text("readme.privacy")),
        Block::Heading(text("readme.verify.title")),
        Block::Paragraph(text("readme.verify.command")),
        Block::Verbatim("avow verify bundle.zip".to_owned()),
        Block::Paragraph(text("readme.verify.page")),
        Block::Paragraph(text("readme.verify.others")),
        Block::Heading(text("readme.files.title")),
        Block::Table(files),
        Block::Footer(text("footer")),
    ];
    page(language.text("readme.title"), &blocks, language)
}
