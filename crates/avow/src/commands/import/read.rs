//! Reading what a CMP exports: a line per day, its columns by the names that tools give them. Whatever is wrong is said with
//! its line and column.

use std::io::Read;

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::rows::{Row, Rows};

/// A line of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// From 1, the CSV's header included.
    pub number: u64,
    pub site: Option<String>,
    pub date: String,
    /// By the API's names.
    pub counts: Map<String, Value>,
}

/// The API's names with the other names that are read as them. Case, spaces and hyphens make no difference.
const NAMES: &[(&str, &[&str])] = &[
    ("date", &["day"]),
    ("site", &["domain", "host"]),
    ("shown", &["displays", "impressions", "notices", "views"]),
    ("decisions", &["choices", "interactions"]),
    ("accept_all", &["accepted", "accept", "accepts"]),
    ("reject_all", &["rejected", "reject", "deny_all", "rejects"]),
    ("custom", &["partial", "save", "saved", "customised", "customized"]),
    ("no_choice", &["no_action", "no_interaction", "ignored"]),
    ("opted_in", &["opt_in", "opt_ins", "optin"]),
    ("opted_out", &["opt_out", "opt_outs", "optout"]),
    ("granted", &["consents"]),
    ("denied", &["refusals"]),
    ("rate", &["consent_rate", "acceptance_rate"]),
];

/// The API's name of a column.
fn known(column: &str) -> Option<&'static str> {
    let plain: String = column.trim().to_lowercase().replace([' ', '-'], "_");
    let found = NAMES.iter().find(|(name, others)| *name == plain || others.contains(&plain.as_str()));
    found.map(|(name, _)| *name)
}

/// Reads CSV or NDJSON.
///
/// # Errors
/// What is wrong, with its line and column.
pub fn read(source: impl Read + 'static) -> Result<Vec<Line>, String> {
    let rows = Rows::open(source).map_err(|bad| bad.to_string())?;
    let mut columns: Vec<&'static str> = Vec::new();
    for column in rows.header() {
        let name = known(column).ok_or_else(|| format!("line 1, column {column:?}: {}", unknown()))?;
        if columns.contains(&name) {
            return Err(format!("line 1, column {column:?}: {name} is there twice"));
        }
        columns.push(name);
    }
    if !columns.is_empty() && !columns.contains(&"date") {
        return Err("line 1: there is no column \"date\"".into());
    }
    rows.map(|row| line(row.map_err(|bad| bad.to_string())?)).collect()
}

fn unknown() -> String {
    let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
    format!("is not known; known are {} and the other names in docs/bridge.md", names.join(", "))
}

/// A line from its row. A cell that is empty says nothing, which is not zero.
fn line(row: Row) -> Result<Line, String> {
    let (mut site, mut date, mut counts, number) = (None, None, Map::new(), row.line);
    for (column, value) in row.cells {
        let name = known(&column).ok_or_else(|| format!("line {number}, column {column:?}: {}", unknown()))?;
        let cell = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return Err(format!("line {number}, column {column:?}: is neither a number nor a text")),
        };
        let wrong = |what: &str| format!("line {number}, column {column:?}: {cell:?} {what}");
        match name {
            "site" => site = Some(cell),
            "date" => {
                let day = cell.parse::<Date>().ok().filter(|_| cell.len() == 10);
                date = Some(day.ok_or_else(|| wrong("is no day (YYYY-MM-DD)"))?.to_string());
            }
            "rate" => {
                let rate = rate(&cell).ok_or_else(|| wrong("is no rate: 0 to 1, or 0 % to 100 %"))?;
                counts.insert(name.to_owned(), json!(rate));
            }
            _ => {
                let count: u64 = cell.parse().map_err(|_| wrong("is no whole number of at least 0"))?;
                if counts.insert(name.to_owned(), json!(count)).is_some() {
                    return Err(wrong("is there under another name too"));
                }
            }
        }
    }
    let date = date.ok_or_else(|| format!("line {number}, column \"date\": is empty"))?;
    if counts.is_empty() {
        return Err(format!("line {number}: has neither a count nor a rate"));
    }
    Ok(Line { number, site, date, counts })
}

/// `0.68`, `68%` or `68 %`.
fn rate(text: &str) -> Option<f64> {
    let rate = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
        None => text.parse().ok()?,
    };
    (0.0..=1.0).contains(&rate).then_some(rate)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Vec<Line>, String> {
        super::read(Cursor::new(text.to_owned()))
    }

    #[test]
    fn columns_are_read_by_the_names_that_tools_give_them() {
        let csv = "\u{feff}Day;Displays;Opt-in;Accepted;Partial;No action;rate\n2026-11-01;100;;40;5;3;68 %\n\n2026-11-02;7;1;2;3;4;\n";
        let lines = read(csv).unwrap();
        let first = json!({"shown": 100, "accept_all": 40, "custom": 5, "no_choice": 3, "rate": 0.68});
        assert_eq!(Value::Object(lines[0].counts.clone()), first);
        assert_eq!((lines[0].number, lines[0].date.as_str(), lines[1].number), (2, "2026-11-01", 4));
        assert_eq!(lines[1].counts["opted_in"], 1);
        let ndjson = "{\"date\": \"2026-11-01\", \"site\": \"shop.example\", \"rejected\": 3, \"shown\": null}\n";
        let lines = read(ndjson).unwrap();
        assert_eq!((lines[0].site.as_deref(), &lines[0].counts["reject_all"]), (Some("shop.example"), &json!(3)));
        assert!(!lines[0].counts.contains_key("shown"));
    }

    #[test]
    fn what_is_wrong_is_said_with_line_and_column() {
        for (text, said) in [
            ("date,cats\n", "line 1, column \"cats\": is not known"),
            ("date,accepted,accept_all\n", "line 1, column \"accept_all\": accept_all is there twice"),
            ("shown\n3\n", "line 1: there is no column \"date\""),
            ("date,shown\n2026-11-01,3\n2026-13-01,4\n", "line 3, column \"date\": \"2026-13-01\" is no day"),
            ("date,Displays\n2026-11-01,-3\n", "line 2, column \"Displays\": \"-3\" is no whole number"),
            ("date,rate\n2026-11-01,68\n", "line 2, column \"rate\": \"68\" is no rate"),
            ("date,shown\n2026-11-01,\n", "line 2: has neither a count nor a rate"),
            ("date,shown\n,3\n", "line 2, column \"date\": is empty"),
            ("date,shown\n2026-11-01,3,4\n", "line 2: has 3 cells where the header has 2"),
            ("{\"date\": \"2026-11-01\", \"shown\": 1}\n{\"date\"", "line 2, column 7: is no JSON object"),
            ("{\"date\": \"2026-11-01\", \"shown\": [1]}", "line 1, column \"shown\": is neither"),
            ("{\"date\": \"2026-11-01\", \"accepted\": 1, \"accept\": 1}", "is there under another name too"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn both_forms_of_the_same_numbers_are_read_alike(days in prop::collection::vec((0_u64..1 << 40, prop::option::of(0_u64..99)), 1..28)) {
            let mut csv = String::from("date,decisions,accepted\n");
            let mut ndjson = String::new();
            for (i, (decisions, accepted)) in days.iter().enumerate() {
                let date = format!("2026-02-{:02}", i + 1);
                let cell = accepted.map(|n| n.to_string()).unwrap_or_default();
                csv.push_str(&format!("{date},{decisions},{cell}\n"));
                ndjson.push_str(&format!("{}\n", json!({"date": date, "decisions": decisions, "accept_all": accepted})));
            }
            let bare = |text: &str| -> Vec<(String, Map<String, Value>)> {
                read(text).unwrap().into_iter().map(|line| (line.date, line.counts)).collect()
            };
            prop_assert_eq!(bare(&csv), bare(&ndjson));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(date|shown|2026-11-0[0-9]|[0-9%,;\n\"{}: .-]){0,30}") {
            let _ = read(&text);
        }
    }
}
