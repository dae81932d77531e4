//! `records.jsonld`: a header, the records one by one, a footer, so that a million records never lie in memory.
//!
//! The context is embedded: the document is readable without a network. Its graph begins with a `dcat:Dataset` that says
//! what it is, and ends with a second node of the same IRI that says how many records came before; a document without it
//! was cut off. There is one node to a line; what records refer to (`record::Shared`) comes before the first that does.

use std::io::{self, Write};
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::dpv;
use crate::moment::written;

/// The context document, `context.jsonld`.
pub const CONTEXT: &str = include_str!("context.jsonld");

static PARSED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str::<Value>(CONTEXT).unwrap_or_default()["@context"].clone());

/// What a document is about. Times in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub site: String,
    /// The period, its end not included.
    pub from: i64,
    pub to: i64,
    pub made_at: i64,
    pub language: String,
}

/// A record by itself, with its context.
#[must_use]
pub fn alone(record: Value) -> Value {
    let mut whole = json!({"@context": PARSED.clone()});
    if let (Value::Object(whole), Value::Object(record)) = (&mut whole, record) {
        whole.extend(record);
    }
    whole
}

/// Writes a document to wherever it goes.
#[derive(Debug)]
pub struct DocumentWriter<W: Write> {
    out: W,
    iri: String,
    records: u64,
}

impl<W: Write> DocumentWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn begin(mut out: W, header: &Header) -> io::Result<Self> {
        out.write_all(b"{\"@context\":")?;
        serde_json::to_writer(&mut out, &*PARSED)?;
        out.write_all(b",\"@graph\":[\n")?;
        let (from, to, made_at) = (written(header.from), written(header.to), written(header.made_at));
        let iri = format!("urn:uuid:{}", crate::record::uuid("document", &[&from, &to, &made_at, &header.site]));
        let dataset = json!({
            "@id": iri,
            "@type": "dcat:Dataset",
            "dct:title": format!("Consent records of {}", header.site),
            "dct:conformsTo": format!("https://w3id.org/dpv/{}", dpv::VERSION),
            "dct:language": header.language,
            "dct:issued": made_at,
            "dct:temporal": {
                "@type": "dct:PeriodOfTime",
                "dcat:startDate": from,
                "dcat:endDate": to
            },
            "avow:site": header.site
        });
        serde_json::to_writer(&mut out, &dataset)?;
        Ok(Self { out, iri, records: 0 })
    }

    /// Writes a record.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn record(&mut self, record: &Value) -> io::Result<()> {
        self.records += 1;
        self.node(record)
    }

    /// Writes a node that records refer to.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn node(&mut self, node: &Value) -> io::Result<()> {
        self.out.write_all(b",\n")?;
        Ok(serde_json::to_writer(&mut self.out, node)?)
    }

    /// Writes the footer and gives the writer back, flushed.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn end(mut self) -> io::Result<W> {
        self.out.write_all(b",\n")?;
        serde_json::to_writer(&mut self.out, &json!({"@id": self.iri, "avow:recordCount": self.records}))?;
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()?;
        Ok(self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header { site: "shop.example".into(), from: 0, to: 86_400_000, made_at: 90_000_000, language: "en".into() }
    }

    #[test]
    fn a_document_is_json_and_counts_its_records() {
        let mut writer = DocumentWriter::begin(Vec::new(), &header()).unwrap();
        for n in 0..3 {
            writer.record(&json!({"@id": format!("urn:example:{n}")})).unwrap();
        }
        let text = String::from_utf8(writer.end().unwrap()).unwrap();
        assert_eq!(text.lines().count(), 7);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["@graph"].as_array().unwrap().len(), 5);
        assert_eq!(value["@graph"][4]["avow:recordCount"], 3);
        assert_eq!(value["@context"]["dpv"], "https://w3id.org/dpv#");
    }

    #[test]
    fn an_empty_document_is_one_too() {
        let text = DocumentWriter::begin(Vec::new(), &header()).unwrap().end().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&text).unwrap()["@graph"][1]["avow:recordCount"], 0);
    }

    #[test]
    fn a_record_alone_carries_the_context() {
        let whole = alone(json!({"@id": "urn:example:1"}));
        assert!(whole["@context"].is_object() && whole["@id"] == "urn:example:1");
    }
}
