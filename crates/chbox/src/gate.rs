//! What a statement may not do.
//!
//! A reader's SELECT runs only if each of these, on its own, lets it pass:
//! 1. libchdb's classification: one statement, which reads ([`crate::run`]);
//! 2. the engine's syntax tree ([`syntax`]): known kinds of nodes, allowed functions, allowed table names; looked at
//!    before anything is evaluated;
//! 3. the engine's resolved tree ([`resolved`]): every table by its full name;
//! 4. the session itself: `readonly=1`; a role without any right to files, addresses, dictionaries and temporary tables;
//!    row filters, and filters on the system tables, as `additional_table_filters`, which `readonly=1` makes final.
//!
//! What is checked is the engine's own rendering of the statement, and that rendering is what runs.

pub(crate) mod functions;
mod resolved;
mod syntax;

use crate::access::ReaderAccess;
use crate::engine::{Engine, escaped, identifier, quoted};
use crate::error::{EngineError, codes};
use crate::library::{Connection, Parameter};
use crate::request::Call;
use crate::statement;

use syntax::Node;

/// System tables that a reader may ask; rows about other tables than its views are filtered out.
const SYSTEM_TABLES: [&str; 5] =
    ["system.one", "system.settings", "system.tables", "system.columns", "system.databases"];

/// System tables behind `SHOW ...`, of which a reader sees no row.
const SHOWN_TABLES: [&str; 8] = [
    "system.clusters",
    "system.dictionaries",
    "system.filesystem_cache_settings",
    "system.functions",
    "system.merges",
    "system.data_skipping_indices",
    "system.projections",
    "system.named_collections",
];

/// Settings that a reader may choose, by name.
const SETTINGS: [&str; 18] = [
    "date_time_output_format",
    "enable_http_compression",
    "extremes",
    "format_csv_delimiter",
    "http_headers_progress_interval_ms",
    "http_zlib_compression_level",
    "join_use_nulls",
    "log_comment",
    "log_queries",
    "max_block_size",
    "max_result_bytes",
    "max_result_rows",
    "max_rows_to_read",
    "priority",
    "result_overflow_mode",
    "send_progress_in_http_headers",
    "session_timezone",
    "use_client_time_zone",
];

/// Settings that a reader may choose, by the start of the name: how values are written.
const SETTING_PREFIXES: [&str; 8] = [
    "output_format_json_",
    "output_format_csv_",
    "output_format_tsv_",
    "output_format_native_",
    "output_format_parquet_",
    "output_format_arrow_",
    "output_format_pretty_",
    "output_format_binary_",
];

/// The longest that a reader's statement may run, in seconds.
const READER_SECONDS: u64 = 60;

/// The most memory that a reader's statement may use, in bytes.
const READER_MEMORY: u64 = 2 << 30;

/// The refusal of something that the caller's rights do not cover.
pub(crate) fn refused(what: &str) -> EngineError {
    EngineError::new(codes::ACCESS_DENIED, "ACCESS_DENIED", format_args!("Not enough privileges: {what}"))
}

/// The tables that a reader may name.
pub(crate) struct Tables<'a> {
    access: &'a ReaderAccess,
    /// The other tables of the reader's database, which a bare name could mean.
    hidden: Vec<String>,
}

impl Tables<'_> {
    /// Whether a full name is one of the reader's views, or an allowed system table.
    fn is_readable(&self, name: &str) -> bool {
        SYSTEM_TABLES.contains(&name)
            || name.split_once('.').is_some_and(|(database, table)| {
                database == self.access.database && self.access.views.iter().any(|view| view == table)
            })
    }

    /// A name where a table may stand: a full one must be readable; a bare one may also be a common table expression,
    /// but never the name of a hidden table, for in another scope it would mean that.
    fn check_name(&self, name: &str) -> Result<(), EngineError> {
        let allowed = if name.contains('.') {
            self.is_readable(name)
        } else {
            self.access.views.iter().any(|view| view == name) || !self.hidden.iter().any(|hidden| hidden == name)
        };
        if allowed { Ok(()) } else { Err(refused(&format!("table {name}"))) }
    }
}

/// The settings of a reader's session: the caller's, as far as they are allowed, and those that bind it.
pub(crate) fn settings(call: &Call, reader: &ReaderAccess) -> Result<Vec<(String, String)>, EngineError> {
    let mut settings = Vec::new();
    let mut seconds = READER_SECONDS;
    for (name, value) in call.distinct_settings() {
        match name.as_str() {
            // What binds the session is set below; asking for as much is no offence.
            "readonly" if value == "1" || value == "2" => {}
            "max_execution_time" => {
                let asked = value.parse::<f64>().ok().filter(|asked| *asked >= 1.0);
                // Zero means no limit, which is the reader's limit.
                seconds = asked.map_or(seconds, |asked| seconds.min(asked as u64));
            }
            name if SETTINGS.contains(&name) || SETTING_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) => {
                settings.push((name.to_owned(), value));
            }
            name => {
                return Err(EngineError::new(
                    codes::READONLY,
                    "READONLY",
                    format_args!("Cannot modify '{name}' setting in readonly mode"),
                ));
            }
        }
    }
    settings.extend(binding(reader));
    settings.push(("max_execution_time".to_owned(), seconds.to_string()));
    settings.push(("readonly".to_owned(), "1".to_owned()));
    Ok(settings)
}

/// The settings that bind a reader's session, whatever its caller asked for. The looks at a statement have these and
/// none of the caller's: `max_result_rows` would cut off the very tree that is looked at.
fn binding(reader: &ReaderAccess) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    let mut bind = |name: &str, value: String| settings.push((name.to_owned(), value));
    bind("max_memory_usage", READER_MEMORY.to_string());
    bind("enable_analyzer", "1".to_owned());
    bind("additional_table_filters", filters(reader));
    if !reader.row_filters.is_empty() {
        // A condition of the caller that ran before the row filter could tell of hidden rows by failing on them, and
        // statistics by their number.
        for name in ["optimize_move_to_prewhere", "query_plan_optimize_prewhere", "query_plan_merge_filters"] {
            bind(name, "0".to_owned());
        }
        bind("output_format_write_statistics", "0".to_owned());
    }
    settings
}

/// Opens a session with a reader's rights and database.
pub(crate) fn session(
    engine: &Engine,
    settings: &[(String, String)],
    reader: &ReaderAccess,
) -> Result<Connection, EngineError> {
    let mut connection = engine.connect(settings)?;
    connection.query(format!("USE {}", identifier(&reader.database)).as_bytes(), "Null", &[])?;
    connection.query(b"SET ROLE box_reader", "Null", &[])?;
    Ok(connection)
}

/// `additional_table_filters`, as the text of a map.
fn filters(reader: &ReaderAccess) -> String {
    let database = quoted(&reader.database);
    let views: Vec<String> = reader.views.iter().map(|view| quoted(view)).collect();
    // An empty IN list does not parse.
    let views = if views.is_empty() { "''".to_owned() } else { views.join(", ") };
    let mut filters = vec![
        ("system.tables".to_owned(), format!("database = {database} AND name IN ({views})")),
        ("system.columns".to_owned(), format!("database = {database} AND table IN ({views})")),
        ("system.databases".to_owned(), format!("name = {database}")),
    ];
    filters.extend(SHOWN_TABLES.map(|table| (table.to_owned(), "0".to_owned())));
    filters.extend(
        reader.row_filters.iter().map(|(view, condition)| (format!("{}.{view}", reader.database), condition.clone())),
    );
    let entries: Vec<String> =
        filters.iter().map(|(table, condition)| format!("{}:{}", quoted(table), quoted(condition))).collect();
    format!("{{{}}}", entries.join(","))
}

/// A reader's database is its own, whatever the URL says; another one is refused rather than ignored.
pub(crate) fn check_database(call: &Call, reader: &ReaderAccess) -> Result<(), EngineError> {
    match call.database.as_deref() {
        // Clients that name none send `default`.
        None | Some("" | "default") => Ok(()),
        Some(name) if name == reader.database => Ok(()),
        Some(name) => Err(refused(&format!("database {name}"))),
    }
}

/// Looks at a reader's statement, and gives the text to run: the engine's rendering of it.
pub(crate) fn check(
    engine: &Engine,
    sql: &str,
    parameters: &[Parameter],
    reader: &ReaderAccess,
) -> Result<String, EngineError> {
    let mut settings = binding(reader);
    settings.push(("max_execution_time".to_owned(), READER_SECONDS.to_string()));
    settings.push(("readonly".to_owned(), "1".to_owned()));
    let mut connection = session(engine, &settings, reader)?;
    let text = vec![("chbox_sql".to_owned(), escaped(sql).into_bytes())];
    let rendered = connection.query(b"SELECT formatQuerySingleLine({chbox_sql:String})", "TabSeparatedRaw", &text)?;
    let rendered = String::from_utf8(rendered.as_ref().to_vec())
        .map_err(|_| refused("a statement that is not UTF-8"))?
        .trim_end_matches('\n')
        .to_owned();
    check_names(&rendered)?;
    let tables = Tables { access: reader, hidden: hidden_tables(engine, reader)? };
    let root = Node::read(&explain(&mut connection, "AST", &rendered, parameters)?)?;
    match root.kind.as_str() {
        "SelectWithUnionQuery" => {
            syntax::check_select(&root, engine.functions(), &tables)?;
            let select = without_format(&rendered, &root)?;
            resolved::check(&explain(&mut connection, "QUERY TREE", select, parameters)?, &tables)?;
        }
        "DescribeQuery" => check_describe(&root, &tables)?,
        // `SHOW TABLES`, `SHOW DATABASES` and their like: SELECTs from system tables, which are filtered.
        "ShowTables" | "ShowColumns" => {}
        kind => return Err(refused(&format!("statement {kind}"))),
    }
    Ok(rendered)
}

fn explain(
    connection: &mut Connection,
    what: &str,
    sql: &str,
    parameters: &[Parameter],
) -> Result<String, EngineError> {
    let answer = connection.query(format!("EXPLAIN {what} {sql}").as_bytes(), "TabSeparatedRaw", parameters)?;
    Ok(String::from_utf8_lossy(answer.as_ref()).into_owned())
}

/// The statement without its FORMAT, which EXPLAIN would take for its own; the tree says whether it has one.
fn without_format<'a>(rendered: &'a str, root: &Node) -> Result<&'a str, EngineError> {
    let Some(format) = root.children.iter().find(|child| child.kind == "Identifier") else { return Ok(rendered) };
    match statement::format_clause(rendered) {
        Some(clause) if clause.name == format.name && clause.range.end == rendered.len() => {
            Ok(&rendered[..clause.range.start])
        }
        _ => Err(refused("a FORMAT that is not at the end")),
    }
}

/// Names that could forge a line of a tree are refused: in the engine's rendering such a name is quoted and escaped.
/// `{name:Identifier}` would bring a name in later.
fn check_names(rendered: &str) -> Result<(), EngineError> {
    for name in statement::quoted_names(rendered) {
        if name.contains(|c: char| c.is_control() || c == '\\') {
            return Err(refused("a quoted name with control characters or backslashes"));
        }
    }
    if statement::has_identifier_parameter(rendered) {
        return Err(refused("a parameter of type Identifier"));
    }
    Ok(())
}

fn check_describe(root: &Node, tables: &Tables<'_>) -> Result<(), EngineError> {
    let [expression] = root.children.as_slice() else { return Err(refused("DESCRIBE with more than a name")) };
    let [table] = expression.children.as_slice() else { return Err(refused("DESCRIBE with more than a name")) };
    let bare = tables.access.views.contains(&table.name);
    if expression.kind == "TableExpression"
        && table.kind == "TableIdentifier"
        && (bare || tables.is_readable(&table.name))
    {
        return Ok(());
    }
    Err(refused(&format!("table {}", table.name)))
}

/// The tables of the reader's database that are not its views.
fn hidden_tables(engine: &Engine, reader: &ReaderAccess) -> Result<Vec<String>, EngineError> {
    let sql = format!("SHOW FULL TABLES FROM {}", identifier(&reader.database));
    let mut names = engine.ask(&sql)?;
    names.retain(|name| !reader.views.contains(name));
    Ok(names)
}

/// Refuses what nobody may do over HTTP: reading or writing a file of the machine by its name. `sql` is one statement,
/// without data.
pub(crate) fn check_command(
    connection: &mut Connection,
    sql: &str,
    parameters: &[Parameter],
) -> Result<(), EngineError> {
    // Statements that have no syntax tree to show are not of those that read or write data.
    let Ok(dump) = explain(connection, "AST", sql, parameters) else { return Ok(()) };
    let root = Node::read(&dump)?;
    let has = |kind: &str| root.children.iter().any(|child| child.kind == kind);
    match root.kind.as_str() {
        "InsertQuery" if has("Literal") => Err(refused("INSERT FROM INFILE")),
        "InsertQuery" if has("Function") => Err(refused("INSERT INTO FUNCTION")),
        "KillQueryQuery" => Ok(()),
        "SelectWithUnionQuery" | "Explain" | "ShowTables" | "DescribeQuery" => Err(refused("INTO OUTFILE")),
        // The name of the file is a literal of the statement itself.
        _ if has("Literal") => Err(refused("INTO OUTFILE")),
        _ => Ok(()),
    }
}
