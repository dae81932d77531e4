use apache_avro::writer::datum::GenericDatumWriter;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::event::{ConsentEvent, Method};
use crate::ids::EventId;
use crate::record::tests::{control_record, event};
use crate::record::{Framing, SCHEMA_V1, decode, encode};

/// This version's schema, changed.
fn changed(change: impl FnOnce(&mut Json)) -> String {
    let mut schema: Json = serde_json::from_str(SCHEMA_V1).unwrap();
    change(&mut schema);
    schema.to_string()
}

fn fields(schema: &mut Json) -> &mut Vec<Json> {
    schema[0]["fields"].as_array_mut().unwrap()
}

/// A record as a writer of that schema would frame it; fields that this version lacks are filled by `more`.
fn written(schema: &str, record: &LogRecord, more: &[(&str, Value)]) -> (SchemaRef, Vec<u8>) {
    let fingerprint = fingerprint::of(schema).unwrap();
    let schema = Schema::parse_str(schema).unwrap();
    let own = encode(record).unwrap();
    let Value::Union(index, value) = CODEC.reader.read_value(&mut &own[10..]).unwrap() else { panic!("no union") };
    let Value::Record(mut values) = *value else { panic!("no record") };
    let Schema::Union(union) = &schema else { panic!("no union") };
    let Schema::Record(target) = &union.variants()[index as usize] else { panic!("no record") };
    values.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let in_order = target.fields.iter().map(|field| {
        let (_, value) = values.iter().find(|(name, _)| *name == field.name).unwrap();
        (field.name.clone(), value.clone())
    });
    let value = Value::Union(index, Box::new(Value::Record(in_order.collect())));
    let mut bytes = [&[0xC3, 0x01][..], &fingerprint].concat();
    GenericDatumWriter::builder(&schema).build().unwrap().write_value(&mut bytes, value).unwrap();
    (SchemaRef::Fingerprint(fingerprint), bytes)
}

fn read(schema: &str, record: &LogRecord, more: &[(&str, Value)]) -> Result<LogRecord, RecordError> {
    let (cited, bytes) = written(schema, record, more);
    let mut writers = Writers::default();
    assert_eq!(writers.lacks(&bytes), Some(cited));
    assert!(matches!(writers.decode(&bytes), Err(RecordError::UnknownSchema(unknown)) if unknown == cited));
    writers.learn(cited, schema).unwrap();
    assert_eq!(writers.lacks(&bytes), None);
    writers.decode(&bytes)
}

#[test]
fn a_field_of_a_newer_version_is_left_out() {
    let newer = changed(|schema| {
        fields(schema).insert(3, json!({"name": "screen", "type": ["null", "string"], "default": null}));
        fields(schema).push(json!({"name": "weights", "type": {"type": "map", "values": "double"}, "default": {}}));
        schema[1]["fields"].as_array_mut().unwrap().push(json!({"name": "by", "type": "string", "default": ""}));
        schema.as_array_mut().unwrap().push(json!({"type": "record", "name": "Later", "namespace": "dev.avow.v1",
            "fields": [{"name": "kind", "type": "ControlKind"}]}));
    });
    let more = [
        ("screen", Value::Union(1, Box::new(Value::String("wide".into())))),
        ("weights", Value::Map([("a".to_owned(), Value::Double(0.5))].into())),
    ];
    let record = LogRecord::ConsentEvent(event().into());
    assert_eq!(read(&newer, &record, &more).unwrap(), record);
    let control = LogRecord::ControlRecord(control_record());
    assert_eq!(read(&newer, &control, &[("by", Value::String("api".into()))]).unwrap(), control);
}

#[test]
fn a_field_that_an_older_version_lacks_takes_its_default() {
    let older = changed(|schema| {
        fields(schema)
            .retain(|field| !matches!(field["name"].as_str(), Some("gpc" | "services" | "observed" | "state")));
    });
    let record = LogRecord::ConsentEvent(event().into());
    let expected = ConsentEvent { gpc: None, services: [].into(), observed: None, state: None, ..event() };
    assert_eq!(read(&older, &record, &[]).unwrap(), LogRecord::ConsentEvent(expected.into()));
}

#[test]
fn a_code_of_a_newer_version_is_an_error_where_it_occurs_and_nowhere_else() {
    let newer = changed(|schema| {
        let method = fields(schema).iter_mut().find(|field| field["name"] == "method").unwrap();
        method["type"][1]["symbols"].as_array_mut().unwrap().insert(0, json!("nod"));
    });
    // Its symbols are shifted by one: the name counts, not the number.
    let known = |method| LogRecord::ConsentEvent(ConsentEvent { method, ..event() }.into());
    let with = |symbol: &str| {
        let (cited, mut writers) = (SchemaRef::Id(7), Writers::default());
        writers.learn(cited, &newer).unwrap();
        let schema = Schema::parse_str(&newer).unwrap();
        let own = encode(&known(None)).unwrap();
        let Value::Union(0, record) = CODEC.reader.read_value(&mut &own[10..]).unwrap() else { panic!() };
        let Value::Record(mut values) = *record else { panic!() };
        let method = values.iter_mut().find(|(name, _)| name == "method").unwrap();
        let at = ["nod", "accept_all", "reject_all", "save"].iter().position(|name| *name == symbol).unwrap();
        method.1 = Value::Union(1, Box::new(Value::Enum(u32::try_from(at).unwrap(), symbol.into())));
        let mut bytes = vec![0, 0, 0, 0, 7];
        let value = Value::Union(0, Box::new(Value::Record(values)));
        GenericDatumWriter::builder(&schema).build().unwrap().write_value(&mut bytes, value).unwrap();
        writers.decode(&bytes)
    };
    assert_eq!(with("save").unwrap(), known(Some(Method::Save)));
    assert!(matches!(with("nod"), Err(RecordError::Datum(_))), "{:?}", with("nod"));
}

#[test]
fn a_type_of_a_newer_version_is_named_and_never_taken_for_another() {
    // Every field of ControlRecord and one more: by its fields alone it would pass for one.
    let newer = changed(|schema| {
        let mut later = schema[1].clone();
        later["name"] = json!("Later");
        later["fields"][2]["type"] = json!("ControlKind");
        schema.as_array_mut().unwrap().push(later);
    });
    let mut writers = Writers::default();
    writers.learn(SchemaRef::Id(1), &newer).unwrap();
    let own = encode(&LogRecord::ControlRecord(control_record())).unwrap();
    let mut bytes = [&[0, 0, 0, 0, 1][..], &own[10..]].concat();
    assert_eq!(writers.decode(&bytes).unwrap(), LogRecord::ControlRecord(control_record()));
    bytes[5] = 4;
    assert!(matches!(writers.decode(&bytes), Err(RecordError::UnknownType(name)) if name == "dev.avow.v1.Later"));
    bytes[5] = 6;
    assert!(matches!(writers.decode(&bytes), Err(RecordError::Datum(_))));
}

#[test]
fn what_cannot_be_used_is_remembered_with_its_reason() {
    let endless = changed(|schema| {
        fields(schema).push(json!({"name": "chain", "type": ["null", {"type": "record", "name": "Link",
            "fields": [{"name": "next", "type": ["null", "Link"], "default": null}]}], "default": null}));
    });
    let mut writers = Writers::default();
    for (text, says) in [
        ("{", "no Avro schema"),
        ("\"string\"", "no record type that this version knows"),
        (endless.as_str(), "contains itself"),
    ] {
        let error = writers.learn(SchemaRef::Id(1), text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert!(matches!(writers.decode(&[0, 0, 0, 0, 1, 0]), Err(RecordError::Unusable { .. })));
    }
    let other = SchemaRef::Fingerprint([7; 8]);
    assert!(writers.learn(other, SCHEMA_V1).unwrap_err().to_string().contains("1ce68141286ef1ea"));
}

#[test]
fn the_registrys_framing_of_this_versions_schema_is_read_as_ones_own() {
    let record = LogRecord::ConsentEvent(event().into());
    let bytes = Framing::Registered(258).encode(&record).unwrap();
    assert_eq!(bytes[..5], [0, 0, 0, 1, 2]);
    assert!(matches!(decode(&bytes), Err(RecordError::UnknownSchema(SchemaRef::Id(258)))));
    let mut writers = Writers::default();
    assert_eq!(writers.lacks(&bytes), Some(SchemaRef::Id(258)));
    writers.learn(SchemaRef::Id(258), SCHEMA_V1).unwrap();
    assert_eq!(writers.decode(&bytes).unwrap(), record);
    assert_eq!(writers.decode(&encode(&record).unwrap()).unwrap(), record, "both framings lie in one topic");
}

/// Schemas for the properties: this version's, a newer and an older one.
fn learned() -> Writers {
    let newer = changed(|schema| {
        fields(schema)
            .insert(0, json!({"name": "list", "type": {"type": "array", "items": ["null", "bytes"]}, "default": []}));
    });
    let older = changed(|schema| fields(schema).retain(|field| field.get("default").is_none()));
    let mut writers = Writers::default();
    for (id, schema) in [(1, SCHEMA_V1), (2, newer.as_str()), (3, older.as_str())] {
        writers.learn(SchemaRef::Id(id), schema).unwrap();
    }
    writers
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_an_error(id in 0_u8..5, datum in prop::collection::vec(any::<u8>(), 0..300)) {
        let writers = learned();
        let _ = writers.decode(&datum);
        let framed = [&[0, 0, 0, 0, id][..], &datum].concat();
        match writers.decode(&framed) {
            Ok(record) => {
                let again = encode(&record).unwrap();
                prop_assert_eq!(writers.decode(&again).unwrap(), record);
            }
            Err(RecordError::UnknownSchema(cited)) => prop_assert!(cited == SchemaRef::Id(id.into()) && !(1..4).contains(&id)),
            Err(_) => {}
        }
    }

    #[test]
    fn any_fields_with_defaults_may_come_go_and_move(
        gone in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        moved in any::<prop::sample::Index>(),
        added in 0_usize..5,
        id in any::<u128>(),
    ) {
        let mut dropped = Vec::new();
        let schema = changed(|schema| {
            for index in &gone {
                let optional: Vec<usize> = (0..fields(schema).len()).filter(|at| fields(schema)[*at].get("default").is_some()).collect();
                dropped.push(fields(schema).remove(optional[index.index(optional.len())])["name"].as_str().unwrap().to_owned());
            }
            let at = moved.index(fields(schema).len());
            let field = fields(schema).remove(at);
            fields(schema).push(field);
            for n in 0..added {
                fields(schema).insert(n * 2, json!({"name": format!("new{n}"), "type": ["long", "string"], "default": n}));
            }
        });
        let more: Vec<(String, Value)> = (0..added).map(|n| (format!("new{n}"), Value::Union(1, Box::new(Value::String("x".into()))))).collect();
        let more: Vec<(&str, Value)> = more.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let event = ConsentEvent { id: EventId(uuid::Uuid::from_u128(id)), ..event() };
        let record = LogRecord::ConsentEvent(event.into());
        // Moved alone, the schema is another one; unchanged it is one's own.
        let (cited, bytes) = written(&schema, &record, &more);
        let mut writers = Writers::default();
        writers.learn(cited, &schema).unwrap();
        let read = serde_json::to_value(writers.decode(&bytes).unwrap()).unwrap();
        let whole = serde_json::to_value(&record).unwrap();
        let default: Json = serde_json::from_str(SCHEMA_V1).unwrap();
        for field in default[0]["fields"].as_array().unwrap() {
            let name = field["name"].as_str().unwrap();
            let expected = if dropped.iter().any(|gone| gone == name) { &field["default"] } else { &whole["ConsentEvent"][name] };
            prop_assert_eq!(&read["ConsentEvent"][name], expected, "{}", name);
        }
    }
}
