//! The rows of an export, one by one: CSV with a header, NDJSON, or one JSON array, plain or gzip. Never more of a file than one row
//! is in memory, and each row knows the line on which it begins.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use serde::Deserialize as _;
use serde_json::{Map, Value};

/// Bytes of one row; a quote or a brace that is never closed ends here instead of in memory.
const MOST_ROW_BYTES: usize = 1 << 20;

/// A row. Empty cells of a CSV are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// From 1, a CSV's header included.
    pub line: u64,
    /// By the names that the file gives.
    pub cells: Map<String, Value>,
}

/// What is no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    pub line: u64,
    /// The first wrong byte of the line, from 1, where that is known.
    pub column: Option<usize>,
    pub what: String,
    /// Whether nothing after it can be read.
    pub is_the_end: bool,
}

impl Bad {
    fn new(line: u64, what: impl Into<String>) -> Self {
        Self { line, column: None, what: what.into(), is_the_end: false }
    }

    fn end(line: u64, what: impl Into<String>) -> Self {
        Self { is_the_end: true, ..Self::new(line, what) }
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            Some(column) => write!(f, "line {}, column {column}: {}", self.line, self.what),
            None => write!(f, "line {}: {}", self.line, self.what),
        }
    }
}

enum Form {
    Csv { separator: u8, header: Vec<String> },
    Lines,
    Array,
}

/// The rows of a file.
pub struct Rows {
    text: Text,
    form: Form,
    is_over: bool,
}

impl Rows {
    /// Finds out what the file is: by its first bytes gzip or not, by its first character JSON or CSV.
    ///
    /// # Errors
    /// What cannot be read at all: another encoding, a header that names a column twice.
    pub fn open(source: impl Read + 'static) -> Result<Self, Bad> {
        let mut text = Text::open(source).map_err(|error| Bad::end(1, error.to_string()))?;
        let first = text.first().map_err(|error| Bad::end(1, error.to_string()))?;
        let form = match first {
            None | Some(b'{') => Form::Lines,
            Some(b'[') => {
                text.source.consume(1);
                Form::Array
            }
            Some(0xff | 0xfe) => return Err(Bad::end(1, "is not UTF-8; save it as UTF-8")),
            Some(_) => header(&mut text)?,
        };
        Ok(Self { text, form, is_over: first.is_none() })
    }

    /// The columns of a CSV; none of JSON.
    pub fn header(&self) -> &[String] {
        if let Form::Csv { header, .. } = &self.form { header } else { &[] }
    }

    fn of_line(&mut self) -> Option<Result<Row, Bad>> {
        loop {
            let (line, text) = match self.text.line()? {
                Ok(read) => read,
                Err(bad) => return Some(Err(bad)),
            };
            if !text.trim().is_empty() {
                let object = serde_json::from_str(&text).map_err(|error| Bad {
                    column: Some(error.column()),
                    ..Bad::new(line, format!("is no JSON object: {error}"))
                });
                return Some(object.map(|cells| Row { line, cells }));
            }
        }
    }

    fn of_array(&mut self) -> Option<Result<Row, Bad>> {
        let next = match self.text.next_item() {
            Ok(next) => next,
            Err(error) => return Some(Err(Bad::end(self.text.line, error.to_string()))),
        };
        let line = self.text.line;
        match next {
            Some(b']') => return None,
            None => return Some(Err(Bad::end(line, "the list is not closed"))),
            _ => {}
        }
        let mut item = serde_json::Deserializer::from_reader((&mut self.text).take(MOST_ROW_BYTES as u64));
        Some(match Value::deserialize(&mut item) {
            Ok(Value::Object(cells)) => Ok(Row { line, cells }),
            Ok(_) => Err(Bad::end(line, "is no JSON object")),
            Err(error) => Err(Bad::end(line, format!("is no JSON object: {error}"))),
        })
    }
}

impl Iterator for Rows {
    type Item = Result<Row, Bad>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = match &self.form {
            Form::Lines => self.of_line(),
            Form::Array => self.of_array(),
            Form::Csv { separator, header } => of_csv(&mut self.text, *separator, header),
        };
        self.is_over = next.as_ref().is_none_or(|next| next.as_ref().is_err_and(|bad| bad.is_the_end));
        next
    }
}

fn header(text: &mut Text) -> Result<Form, Bad> {
    let Some(first) = text.line() else { return Ok(Form::Lines) };
    let (line, first) = first?;
    let separator = separator(&first);
    let header = record(text, line, &first, separator)?;
    for (at, column) in header.iter().enumerate() {
        if !column.is_empty() && header[..at].contains(column) {
            return Err(Bad::end(line, format!("the column {column:?} is there twice")));
        }
    }
    Ok(Form::Csv { separator, header })
}

/// A comma, unless the header has semicolons or tabs instead.
fn separator(header: &str) -> u8 {
    let found = [b',', b';', b'\t'].into_iter().find(|separator| header.as_bytes().contains(separator));
    found.unwrap_or(b',')
}

fn of_csv(text: &mut Text, separator: u8, header: &[String]) -> Option<Result<Row, Bad>> {
    loop {
        let (line, first) = match text.line()? {
            Ok(read) => read,
            Err(bad) => return Some(Err(bad)),
        };
        let cells = match record(text, line, &first, separator) {
            Ok(cells) => cells,
            Err(bad) => return Some(Err(bad)),
        };
        if cells.iter().all(String::is_empty) {
            continue;
        }
        if cells.len() != header.len() {
            let what = format!("has {} cells where the header has {}", cells.len(), header.len());
            return Some(Err(Bad::new(line, what)));
        }
        let cells = header.iter().zip(cells).filter(|(column, cell)| !column.is_empty() && !cell.is_empty());
        return Some(Ok(Row { line, cells: cells.map(|(column, cell)| (column.clone(), cell.into())).collect() }));
    }
}

/// The cells of a record that begins on this line; a quoted cell may go over several, so lines are taken until every quote that
/// was opened is closed.
fn record(text: &mut Text, line: u64, first: &str, separator: u8) -> Result<Vec<String>, Bad> {
    let is_open = |text: &str| text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1;
    let (mut whole, mut open) = (first.to_owned(), is_open(first));
    while open {
        match text.line() {
            Some(Ok((_, more))) if whole.len() + more.len() <= MOST_ROW_BYTES => {
                open ^= is_open(&more);
                whole.push('\n');
                whole.push_str(&more);
            }
            Some(Err(bad)) => return Err(bad),
            _ => return Err(Bad::end(line, format!("a quote is not closed within {MOST_ROW_BYTES} bytes"))),
        }
    }
    let whole = without_blanks_before_cells(&whole, separator);
    let mut reader = csv::ReaderBuilder::new();
    reader.has_headers(false).delimiter(separator).trim(csv::Trim::All).buffer_capacity(whole.len().max(1));
    let read = reader.from_reader(whole.as_bytes()).records().next().transpose();
    let read = read.map_err(|error| Bad::new(line, error.to_string()))?;
    Ok(read.iter().flatten().map(str::to_owned).collect())
}

/// Usercentrics puts a blank before each quote, which RFC 4180 does not know.
fn without_blanks_before_cells(record: &str, separator: u8) -> String {
    let (mut kept, mut quoted) = (String::with_capacity(record.len()), false);
    for c in record.chars() {
        quoted ^= c == '"';
        let begins = kept.as_bytes().last().is_none_or(|last| *last == separator);
        if quoted || c != ' ' || !begins {
            kept.push(c);
        }
    }
    kept
}

/// A file's text, with the number of the line at which reading stands.
struct Text {
    source: Box<dyn BufRead>,
    line: u64,
}

impl Text {
    fn open(source: impl Read + 'static) -> io::Result<Self> {
        let mut packed = BufReader::with_capacity(1 << 16, source);
        let is_gzip = packed.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        let source: Box<dyn BufRead> = if is_gzip {
            Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(packed)))
        } else {
            Box::new(packed)
        };
        let mut text = Self { source, line: 1 };
        if text.source.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            text.source.consume(3);
        }
        Ok(text)
    }

    /// The first byte that is neither a blank nor the end of a line.
    fn first(&mut self) -> io::Result<Option<u8>> {
        self.skip(b" \r\n")
    }

    /// The first byte of an array's next item.
    fn next_item(&mut self) -> io::Result<Option<u8>> {
        self.skip(b" \t\r\n,")
    }

    fn skip(&mut self, what: &[u8]) -> io::Result<Option<u8>> {
        loop {
            let Some(byte) = self.source.fill_buf()?.first().copied() else { return Ok(None) };
            if !what.contains(&byte) {
                return Ok(Some(byte));
            }
            self.line += u64::from(byte == b'\n');
            self.source.consume(1);
        }
    }

    /// The next line with its number, without its end. One that is too long or no UTF-8 is read and refused.
    fn line(&mut self) -> Option<Result<(u64, String), Bad>> {
        let (number, mut bytes) = (self.line, Vec::new());
        let read = (&mut self.source).take(MOST_ROW_BYTES as u64 + 1).read_until(b'\n', &mut bytes);
        match read {
            Err(error) => return Some(Err(Bad::end(number, error.to_string()))),
            Ok(0) => return None,
            Ok(_) => self.line += 1,
        }
        if bytes.len() > MOST_ROW_BYTES && !bytes.ends_with(b"\n") {
            // The rest of the line is thrown away.
            if let Err(error) = self.source.skip_until(b'\n') {
                return Some(Err(Bad::end(number, error.to_string())));
            }
            return Some(Err(Bad::new(number, format!("is longer than {MOST_ROW_BYTES} bytes"))));
        }
        while matches!(bytes.last(), Some(b'\n' | b'\r')) {
            bytes.pop();
        }
        Some(String::from_utf8(bytes).map(|text| (number, text)).map_err(|error| Bad {
            column: Some(error.utf8_error().valid_up_to() + 1),
            ..Bad::new(number, "is not UTF-8")
        }))
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.line += buffer[..read].iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(bytes: impl AsRef<[u8]>) -> Vec<Result<(u64, Value), String>> {
        match Rows::open(Cursor::new(bytes.as_ref().to_vec())) {
            Err(bad) => vec![Err(bad.to_string())],
            Ok(rows) => rows
                .map(|row| row.map(|row| (row.line, Value::Object(row.cells))).map_err(|bad| bad.to_string()))
                .collect(),
        }
    }

    #[test]
    fn forms_are_told_by_their_first_character_and_rows_know_their_lines() {
        let expected = [Ok((2, json!({"a": "1", "b": "x, \"y\"\nz"}))), Ok((5, json!({"a": "2"})))];
        for separator in [",", ";", "\t"] {
            let csv = "\u{feff}a,b\n 1 , \"x# \"\"y\"\"\nz\"\r\n\r\n2,\n,\n".replace(',', separator).replace('#', ",");
            assert_eq!(read(&csv), expected);
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            gzip.write_all(csv.as_bytes()).unwrap();
            assert_eq!(read(gzip.finish().unwrap()), expected);
        }
        let rows = [Ok((1, json!({"a": 1}))), Ok((3, json!({"a": {"b": [2]}})))];
        assert_eq!(read("{\"a\":1}\r\n\n{\"a\":{\"b\":[2]}}"), rows);
        assert_eq!(read("[{\"a\":1},\n\n {\"a\":\n{\"b\":[2]}}\n]\n"), rows);
        assert_eq!(read(""), []);
        assert_eq!(read("a,b\n"), []);
    }

    #[test]
    fn a_row_that_is_wrong_costs_itself_only() {
        let said = |bytes: &[u8]| read(bytes).into_iter().map(|row| row.map(|(line, _)| line)).collect::<Vec<_>>();
        let error = |text: &str| Err(text.to_owned());
        assert_eq!(said(b"a,b\n1\n1,2\n"), [error("line 2: has 1 cells where the header has 2"), Ok(3)]);
        assert_eq!(said(b"a\n\xff\n1\n"), [error("line 2, column 1: is not UTF-8"), Ok(3)]);
        let long = [b"a\n", "x".repeat(MOST_ROW_BYTES + 1).as_bytes(), b"\n1\n"].concat();
        assert_eq!(said(&long), [error("line 2: is longer than 1048576 bytes"), Ok(3)]);
        let broken = said(b"{\"a\":1}\n{\"a\"\n{}\n");
        assert!(broken[1].as_ref().is_err_and(|text| text.starts_with("line 2, column 4: is no JSON object: EOF")));
        assert_eq!((broken.len(), &broken[2]), (3, &Ok(3)));
        assert_eq!(said(b"a,a\n1,2\n"), [error("line 1: the column \"a\" is there twice")]);
        assert_eq!(said(b"\xff\xfea\0"), [error("line 1: is not UTF-8; save it as UTF-8")]);
        // Nothing can be said of what follows these.
        assert_eq!(said(b"a\n\"1\n2\n"), [error("line 2: a quote is not closed within 1048576 bytes")]);
        assert_eq!(said(b"[{},\n{}"), [Ok(1), Ok(2), error("line 2: the list is not closed")]);
        assert_eq!(said(b"[7, {}]"), [error("line 1: is no JSON object")]);
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_read_as_it_was(cells in prop::collection::vec("[a-z,;\"\n ]{0,9}", 2..5)) {
            let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let names: Vec<String> = (0..cells.len()).map(|at| format!("c{at}")).collect();
            let csv = format!("{}\n{}\n", names.join(","), cells.iter().map(quoted).collect::<Vec<_>>().join(","));
            let expected: Map<String, Value> = names.into_iter().zip(&cells)
                .map(|(name, cell)| (name, cell.trim()))
                .filter(|(_, cell)| !cell.is_empty())
                .map(|(name, cell)| (name, cell.into())).collect();
            let expected = if expected.is_empty() { vec![] } else { vec![Ok((2, Value::Object(expected)))] };
            prop_assert_eq!(read(csv), expected);
        }

        #[test]
        fn any_bytes_are_rows_or_errors_and_end(bytes in prop::collection::vec(prop::sample::select(&b"[]{}\",;\n a:1\xff\xc3"[..]), 0..40)) {
            let _ = read(bytes);
        }
    }
}
