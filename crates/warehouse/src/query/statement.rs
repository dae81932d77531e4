//! A statement and its parameters, as text: SQL from closed enums, values bound by name.

use std::fmt::Write;

use clickhouse::Client;
use clickhouse::query::Query;

/// How long the engine works on one statement before it gives up.
const LONGEST_SECONDS: &str = "120";

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Texts(Vec<String>),
    Seconds(Vec<u32>),
    Second(u32),
    Millisecond(i64),
    Positions(Vec<u64>),
    Versions(Vec<u32>),
    Log(String),
}

impl Value {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Texts(_) => "Array(String)",
            Self::Seconds(_) | Self::Versions(_) => "Array(UInt32)",
            Self::Second(_) => "UInt32",
            Self::Millisecond(_) => "Int64",
            Self::Positions(_) => "Array(UInt64)",
            Self::Log(_) => "UUID",
        }
    }
}

/// A SELECT in the making.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub sql: String,
    parameters: Vec<(String, Value)>,
}

impl Statement {
    /// Binds a value and gives the text that stands for it: `{name:Type}`. Binding a name again is the same parameter.
    pub(super) fn bind(&mut self, name: &str, value: Value) -> String {
        let text = format!("{{{name}:{}}}", value.kind());
        if !self.parameters.iter().any(|(bound, _)| bound == name) {
            self.parameters.push((name.to_owned(), value));
        }
        text
    }

    /// Binds a value under a name of its own.
    pub(super) fn bind_next(&mut self, value: Value) -> String {
        let name = format!("p{}", self.parameters.len());
        self.bind(&name, value)
    }

    pub(super) fn push(&mut self, line: &str) {
        let _ = writeln!(self.sql, "{line}");
    }

    /// The statement ready to run.
    pub(super) fn query(self, client: &Client) -> Query {
        let client = client.clone().with_validation(true).with_setting("max_execution_time", LONGEST_SECONDS);
        let question = client.query_raw(&self.sql);
        self.parameters.into_iter().fold(question, |query, (name, value)| match value {
            Value::Texts(texts) => query.param(&name, texts),
            Value::Seconds(seconds) => query.param(&name, seconds),
            Value::Second(second) => query.param(&name, second),
            Value::Millisecond(moment) => query.param(&name, moment),
            Value::Positions(positions) => query.param(&name, positions),
            Value::Versions(versions) => query.param(&name, versions),
            Value::Log(id) => query.param(&name, id),
        })
    }
}

impl std::fmt::Display for Statement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sql)?;
        self.parameters.iter().try_for_each(|(name, value)| writeln!(f, "-- {name} = {value:?}"))
    }
}
