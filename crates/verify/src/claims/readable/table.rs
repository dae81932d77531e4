//! records.csv against what is opened.

use std::collections::HashMap;
use std::io::Read;

use csv::StringRecord;

use super::Stated;
use crate::claims::Faults;
use crate::events::{Events, Identity, written};
use crate::said::{Answer, Answers};

pub const NAME: &str = "records.csv";

/// Compares each row; how many there are.
pub fn compare(file: &mut dyn Read, events: &mut Events, stated: &mut Stated, faults: &mut Faults) -> u64 {
    let mut table = csv::Reader::from_reader(file);
    let columns: HashMap<String, usize> = match table.headers() {
        Ok(names) => names.iter().enumerate().map(|(at, name)| (name.to_owned(), at)).collect(),
        Err(error) => {
            faults.add(format!("{NAME}: {error}"));
            return 0;
        }
    };
    let (mut row, mut rows) = (StringRecord::new(), 0);
    loop {
        match table.read_record(&mut row) {
            Ok(true) => rows += 1,
            Ok(false) => return rows,
            Err(error) => {
                faults.add(format!("{NAME}: {error}"));
                return rows;
            }
        }
        if let Err(why) = compare_row(&Row { columns: &columns, cells: &row }, events, stated) {
            faults.add(format!("row {rows} of {NAME} {why}"));
        }
    }
}

struct Row<'a> {
    columns: &'a HashMap<String, usize>,
    cells: &'a StringRecord,
}

impl<'a> Row<'a> {
    fn cell(&self, name: &str) -> &'a str {
        self.columns.get(name).and_then(|at| self.cells.get(*at)).unwrap_or_default()
    }

    fn names(&self, column: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        // The apostrophe before what a spreadsheet would take for a formula.
        let cell = self.cell(column);
        let bare = cell.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@'])).unwrap_or(cell);
        bare.split(' ').filter(|name| !name.is_empty())
    }
}

fn compare_row(row: &Row<'_>, events: &mut Events, stated: &mut Stated) -> Result<(), &'static str> {
    let leaf = row.cell("leaf_index").parse().map_err(|_| "names no leaf")?;
    let (event, said, settings) = events.find(row.cell("ledger"), leaf).ok_or("is of a record that is not opened")?;
    if std::mem::replace(&mut event.in_table, true) {
        return Err("is there twice");
    }
    let identity = Identity {
        id: row.cell("event_id"),
        site: row.cell("site"),
        subject: row.cell("subject"),
        kind: row.cell("event_type"),
        received_at: row.cell("received_at"),
        source: row.cell("source"),
        language: row.cell("language"),
        banner_version: row.cell("banner_version"),
        variant: row.cell("variant"),
        text_hash: row.cell("text_hash"),
        regime: row.cell("regime"),
        config_version: row.cell("settings_version").parse().unwrap_or_default(),
    };
    let is_same = event.is(&identity)
        && row.cell("occurred_at") == written(event.occurred_at)
        && row.cell("method") == said.method.as_deref().unwrap_or_default()
        && row.cell("prompt") == said.prompt;
    if !is_same {
        return Err("says something else than the opened record");
    }
    let mut answers = Answers::default();
    for (column, answer) in [
        ("granted_services", Answer::Granted),
        ("refused_services", Answer::Denied),
        ("withdrawn_services", Answer::Denied),
        ("not_disclosed_services", Answer::NotDisclosed),
    ] {
        for service in row.names(column) {
            match column {
                "granted_services" => stated.granted += 1,
                "refused_services" => stated.denied += 1,
                "withdrawn_services" if said.kind != "withdrawn" => return Err("has a withdrawal that is none"),
                _ => {}
            }
            if answers.services.insert(service, answer).is_some() {
                return Err("names a service twice");
            }
        }
    }
    answers.granted_purposes.extend(row.names("granted_purposes").map(str::to_owned));
    answers.denied_purposes.extend(row.names("refused_purposes").map(str::to_owned));
    if said.agrees(&answers, settings) { Ok(()) } else { Err("has other answers than the opened record") }
}
