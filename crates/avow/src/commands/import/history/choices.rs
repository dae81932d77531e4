//! What rows say was granted, denied or taken back.

use std::collections::BTreeMap;

use avow_schemas::category;
use avow_signals::Tcf;
use serde_json::Value;

use super::super::rows::Row;
use super::mapping::{Choice, Kind, List, Meaning, Names, Nothing, Offered, at, text};
use super::refusal::Refusal;

/// The purposes of TCF 2.2 and 2.3.
const TCF_PURPOSES: u16 = 11;

/// The choices of an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    pub categories: BTreeMap<String, bool>,
    pub services: BTreeMap<String, bool>,
    pub purposes: BTreeMap<String, bool>,
    granted_or_denied: usize,
    withdrawn: usize,
    /// Values that say nothing of a choice, and names that the map leaves out.
    silent: usize,
}

impl Chosen {
    pub fn names_nothing(&self) -> bool {
        self.granted_or_denied + self.withdrawn == 0
    }

    /// Every value that there was says nothing of a choice.
    pub fn is_silent(&self) -> bool {
        self.names_nothing() && self.silent > 0
    }

    /// Everything that is named was taken back.
    pub fn is_withdrawal(&self) -> bool {
        self.withdrawn > 0 && self.granted_or_denied == 0
    }

    fn insert(&mut self, kind: Kind, name: String, flag: bool) {
        let map = match kind {
            Kind::Categories => &mut self.categories,
            Kind::Services => &mut self.services,
            Kind::Purposes => &mut self.purposes,
        };
        // As the server does it: what contradicts itself is denied.
        map.entry(name).and_modify(|before| *before &= flag).or_insert(flag);
    }
}

/// Reads the choices of the rows of one event.
///
/// # Errors
/// The first value that has no meaning.
pub fn read(choices: &[Choice], rows: &[Row]) -> Result<Chosen, Refusal> {
    let mut chosen = Chosen::default();
    for choice in choices {
        for row in rows {
            of_row(&mut chosen, choice, row)?;
        }
    }
    Ok(chosen)
}

fn of_row(chosen: &mut Chosen, choice: &Choice, row: &Row) -> Result<(), Refusal> {
    if let Some(list) = &choice.list {
        of_list(chosen, choice, list, row)?;
    }
    if let Some(place) = &choice.object
        && let Some(object) = parsed(row, place)?
    {
        let object = object.as_object().ok_or_else(|| Refusal::invalid(row.line, place, "is no object"))?;
        for (name, value) in object {
            take(chosen, choice, row.line, place, name, value)?;
        }
    }
    if let Some(names) = &choice.names {
        of_names(chosen, choice, names, row)?;
    }
    for (name, column) in choice.columns.iter().flatten() {
        if let Some(value) = at(row, column) {
            take(chosen, choice, row.line, column, name, value)?;
        }
    }
    if let Some(flag) = &choice.row
        && let Some(name) = at(row, &flag.name).and_then(text)
    {
        take(chosen, choice, row.line, &flag.granted, &name, at(row, &flag.granted).unwrap_or(&Value::Null))?;
    }
    if let Some(place) = &choice.tcf
        && let Some(string) = at(row, place).and_then(text)
    {
        let tcf = Tcf::parse(&string).map_err(|error| Refusal::invalid(row.line, place, error.to_string()))?;
        for purpose in 1..=TCF_PURPOSES {
            let granted = tcf.purposes.contains(&purpose).into();
            take(chosen, choice, row.line, place, &format!("iab-{purpose}"), &granted)?;
        }
    }
    Ok(())
}

fn of_list(chosen: &mut Chosen, choice: &Choice, list: &List, row: &Row) -> Result<(), Refusal> {
    let Some(items) = parsed(row, &list.at)? else { return Ok(()) };
    let wrong = |what: &str| Refusal::invalid(row.line, &list.at, what);
    for item in items.as_array().ok_or_else(|| wrong("is no list"))? {
        let name = item.get(&list.name).and_then(text);
        let name = name.ok_or_else(|| wrong(&format!("has an item without {:?}", list.name)))?;
        take(chosen, choice, row.line, &list.at, &name, item.get(&list.granted).unwrap_or(&Value::Null))?;
    }
    Ok(())
}

fn of_names(chosen: &mut Chosen, choice: &Choice, names: &Names, row: &Row) -> Result<(), Refusal> {
    let granted = named(row, &names.granted)?;
    let denied = names.denied.as_ref().map(|place| named(row, place)).transpose()?.flatten().unwrap_or_default();
    let offered = match &names.offered {
        None => Vec::new(),
        Some(Offered::Always(offered)) => offered.clone(),
        Some(Offered::At(place)) => named(row, place)?.unwrap_or_default(),
    };
    let granted = granted.unwrap_or_default();
    for name in offered.iter().filter(|name| !granted.contains(name)).chain(&denied) {
        take(chosen, choice, row.line, &names.granted, name, &false.into())?;
    }
    for name in &granted {
        take(chosen, choice, row.line, &names.granted, name, &true.into())?;
    }
    Ok(())
}

/// A list of names: of JSON, or as text between commas, semicolons or bars.
fn named(row: &Row, place: &str) -> Result<Option<Vec<String>>, Refusal> {
    let wrong = || Refusal::invalid(row.line, place, "is no list of names");
    Ok(match parsed(row, place)? {
        None => None,
        Some(Value::Array(items)) => {
            Some(items.iter().map(|item| text(item).ok_or_else(wrong)).collect::<Result<_, _>>()?)
        }
        Some(Value::String(list)) => {
            let names = list.split([',', ';', '|']).map(str::trim).filter(|name| !name.is_empty());
            Some(names.map(str::to_owned).collect())
        }
        Some(_) => return Err(wrong()),
    })
}

/// What is at a place; text that is JSON (a CSV has no other lists and objects) is read.
fn parsed(row: &Row, place: &str) -> Result<Option<Value>, Refusal> {
    let Some(value) = at(row, place) else { return Ok(None) };
    match value {
        Value::String(text) if text.trim_start().starts_with(['[', '{']) => {
            let wrong = |error: serde_json::Error| Refusal::invalid(row.line, place, format!("is no JSON: {error}"));
            serde_json::from_str(text).map(Some).map_err(wrong)
        }
        value => Ok(Some(value.clone())),
    }
}

fn take(
    chosen: &mut Chosen,
    choice: &Choice,
    line: u64,
    place: &str,
    theirs: &str,
    value: &Value,
) -> Result<(), Refusal> {
    let Some(name) = renamed(choice, theirs) else {
        chosen.silent += 1;
        return Ok(());
    };
    let said = text(value).unwrap_or_default();
    let is = |word: &String| word.eq_ignore_ascii_case(&said);
    let flag = if choice.withdrawn.iter().any(is) {
        chosen.withdrawn += 1;
        false
    } else {
        let known = choice.values.iter().find(|(word, _)| is(word)).map(|(_, meaning)| *meaning);
        match known.or_else(|| usual(&said)) {
            Some(Meaning::Granted(flag)) => {
                chosen.granted_or_denied += 1;
                flag
            }
            Some(Meaning::Nothing(_)) => {
                chosen.silent += 1;
                return Ok(());
            }
            None => {
                let what =
                    format!("{said:?} says neither yes nor no of {theirs:?}; a map can say what it means (values)");
                return Err(Refusal::invalid(line, place, what));
            }
        }
    };
    let name = of_kind(choice.into, &name)
        .ok_or_else(|| Refusal::invalid(line, place, format!("{name:?} is no name of {}", choice.into.as_str())))?;
    chosen.insert(choice.into, name, flag);
    Ok(())
}

/// Our name for theirs; none where it is left out.
fn renamed(choice: &Choice, theirs: &str) -> Option<String> {
    match choice.rename.get(theirs) {
        Some(ours) => Some(ours.clone()).filter(|ours| !ours.is_empty()),
        None if choice.only_renamed => None,
        None => Some(theirs.to_owned()),
    }
}

fn usual(text: &str) -> Option<Meaning> {
    match text.to_ascii_lowercase().as_str() {
        "" => Some(Meaning::Nothing(Nothing::None)),
        "true" | "1" | "yes" | "granted" | "accepted" => Some(Meaning::Granted(true)),
        "false" | "0" | "no" | "denied" | "rejected" => Some(Meaning::Granted(false)),
        _ => None,
    }
}

/// A name as this kind has it: a category's canonical one; a service's in lower case, with a hyphen for whatever it may not have.
fn of_kind(kind: Kind, name: &str) -> Option<String> {
    match kind {
        Kind::Categories => category::canonical(name).map(std::borrow::Cow::into_owned),
        Kind::Purposes => Some(name.to_owned()),
        Kind::Services => {
            let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            let slug: String = name.chars().map(|c| if fine(c) { c.to_ascii_lowercase() } else { '-' }).collect();
            let slug = slug.trim_start_matches(['.', '-', '_']);
            Some(slug.to_owned()).filter(|slug| !slug.is_empty())
        }
    }
}
