//! A report as one HTML file: no script, nothing from elsewhere, readable on paper, in the dark and on a telephone.

use std::fmt::Write as _;

use super::content::{Block, Cell, Line, Table, Tone, content};
use super::{Language, Report};

const STYLE: &str = include_str!("style.css");

/// The report as a page of its own.
#[must_use]
pub fn html(report: &Report, language: Language) -> String {
    let title = format!("{}{}{}", language.text("report.title"), language.colon(), report.site_name);
    page(&title, &content(report, language), language)
}

/// A page of these blocks.
pub(super) fn page(title: &str, blocks: &[Block], language: Language) -> String {
    let mut out = String::from("<!doctype html>\n");
    let _ = write!(out, "<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n", language.code());
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    // The file is opened from disk; should it ever be served, it may do nothing but be read.
    out.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
    );
    let _ = write!(out, "<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n", escaped(title));
    let (footers, rest): (Vec<&Block>, Vec<&Block>) = blocks.iter().partition(|b| matches!(b, Block::Footer(_)));
    let mut open = false;
    for one in rest {
        if matches!(one, Block::Heading(_)) {
            out.push_str(if open { "</section>\n<section>\n" } else { "<section>\n" });
            open = true;
        }
        block(&mut out, one);
    }
    out.push_str(if open { "</section>\n</main>\n" } else { "</main>\n" });
    for footer in footers {
        block(&mut out, footer);
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn block(out: &mut String, block: &Block) {
    let _ = match block {
        Block::Title(text) => writeln!(out, "<h1>{}</h1>", escaped(text)),
        Block::Heading(text) => writeln!(out, "<h2>{}</h2>", escaped(text)),
        Block::Paragraph(text) => writeln!(out, "<p>{}</p>", escaped(text)),
        Block::Verbatim(text) => writeln!(out, "<pre><code>{}</code></pre>", escaped(text)),
        Block::Footer(text) => writeln!(out, "<footer><p>{}</p></footer>", escaped(text)),
        Block::Facts(facts) => {
            out.push_str("<dl>\n");
            for (term, cell) in facts {
                let _ = writeln!(out, "<div><dt>{}</dt><dd>{}</dd></div>", escaped(term), lines(cell));
            }
            writeln!(out, "</dl>")
        }
        Block::List(items) => {
            out.push_str("<ul>\n");
            for item in items {
                let _ = writeln!(out, "<li>{}</li>", escaped(item));
            }
            writeln!(out, "</ul>")
        }
        Block::Table(one) => {
            table(out, one);
            Ok(())
        }
    };
}

/// A table that a narrow screen can scroll; a keyboard can too, hence the `tabindex`.
fn table(out: &mut String, table: &Table) {
    let caption = escaped(&table.caption);
    let _ = writeln!(out, "<div class=\"table\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\">");
    let _ = writeln!(out, "<table>\n<caption>{caption}</caption>\n<colgroup>");
    for width in &table.widths {
        let _ = write!(out, "<col style=\"width: {width}%\">");
    }
    out.push_str("\n</colgroup>\n<thead>\n<tr>");
    let class = |n: usize| if table.figures.contains(&n) { " class=\"figure\"" } else { "" };
    for (n, column) in table.columns.iter().enumerate() {
        let _ = write!(out, "<th scope=\"col\"{}>{}</th>", class(n), escaped(column));
    }
    out.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (n, cell) in row.iter().enumerate() {
            let _ = match n {
                0 => write!(out, "<th scope=\"row\">{}</th>", lines(cell)),
                _ => write!(out, "<td{}>{}</td>", class(n), lines(cell)),
            };
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

fn lines(cell: &Cell) -> String {
    let line = |line: &Line| match line.tone {
        Tone::Plain => escaped(&line.text),
        Tone::Code => format!("<code>{}</code>", escaped(&line.text)),
        Tone::Good => format!("<strong class=\"good\">{}</strong>", escaped(&line.text)),
        Tone::Bad => format!("<strong class=\"bad\">{}</strong>", escaped(&line.text)),
        Tone::Muted => format!("<span class=\"muted\">{}</span>", escaped(&line.text)),
    };
    match cell.as_slice() {
        [one] => line(one),
        several => several.iter().map(|one| format!("<div>{}</div>", line(one))).collect(),
    }
}

/// Text as HTML text or attribute value. Characters that no HTML document may hold, and those that turn the direction of
/// what follows, become U+FFFD.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(' '),
            c if unfit(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Control characters and the marks that reorder text (Unicode UAX #9): a name must not be able to look like another.
pub(super) fn unfit(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}
