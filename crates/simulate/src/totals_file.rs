//! The totals file: what a server must answer after a run, as JSON.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

/// What a run left behind and what must be seen of it.
#[derive(Debug, Clone, Deserialize)]
pub struct TotalsFile {
    /// The seed that the visitors came from.
    pub seed: u64,
    /// When the run began, RFC 3339. Cohorts are closed as of then: compare within 24 hours.
    pub began: String,
    /// Distinct events.
    pub events: u64,
    /// Events sent, each repetition under the same key counted, attempts that were answered otherwise than 202 not.
    pub posted: u64,
    /// `posted - events`.
    pub duplicates: u64,
    /// The queries and their rows.
    pub queries: Vec<ExpectedQuery>,
}

/// A query and the rows that it must give.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExpectedQuery {
    /// What a difference is reported under.
    pub name: String,
    /// The body of `POST /api/v1/query`; paging is the reader's.
    pub query: Value,
    /// Sorted by their dimensions.
    pub rows: Vec<Row>,
}

/// One row of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Name to value, in the query's order.
    #[serde(with = "dimensions")]
    pub dimensions: Dimensions,
    /// Name to integer, rate or null.
    pub metrics: Map<String, Value>,
}

/// Dimensions in the query's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dimensions(Vec<(String, String)>);

impl Dimensions {
    /// The values alone, in order.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, value)| value.as_str())
    }

    /// Names and values in the order of the names, so that two rows can be matched.
    #[must_use]
    pub fn sorted(&self) -> BTreeMap<&str, &str> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

impl FromIterator<(String, String)> for Dimensions {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

mod dimensions {
    //! Dimensions as a JSON object that keeps its order.
    use super::{Dimensions, Map, Value};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(dimensions: &Dimensions, to: S) -> Result<S::Ok, S::Error> {
        let object: Map<String, Value> =
            dimensions.0.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        object.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Dimensions, D::Error> {
        let object = Map::<String, Value>::deserialize(from)?;
        Ok(object
            .into_iter()
            .map(|(name, value)| {
                let value = match value {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                (name, value)
            })
            .collect())
    }
}

impl TotalsFile {
    /// Writes this file with other queries in the place of its own, one after the other.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn write(&self, path: &Path, queries: impl Iterator<Item = ExpectedQuery>) -> anyhow::Result<()> {
        let file = std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut writer = std::io::BufWriter::new(file);
        let Self { seed, began, events, posted, duplicates, .. } = self;
        write!(
            writer,
            "{{\"seed\":{seed},\"began\":\"{began}\",\"events\":{events},\"posted\":{posted},\
             \"duplicates\":{duplicates},\"queries\":["
        )?;
        for (index, query) in queries.enumerate() {
            writer.write_all(if index == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut writer, &query)?;
        }
        writer.write_all(b"]}\n")?;
        writer.flush()?;
        Ok(())
    }

    /// Reads a file that a run wrote.
    ///
    /// # Errors
    /// Where it cannot be read or is something else.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_reader(std::io::BufReader::new(file))
            .with_context(|| format!("{} is no totals file", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read() {
        let path = std::env::temp_dir().join(format!("totals-{}.json", uuid::Uuid::new_v4()));
        let row = json!({"dimensions": {"time": "t", "site": "a"}, "metrics": {"shown": 3, "consent_rate": null}});
        let query = |name: &str| -> ExpectedQuery {
            serde_json::from_value(json!({"name": name, "query": {"limit": 1}, "rows": [row]})).unwrap()
        };
        let file = TotalsFile {
            seed: 7,
            began: "2026-11-24T00:00:00Z".to_owned(),
            events: 5,
            posted: 6,
            duplicates: 1,
            queries: vec![],
        };
        file.write(&path, ["one", "two"].into_iter().map(query)).unwrap();
        let read = TotalsFile::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!((read.seed, read.posted, read.queries.len()), (7, 6, 2));
        assert_eq!(read.queries[1].rows, query("two").rows);
    }
}
