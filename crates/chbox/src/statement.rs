//! Where an INSERT's own text ends and its data begin, and where a statement's FORMAT clause stands.
//!
//! libchdb says what a statement *is* (its classification); it does not say where in the text things stand. This is
//! ClickHouse's lexer, as far as that takes: whitespace, comments, quoted strings and identifiers, heredocs, words and
//! brackets. Data must never reach libchdb behind SQL text: there a blank line ends them and the rest runs as SQL.

/// The parts of an INSERT whose data come in a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsertParts<'a> {
    /// The statement without `FORMAT x`, `VALUES` and data, `SETTINGS` that followed the format included.
    pub head: String,
    /// The data's format.
    pub format: &'a str,
    /// Where in the text the data begin.
    pub data: usize,
}

/// What the text of a statement that begins with INSERT is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Insert<'a> {
    /// Data follow.
    WithData(InsertParts<'a>),
    /// `INSERT ... SELECT` and whatever else the engine makes of it; no data.
    WithoutData,
}

/// Reads `text` as an INSERT; `None` if its first word is another.
pub fn insert(text: &str) -> Option<Insert<'_>> {
    let mut lexer = Lexer { text, position: 0 };
    match lexer.next() {
        Some(token) if token.is_word("INSERT") => {}
        _ => return None,
    }
    let mut depth = 0usize;
    // `FORMAT` and `VALUES` may name a table or a column: they are keywords only after INTO and a name.
    let mut words_after_into = 0usize;
    let mut last_was_dot = false;
    while let Some(token) = lexer.next() {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::Word if depth == 0 && !last_was_dot && words_after_into >= 2 => {
                if ["SELECT", "WITH", "FROM", "WATCH"].iter().any(|word| token.is_word(word)) {
                    return Some(Insert::WithoutData);
                }
                if token.is_word("VALUES") {
                    let head = text[..token.start].trim_end().to_owned();
                    return Some(Insert::WithData(InsertParts { head, format: "Values", data: token.end }));
                }
                if token.is_word("FORMAT")
                    && let Some(format) = lexer.next().filter(|next| next.kind == Kind::Word)
                {
                    return Some(with_format(text, &token, &format));
                }
                words_after_into += 1;
            }
            Kind::Word | Kind::Quoted => words_after_into += 1,
            Kind::Other => {}
        }
        last_was_dot = token.is(".");
    }
    Some(Insert::WithoutData)
}

fn with_format<'a>(text: &'a str, keyword: &Token<'_>, format: &Token<'a>) -> Insert<'a> {
    // As ClickHouse: blanks and at most one line end belong to the statement; the next byte is data. A `;` may end it.
    let mut rest = text[format.end..].trim_start_matches([' ', '\t', '\r', '\x0c']);
    if let Some(after) = rest.strip_prefix(';') {
        rest = after.trim_start_matches([' ', '\t', '\r', '\x0c']);
    }
    rest = rest.strip_prefix('\n').unwrap_or(rest);
    let data = text.len() - rest.len();
    let head = text[..keyword.start].trim_end().to_owned();
    Insert::WithData(InsertParts { head, format: format.text, data })
}

/// A statement's own `FORMAT` clause: its name, and the range of `FORMAT name` in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatClause<'a> {
    /// The format's name.
    pub name: &'a str,
    /// Where `FORMAT` begins and the name ends.
    pub range: std::ops::Range<usize>,
}

/// The `FORMAT name` that ends a statement, before its final SETTINGS if it has any. A candidate only: a column named
/// `format` with an alias looks the same; the engine's parser decides (the caller asks it).
pub fn format_clause(text: &str) -> Option<FormatClause<'_>> {
    let mut lexer = Lexer { text, position: 0 };
    let mut depth = 0usize;
    let mut found = None;
    let mut keyword: Option<Token<'_>> = None;
    while let Some(token) = lexer.next() {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            // The engine's own rendering quotes the name `Null`.
            Kind::Word | Kind::Quoted if depth == 0 => {
                if let Some(keyword) = keyword.take() {
                    let name = token.text.trim_matches(['`', '"']);
                    found = Some(FormatClause { name, range: keyword.start..token.end });
                    continue;
                }
                if token.is_word("FORMAT") {
                    keyword = Some(token);
                    continue;
                }
            }
            _ => {}
        }
        keyword = None;
    }
    found
}

/// The text without the separators and blanks at its end, so that a clause can be added.
pub fn without_terminator(text: &str) -> &str {
    let mut lexer = Lexer { text, position: 0 };
    let mut end = 0;
    while let Some(token) = lexer.next() {
        if !token.is(";") {
            end = token.end;
        }
    }
    &text[..end]
}

/// The quoted names of a statement, quotes left out.
pub(crate) fn quoted_names(text: &str) -> Vec<&str> {
    let mut lexer = Lexer { text, position: 0 };
    let mut names = Vec::new();
    while let Some(token) = lexer.next() {
        if token.kind == Kind::Quoted {
            names.push(token.text.get(1..token.text.len().saturating_sub(1)).unwrap_or(token.text));
        }
    }
    names
}

/// Whether a statement has a parameter `{name:Identifier}`.
pub(crate) fn has_identifier_parameter(text: &str) -> bool {
    let mut lexer = Lexer { text, position: 0 };
    let mut after_colon = false;
    while let Some(token) = lexer.next() {
        if after_colon && token.is_word("Identifier") {
            return true;
        }
        after_colon = token.is(":");
    }
    false
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Quoted,
    Open,
    Close,
    Other,
}

#[derive(Debug, Clone)]
struct Token<'a> {
    kind: Kind,
    text: &'a str,
    start: usize,
    end: usize,
}

impl Token<'_> {
    fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    fn is(&self, text: &str) -> bool {
        self.kind == Kind::Other && self.text == text
    }
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blanks_and_comments();
        let start = self.position;
        let rest = &self.text[start..];
        let first = rest.chars().next()?;
        let (kind, length) = match first {
            '\'' => (Kind::Other, quoted_length(rest, '\'')),
            '"' | '`' => (Kind::Quoted, quoted_length(rest, first)),
            '$' => heredoc_length(rest).map_or((Kind::Other, 1), |length| (Kind::Other, length)),
            '(' | '[' | '{' => (Kind::Open, 1),
            ')' | ']' | '}' => (Kind::Close, 1),
            c if c == '_' || c.is_ascii_alphanumeric() => {
                let length = rest.find(|c: char| c != '_' && c != '$' && !c.is_ascii_alphanumeric());
                (Kind::Word, length.unwrap_or(rest.len()))
            }
            c => (Kind::Other, c.len_utf8()),
        };
        self.position = start + length;
        Some(Token { kind, text: &rest[..length], start, end: self.position })
    }

    fn skip_blanks_and_comments(&mut self) {
        loop {
            let rest = &self.text[self.position..];
            let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{0}');
            self.position += rest.len() - trimmed.len();
            let comment = if trimmed.starts_with("--") || trimmed.starts_with("# ") || trimmed.starts_with("#!") {
                trimmed.find('\n').unwrap_or(trimmed.len())
            } else if trimmed.starts_with("/*") {
                block_comment_length(trimmed)
            } else {
                return;
            };
            self.position += comment;
        }
    }
}

/// A `/* */` comment, which nests.
fn block_comment_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut i) = (0usize, 0usize);
    while i + 1 < bytes.len() {
        match &bytes[i..i + 2] {
            b"/*" => (depth, i) = (depth + 1, i + 2),
            b"*/" => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    text.len()
}

/// A quoted string or identifier: backslashes escape, and a doubled quote is a quote.
fn quoted_length(text: &str, quote: char) -> usize {
    let bytes = text.as_bytes();
    let mut i = 1;
    while i < bytes.len() {
        if bytes[i] == b'\\' {
            i += 2;
        } else if bytes[i] == quote as u8 {
            if bytes.get(i + 1) == Some(&(quote as u8)) {
                i += 2;
            } else {
                return i + 1;
            }
        } else {
            i += 1;
        }
    }
    text.len()
}

/// `$tag$ ... $tag$`.
fn heredoc_length(text: &str) -> Option<usize> {
    let tag_end = text[1..].find('$')? + 2;
    let tag = &text[..tag_end];
    if !tag[1..tag_end - 1].chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) {
        return None;
    }
    Some(tag_end + text[tag_end..].find(tag)? + tag_end)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;

    fn parts(text: &str) -> (String, String, &str) {
        match insert(text) {
            Some(Insert::WithData(parts)) => (parts.head, parts.format.to_owned(), &text[parts.data..]),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn data_begin_after_the_format() {
        for (text, head, format, data) in [
            ("INSERT INTO t FORMAT Native", "INSERT INTO t", "Native", ""),
            ("insert into t(a, b) format CSV\n1,2\n", "insert into t(a, b)", "CSV", "1,2\n"),
            ("INSERT INTO t FORMAT CSV \r\n\n1", "INSERT INTO t", "CSV", "\n1"),
            ("INSERT INTO t VALUES (1), (2)", "INSERT INTO t", "Values", " (1), (2)"),
            ("INSERT INTO t SETTINGS async_insert=0 FORMAT TSV x", "INSERT INTO t SETTINGS async_insert=0", "TSV", "x"),
            ("-- c\nINSERT /* FORMAT x */ INTO t FORMAT CSV", "-- c\nINSERT /* FORMAT x */ INTO t", "CSV", ""),
            ("INSERT INTO format FORMAT CSV\n", "INSERT INTO format", "CSV", ""),
            ("INSERT INTO values VALUES (1)", "INSERT INTO values", "Values", " (1)"),
            ("INSERT INTO db.format(format) FORMAT CSV", "INSERT INTO db.format(format)", "CSV", ""),
            ("INSERT INTO `a VALUES b` VALUES (1)", "INSERT INTO `a VALUES b`", "Values", " (1)"),
            ("INSERT INTO t FORMAT JSONEachRow {\"a\":1}", "INSERT INTO t", "JSONEachRow", "{\"a\":1}"),
            ("INSERT INTO t FORMAT CSV;1", "INSERT INTO t", "CSV", "1"),
        ] {
            assert_eq!(parts(text), (head.to_owned(), format.to_owned(), data), "{text}");
        }
    }

    #[test]
    fn a_select_has_no_data() {
        for text in [
            "INSERT INTO t SELECT 1 FORMAT CSV",
            "INSERT INTO t (a) WITH x AS (SELECT 1) SELECT * FROM x",
            "INSERT INTO t SELECT 'VALUES'",
            "INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        ] {
            assert_eq!(insert(text), Some(Insert::WithoutData), "{text}");
        }
        assert_eq!(insert("SELECT 1"), None);
        assert_eq!(insert("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x"), None);
    }

    #[test]
    fn the_format_clause_is_the_last() {
        let name = |text| format_clause(text).map(|clause| clause.name);
        assert_eq!(name("SELECT 1 FORMAT JSON"), Some("JSON"));
        assert_eq!(name("SELECT 1 FORMAT JSON SETTINGS max_threads=1;"), Some("JSON"));
        assert_eq!(name("SELECT 1 -- FORMAT JSON"), None);
        assert_eq!(name("SELECT 'FORMAT JSON'"), None);
        assert_eq!(name("SELECT (SELECT format x)"), None);
        assert_eq!(name("SELECT format FROM t FORMAT CSV"), Some("CSV"));
        assert_eq!(name("SELECT $$ FORMAT x $$"), None);
        assert_eq!(name("SELECT 1 FORMAT `Null`"), Some("Null"));
        let text = "SELECT 1\nFORMAT JSON SETTINGS a=1";
        assert_eq!(&text[format_clause(text).unwrap().range], "FORMAT JSON");
    }

    #[test]
    fn separators_at_the_end_go() {
        assert_eq!(without_terminator("SELECT ';' ; -- x\n;"), "SELECT ';'");
        assert_eq!(without_terminator("SELECT 1"), "SELECT 1");
        assert_eq!(without_terminator(" -- nothing"), "");
    }
}
