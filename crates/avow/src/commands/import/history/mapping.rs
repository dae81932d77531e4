//! A map: which column or path of a vendor's rows is which field of an event, and what its values mean. TOML, of a vendor
//! (`vendors/`) or an operator's own (`--map`), which is laid over the vendor's.

use std::collections::BTreeMap;

use anyhow::{bail, ensure};
use serde::Deserialize;
use serde_json::Value;
use toml::Table;

use super::super::rows::Row;
use super::vendors::Vendor;

/// A map, read and checked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// IANA; of times without an offset.
    pub timezone: Option<String>,
    /// As `strptime` takes it; without it RFC 3339, ISO 8601 or a count since 1970.
    pub time_format: Option<String>,
    /// Rows that follow one another and have the same in all of these columns are one event.
    pub group_by: Vec<String>,
    /// An event without a subject gets one that no other event has.
    pub own_subject: bool,
    /// A row is an event already.
    pub as_sent: bool,
    pub fields: BTreeMap<Field, Places>,
    /// What every event has in a field.
    pub constants: BTreeMap<Field, String>,
    /// Their words for ours; an empty word leaves the field out.
    pub values: BTreeMap<Field, BTreeMap<String, String>>,
    pub choices: Vec<Choice>,
    pub skip: Vec<Skip>,
}

/// A field of an event that a map can give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    Id,
    Site,
    Type,
    Subject,
    OccurredAt,
    View,
    Prompt,
    Layer,
    /// Of the banner, like the three that follow.
    Version,
    Language,
    Variant,
    TextHash,
    Regime,
    Method,
    Page,
    ExpiresAt,
    Tcf,
    Gpp,
}

/// Where something is found: the first of these that has something in it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Places {
    One(String),
    Several(Vec<String>),
}

impl Places {
    pub fn each(&self) -> &[String] {
        match self {
            Self::One(place) => std::slice::from_ref(place),
            Self::Several(places) => places,
        }
    }
}

/// Where a row says what was granted. Exactly one of `list`, `object`, `names`, `columns`, `row` and `tcf`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub into: Kind,
    /// A list of objects.
    pub list: Option<List>,
    /// An object whose members are names.
    pub object: Option<String>,
    /// A list of the names that were granted.
    pub names: Option<Names>,
    /// A column for each of our names.
    pub columns: Option<BTreeMap<String, String>>,
    /// A name per row (with `group_by`).
    pub row: Option<Flag>,
    /// A TC string, whose purposes are named `iab-1` to `iab-11`.
    pub tcf: Option<String>,
    /// Their names for ours; an empty one leaves the name out.
    #[serde(default)]
    pub rename: BTreeMap<String, String>,
    /// Leaves out every name that `rename` does not have.
    #[serde(default)]
    pub only_renamed: bool,
    #[serde(default)]
    pub values: BTreeMap<String, Meaning>,
    /// Values that take back; an event of nothing else is a withdrawal.
    #[serde(default)]
    pub withdrawn: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Categories,
    Services,
    Purposes,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    pub at: String,
    pub name: String,
    pub granted: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    pub name: String,
    pub granted: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    pub granted: String,
    /// A list of the names that were denied.
    pub denied: Option<String>,
    /// What could be granted; whatever of it was not granted was denied.
    pub offered: Option<Offered>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Offered {
    At(String),
    Always(Vec<String>),
}

/// What a value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Meaning {
    Granted(bool),
    Nothing(Nothing),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nothing {
    None,
}

/// Rows that are no event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    pub column: String,
    pub values: Vec<String>,
    pub why: String,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Categories => "categories",
            Self::Services => "services",
            Self::Purposes => "purposes",
        }
    }
}

impl Mapping {
    /// What is known of the vendor's export, and the operator's map over it: a table is merged, anything else replaced.
    pub fn of(vendor: Vendor, own: Option<&str>) -> anyhow::Result<Self> {
        let mut table: Table = vendor.map().parse()?;
        if let Some(own) = own {
            lay_over(&mut table, own.parse()?);
        }
        let mapping: Self = table.try_into()?;
        mapping.check(vendor)?;
        Ok(mapping)
    }

    fn check(&self, vendor: Vendor) -> anyhow::Result<()> {
        if !self.as_sent && !self.fields.contains_key(&Field::OccurredAt) {
            bail!("it is not known where {} has an event's time: give --map (docs/import.md)", vendor.as_str());
        }
        for (at, choice) in self.choices.iter().enumerate() {
            let given = [
                choice.list.is_some(),
                choice.object.is_some(),
                choice.names.is_some(),
                choice.columns.is_some(),
                choice.row.is_some(),
                choice.tcf.is_some(),
            ];
            let one = given.into_iter().filter(|given| *given).count() == 1;
            ensure!(one, "choices {}: give one of list, object, names, columns, row and tcf", at + 1);
        }
        Ok(())
    }

    /// Whether a column of a CSV is looked at.
    pub fn reads(&self, column: &str) -> bool {
        let fields = self.fields.values().flat_map(Places::each);
        let skips = self.skip.iter().map(|skip| &skip.column);
        let choices = self.choices.iter().flat_map(Choice::places);
        fields.chain(&self.group_by).chain(skips).chain(choices).any(|place| is_same(place, column))
    }
}

impl Choice {
    fn places(&self) -> impl Iterator<Item = &String> {
        let list = self.list.iter().map(|list| &list.at);
        let names = self.names.iter().flat_map(|names| [Some(&names.granted), names.denied.as_ref()]).flatten();
        let offered = self.names.iter().filter_map(|names| match &names.offered {
            Some(Offered::At(place)) => Some(place),
            _ => None,
        });
        let columns = self.columns.iter().flat_map(BTreeMap::values);
        let row = self.row.iter().flat_map(|row| [&row.name, &row.granted]);
        list.chain(&self.object).chain(names).chain(offered).chain(columns).chain(row).chain(&self.tcf)
    }
}

fn lay_over(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// What a row has at a place: a column, or a path with dots. Null is nothing.
pub fn at<'r>(row: &'r Row, place: &str) -> Option<&'r Value> {
    let member = |object: &'r serde_json::Map<String, Value>, name: &str| {
        object.get(name).or_else(|| object.iter().find(|(key, _)| is_same(key, name)).map(|(_, value)| value))
    };
    let whole = member(&row.cells, place);
    let found = whole.or_else(|| {
        let (first, path) = place.split_once('.')?;
        path.split('.').try_fold(member(&row.cells, first)?, |value, name| member(value.as_object()?, name))
    });
    found.filter(|value| !value.is_null())
}

/// A scalar as text, without blanks around it. Lists and objects have none.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Case makes no difference in a column's name, nor do blanks, hyphens and underscores.
fn is_same(a: &str, b: &str) -> bool {
    let plain = |c: char| if matches!(c, ' ' | '-') { '_' } else { c.to_ascii_lowercase() };
    a.chars().map(plain).eq(b.chars().map(plain))
}
