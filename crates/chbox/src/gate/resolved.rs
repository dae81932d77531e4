//! The engine's resolved tree of a statement (`EXPLAIN QUERY TREE`): every table by its full name, whatever aliases,
//! common table expressions and scopes led to it. The second look, at what names *mean*, after [`super::syntax`] has
//! looked at how they are written.

use std::collections::HashSet;

use crate::error::EngineError;

use super::functions;
use super::{Tables, refused};

/// Columns of `system.tables` that tell of what lies behind a view, or where data lie on the machine's disk.
const HIDDEN_COLUMNS: [&str; 14] = [
    "as_select",
    "create_table_query",
    "data_paths",
    "definer",
    "dependencies_database",
    "dependencies_table",
    "engine_full",
    "loading_dependencies_database",
    "loading_dependencies_table",
    "loading_dependent_database",
    "loading_dependent_table",
    "metadata_path",
    "metadata_version",
    "uuid",
];

/// Refuses a tree that reaches a table beyond `tables`.
pub(crate) fn check(dump: &str, tables: &Tables<'_>) -> Result<(), EngineError> {
    let mut restricted = HashSet::new();
    for line in dump.lines().map(|line| line.trim_start_matches(' ')) {
        let Some((kind, rest)) = line.split_once(" id: ") else { continue };
        match kind {
            "TABLE" => {
                let name = field(rest, "table_name: ").ok_or_else(|| unreadable(line))?;
                if !tables.is_readable(name) {
                    return Err(refused(&format!("table {name}")));
                }
                if name == "system.tables" {
                    restricted.insert(identity(rest).to_owned());
                }
            }
            "TABLE_FUNCTION" => {
                let name = field(rest, "table_function_name: ").ok_or_else(|| unreadable(line))?;
                if !functions::allow_table_function(name) {
                    return Err(refused(&format!("table function {name}")));
                }
            }
            _ => {}
        }
    }
    // A column may stand before its table in the dump.
    for line in dump.lines().map(|line| line.trim_start_matches(' ')) {
        let Some(rest) = line.strip_prefix("COLUMN id: ") else { continue };
        let (Some(column), Some(source)) = (field(rest, "column_name: "), field(rest, "source_id: ")) else { continue };
        if restricted.contains(source) && HIDDEN_COLUMNS.contains(&column) {
            return Err(refused(&format!("column {column} of system.tables")));
        }
    }
    Ok(())
}

fn unreadable(line: &str) -> EngineError {
    EngineError::broken(&format!("the engine's query tree cannot be read: {line}"))
}

/// `7` of `7, alias: x, ...`.
fn identity(rest: &str) -> &str {
    rest.split_once(',').map_or(rest, |(id, _)| id)
}

/// The value of a field, up to the next one. The field's last occurrence counts: what stands before it may be an alias,
/// which is the caller's to choose; the names of real tables and columns are not.
fn field<'a>(rest: &'a str, name: &str) -> Option<&'a str> {
    let value = rest.rsplit_once(name)?.1;
    Some(value.split_once(", ").map_or(value, |(value, _)| value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_cannot_pose_as_a_table() {
        let line = "6, alias: x, table_name: avow.events, table_name: avow.hidden, final: 1";
        assert_eq!(field(line, "table_name: "), Some("avow.hidden"));
        assert_eq!(identity(line), "6");
    }
}
