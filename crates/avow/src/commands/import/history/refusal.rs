//! What becomes of a row that is no event: refused, with the place and a code of the API's closed list, or skipped, with the reason.

use std::fmt;

use avow_schemas::fate::RejectCode;

use super::super::rows::Bad;

/// A row that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub line: u64,
    /// Its name, or the byte of the line.
    pub column: Option<String>,
    pub code: RejectCode,
    pub what: String,
}

impl Refusal {
    pub fn invalid(line: u64, column: &str, what: impl Into<String>) -> Self {
        Self { line, column: Some(format!("{column:?}")), code: RejectCode::InvalidValue, what: what.into() }
    }

    pub fn missing(line: u64, what: impl Into<String>) -> Self {
        Self { line, column: None, code: RejectCode::MissingField, what: what.into() }
    }
}

impl From<&Bad> for Refusal {
    fn from(bad: &Bad) -> Self {
        let column = bad.column.map(|column| column.to_string());
        Self { line: bad.line, column, code: RejectCode::Malformed, what: bad.what.clone() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {} ({})", self.what, self.code.as_str())
    }
}
