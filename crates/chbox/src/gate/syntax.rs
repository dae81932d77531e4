//! The engine's own syntax tree of a statement (`EXPLAIN AST`), and what a reader's may hold. Nothing has run when this
//! is looked at: neither constants nor scalar subqueries have been evaluated.

use crate::error::EngineError;

use super::functions::{self, Functions};
use super::{Tables, refused};

/// The kinds of nodes that a reader's SELECT may hold. An allow-list: a kind that hides a part of the statement from
/// this tree (`APPLY` hides its function), or that a new engine brings, is refused.
const KINDS: [&str; 27] = [
    "SelectWithUnionQuery",
    "SelectIntersectExceptQuery",
    "SelectQuery",
    "ExpressionList",
    "Asterisk",
    "QualifiedAsterisk",
    "ColumnsTransformerList",
    "ColumnsExceptTransformer",
    "ColumnsReplaceTransformer",
    "ColumnsReplaceTransformer::Replacement",
    "Identifier",
    "TableIdentifier",
    "Literal",
    "Function",
    "Subquery",
    "WithElement",
    "TablesInSelectQuery",
    "TablesInSelectQueryElement",
    "TableExpression",
    "TableJoin",
    "ArrayJoin",
    "SampleRatio",
    "OrderByElement",
    "InterpolateElement",
    "WindowDefinition",
    "WindowListElement",
    "Set",
];

/// A node of the tree.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) kind: String,
    /// What follows the kind, without alias and count: a function's or a table's name.
    pub(crate) name: String,
    pub(crate) children: Vec<Node>,
}

impl Node {
    /// Reads the answer of `EXPLAIN AST` in TabSeparated: one node a line, indented by its depth.
    pub(crate) fn read(dump: &str) -> Result<Self, EngineError> {
        let unreadable = || EngineError::broken("the engine's syntax tree cannot be read");
        let mut open: Vec<Node> = Vec::new();
        for line in dump.lines() {
            let depth = line.len() - line.trim_start_matches(' ').len();
            if line.trim().is_empty() {
                continue;
            }
            if depth > open.len() || (depth == 0 && !open.is_empty()) {
                return Err(unreadable());
            }
            fold(&mut open, depth);
            open.push(Self::of_line(line.trim_start_matches(' ')));
        }
        fold(&mut open, 1);
        open.pop().ok_or_else(unreadable)
    }

    fn of_line(line: &str) -> Self {
        let line = match line.rsplit_once(" (children ") {
            Some((start, count)) if count.ends_with(')') => start,
            _ => line,
        };
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        let name = rest.split_once(" (alias ").map_or(rest, |(name, _)| name);
        Self { kind: kind.to_owned(), name: name.to_owned(), children: Vec::new() }
    }
}

/// Closes the nodes deeper than `depth`, each into its parent.
fn fold(open: &mut Vec<Node>, depth: usize) {
    while open.len() > depth.max(1) {
        if let Some(done) = open.pop()
            && let Some(parent) = open.last_mut()
        {
            parent.children.push(done);
        }
    }
}

/// Refuses a SELECT that holds anything but reads of `tables` and allowed functions.
pub(crate) fn check_select(root: &Node, functions: &Functions, tables: &Tables<'_>) -> Result<(), EngineError> {
    // A child of the root beside the list of SELECTs: a format, settings, a file.
    for child in &root.children {
        match child.kind.as_str() {
            "ExpressionList" => check(child, functions, tables, Place::Elsewhere)?,
            "Identifier" => {}
            "Set" => return Err(refused("SETTINGS in the statement; set them in the URL")),
            _ => return Err(refused("INTO OUTFILE")),
        }
    }
    Ok(())
}

/// Where a node stands, as far as that changes what it may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is a table of a FROM clause.
    Table,
    /// It is the right-hand side of an IN, where a name may be a table's.
    Set,
    Elsewhere,
}

fn check(node: &Node, functions: &Functions, tables: &Tables<'_>, place: Place) -> Result<(), EngineError> {
    if !KINDS.contains(&node.kind.as_str()) {
        return Err(refused(&format!("{} in the statement", node.kind)));
    }
    match node.kind.as_str() {
        "Set" => return Err(refused("SETTINGS in the statement; set them in the URL")),
        "TableIdentifier" => tables.check_name(&node.name)?,
        "Identifier" if place == Place::Set => tables.check_name(&node.name)?,
        "Function" => {
            let in_place_of_table = place == Place::Table;
            let allowed = if in_place_of_table {
                functions::allow_table_function(&node.name)
            } else {
                functions.allow(&node.name)
            };
            if !allowed {
                let what = if in_place_of_table { "table function" } else { "function" };
                return Err(refused(&format!("{what} {}", node.name)));
            }
        }
        _ => {}
    }
    let takes_set = node.kind == "Function" && is_in(&node.name);
    for child in &node.children {
        if takes_set && child.kind == "ExpressionList" {
            check_in_arguments(child, functions, tables)?;
            continue;
        }
        let place = if node.kind == "TableExpression" { Place::Table } else { Place::Elsewhere };
        check(child, functions, tables, place)?;
    }
    Ok(())
}

fn check_in_arguments(list: &Node, functions: &Functions, tables: &Tables<'_>) -> Result<(), EngineError> {
    for (i, argument) in list.children.iter().enumerate() {
        check(argument, functions, tables, if i == 0 { Place::Elsewhere } else { Place::Set })?;
    }
    Ok(())
}

/// `in`, `notIn`, `globalNullIn`, `inIgnoreSet` and the others of that family.
fn is_in(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.trim_end_matches("ignoreset").ends_with("in") && {
        let start = name.trim_end_matches("ignoreset").trim_end_matches("in");
        ["", "not", "null", "notnull", "global", "globalnot", "globalnull", "globalnotnull"].contains(&start)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_dump_becomes_a_tree() {
        let dump = "SelectWithUnionQuery (children 1)\n ExpressionList (children 2)\n  Function in (alias x) (children 1)\n   ExpressionList\n  TableIdentifier avow.v (alias t)\n";
        let root = Node::read(dump).unwrap();
        assert_eq!(root.kind, "SelectWithUnionQuery");
        let list = &root.children[0].children;
        assert_eq!((list[0].name.as_str(), list[1].name.as_str()), ("in", "avow.v"));
        assert_eq!(list[0].children[0].kind, "ExpressionList");
        assert!(Node::read("").is_err());
        assert!(Node::read("A\nB").is_err());
        assert!(Node::read("A\n   B").is_err());
    }

    #[test]
    fn the_in_family_is_known() {
        for name in ["in", "notIn", "globalIn", "globalNotNullIn", "nullIn", "notInIgnoreSet", "IN"] {
            assert!(is_in(name), "{name}");
        }
        for name in ["min", "plus", "sin", "begin", "inIgnore"] {
            assert!(!is_in(name), "{name}");
        }
    }
}
