//! A request as ClickHouse's HTTP interface defines it: who asks, which statement, in which database, with which
//! settings, parameters and encodings. Nothing here touches the engine.

use std::collections::BTreeMap;

use base64::Engine as _;
use http::{HeaderMap, Method, header, request::Parts};

use crate::error::{EngineError, codes};
use crate::library::Parameter;

/// URL parameters that are not settings, and that have no meaning without sessions or for this server: accepted, and
/// without effect. Clients send a session id even if they use no session.
const IGNORED: [&str; 9] = [
    "session_id",
    "session_timeout",
    "session_check",
    "close_session",
    "quota_key",
    "stacktrace",
    "buffer_size",
    "client_protocol_version",
    "http_write_exception_in_output_format",
];

/// How an answer or a body is compressed as a whole (`Content-Encoding`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Deflate,
    Lz4,
    Zstd,
}

impl Coding {
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Deflate => Some("deflate"),
            Self::Lz4 => Some("lz4"),
            Self::Zstd => Some("zstd"),
        }
    }

    fn parse(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "lz4" => Some(Self::Lz4),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The first coding of an `Accept-Encoding` that this server has. A coding refused by `q=0` is left out.
    fn accepted(headers: &HeaderMap) -> Self {
        let mut wanted = headers
            .get_all(header::ACCEPT_ENCODING)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|item| {
                let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
                let refused = parameters.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>() == Ok(0.0));
                if refused { None } else { Self::parse(name) }
            });
        wanted.find(|coding| *coding != Self::Identity).unwrap_or(Self::Identity)
    }
}

/// Name and password of the caller.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// What a request says, except its body.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) credentials: Credentials,
    /// The `query` of the URL.
    pub(crate) query: Option<String>,
    pub(crate) database: Option<String>,
    pub(crate) default_format: Option<String>,
    pub(crate) query_id: String,
    /// Everything in the URL that is not known otherwise, in order.
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) parameters: Vec<Parameter>,
    /// The body is ClickHouse's compressed blocks (`decompress=1`).
    pub(crate) blocks_in: bool,
    /// The answer is to be ClickHouse's compressed blocks (`compress=1`).
    pub(crate) blocks_out: bool,
    /// The status is decided only when the statement has ended.
    pub(crate) wait_for_end: bool,
    pub(crate) body_coding: Coding,
    pub(crate) answer_coding: Coding,
    /// Boundary of a `multipart/form-data` body, whose fields are as the URL's parameters.
    pub(crate) boundary: Option<String>,
    /// The method was GET or HEAD: the statement may change nothing.
    pub(crate) read_only: bool,
}

impl Call {
    /// Reads the head of a request.
    pub(crate) fn read(head: &Parts) -> Result<Self, EngineError> {
        let content_encoding = text(&head.headers, header::CONTENT_ENCODING.as_str());
        let body_coding = Coding::parse(content_encoding).ok_or_else(|| {
            EngineError::new(
                codes::NOT_IMPLEMENTED,
                "NOT_IMPLEMENTED",
                format_args!("Unknown Content-Encoding '{content_encoding}': use gzip, deflate, lz4 or zstd"),
            )
        })?;
        let content_type = text(&head.headers, header::CONTENT_TYPE.as_str());
        let mut call = Self {
            credentials: Credentials { user: String::new(), password: String::new() },
            query: None,
            database: header_value(&head.headers, "x-clickhouse-database"),
            default_format: header_value(&head.headers, "x-clickhouse-format"),
            query_id: String::new(),
            settings: Vec::new(),
            parameters: Vec::new(),
            blocks_in: false,
            blocks_out: false,
            wait_for_end: false,
            body_coding,
            answer_coding: Coding::accepted(&head.headers),
            boundary: multer::parse_boundary(content_type).ok(),
            read_only: head.method == Method::GET || head.method == Method::HEAD,
        };
        let (mut user, mut password) = (None, None);
        for (name, value) in form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "user" => user = Some(value.into_owned()),
                "password" => password = Some(value.into_owned()),
                name => call.take_field(name, value.into_owned())?,
            }
        }
        call.credentials = credentials(&head.headers, user, password);
        if call.query_id.is_empty() {
            call.query_id = uuid::Uuid::new_v4().to_string();
        }
        if call.setting("enable_http_compression").is_some_and(|value| !truth(value)) {
            call.answer_coding = Coding::Identity;
        }
        Ok(call)
    }

    /// One parameter, of the URL or of a multipart body.
    pub(crate) fn take_field(&mut self, name: &str, value: String) -> Result<(), EngineError> {
        match name {
            "query" => self.query = Some(value),
            "database" => self.database = Some(value),
            "default_format" => self.default_format = Some(value),
            "query_id" => self.query_id = header_safe(value)?,
            "decompress" => self.blocks_in = truth(&value),
            "compress" => self.blocks_out = truth(&value),
            "wait_end_of_query" => self.wait_for_end = truth(&value),
            name if IGNORED.contains(&name) => {}
            name => match name.strip_prefix("param_") {
                Some(parameter) => self.parameters.push((parameter.to_owned(), value.into_bytes())),
                None => self.settings.push((name.to_owned(), value)),
            },
        }
        Ok(())
    }

    /// The value that a setting of the request has, the last one if it is given twice.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The settings, each once: of a repeated one the last counts, as in ClickHouse.
    pub(crate) fn distinct_settings(&self) -> Vec<(String, String)> {
        let last: BTreeMap<&str, &str> =
            self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        last.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// Basic authentication, the `X-ClickHouse-*` headers or the URL, in ClickHouse's order. Nothing at all is `default`.
fn credentials(headers: &HeaderMap, user: Option<String>, password: Option<String>) -> Credentials {
    if let (Some(user), key) = (header_value(headers, "x-clickhouse-user"), header_value(headers, "x-clickhouse-key")) {
        return Credentials { user, password: key.unwrap_or_default() };
    }
    if let Some(basic) = text(headers, header::AUTHORIZATION.as_str()).strip_prefix("Basic ")
        && let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(basic.trim())
        && let Some((user, password)) = String::from_utf8_lossy(&bytes).split_once(':')
    {
        return Credentials { user: user.to_owned(), password: password.to_owned() };
    }
    Credentials {
        user: user.filter(|user| !user.is_empty()).unwrap_or_else(|| "default".to_owned()),
        password: password.unwrap_or_default(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn header_value(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(text(headers, name)).filter(|value| !value.is_empty()).map(str::to_owned)
}

fn truth(value: &str) -> bool {
    value == "1" || value.eq_ignore_ascii_case("true")
}

fn header_safe(query_id: String) -> Result<String, EngineError> {
    if query_id.len() <= 256 && query_id.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Ok(query_id);
    }
    Err(EngineError::new(codes::BAD_ARGUMENTS, "BAD_ARGUMENTS", "A query_id is at most 256 printable ASCII characters"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn call(uri: &str, headers: &[(&str, &str)]) -> Call {
        let mut request = http::Request::builder().method("POST").uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Call::read(&request.body(()).unwrap().into_parts().0).unwrap()
    }

    #[test]
    fn credentials_come_from_three_places() {
        let of = |uri: &str, headers: &[(&str, &str)]| {
            let credentials = call(uri, headers).credentials;
            (credentials.user, credentials.password)
        };
        let pair = |user: &str, password: &str| (user.to_owned(), password.to_owned());
        assert_eq!(of("/", &[]), pair("default", ""));
        assert_eq!(of("/?user=bi&password=a%20b", &[]), pair("bi", "a b"));
        assert_eq!(of("/", &[("authorization", "Basic Ymk6czpl")]), pair("bi", "s:e"));
        assert_eq!(of("/", &[("x-clickhouse-user", "bi"), ("x-clickhouse-key", "k")]), pair("bi", "k"));
    }

    #[test]
    fn what_is_not_known_is_a_setting_or_a_parameter() {
        let call = call("/?query=SELECT+1&max_threads=1&param_x=a%0A&database=d&max_threads=2&session_id=s", &[]);
        assert_eq!(call.query.as_deref(), Some("SELECT 1"));
        assert_eq!(call.database.as_deref(), Some("d"));
        assert_eq!(call.distinct_settings(), [("max_threads".to_owned(), "2".to_owned())]);
        assert_eq!(call.parameters, [("x".to_owned(), b"a\n".to_vec())]);
    }

    #[test]
    fn the_first_accepted_coding_is_taken_unless_compression_is_off() {
        assert_eq!(call("/", &[("accept-encoding", "br, lz4;q=0, gzip")]).answer_coding, Coding::Gzip);
        assert_eq!(call("/", &[("accept-encoding", "zstd")]).answer_coding, Coding::Zstd);
        assert_eq!(call("/?enable_http_compression=0", &[("accept-encoding", "gzip")]).answer_coding, Coding::Identity);
    }

    #[test]
    fn a_query_id_cannot_forge_a_header() {
        let request = http::Request::builder().uri("/?query_id=a%0Ab").body(()).unwrap();
        assert!(Call::read(&request.into_parts().0).is_err());
    }
}
