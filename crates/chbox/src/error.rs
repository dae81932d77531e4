//! What can go wrong: opening the engine ([`OpenError`]), and running a statement ([`EngineError`]).

use std::path::PathBuf;

/// The error type of this crate's public functions.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why the engine could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no file at the configured path.
    #[error("the ClickHouse engine is not at {}: run `make engine`, or set AVOW_LIBCHDB to where libchdb.so is", path.display())]
    LibraryMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is there but cannot be loaded.
    #[error("cannot load the ClickHouse engine from {}: {reason}; remove it and run `make engine` again", path.display())]
    Library {
        /// The file.
        path: PathBuf,
        /// What the dynamic linker says.
        reason: libloading::Error,
    },
    /// libchdb is built for x86-64-v3.
    #[error(
        "this processor has no AVX2, which the ClickHouse engine needs (x86-64-v3, Intel and AMD since about 2015); use a ClickHouse server instead (AVOW_CLICKHOUSE__URL)"
    )]
    NoAvx2,
    /// Another process has the data directory.
    #[error("{} is in use by another process: only one process may own an engine's data; stop the other one, or use another AVOW_DATA_DIR", path.display())]
    InUse {
        /// The data directory.
        path: PathBuf,
    },
    /// The data directory cannot be prepared.
    #[error("cannot prepare the engine's data directory {}: {reason}", path.display())]
    Path {
        /// The data directory.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// libchdb refused to start; it says no more than this, except on standard error.
    #[error("the ClickHouse engine did not start on {}; its reason, if it gave one, is on standard error", path.display())]
    Refused {
        /// The data directory.
        path: PathBuf,
    },
    /// The engine started but does not answer as it must.
    #[error("the ClickHouse engine started but failed its first statements: {0}")]
    FirstStatement(#[from] EngineError),
}

/// A statement's failure, in ClickHouse's own terms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// ClickHouse's error code, such as 60 for an unknown table.
    pub code: u32,
    /// The text that ClickHouse sends: `Code: N. DB::Exception: ... (NAME)`.
    pub message: String,
}

/// Codes of ClickHouse's `ErrorCodes.cpp` that this crate answers with itself.
pub(crate) mod codes {
    pub(crate) const CANNOT_PARSE_TEXT: u32 = 6;
    pub(crate) const CANNOT_READ_ALL_DATA: u32 = 33;
    pub(crate) const BAD_ARGUMENTS: u32 = 36;
    pub(crate) const NOT_IMPLEMENTED: u32 = 48;
    pub(crate) const LOGICAL_ERROR: u32 = 49;
    pub(crate) const SYNTAX_ERROR: u32 = 62;
    pub(crate) const UNKNOWN_SETTING: u32 = 115;
    pub(crate) const READONLY: u32 = 164;
    pub(crate) const TOO_MANY_SIMULTANEOUS_QUERIES: u32 = 202;
    pub(crate) const ABORTED: u32 = 236;
    pub(crate) const CHECKSUM_DOESNT_MATCH: u32 = 40;
    pub(crate) const CANNOT_DECOMPRESS: u32 = 271;
    pub(crate) const ACCESS_DENIED: u32 = 497;
    pub(crate) const AUTHENTICATION_FAILED: u32 = 516;
}

impl EngineError {
    /// An error of this crate, worded and numbered as ClickHouse would.
    pub(crate) fn new(code: u32, name: &str, message: impl std::fmt::Display) -> Self {
        Self { code, message: format!("Code: {code}. DB::Exception: {message}. ({name})") }
    }

    /// An error whose text is libchdb's.
    pub(crate) fn from_text(message: String) -> Self {
        let code = message
            .strip_prefix("Code: ")
            .and_then(|rest| rest.split_once('.'))
            .and_then(|(number, _)| number.parse().ok());
        match code {
            Some(code) => Self { code, message },
            None => Self::broken(&message),
        }
    }

    /// The interface itself misbehaved.
    pub(crate) fn broken(message: &str) -> Self {
        Self::new(codes::LOGICAL_ERROR, "LOGICAL_ERROR", message.trim_end_matches('.'))
    }
}
