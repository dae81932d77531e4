//! Rows that are written one batch after another, to memory or to a file.

use std::io::{self, Write};

use avow_warehouse::query::{Number, QuerySpec, Row};

use super::Form;
use super::parquet::Parquet;
use super::table::{Field, columns, fields};

/// A sheet of rows in the making.
pub enum Sheet<W: Write + Send> {
    /// RFC 4180 with a header; null is an empty field.
    Csv(Box<csv::Writer<W>>),
    /// One JSON object a line.
    Lines(W),
    Parquet(Box<Parquet<W>>),
}

impl<W: Write + Send> Sheet<W> {
    /// Begins one. JSON as a whole is none; its lines stand for it.
    ///
    /// # Errors
    /// Those of what it is written to.
    pub fn new(spec: &QuerySpec, form: Form, to: W) -> io::Result<Self> {
        match form {
            Form::Csv => {
                let mut writer = csv::Writer::from_writer(to);
                writer.write_record(columns(spec).into_iter().map(|(name, _)| name))?;
                Ok(Self::Csv(Box::new(writer)))
            }
            Form::Parquet => Ok(Self::Parquet(Box::new(Parquet::new(spec, to).map_err(io::Error::other)?))),
            Form::Json | Form::Ndjson => Ok(Self::Lines(to)),
        }
    }

    /// Writes rows behind those that are there.
    ///
    /// # Errors
    /// Those of what it is written to.
    pub fn write(&mut self, spec: &QuerySpec, rows: &[Row]) -> io::Result<()> {
        match self {
            Self::Csv(writer) => rows.iter().try_for_each(|row| {
                writer.write_record(fields(spec, row).into_iter().map(|field| match field {
                    Field::Text(text) => text,
                    Field::Number(Number::Count(count)) => count.to_string(),
                    Field::Number(Number::Real(real)) => real.to_string(),
                    Field::Null => String::new(),
                }))
            })?,
            Self::Lines(to) => {
                for row in rows {
                    serde_json::to_writer(&mut *to, &super::row_of(spec, row))?;
                    to.write_all(b"\n")?;
                }
            }
            Self::Parquet(writer) => writer.write(spec, rows).map_err(io::Error::other)?,
        }
        Ok(())
    }

    /// Ends it and gives back what it was written to.
    ///
    /// # Errors
    /// Those of what it is written to.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::Csv(writer) => writer.into_inner().map_err(|error| io::Error::other(error.to_string())),
            Self::Lines(to) => Ok(to),
            Self::Parquet(writer) => writer.finish().map_err(io::Error::other),
        }
    }
}
