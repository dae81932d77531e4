//! The same rows in the form that was asked for: JSON, CSV or NDJSON. What JSON says under `meta`, the others say in
//! headers that begin with `avow-`.

use avow_warehouse::query::{Answer, Number, QuerySpec, Row};
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use super::request::{QueryAnswer, QueryMeta, QueryRow};
use crate::problem::Problem;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Csv,
    Ndjson,
}

impl Form {
    const ALL: [Self; 3] = [Self::Json, Self::Csv, Self::Ndjson];

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
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
    pub query: Value,
    pub freshness: Option<String>,
    pub next_cursor: Option<String>,
}

impl Rendering<'_> {
    /// The answer's response.
    ///
    /// # Errors
    /// 500 where the rows cannot be written, which a defect alone brings about.
    pub fn response(self, form: Form) -> Result<Response, Problem> {
        let mut response = match form {
            Form::Json => Json(self.document()).into_response(),
            Form::Csv => {
                ([(header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present")], csv(self.spec, self.answer)?)
                    .into_response()
            }
            Form::Ndjson => ([(header::CONTENT_TYPE, form.media_type())], self.lines()).into_response(),
        };
        if form != Form::Json {
            let headers = response.headers_mut();
            let mut say = |name: &'static str, value: &str| {
                if let Ok(value) = HeaderValue::from_str(value) {
                    headers.insert(HeaderName::from_static(name), value);
                }
            };
            say("avow-suppressed", &self.answer.suppressed.to_string());
            say("avow-approximate", if self.answer.approximate { "true" } else { "false" });
            if let Some(freshness) = &self.freshness {
                say("avow-freshness", freshness);
            }
            if let Some(cursor) = &self.next_cursor {
                say("avow-next-cursor", cursor);
            }
        }
        Ok(response)
    }

    fn document(&self) -> QueryAnswer {
        QueryAnswer {
            rows: self.answer.rows.iter().map(|row| self.row(row)).collect(),
            meta: QueryMeta {
                query: self.query.clone(),
                freshness: self.freshness.clone(),
                sampled: false,
                approximate: self.answer.approximate,
                suppressed: self.answer.suppressed,
                next_cursor: self.next_cursor.clone(),
            },
        }
    }

    fn row(&self, row: &Row) -> QueryRow {
        let names = self.spec.dimensions.iter().map(|dimension| dimension.as_str().to_owned());
        let dimensions: Map<String, Value> = names.zip(row.dimensions.iter().map(|value| json!(value))).collect();
        let metrics: Map<String, Value> =
            self.answer.columns.iter().cloned().zip(row.metrics.iter().map(|value| json!(value))).collect();
        QueryRow { dimensions: Value::Object(dimensions), metrics: Value::Object(metrics) }
    }

    fn lines(&self) -> String {
        let mut text = String::new();
        for row in &self.answer.rows {
            text.push_str(&serde_json::to_string(&self.row(row)).unwrap_or_default());
            text.push('\n');
        }
        text
    }
}

/// The rows as CSV, under the names of their columns.
///
/// # Errors
/// 500 where the rows cannot be written, which a defect alone brings about.
pub(crate) fn csv(spec: &QuerySpec, answer: &Answer) -> Result<Vec<u8>, Problem> {
    let failed = |error: csv::Error| Problem::internal(format!("cannot write CSV: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let dimensions = spec.dimensions.iter().map(|dimension| dimension.as_str());
    writer.write_record(dimensions.chain(answer.columns.iter().map(String::as_str))).map_err(failed)?;
    for row in &answer.rows {
        let metrics = row.metrics.iter().map(|value| value.as_ref().map_or_else(String::new, Number::to_string));
        writer.write_record(row.dimensions.iter().cloned().chain(metrics)).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| Problem::internal(error.to_string()))
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
            ("application/vnd.apache.parquet", Err(406)),
            ("text/csv;q=0", Err(406)),
        ] {
            assert_eq!(preferred(accept), form, "{accept}");
        }
    }
}
