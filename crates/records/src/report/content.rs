//! A report as a sequence of headings, paragraphs, lists and tables, the same for HTML and PDF.

use avow_schemas::event::{EventType, Method};
use jiff::Timestamp;
use jiff::tz::Offset;

use super::{Attached, Claim, Language, Report, ShownText, Summary, Verdict};
use crate::status::Status;

/// How a word is to be marked, beside what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// A name, number or file to be read letter by letter.
    Code,
    Good,
    Bad,
    Muted,
}

/// A line of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub text: String,
    pub tone: Tone,
}

impl Line {
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Plain }
    }

    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }
}

/// A cell: one line or several.
pub(super) type Cell = Vec<Line>;

/// A table; the first cell of each row is its heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub caption: String,
    pub columns: Vec<String>,
    /// Widths of the columns in hundredths.
    pub widths: Vec<u16>,
    /// Columns of figures, set to the right.
    pub figures: Vec<usize>,
    pub rows: Vec<Vec<Cell>>,
}

/// A part of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block {
    Title(String),
    Heading(String),
    Paragraph(String),
    /// A command or the like, to be copied.
    Verbatim(String),
    /// Terms and what they are here.
    Facts(Vec<(String, Cell)>),
    List(Vec<String>),
    Table(Table),
    Footer(String),
}

/// A moment as it is read: `2026-11-24 10:15:02 UTC`.
pub(super) fn moment(ms: i64) -> String {
    let time = Timestamp::from_millisecond(ms).unwrap_or_default();
    Offset::UTC.to_datetime(time).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The whole report.
pub(super) fn content(report: &Report, language: Language) -> Vec<Block> {
    let text = |key| language.text(key).to_owned();
    let mut blocks = vec![
        Block::Title(text("report.title")),
        Block::Paragraph(language.fill("report.lead", &[("site", &report.site_name)])),
        Block::Facts(facts(report, language)),
        Block::Paragraph(text("report.times")),
    ];
    if !report.services.is_empty() {
        blocks.push(Block::Paragraph(text("report.cut")));
    }
    blocks.push(Block::Heading(text("claims.title")));
    blocks.extend(claims(&report.claims, language));
    blocks.push(Block::Heading(text("limits.title")));
    blocks.push(Block::Paragraph(text("limits.lead")));
    let limits = ["limits.human", "limits.before", "limits.source", "limits.time"];
    blocks.push(Block::List(limits.into_iter().map(text).collect()));
    blocks.push(Block::Heading(text("counts.title")));
    blocks.push(Block::Paragraph(text("counts.lead")));
    blocks.push(Block::Table(counts(report, language)));
    blocks.push(Block::Heading(text("records.title")));
    blocks.extend(records(report, language));
    if !report.texts.is_empty() {
        blocks.push(Block::Heading(text("texts.title")));
        blocks.push(Block::Paragraph(text("texts.lead")));
        blocks.push(Block::Table(texts(&report.texts, language)));
    }
    if !report.attached.is_empty() {
        blocks.push(Block::Heading(text("attached.title")));
        blocks.push(Block::Paragraph(text("attached.lead")));
        blocks.push(Block::Table(attached(&report.attached, language)));
    }
    blocks.push(Block::Heading(text("words.title")));
    let words = ["words.event", "words.subject", "words.decision", "words.service", "words.hash", "words.ledger"];
    blocks.push(Block::List(words.into_iter().map(text).collect()));
    blocks.push(Block::Footer(text("footer")));
    blocks
}

fn facts(report: &Report, language: Language) -> Vec<(String, Cell)> {
    let text = |key| language.text(key).to_owned();
    let mut facts = vec![
        (
            text("report.site"),
            vec![Line::plain(report.site_name.as_str()), Line::toned(report.site.as_str(), Tone::Code)],
        ),
        (
            text("report.period"),
            vec![Line::plain(
                language.fill("report.period.value", &[("from", &moment(report.from)), ("to", &moment(report.to))]),
            )],
        ),
    ];
    let mut parties: Cell = Vec::new();
    for party in &report.controllers {
        parties.push(Line::plain(party.name.as_str()));
        let details = [&party.address, &party.contact].into_iter().filter(|detail| !detail.trim().is_empty());
        parties.extend(details.map(|detail| Line::toned(detail.as_str(), Tone::Muted)));
    }
    if parties.is_empty() {
        parties.push(Line::toned(language.text("report.controllers.none"), Tone::Bad));
    }
    facts.push((text("report.controllers"), parties));
    if let Some(subject) = &report.subject {
        facts.push((text("report.subject"), vec![Line::toned(subject.as_str(), Tone::Code)]));
    }
    if !report.services.is_empty() {
        facts.push((text("report.services"), report.services.iter().map(|name| Line::plain(name.as_str())).collect()));
    }
    facts.push((text("report.made_by"), vec![Line::plain(report.made_by.as_str())]));
    facts.push((text("report.made_at"), vec![Line::plain(moment(report.made_at))]));
    facts
}

fn claims(claims: &[Claim], language: Language) -> Vec<Block> {
    if claims.is_empty() {
        return vec![Block::Paragraph(language.text("claims.none").to_owned())];
    }
    let text = |key| language.text(key).to_owned();
    let rows = claims.iter().map(|claim| {
        let mut statement = vec![Line::plain(language.text(claim.title.key()))];
        if !claim.detail.trim().is_empty() {
            statement.push(Line::toned(claim.detail.as_str(), Tone::Muted));
        }
        let tone = match claim.verdict {
            Verdict::Proven => Tone::Good,
            Verdict::NotProven => Tone::Bad,
            Verdict::NotConfigured => Tone::Muted,
        };
        let proof = if claim.file.is_empty() { vec![] } else { vec![Line::toned(claim.file.as_str(), Tone::Code)] };
        vec![statement, vec![Line::toned(language.text(claim.verdict.key()), tone)], proof]
    });
    let table = Table {
        caption: text("claims.caption"),
        columns: vec![text("claims.claim"), text("claims.status"), text("claims.file")],
        widths: vec![50, 20, 30],
        figures: vec![],
        rows: rows.collect(),
    };
    vec![Block::Paragraph(text("claims.lead")), Block::Table(table)]
}

fn counts(report: &Report, language: Language) -> Table {
    let counts = &report.counts;
    let row = |key, number| vec![vec![Line::plain(language.text(key))], vec![Line::plain(language.number(number))]];
    let mut rows: Vec<Vec<Cell>> = counts.events.iter().map(|(kind, number)| row(event_key(*kind), *number)).collect();
    rows.extend([
        row("counts.decisions", counts.decisions),
        row("counts.grants", counts.grants),
        row("counts.refusals", counts.refusals),
        row("counts.withdrawals", counts.withdrawals),
        row("counts.subjects", counts.subjects),
    ]);
    Table {
        caption: language.text("counts.caption").to_owned(),
        columns: vec![language.text("counts.what").to_owned(), language.text("counts.number").to_owned()],
        widths: vec![75, 25],
        figures: vec![1],
        rows,
    }
}

fn attached(all: &[Attached], language: Language) -> Table {
    let text = |key| language.text(key).to_owned();
    let rows = all.iter().map(|one| {
        let plain = |text: &str| vec![Line::plain(text)];
        vec![plain(&one.title), plain(&one.issuer), plain(&one.date), vec![Line::toned(one.file.as_str(), Tone::Code)]]
    });
    Table {
        caption: text("attached.caption"),
        columns: ["attached.name", "attached.issuer", "attached.date", "attached.file"].into_iter().map(text).collect(),
        widths: vec![30, 25, 15, 30],
        figures: vec![],
        rows: rows.collect(),
    }
}

const fn event_key(kind: EventType) -> &'static str {
    match kind {
        EventType::Shown => "counts.shown",
        EventType::Decided => "counts.decided",
        EventType::Withdrawn => "counts.withdrawn",
        EventType::Observed => "counts.observed",
        EventType::Loaded => "counts.loaded",
    }
}

fn records(report: &Report, language: Language) -> Vec<Block> {
    if report.records.is_empty() {
        return vec![Block::Paragraph(language.text("records.none").to_owned())];
    }
    let shown = language.number(report.records.len() as u64);
    let total = language.number(report.records_total);
    let lead = language.fill("records.lead", &[("shown", &shown), ("total", &total)]);
    let text = |key| language.text(key).to_owned();
    let table = Table {
        caption: text("records.caption"),
        columns: ["records.who", "records.seen", "records.chosen", "records.followed"].into_iter().map(text).collect(),
        widths: vec![23, 27, 27, 23],
        figures: vec![],
        rows: report.records.iter().map(|summary| record(summary, language)).collect(),
    };
    vec![Block::Paragraph(lead), Block::Table(table)]
}

/// What the banners said, word for word.
fn texts(texts: &[ShownText], language: Language) -> Table {
    let text = |key| language.text(key).to_owned();
    let row = |shown: &ShownText| {
        let stated =
            |value: &Option<String>| value.clone().unwrap_or_else(|| language.text("records.unknown").to_owned());
        let (version, tongue) = (stated(&shown.version), stated(&shown.language));
        let banner = language.fill("records.banner", &[("version", &version), ("language", &tongue)]);
        vec![
            vec![Line::plain(banner), Line::toned(language.fill("records.text", &[("hash", &shown.hash)]), Tone::Code)],
            shown.lines.iter().map(|line| Line::plain(line.as_str())).collect(),
            vec![Line::toned(shown.file.as_str(), Tone::Code)],
        ]
    };
    Table {
        caption: text("texts.caption"),
        columns: ["texts.banner", "texts.text", "attached.file"].into_iter().map(text).collect(),
        widths: vec![28, 47, 25],
        figures: vec![],
        rows: texts.iter().map(row).collect(),
    }
}

fn record(summary: &Summary, language: Language) -> Vec<Cell> {
    let who = vec![Line::plain(moment(summary.at)), Line::toned(summary.subject.as_str(), Tone::Code)];
    let stated = |value: &Option<String>| value.clone().unwrap_or_else(|| language.text("records.unknown").to_owned());
    let (version, tongue) = (stated(&summary.banner_version), stated(&summary.language));
    let mut seen = vec![Line::plain(language.fill("records.banner", &[("version", &version), ("language", &tongue)]))];
    seen.push(match &summary.text_hash {
        Some(hash) => Line::toned(language.fill("records.text", &[("hash", hash)]), Tone::Code),
        None => Line::toned(language.text("records.text.none"), Tone::Bad),
    });
    let mut chosen: Cell = [
        ("records.granted", &summary.granted),
        ("records.refused", &summary.refused),
        ("records.withdrawn", &summary.withdrawn),
        ("records.not_disclosed", &summary.not_disclosed),
    ]
    .into_iter()
    .filter(|(_, names)| !names.is_empty())
    .map(|(key, names)| Line::plain(language.fill(key, &[("names", &names.join(", "))])))
    .collect();
    if chosen.is_empty() {
        chosen.push(Line::plain(language.text("records.nothing")));
    }
    chosen.push(Line::toned(language.text(method_key(summary)), Tone::Muted));
    let mut followed: Cell = summary
        .followed
        .iter()
        .map(|later| {
            let status = language.text(status_key(later.status));
            Line::plain(format!("{}{}{}, {status}", moment(later.at), language.colon(), later.name))
        })
        .collect();
    if followed.is_empty() {
        followed.push(Line::toned(language.text("records.followed.none"), Tone::Muted));
    }
    vec![who, seen, chosen, followed]
}

const fn method_key(summary: &Summary) -> &'static str {
    if summary.method_withheld {
        return "method.withheld";
    }
    match (summary.kind, summary.method) {
        (EventType::Withdrawn, None) => "method.withdrawn",
        (_, Some(Method::AcceptAll)) => "method.accept_all",
        (_, Some(Method::RejectAll)) => "method.reject_all",
        (_, Some(Method::Save)) => "method.save",
        (_, Some(Method::Dismiss)) => "method.dismiss",
        (_, Some(Method::Gpc)) => "method.gpc",
        (_, Some(Method::Api)) => "method.api",
        (_, None) => "method.none",
    }
}

const fn status_key(status: Status) -> &'static str {
    match status {
        Status::Unknown => "status.unknown",
        Status::Requested => "status.requested",
        Status::Deferred => "status.deferred",
        Status::Given => "status.given",
        Status::Renewed => "status.renewed",
        Status::Refused => "status.refused",
        Status::Withdrawn => "status.withdrawn",
        Status::Expired => "status.expired",
        Status::Invalidated => "status.invalidated",
    }
}
