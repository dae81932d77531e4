//! Records of other versions. A record cites the schema it was written with ([`SchemaRef`]); once that schema is known, it
//! is resolved to this version's by Avro's rules (1.12, "Schema Resolution"): a field that this version does not know is
//! left out, a field that the writer did not have takes its default. What cannot be resolved, such as a code that this
//! version has no name for, is an error and never a guess.
//!
//! A resolved record is written again with this version's schema and read from that, so that there is one way from bytes
//! to a [`LogRecord`]; it costs about ten times a record of this version's own, and only while versions are mixed.

use std::collections::BTreeMap;
use std::sync::Arc;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::SchemaKind;
use apache_avro::types::Value;

use super::{CODEC, LogRecord, RecordError, SchemaRef, fingerprint, framing};

/// Why a text is not the schema of a writer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnusableSchema(String);

/// The writers whose records can be read: this version itself, and those it has learned of. Cheap to clone.
#[derive(Clone, Default)]
pub struct Writers {
    /// A handful.
    known: BTreeMap<SchemaRef, Writer>,
}

#[derive(Clone)]
enum Writer {
    /// Writes as this version does, whatever it calls the schema.
    Same,
    Other(Arc<Evolved>),
    Unusable(UnusableSchema),
}

impl Writers {
    /// Decodes a record.
    ///
    /// # Errors
    /// Whatever the bytes are, an error rather than a panic. [`RecordError::UnknownSchema`] where [`Writers::learn`] would
    /// help.
    pub fn decode(&self, bytes: &[u8]) -> Result<LogRecord, RecordError> {
        let (cited, datum) = framing::split(bytes)?;
        if cited == SchemaRef::own() {
            return CODEC.read(datum);
        }
        match self.known.get(&cited) {
            None => Err(RecordError::UnknownSchema(cited)),
            Some(Writer::Same) => CODEC.read(datum),
            Some(Writer::Other(evolved)) => evolved.read(datum),
            Some(Writer::Unusable(UnusableSchema(reason))) => {
                Err(RecordError::Unusable { cited, reason: reason.clone() })
            }
        }
    }

    /// The schema that must be learned before these bytes can be decoded; `None` also where they are no record at all.
    pub fn lacks(&self, bytes: &[u8]) -> Option<SchemaRef> {
        let (cited, _) = framing::split(bytes).ok()?;
        (cited != SchemaRef::own() && !self.known.contains_key(&cited)).then_some(cited)
    }

    /// Takes up the schema that `cited` names, in Avro's JSON. One that cannot be used is remembered as that: records which
    /// cite it are [`RecordError::Unusable`].
    ///
    /// The schema stays in memory for as long as the process lives: there are as many as versions have written.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn learn(&mut self, cited: SchemaRef, schema: &str) -> Result<(), UnusableSchema> {
        let writer = Writer::of(cited, schema);
        let outcome = if let Writer::Unusable(reason) = &writer { Err(reason.clone()) } else { Ok(()) };
        self.known.insert(cited, writer);
        outcome
    }

    /// Remembers that the schema which `cited` names is of no use, and why.
    pub fn give_up(&mut self, cited: SchemaRef, reason: String) {
        self.known.insert(cited, Writer::Unusable(UnusableSchema(reason)));
    }
}

impl Writer {
    fn of(cited: SchemaRef, text: &str) -> Self {
        match Self::checked(cited, text) {
            Ok(writer) => writer,
            Err(reason) => Self::Unusable(UnusableSchema(reason)),
        }
    }

    fn checked(cited: SchemaRef, text: &str) -> Result<Self, String> {
        let schema = Schema::parse_str(text).map_err(|e| format!("it is no Avro schema: {e}"))?;
        let fingerprint = fingerprint::of(text).map_err(|e| format!("it is no Avro schema: {e}"))?;
        if matches!(cited, SchemaRef::Fingerprint(claimed) if claimed != fingerprint) {
            return Err(format!("what is known by that name is {}", SchemaRef::Fingerprint(fingerprint)));
        }
        if fingerprint == CODEC.fingerprint {
            return Ok(Self::Same);
        }
        if contains_itself(&schema, &mut Vec::new()) {
            return Err("a type in it contains itself".into());
        }
        Ok(Self::Other(Arc::new(Evolved::new(schema)?)))
    }
}

/// Whether a datum of the schema can be nested without end: each byte more could then cost a stack frame. Names are
/// compared without their namespaces: a schema that uses one name twice is refused with the recursive ones.
fn contains_itself<'s>(schema: &'s Schema, enclosing: &mut Vec<&'s str>) -> bool {
    match schema {
        Schema::Ref { name } => enclosing.contains(&name.name()),
        Schema::Array(array) => contains_itself(&array.items, enclosing),
        Schema::Map(map) => contains_itself(&map.types, enclosing),
        Schema::Union(union) => union.variants().iter().any(|variant| contains_itself(variant, enclosing)),
        Schema::Record(record) => {
            enclosing.push(record.name.name());
            let found = record.fields.iter().any(|field| contains_itself(&field.schema, enclosing));
            enclosing.pop();
            found
        }
        _ => false,
    }
}

/// Another version's schema, each record type of it resolved to this version's type of the same name.
struct Evolved {
    types: Vec<Type>,
    /// A datum of a union begins with the index of the type.
    is_union: bool,
}

struct Type {
    name: String,
    /// The index of this version's type, and the reader from the one to the other; `None` where there is no such type.
    reader: Option<(u32, GenericDatumReader<'static>)>,
}

impl Evolved {
    fn new(schema: Schema) -> Result<Self, String> {
        // A reader borrows both schemas.
        let schema: &'static Schema = Box::leak(Box::new(schema));
        let (types, is_union) = match schema {
            Schema::Union(union) => (union.variants(), true),
            one => (std::slice::from_ref(one), false),
        };
        let types = types.iter().map(|writes| Type::new(writes, schema)).collect::<Result<Vec<_>, _>>()?;
        if types.iter().all(|known| known.reader.is_none()) {
            return Err("it has no record type that this version knows".into());
        }
        Ok(Self { types, is_union })
    }

    fn read(&self, mut datum: &[u8]) -> Result<LogRecord, RecordError> {
        let index = if self.is_union { index(&mut datum)? } else { 0 };
        let of_index = self.types.get(index);
        let written = of_index.ok_or_else(|| RecordError::Datum(format!("the schema has no type {index}")))?;
        let Some((own, reader)) = &written.reader else { return Err(RecordError::UnknownType(written.name.clone())) };
        let value = reader.read_value(&mut datum).map_err(|e| unresolved(&e))?;
        if !datum.is_empty() {
            return Err(RecordError::Trailing(datum.len()));
        }
        let mut bytes = Vec::with_capacity(384);
        let value = Value::Union(*own, Box::new(value));
        CODEC.writer.write_value_ref(&mut bytes, &value).map_err(|e| unresolved(&e))?;
        CODEC.read(&bytes)
    }
}

impl Type {
    fn new(writes: &'static Schema, whole: &'static Schema) -> Result<Self, String> {
        let name = writes.name().map_or_else(|| format!("{:?}", SchemaKind::from(writes)), ToString::to_string);
        let Schema::Union(union) = CODEC.schema else { return Err("this version's schema is no union".into()) };
        let same_name = |own: &&Schema| own.name().is_some() && own.name() == writes.name();
        let Some((own, reads)) = (0..).zip(union.variants()).find(|(_, own)| same_name(own)) else {
            return Ok(Self { name, reader: None });
        };
        // A type may refer to another one that the union defines beside it.
        let reader = GenericDatumReader::builder(writes)
            .writer_schemata(vec![whole])
            .and_then(|builder| builder.reader_schema(reads).reader_schemata(vec![CODEC.schema]))
            .and_then(|builder| builder.build())
            .map_err(|e| format!("{name} does not resolve: {e}"))?;
        Ok(Self { name, reader: Some((own, reader)) })
    }
}

/// The library's errors may repeat the value: only their beginning is kept.
fn unresolved(error: &apache_avro::Error) -> RecordError {
    RecordError::Datum(error.to_string().chars().take(200).collect())
}

/// The index of a union's type: a zig-zag number of at most ten bytes. A negative one is as good as one that is too large.
fn index(datum: &mut &[u8]) -> Result<usize, RecordError> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = datum.split_first().ok_or_else(|| RecordError::Datum("it is empty".into()))?;
        *datum = rest;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            let is_negative = number & 1 == 1;
            return Ok(if is_negative { usize::MAX } else { usize::try_from(number >> 1).unwrap_or(usize::MAX) });
        }
    }
    Err(RecordError::Datum("the index of its type has no end".into()))
}

#[cfg(test)]
mod tests;
