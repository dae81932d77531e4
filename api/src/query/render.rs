//! The same rows in the form that was asked for: JSON, CSV, NDJSON or Parquet. What JSON says under `meta`, the others say in
//! headers that begin with `avow-`.

mod parquet;
mod sheet;
mod table;

use avow_warehouse::query::{Answer, Dimension, QuerySpec, Row};
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

pub use sheet::Sheet;

use super::request::{QueryAnswer, QueryMeta, QueryRow, RowComparison};
use crate::problem::Problem;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Csv,
    Ndjson,
    Parquet,
}

impl Form {
    pub const ALL: [Self; 4] = [Self::Json, Self::Csv, Self::Ndjson, Self::Parquet];

    /// As it is named in addresses and files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.as_str() == name)
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// The form that a request prefers (RFC 9110, section 12.5.1): the highest weight, in doubt the one named first.
    ///
    /// # Errors
    /// 406 where none of the forms is wanted, naming them.
    pub fn preferred(headers: &HeaderMap) -> Result<Self, Problem> {
        let accept: Vec<&str> =
            headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
        let accept = accept.join(",");
        if accept.trim().is_empty() {
            return Ok(Self::Json);
        }
        let mut best: Option<(f32, Self)> = None;
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0_f32);
            let matching = Self::ALL.into_iter().find(|form| {
                let of = form.media_type();
                kind == "*/*"
                    || kind == of
                    || kind.strip_suffix("/*").is_some_and(|major| of.split('/').next() == Some(major))
            });
            if let Some(form) = matching
                && weight > best.map_or(0.0, |(weight, _)| weight)
            {
                best = Some((weight, form));
            }
        }
        best.map(|(_, form)| form).ok_or_else(|| {
            let available = Self::ALL.map(Self::media_type);
            let detail = format!("the answer comes as {}", available.join(", "));
            Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", detail).with("available", json!(available))
        })
    }
}

/// An answer with everything that is said about it.
pub struct Rendering<'a> {
    pub spec: &'a QuerySpec,
    pub answer: &'a Answer,
    pub meta: QueryMeta,
}

impl Rendering<'_> {
    /// The answer's response.
    ///
    /// # Errors
    /// 500 where the rows cannot be written, which a defect alone brings about.
    pub fn response(self, form: Form) -> Result<Response, Problem> {
        if form == Form::Json {
            let rows = self.answer.rows.iter().map(|row| row_of(self.spec, row)).collect();
            return Ok(Json(QueryAnswer { rows, meta: self.meta }).into_response());
        }
        let kind = match form {
            Form::Csv => "text/csv; charset=utf-8; header=present",
            _ => form.media_type(),
        };
        let rows = in_rows(self.spec, self.answer, form)?;
        let mut response = ([(header::CONTENT_TYPE, kind)], rows).into_response();
        let headers = response.headers_mut();
        let mut say = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        say("avow-suppressed", &self.meta.suppressed.to_string());
        say("avow-approximate", if self.meta.approximate { "true" } else { "false" });
        if let Some(freshness) = &self.meta.freshness {
            say("avow-freshness", freshness);
        }
        if let Some(cursor) = &self.meta.next_cursor {
            say("avow-next-cursor", cursor);
        }
        Ok(response)
    }
}

/// The rows as CSV, under the names of their columns.
///
/// # Errors
/// 500 where the rows cannot be written, which a defect alone brings about.
pub(crate) fn csv(spec: &QuerySpec, answer: &Answer) -> Result<Vec<u8>, Problem> {
    in_rows(spec, answer, Form::Csv)
}

fn in_rows(spec: &QuerySpec, answer: &Answer, form: Form) -> Result<Vec<u8>, Problem> {
    let failed = |error: std::io::Error| Problem::internal(format!("cannot write the rows: {error}"));
    let mut sheet = Sheet::new(spec, form, Vec::new()).map_err(failed)?;
    sheet.write(spec, &answer.rows).map_err(failed)?;
    sheet.finish().map_err(failed)
}

fn row_of(spec: &QuerySpec, row: &Row) -> QueryRow {
    fn named<T: serde::Serialize>(names: &[String], values: &[T]) -> Value {
        Value::Object(names.iter().cloned().zip(values.iter().map(|value| json!(value))).collect())
    }
    let dimensions: Vec<String> = spec.dimensions.iter().map(|dimension| dimension.as_str().to_owned()).collect();
    let comparison = spec.compare.is_some().then(|| {
        row.comparison.as_ref().map(|then| RowComparison {
            dimensions: named(&[Dimension::Time.as_str().to_owned()], then.time.as_slice()),
            metrics: named(&spec.columns(), &then.metrics),
            change: named(&spec.changes(), &then.change),
        })
    });
    QueryRow {
        dimensions: named(&dimensions, &row.dimensions),
        metrics: named(&spec.columns(), &row.metrics),
        comparison,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferred(accept: &'static str) -> Result<Form, u16> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
        Form::preferred(&headers).map_err(|problem| problem.status.as_u16())
    }

    #[test]
    fn the_form_follows_the_accept_header() {
        assert_eq!(Form::preferred(&HeaderMap::new()).unwrap(), Form::Json);
        for (accept, form) in [
            ("*/*", Ok(Form::Json)),
            ("text/csv", Ok(Form::Csv)),
            ("application/x-ndjson", Ok(Form::Ndjson)),
            ("application/json;q=0.5, text/csv", Ok(Form::Csv)),
            ("text/html, */*;q=0.1", Ok(Form::Json)),
            ("text/*", Ok(Form::Csv)),
            ("application/vnd.apache.parquet", Ok(Form::Parquet)),
            ("application/pdf", Err(406)),
            ("text/csv;q=0", Err(406)),
        ] {
            assert_eq!(preferred(accept), form, "{accept}");
        }
    }
}
