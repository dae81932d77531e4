//! The scheduled report: what was counted in a period, beside the period before, with intervals and what each number means;
//! as tagged PDF.

use super::content::{Block, Cell, Line, Table, Tone, moment};
use super::pdf::{PdfError, Sheet};
use super::{Language, pdf};

/// What a scheduled report says.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// Its own name.
    pub name: String,
    /// Names of the sites for people.
    pub sites: Vec<String>,
    /// The period and the one before, as days (`2026-11-24`), both included.
    pub period: (String, String),
    pub before: (String, String),
    /// IANA.
    pub timezone: String,
    /// ms since 1970.
    pub made_at: i64,
    /// Everything that was acknowledged up to this moment is counted, ms since 1970; none where that is not known.
    pub counted_to: Option<i64>,
    pub counts: Vec<Counted>,
    pub rates: Vec<Rated>,
    /// The consent rate of each service, by its name; the others first named.
    pub services: Vec<(String, Compared<Rate>)>,
}

/// Of the period and of the one before; none where it is withheld, or there is nothing to divide by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared<T> {
    pub now: Option<T>,
    pub before: Option<T>,
}

/// A rate with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    pub value: f64,
    /// Wilson, 95 %; none where the numerator is above the denominator.
    pub interval: Option<(f64, f64)>,
    pub denominator: u64,
}

macro_rules! figures {
    ($(#[$doc:meta])* $type:ident { $($variant:ident = $metric:literal, $text:literal, $meaning:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $type { $($variant),+ }

        impl $type {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name in `docs/metrics.md`.
            #[must_use]
            pub const fn metric(self) -> &'static str {
                match self { $(Self::$variant => $metric),+ }
            }

            const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),+ }
            }
        }
    };
}

figures!(
    /// Counts that a scheduled report gives.
    Count {
        Shown = "shown", "overview.shown", "overview.shown.is";
        Decisions = "decisions", "overview.decisions", "overview.decisions.is";
        AcceptAll = "accept_all", "overview.accept_all", "overview.accept_all.is";
        RejectAll = "reject_all", "overview.reject_all", "overview.reject_all.is";
        Custom = "custom", "overview.custom", "overview.custom.is";
        NoChoice = "no_choice", "overview.no_choice", "overview.no_choice.is";
        Automatic = "automatic", "overview.automatic", "overview.automatic.is";
        Withdrawals = "withdrawals", "overview.withdrawals", "overview.withdrawals.is";
        Visitors = "visitors", "overview.visitors", "overview.visitors.is";
    }
);
figures!(
    /// Rates that a scheduled report gives.
    Ratio {
        Consent = "consent_rate", "overview.consent_rate", "overview.consent_rate.is";
        OptIn = "opt_in_rate", "overview.opt_in_rate", "overview.opt_in_rate.is";
        Interaction = "interaction_rate", "overview.interaction_rate", "overview.interaction_rate.is";
        AcceptAll = "accept_all_rate", "overview.accept_all_rate", "overview.accept_all_rate.is";
        RejectAll = "reject_all_rate", "overview.reject_all_rate", "overview.reject_all_rate.is";
        Withdrawal = "withdrawal_rate", "overview.withdrawal_rate", "overview.withdrawal_rate.is";
    }
);

/// A count of the period beside the one before.
pub type Counted = (Count, Compared<u64>);
/// A rate of the period beside the one before.
pub type Rated = (Ratio, Compared<Rate>);

/// The report as a PDF file (PDF/A-3a, PDF/UA-1). The same report gives the same bytes.
///
/// # Errors
/// Where the file would not be what PDF/A-3a and PDF/UA-1 demand.
pub fn overview_pdf(overview: &Overview, language: Language) -> Result<Vec<u8>, PdfError> {
    let sheet = Sheet {
        title: format!("{}{}{}", language.text("overview.title"), language.colon(), overview.name),
        author: "Avow".to_owned(),
        id: format!("{}\n{:?}\n{:?}\n{}", overview.name, overview.sites, overview.period, overview.made_at),
        made_at: overview.made_at,
    };
    pdf::drawn(&content(overview, language), language, &sheet)
}

pub(super) fn content(overview: &Overview, language: Language) -> Vec<Block> {
    let text = |key| language.text(key).to_owned();
    let mut blocks = vec![
        Block::Title(text("overview.title")),
        Block::Paragraph(text("overview.lead")),
        Block::Facts(facts(overview, language)),
        Block::Heading(text("overview.rates")),
        Block::Paragraph(text("overview.interval")),
        Block::Table(rates(overview, language)),
        Block::Heading(text("overview.services")),
    ];
    if overview.services.is_empty() {
        blocks.push(Block::Paragraph(text("overview.services.none")));
    } else {
        blocks.push(Block::Table(services(overview, language)));
    }
    blocks.push(Block::Heading(text("overview.counts")));
    blocks.push(Block::Table(counts(overview, language)));
    blocks.push(Block::Paragraph(text("overview.withheld")));
    blocks.push(Block::Heading(text("overview.words")));
    let meaning = |name, is| format!("{}{}{}", language.text(name), language.colon(), language.text(is));
    let ratios = Ratio::ALL.iter().map(|ratio| meaning(ratio.text(), ratio.meaning()));
    let counts = Count::ALL.iter().map(|count| meaning(count.text(), count.meaning()));
    blocks.push(Block::List(ratios.chain(counts).collect()));
    blocks.push(Block::Footer(text("overview.footer")));
    blocks
}

fn facts(overview: &Overview, language: Language) -> Vec<(String, Cell)> {
    let text = |key| language.text(key).to_owned();
    let days = |(from, to): &(String, String)| {
        vec![Line::plain(language.fill("overview.days", &[("from", from), ("to", to), ("zone", &overview.timezone)]))]
    };
    let sites = overview.sites.iter().map(|site| Line::plain(site.as_str())).collect();
    let counted = overview.counted_to.map_or_else(|| text("overview.unknown"), moment);
    vec![
        (text("overview.name"), vec![Line::plain(overview.name.as_str())]),
        (text("overview.sites"), sites),
        (text("overview.period"), days(&overview.period)),
        (text("overview.before"), days(&overview.before)),
        (text("overview.made_at"), vec![Line::plain(moment(overview.made_at))]),
        (text("overview.counted_to"), vec![Line::plain(counted)]),
    ]
}

fn cell(text: Option<String>) -> Cell {
    vec![text.map_or_else(|| Line::toned("–", Tone::Muted), Line::plain)]
}

fn rates(overview: &Overview, language: Language) -> Table {
    let row = |(ratio, compared): &Rated| rate_row(language.text(ratio.text()), compared, language);
    rate_table("overview.rates.caption", "overview.rate", overview.rates.iter().map(row).collect(), language)
}

fn services(overview: &Overview, language: Language) -> Table {
    let row = |(name, compared): &(String, Compared<Rate>)| rate_row(name, compared, language);
    let rows = overview.services.iter().map(row).collect();
    rate_table("overview.services.caption", "overview.service", rows, language)
}

fn rate_table(caption: &'static str, first: &'static str, rows: Vec<Vec<Cell>>, language: Language) -> Table {
    let columns = [first, "overview.now", "overview.range", "overview.of", "overview.then", "overview.points"];
    Table {
        caption: language.text(caption).to_owned(),
        columns: columns.into_iter().map(|key| language.text(key).to_owned()).collect(),
        widths: vec![30, 13, 20, 13, 12, 12],
        figures: vec![1, 2, 3, 4, 5],
        rows,
    }
}

fn rate_row(name: &str, compared: &Compared<Rate>, language: Language) -> Vec<Cell> {
    let points = compared.now.zip(compared.before).map(|(now, before)| {
        let points = (now.value - before.value) * 100.0;
        format!("{}{}", if points >= 0.0 { "+" } else { "−" }, language.decimal(points.abs(), 1))
    });
    let interval = compared.now.and_then(|rate| rate.interval);
    let interval =
        interval.map(|(low, high)| format!("{} – {}", language.decimal(low * 100.0, 1), language.percent(high)));
    vec![
        vec![Line::plain(name)],
        cell(compared.now.map(|rate| language.percent(rate.value))),
        cell(interval),
        cell(compared.now.map(|rate| language.number(rate.denominator))),
        cell(compared.before.map(|rate| language.percent(rate.value))),
        cell(points),
    ]
}

fn counts(overview: &Overview, language: Language) -> Table {
    let rows = overview.counts.iter().map(|(count, compared)| {
        let number = |number: Option<u64>| cell(number.map(|number| language.number(number)));
        let change = compared.now.zip(compared.before).map(|(now, before)| {
            let sign = if now >= before { "+" } else { "−" };
            format!("{sign}{}", language.number(now.abs_diff(before)))
        });
        vec![
            vec![Line::plain(language.text(count.text()))],
            number(compared.now),
            number(compared.before),
            cell(change),
        ]
    });
    let columns = ["overview.what", "overview.now", "overview.then", "overview.change"];
    Table {
        caption: language.text("overview.counts.caption").to_owned(),
        columns: columns.into_iter().map(|key| language.text(key).to_owned()).collect(),
        widths: vec![46, 18, 18, 18],
        figures: vec![1, 2, 3],
        rows: rows.collect(),
    }
}

#[cfg(test)]
pub(super) fn sample() -> Overview {
    let rate = |value| Some(Rate { value, interval: Some((value - 0.01, value + 0.01)), denominator: 12_345 });
    let compared = Compared { now: rate(0.612), before: rate(0.598) };
    Overview {
        name: "Weekly".into(),
        sites: vec!["The Shop".into(), "The <Other>".into()],
        period: ("2026-11-16".into(), "2026-11-22".into()),
        before: ("2026-11-09".into(), "2026-11-15".into()),
        timezone: "Europe/Paris".into(),
        made_at: 1_795_515_302_123,
        counted_to: None,
        counts: Count::ALL.iter().map(|count| (*count, Compared { now: Some(12_345), before: Some(13_000) })).collect(),
        rates: Ratio::ALL.iter().map(|ratio| (*ratio, compared)).collect(),
        services: vec![("Chaport".into(), compared), ("Crisp".into(), Compared { now: None, before: None })],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheduled_report_is_pdf_a_in_every_language() {
        for language in Language::ALL {
            let bytes = overview_pdf(&sample(), language).unwrap();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert!(text.starts_with("%PDF-1.7") && text.contains("<pdfuaid:part>1</pdfuaid:part>"), "{language:?}");
            assert_eq!(bytes, overview_pdf(&sample(), language).unwrap());
            if let Some(dir) = std::env::var_os("AVOW_REPORTS") {
                let name = format!("overview.{}.pdf", language.code());
                std::fs::write(std::path::PathBuf::from(dir).join(name), bytes).unwrap();
            }
        }
    }

    #[test]
    fn what_is_withheld_is_a_dash_and_differences_have_a_sign() {
        let blocks = format!("{:?}", content(&sample(), Language::En));
        for text in ["61.2%", "60.2 – 62.2%", "12,345", "+1.4", "−655", "\"–\""] {
            assert!(blocks.contains(text), "{text}: {blocks}");
        }
        let french = format!("{:?}", content(&sample(), Language::Fr));
        assert!(french.contains("61,2\\u{a0}%"), "{french}");
    }
}
