//! Filters as they are sent, `["is", "country", ["FR"]]`, to filters that the warehouse knows.

use avow_schemas::category;
use avow_schemas::event::{Method, Prompt, Regime, Source};
use avow_schemas::signal::{Finding, Signal};
use avow_warehouse::query::{Dimension, Filter, Test};
use serde_json::Value;

use crate::problem::Problem;

/// How deep filters may lie in filters, and how many values one may list.
const DEEPEST: usize = 8;
const MOST_VALUES: usize = 1_000;

fn wrong(at: &str, detail: impl Into<String>) -> Problem {
    Problem::unprocessable("invalid_filter", detail).at(at)
}

/// Reads one filter; `at` is its place in the body.
///
/// # Errors
/// 422 with the place of whatever names what does not exist.
pub fn read(value: &Value, at: &str, depth: usize) -> Result<Filter, Problem> {
    let form = "a filter is [\"is\" | \"is_not\" | \"contains\", dimension, [values]], [\"and\" | \"or\", [filters]] or [\"not\", filter]";
    if depth > DEEPEST {
        return Err(wrong(at, format!("filters lie at most {DEEPEST} deep")));
    }
    let Some([operator, rest @ ..]) = value.as_array().map(Vec::as_slice) else { return Err(wrong(at, form)) };
    match (operator.as_str().unwrap_or_default(), rest) {
        ("and", [Value::Array(parts)]) => parts_of(parts, at, depth).map(Filter::And),
        ("or", [Value::Array(parts)]) => parts_of(parts, at, depth).map(Filter::Or),
        ("not", [part]) => read(part, &format!("{at}/1"), depth + 1).map(|part| Filter::Not(Box::new(part))),
        ("is", [dimension, values]) => compare(Test::Is, dimension, values, at),
        ("is_not", [dimension, values]) => compare(Test::IsNot, dimension, values, at),
        ("contains", [dimension, values]) => compare(Test::Contains, dimension, values, at),
        _ => Err(wrong(at, form)),
    }
}

fn parts_of(parts: &[Value], at: &str, depth: usize) -> Result<Vec<Filter>, Problem> {
    parts.iter().enumerate().map(|(i, part)| read(part, &format!("{at}/1/{i}"), depth + 1)).collect()
}

fn compare(test: Test, dimension: &Value, values: &Value, at: &str) -> Result<Filter, Problem> {
    let name = dimension.as_str().unwrap_or_default();
    let dimension = Dimension::parse(name).ok_or_else(|| {
        Problem::unprocessable("unknown_dimension", format!("{name:?} is no dimension")).at(format!("{at}/1"))
    })?;
    let values: Option<Vec<&str>> = values.as_array().and_then(|values| values.iter().map(Value::as_str).collect());
    let values = values.filter(|values| (1..=MOST_VALUES).contains(&values.len()));
    let values =
        values.ok_or_else(|| wrong(&format!("{at}/2"), format!("values are a list of 1 to {MOST_VALUES} texts")))?;
    let mut checked = Vec::with_capacity(values.len());
    for (i, value) in values.into_iter().enumerate() {
        if test != Test::Contains && !possible(dimension, value) {
            let detail = format!("{value:?} is no {}", dimension.as_str());
            return Err(Problem::unprocessable("unknown_value", detail).at(format!("{at}/2/{i}")));
        }
        let canonical =
            category::canonical(value).filter(|_| dimension == Dimension::Category && test != Test::Contains);
        checked.push(canonical.map_or_else(|| value.to_owned(), std::borrow::Cow::into_owned));
    }
    Ok(Filter::Compare(test, dimension, checked))
}

/// Whether a dimension of a closed list can have this value.
fn possible(dimension: Dimension, value: &str) -> bool {
    match dimension {
        Dimension::Method => value.is_empty() || Method::parse(value).is_some(),
        Dimension::Prompt => Prompt::parse(value).is_some(),
        Dimension::Regime => Regime::parse(value).is_some(),
        Dimension::Source => Source::parse(value).is_some(),
        Dimension::Signal => Signal::parse(value).is_some(),
        Dimension::Finding => Finding::parse(value).is_some(),
        Dimension::Bot => matches!(value, "yes" | "no"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn filters_nest() {
        let filter = read(
            &json!(["or", [["is", "category", ["functional"]], ["not", ["contains", "service", ["chap"]]]]]),
            "",
            0,
        );
        let is = Filter::Compare(Test::Is, Dimension::Category, vec!["preferences".into()]);
        let contains = Filter::Compare(Test::Contains, Dimension::Service, vec!["chap".into()]);
        assert_eq!(filter.unwrap(), Filter::Or(vec![is, Filter::Not(Box::new(contains))]));
    }

    #[test]
    fn what_does_not_exist_is_named_with_its_place() {
        for (value, code, at) in [
            (json!(["is", "planet", ["mars"]]), "unknown_dimension", "/filters/0/1"),
            (json!(["is", "bot", ["no", "perhaps"]]), "unknown_value", "/filters/0/2/1"),
            (json!(["is", "country", []]), "invalid_filter", "/filters/0/2"),
            (json!(["is", "country", "FR"]), "invalid_filter", "/filters/0/2"),
            (json!(["and", [["like", "country", ["FR"]]]]), "invalid_filter", "/filters/0/1/0"),
            (json!("is"), "invalid_filter", "/filters/0"),
        ] {
            let problem = read(&value, "/filters/0", 0).unwrap_err();
            assert_eq!((problem.code, problem.members["at"].as_str().unwrap()), (code, at), "{value}");
        }
    }

    #[test]
    fn filters_do_not_nest_without_end() {
        let deep = (0..2_000).fold(json!(["is", "bot", ["no"]]), |inner, _| json!(["not", inner]));
        assert_eq!(read(&deep, "", 0).unwrap_err().code, "invalid_filter");
    }
}
