//! What HTTP needs to know of ClickHouse's formats: the default one and the content types.

/// ClickHouse's default over HTTP.
pub(crate) const DEFAULT: &str = "TabSeparated";

/// The `Content-Type` that ClickHouse sends with an answer in `format`.
pub(crate) fn content_type(format: &str) -> &'static str {
    let name = format.to_ascii_lowercase();
    match name.as_str() {
        "jsoneachrow"
        | "jsonlines"
        | "ndjson"
        | "jsonstringseachrow"
        | "jsoncompacteachrow"
        | "jsoncompactstringseachrow" => "application/x-ndjson; charset=UTF-8",
        "parquet" => "application/vnd.apache.parquet",
        "arrow" => "application/vnd.apache.arrow.file",
        "arrowstream" => "application/vnd.apache.arrow.stream",
        "xml" => "application/xml; charset=UTF-8",
        "csvwithnames" | "csvwithnamesandtypes" => "text/csv; charset=UTF-8; header=present",
        "csv" => "text/csv; charset=UTF-8; header=absent",
        "markdown" => "text/markdown; charset=UTF-8",
        name if name.starts_with("json") => "application/json; charset=UTF-8",
        name if name.starts_with("tabseparated") || name.starts_with("tsv") => {
            "text/tab-separated-values; charset=UTF-8"
        }
        name if name.starts_with("pretty") || name == "vertical" => "text/plain; charset=UTF-8",
        _ => "application/octet-stream",
    }
}
