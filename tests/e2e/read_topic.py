"""Reads the events topic and decodes each value with fastavro and the committed schema: brokers, schema, how many."""
import io
import json
import sys

import fastavro
from confluent_kafka import Consumer

brokers, schema_file, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])
schema = fastavro.parse_schema(json.load(open(schema_file)))
consumer = Consumer({"bootstrap.servers": brokers, "group.id": "reader", "auto.offset.reset": "earliest"})
consumer.subscribe(["consent.events"])
kinds, ids, quiet = {}, set(), 0
while quiet < 60 and kinds.get("ConsentEvent", 0) < wanted:
    message = consumer.poll(1.0)
    if message is None or message.error():
        quiet += 1
        continue
    value = message.value()
    assert value[:2] == b"\xc3\x01", "single-object encoding"
    name, record = fastavro.schemaless_reader(io.BytesIO(value[10:]), schema, return_record_name=True)
    kind = name.split(".")[-1]
    kinds[kind] = kinds.get(kind, 0) + 1
    if kind == "ConsentEvent":
        assert message.key().decode().split("#")[0] == record["site"]
        assert len(record["seed"]) == 32 and record["config_version"] >= 1
        ids.add(record["id"])
consumer.close()
print("ConsentEvent", kinds.get("ConsentEvent", 0), "ControlRecord", kinds.get("ControlRecord", 0), "ids", len(ids))
