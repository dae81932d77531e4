//! Which functions a reader may call.

use std::collections::HashSet;

/// The reviewed list; see its own head.
const ALLOWED: &str = include_str!("reader_functions.txt");

/// Suffixes that make an aggregate function of another one (ClickHouse's combinators).
const COMBINATORS: [&str; 16] = [
    "if",
    "array",
    "map",
    "state",
    "simplestate",
    "merge",
    "mergestate",
    "foreach",
    "distinct",
    "ordefault",
    "ornull",
    "resample",
    "argmin",
    "argmax",
    "null",
    "tuple",
];

/// Table functions that read nothing but their arguments.
const TABLE_FUNCTIONS: [&str; 5] = ["numbers", "generateseries", "generate_series", "values", "sqlstandardvalues"];

/// One function of the engine: its name, what it is an alias of (or nothing), and whether it aggregates.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) alias_to: String,
    pub(crate) is_aggregate: bool,
}

/// The names that pass, in lower case: ClickHouse's names differ in more than case, and some are written in any.
pub(crate) struct Functions {
    ordinary: HashSet<String>,
    aggregate: HashSet<String>,
}

impl Functions {
    /// From what the engine has.
    pub(crate) fn of(engine: &[Function]) -> Self {
        let listed: HashSet<&str> = listed().collect();
        let mut ordinary: HashSet<String> = listed.iter().map(|name| name.to_ascii_lowercase()).collect();
        let aliases = engine.iter().filter(|function| listed.contains(function.alias_to.as_str()));
        ordinary.extend(aliases.map(|function| function.name.to_ascii_lowercase()));
        let aggregate = engine
            .iter()
            .filter(|function| function.is_aggregate)
            .map(|function| function.name.to_ascii_lowercase())
            .collect();
        Self { ordinary, aggregate }
    }

    /// Whether a function of this name may be called.
    pub(crate) fn allow(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.ordinary.contains(&name) || self.allow_aggregate(&name)
    }

    fn allow_aggregate(&self, name: &str) -> bool {
        self.aggregate.contains(name)
            || COMBINATORS.iter().any(|suffix| {
                name.strip_suffix(suffix).is_some_and(|base| !base.is_empty() && self.allow_aggregate(base))
            })
    }
}

/// Whether a table function of this name may stand where a table stands.
pub(crate) fn allow_table_function(name: &str) -> bool {
    TABLE_FUNCTIONS.contains(&name.to_ascii_lowercase().as_str())
}

/// The names in the list.
pub(crate) fn listed() -> impl Iterator<Item = &'static str> {
    ALLOWED.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions() -> Functions {
        let function = |name: &str, alias_to: &str, is_aggregate| Function {
            name: name.to_owned(),
            alias_to: alias_to.to_owned(),
            is_aggregate,
        };
        Functions::of(&[
            function("sum", "", true),
            function("uniqExact", "", true),
            function("substr", "substring", false),
            function("visitFile", "file", false),
        ])
    }

    #[test]
    fn what_reaches_outside_is_not_listed() {
        for name in [
            "file",
            "dictGet",
            "joinGet",
            "hasColumnInTable",
            "getMacro",
            "aiGenerate",
            "chdb",
            "hostName",
            "sleep",
            "throwIf",
            "formatRow",
            "catboostEvaluate",
            "getServerSetting",
            "initializeAggregation",
            "visitFile",
            "url",
            "s3",
            "eval",
            "merge",
            "view",
        ] {
            assert!(!functions().allow(name), "{name}");
        }
    }

    #[test]
    fn aggregates_pass_with_their_combinators_and_aliases_with_their_originals() {
        for name in ["SUM", "sumIf", "uniqExactIfOrNull", "sumDistinct", "substr", "toDate", "plus", "lambda"] {
            assert!(functions().allow(name), "{name}");
        }
        for name in ["if_", "fileIf", "sumFile", "State", ""] {
            assert!(!functions().allow(name), "{name}");
        }
    }
}
