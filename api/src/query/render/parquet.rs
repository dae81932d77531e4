//! Rows as a Parquet file: texts as UTF-8, counts as INT64, rates as DOUBLE, all of them nullable, compressed with Snappy.

use std::io::Write;
use std::sync::Arc;

use avow_warehouse::query::{Number, QuerySpec, Row};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use super::table::{Field, Kind, columns, fields};
/// Rows of one row group at most.
const GROUP: usize = 100_000;

/// A file in the making.
pub struct Parquet<W: Write + Send> {
    writer: SerializedFileWriter<W>,
}

impl<W: Write + Send> Parquet<W> {
    pub fn new(spec: &QuerySpec, to: W) -> Result<Self, ParquetError> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        let properties = properties.set_created_by("avow".to_owned()).build();
        let writer = SerializedFileWriter::new(to, schema(&columns(spec))?, Arc::new(properties))?;
        Ok(Self { writer })
    }

    pub fn write(&mut self, spec: &QuerySpec, rows: &[Row]) -> Result<(), ParquetError> {
        for rows in rows.chunks(GROUP) {
            let rows: Vec<Vec<Field>> = rows.iter().map(|row| fields(spec, row)).collect();
            let mut group = self.writer.next_row_group()?;
            let mut at = 0;
            while let Some(mut column) = group.next_column()? {
                put(column.untyped(), rows.iter().filter_map(|row| row.get(at)))?;
                column.close()?;
                at += 1;
            }
            group.close()?;
        }
        Ok(())
    }

    pub fn finish(self) -> Result<W, ParquetError> {
        self.writer.into_inner()
    }
}

fn schema(columns: &[(String, Kind)]) -> Result<TypePtr, ParquetError> {
    let field = |(name, kind): &(String, Kind)| {
        let (physical, logical) = match kind {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Count => (Physical::INT64, None),
            Kind::Real => (Physical::DOUBLE, None),
        };
        let field = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
        field.with_logical_type(logical).build().map(Arc::new)
    };
    let fields: Vec<TypePtr> = columns.iter().map(field).collect::<Result<_, _>>()?;
    Type::group_type_builder("rows").with_fields(fields).build().map(Arc::new)
}

/// Writes one column: the values that there are, and for each row whether it has one.
fn put<'a>(column: &mut ColumnWriter<'_>, fields: impl Iterator<Item = &'a Field>) -> Result<(), ParquetError> {
    let (mut texts, mut counts, mut reals, mut levels) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for field in fields {
        levels.push(i16::from(*field != Field::Null));
        match field {
            Field::Text(text) => texts.push(ByteArray::from(text.as_str())),
            Field::Number(Number::Count(count)) => counts.push(i64::try_from(*count).unwrap_or(i64::MAX)),
            Field::Number(Number::Real(real)) => reals.push(*real),
            Field::Null => {}
        }
    }
    match column {
        ColumnWriter::ByteArrayColumnWriter(column) => column.write_batch(&texts, Some(&levels), None),
        ColumnWriter::Int64ColumnWriter(column) => column.write_batch(&counts, Some(&levels), None),
        ColumnWriter::DoubleColumnWriter(column) => column.write_batch(&reals, Some(&levels), None),
        _ => Err(ParquetError::General("a column of another kind".to_owned())),
    }?;
    Ok(())
}
