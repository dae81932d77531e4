//! Blocks flow over A4 pages: lines, columns, tables whose rows may go on over the page and whose heads repeat.

use super::super::Language;
use super::super::content::{Block, Cell, Line, Table, Tone};
use super::fonts::{Fonts, Weight};
use super::is_heading;
use super::tags::{Groups, Kind, Member};

pub(super) const PAGE_WIDTH: f32 = 595.28;
pub(super) const PAGE_HEIGHT: f32 = 841.89;
pub(super) const MARGIN: f32 = 48.0;
const WIDTH: f32 = PAGE_WIDTH - 2.0 * MARGIN;
/// Where text ends and the page's number begins.
const BOTTOM: f32 = PAGE_HEIGHT - 56.0;
const PADDING: f32 = 4.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Color {
    Text,
    Muted,
    Good,
    Bad,
    Rule,
    Band,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub weight: Weight,
    pub size: f32,
    pub color: Color,
    /// From line to line.
    pub leading: f32,
}

const fn style(weight: Weight, size: f32, color: Color, leading: f32) -> Style {
    Style { weight, size, color, leading }
}

const TITLE: Style = style(Weight::Bold, 20.0, Color::Text, 26.0);
const HEADING: Style = style(Weight::Bold, 13.0, Color::Text, 18.0);
const BODY: Style = style(Weight::Regular, 9.5, Color::Text, 13.5);
const SMALL: Style = style(Weight::Regular, 8.0, Color::Muted, 11.0);
const CAPTION: Style = style(Weight::Bold, 9.0, Color::Text, 13.0);
const COLUMN: Style = style(Weight::Bold, 8.0, Color::Text, 11.0);

const fn toned(tone: Tone) -> Style {
    let (weight, color) = match tone {
        Tone::Plain | Tone::Code => (Weight::Regular, Color::Text),
        Tone::Good => (Weight::Bold, Color::Good),
        Tone::Bad => (Weight::Bold, Color::Bad),
        Tone::Muted => (Weight::Regular, Color::Muted),
    };
    let size = if matches!(tone, Tone::Code) { 7.0 } else { 8.0 };
    style(weight, size, color, 11.0)
}

/// Something on a page. `y` grows downwards; of a line it is the baseline.
#[derive(Debug)]
pub(super) enum Op {
    Line {
        x: f32,
        y: f32,
        style: Style,
        text: String,
        /// Its number in the tree of tags; none for what repeats on every page.
        id: Option<usize>,
    },
    Box {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        color: Color,
    },
}

#[derive(Debug, Default)]
pub(super) struct Page {
    pub ops: Vec<Op>,
}

#[derive(Debug)]
pub(super) struct HeadingPlace {
    pub text: String,
    pub page: usize,
    pub y: f32,
}

/// Pages, and what belongs together on them.
pub(super) struct Flow {
    pub pages: Vec<Page>,
    pub groups: Groups,
    /// How many lines have a number.
    pub lines: usize,
    pub headings: Vec<HeadingPlace>,
}

pub(super) fn flow(blocks: &[Block], fonts: &Fonts, language: Language) -> Flow {
    let mut typesetter = Typesetter {
        fonts,
        flow: Flow { pages: vec![Page::default()], groups: Groups::default(), lines: 0, headings: vec![] },
        y: MARGIN,
    };
    for block in blocks {
        typesetter.block(block);
    }
    typesetter.numbers(language);
    typesetter.flow
}

struct Typesetter<'a> {
    fonts: &'a Fonts,
    flow: Flow,
    /// The top of what comes next.
    y: f32,
}

/// A line of a cell, wrapped.
struct Set {
    text: String,
    style: Style,
}

impl Typesetter<'_> {
    fn block(&mut self, block: &Block) {
        if is_heading(block) {
            self.heading(block);
            return;
        }
        match block {
            Block::Title(_) | Block::Heading(_) => {}
            Block::Paragraph(text) => self.paragraph(text, BODY, 6.0),
            Block::Verbatim(text) => self.paragraph(text, BODY, 6.0),
            Block::Footer(text) => {
                self.y += 14.0;
                self.paragraph(text, SMALL, 0.0);
            }
            Block::List(items) => self.list(items),
            Block::Facts(facts) => {
                let rows = facts.iter().map(|(term, cell)| vec![vec![Line::plain(term.as_str())], cell.clone()]);
                let group = self.flow.groups.root(Kind::Table);
                let body = self.flow.groups.within(group, Kind::Body);
                self.rows(body, &rows.collect::<Vec<_>>(), &[30, 70], &[], None);
                self.y += 8.0;
            }
            Block::Table(table) => self.table(table),
        }
    }

    fn heading(&mut self, block: &Block) {
        let (text, style, above, below) = match block {
            Block::Title(text) => (text, TITLE, 0.0, 8.0),
            Block::Heading(text) => (text, HEADING, 16.0, 5.0),
            _ => return,
        };
        let printable = self.fonts.printable(text);
        let kind = if matches!(block, Block::Title(_)) { Kind::Title } else { Kind::Heading };
        let group = self.flow.groups.root(kind(printable.clone()));
        if self.y > MARGIN {
            self.y += above;
        }
        // Not alone at the foot of a page.
        self.room(style.leading + 4.0 * BODY.leading);
        let place = HeadingPlace { text: printable, page: self.flow.pages.len() - 1, y: self.y };
        self.flow.headings.push(place);
        self.lines(group, text, style, MARGIN, WIDTH);
        self.y += below;
    }

    fn paragraph(&mut self, text: &str, style: Style, below: f32) {
        let group = self.flow.groups.root(Kind::Paragraph);
        self.lines(group, text, style, MARGIN, WIDTH);
        self.y += below;
    }

    fn list(&mut self, items: &[String]) {
        let list = self.flow.groups.root(Kind::List);
        for item in items {
            let group = self.flow.groups.within(list, Kind::Item);
            let bullet = self.flow.groups.within(group, Kind::Bullet);
            let body = self.flow.groups.within(group, Kind::ItemBody);
            self.room(BODY.leading);
            let top = self.y;
            self.lines(bullet, "•", BODY, MARGIN, 12.0);
            self.y = top;
            self.lines(body, item, BODY, MARGIN + 12.0, WIDTH - 12.0);
            self.y += 3.0;
        }
        self.y += 4.0;
    }

    /// Goes on to the next page if there is no room for this height.
    fn room(&mut self, height: f32) -> bool {
        if self.y + height <= BOTTOM || self.y <= MARGIN {
            return false;
        }
        self.flow.pages.push(Page::default());
        self.y = MARGIN;
        true
    }

    fn put(&mut self, op: Op) {
        if let Some(page) = self.flow.pages.last_mut() {
            page.ops.push(op);
        }
    }

    fn lines(&mut self, group: usize, text: &str, style: Style, x: f32, width: f32) {
        for text in self.fonts.wrap(text, style.weight, style.size, width) {
            self.room(style.leading);
            self.line(Some(group), text, style, x, self.y);
            self.y += style.leading;
        }
    }

    /// A line whose top is at `top`. An empty one draws nothing, and is none.
    fn line(&mut self, group: Option<usize>, text: String, style: Style, x: f32, top: f32) {
        if text.is_empty() {
            return;
        }
        let id = group.map(|group| {
            self.flow.groups.put(group, Member::Line(self.flow.lines));
            self.flow.lines += 1;
            self.flow.lines - 1
        });
        let y = top + style.leading - (style.leading - style.size) / 2.0 - style.size * 0.22;
        self.put(Op::Line { x, y, style, text, id });
    }

    fn table(&mut self, table: &Table) {
        let group = self.flow.groups.root(Kind::Table);
        let caption = self.flow.groups.within(group, Kind::Caption);
        self.room(CAPTION.leading + 60.0);
        self.lines(caption, &table.caption, CAPTION, MARGIN, WIDTH);
        self.y += 2.0;
        let head = self.flow.groups.within(group, Kind::Head);
        let row = self.flow.groups.within(head, Kind::Row);
        let columns: Vec<usize> =
            table.columns.iter().map(|_| self.flow.groups.within(row, Kind::ColumnHeader)).collect();
        self.head(table, Some(&columns));
        let body = self.flow.groups.within(group, Kind::Body);
        self.rows(body, &table.rows, &table.widths, &table.figures, Some(table));
        self.y += 8.0;
    }

    /// The row of column headings; on further pages it only repeats, and is no part of the tree.
    fn head(&mut self, table: &Table, groups: Option<&[usize]>) {
        let cells: Vec<Vec<Set>> = table
            .columns
            .iter()
            .zip(places(&table.widths))
            .map(|(text, (_, width))| {
                let lines = self.fonts.wrap(text, COLUMN.weight, COLUMN.size, width - 2.0 * PADDING);
                lines.into_iter().map(|text| Set { text, style: COLUMN }).collect()
            })
            .collect();
        let tallest = cells.iter().map(|cell| height(cell)).fold(0.0, f32::max) + 2.0 * PADDING;
        self.put(Op::Box { x: MARGIN, y: self.y, width: WIDTH, height: tallest, color: Color::Band });
        let none = [];
        let groups = groups.unwrap_or(&none);
        for (n, (cell, place)) in cells.into_iter().zip(places(&table.widths)).enumerate() {
            let mut top = self.y + PADDING;
            for set in cell {
                self.cell_line(groups.get(n).copied(), set, place, top, table.figures.contains(&n));
                top += COLUMN.leading;
            }
        }
        self.y += tallest;
    }

    fn cell_line(&mut self, group: Option<usize>, set: Set, (x, width): (f32, f32), top: f32, right: bool) {
        let own = self.fonts.width(&set.text, set.style.weight, set.style.size);
        let x = if right { x + width - PADDING - own } else { x + PADDING };
        self.line(group, set.text, set.style, x, top);
    }

    fn rows(&mut self, body: usize, rows: &[Vec<Cell>], widths: &[u16], figures: &[usize], repeat: Option<&Table>) {
        for row in rows {
            let group = self.flow.groups.within(body, Kind::Row);
            let cells: Vec<usize> = (0..row.len())
                .map(|n| self.flow.groups.within(group, if n == 0 { Kind::RowHeader } else { Kind::Cell }))
                .collect();
            let mut left: Vec<std::collections::VecDeque<Set>> = row
                .iter()
                .zip(places(widths))
                .map(|(cell, (_, width))| self.wrapped(cell, width - 2.0 * PADDING).into())
                .collect();
            let whole = left.iter().map(|cell| cell.iter().map(|set| set.style.leading).sum()).fold(0.0, f32::max);
            // A row that fits on a page is kept together.
            let wanted = if whole + 2.0 * PADDING < (BOTTOM - MARGIN) / 2.0 { whole } else { BODY.leading };
            self.turn(wanted + 2.0 * PADDING, repeat);
            loop {
                self.part_of_row(&cells, &mut left, widths, figures);
                if left.iter().all(std::collections::VecDeque::is_empty) {
                    break;
                }
                self.turn(BOTTOM, repeat);
            }
            self.put(Op::Box { x: MARGIN, y: self.y, width: WIDTH, height: 0.5, color: Color::Rule });
        }
    }

    /// Goes on to the next page, under the repeated head, if there is no room.
    fn turn(&mut self, height: f32, repeat: Option<&Table>) {
        if self.room(height)
            && let Some(table) = repeat
        {
            self.head(table, None);
        }
    }

    /// As many lines of a row as the page takes, and at least one of each cell.
    fn part_of_row(
        &mut self,
        groups: &[usize],
        left: &mut [std::collections::VecDeque<Set>],
        widths: &[u16],
        figures: &[usize],
    ) {
        let begin = self.y + PADDING;
        let mut lowest = begin;
        for (n, (cell, place)) in left.iter_mut().zip(places(widths)).enumerate() {
            let mut top = begin;
            while let Some(next) = cell.front() {
                if top > begin && top + next.style.leading + PADDING > BOTTOM {
                    break;
                }
                let Some(set) = cell.pop_front() else { break };
                let leading = set.style.leading;
                self.cell_line(groups.get(n).copied(), set, place, top, figures.contains(&n));
                top += leading;
            }
            lowest = lowest.max(top);
        }
        self.y = lowest + PADDING;
    }

    fn wrapped(&self, cell: &Cell, width: f32) -> Vec<Set> {
        let lines = cell.iter().flat_map(|line| {
            let style = toned(line.tone);
            let lines = self.fonts.wrap(&line.text, style.weight, style.size, width);
            lines.into_iter().map(move |text| Set { text, style })
        });
        lines.collect()
    }

    /// Numbers the pages, now that it is known how many there are.
    fn numbers(&mut self, language: Language) {
        let pages = self.flow.pages.len().to_string();
        for (n, page) in self.flow.pages.iter_mut().enumerate() {
            let text = language.fill("page", &[("page", &(n + 1).to_string()), ("pages", &pages)]);
            let text = self.fonts.printable(&text);
            let x = PAGE_WIDTH - MARGIN - self.fonts.width(&text, SMALL.weight, SMALL.size);
            page.ops.push(Op::Line { x, y: PAGE_HEIGHT - 30.0, style: SMALL, text, id: None });
        }
    }
}

fn height(cell: &[Set]) -> f32 {
    cell.iter().map(|set| set.style.leading).sum()
}

/// Where columns begin and how wide they are, from widths in hundredths.
fn places(widths: &[u16]) -> impl Iterator<Item = (f32, f32)> + '_ {
    let mut x = MARGIN;
    widths.iter().map(move |hundredths| {
        let width = WIDTH * f32::from(*hundredths) / 100.0;
        let place = (x, width);
        x += width;
        place
    })
}
