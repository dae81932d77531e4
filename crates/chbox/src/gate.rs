//! What a statement may not do. (The reader's part follows.)

use crate::access::ReaderAccess;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::library::{Connection, Parameter};
use crate::request::Call;

pub(crate) fn settings(_call: &Call, _reader: &ReaderAccess) -> Result<Vec<(String, String)>, EngineError> {
    Ok(vec![("readonly".to_owned(), "1".to_owned())])
}

pub(crate) fn database<'a>(_call: &Call, reader: &'a ReaderAccess) -> Result<&'a str, EngineError> {
    Ok(&reader.database)
}

pub(crate) fn check(
    _engine: &Engine,
    _connection: &mut Connection,
    _sql: &str,
    _parameters: &[Parameter],
    _reader: &ReaderAccess,
) -> Result<(), EngineError> {
    Err(EngineError::new(497, "ACCESS_DENIED", "Not enough privileges"))
}

pub(crate) fn check_command(
    _connection: &mut Connection,
    _sql: &str,
    _parameters: &[Parameter],
) -> Result<(), EngineError> {
    Ok(())
}
