//! Why a question has no answer.

#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("the warehouse did not answer: {0}")]
    Engine(#[from] clickhouse::error::Error),
    #[error("the answer has more than {0} rows; ask for fewer dimensions, a longer interval, or less time")]
    TooManyRows(usize),
}
