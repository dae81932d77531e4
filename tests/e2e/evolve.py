"""A writer and a reader of other versions and other software: fastavro and librdkafka, nothing of Avow's.

evolve.py BROKERS SCHEMA_FILE REGISTRY COMMAND [ARGUMENTS]    (REGISTRY is - where there is none)

publish VERSION SITE COUNT     publishes the version's schema in consent.control, then appends events in single-object encoding
unpublished VERSION SITE COUNT the same without publishing
register VERSION               registers it under consent.events-value; prints the id, or what the registry refuses
append ID VERSION SITE COUNT   appends events with the registry's framing
topic                          creates the events topic so that its time is what the writer says
months SITE COUNT              appends a quarter at the end of this half-year, a quarter in the next, then, by a clock that went
                               back, a quarter in this one, and the rest in the next
days SITE SUBJECT COUNT        appends COUNT events to each of the three days after today and one to the day after; the first of
                               the first and of the third day are the subject's
read COUNT                     reads the topic with the registry alone, until so many events are there; prints what there was
"""
import io
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timezone

import fastavro
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from fastavro.schema import fingerprint, to_parsing_canonical_form

BROKERS, SCHEMA_FILE, REGISTRY, COMMAND, *ARGUMENTS = sys.argv[1:]
TOPIC = "consent.events"


def version(name):
    """The committed schema, or one that another version might have."""
    schema = json.load(open(SCHEMA_FILE))
    fields = schema[0]["fields"]
    if name == "newer":
        fields.insert(2, {"name": "screen", "type": ["null", "string"], "default": None})
    elif name == "newest":
        fields.append({"name": "weights", "type": {"type": "map", "values": "double"}, "default": {}})
    elif name == "older":
        schema[0]["fields"] = [field for field in fields if field["name"] not in ("gpc", "observed", "state")]
    elif name == "demanding":
        fields.append({"name": "must", "type": "string"})
    else:
        assert name == "this", name
    return schema


def call(path, body=None):
    headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    request = urllib.request.Request(REGISTRY + path, None if body is None else json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def event(site):
    now = int(time.time() * 1000)
    identity = str(uuid.uuid4())
    return {
        "id": identity, "subject": identity, "site": site, "type": "decided", "method": "accept_all", "prompt": "first",
        "regime": "opt_in", "bot": "no", "source": "origin", "occurred_at": now, "received_at": now, "config_version": 1,
        "seed": bytes(32), "categories": {"preferences": True}, "services": {}, "purposes": {}, "consent_mode": {},
        "screen": "wide", "weights": {"a": 0.5},
    }


def append(header, schema, site, count):
    parsed = fastavro.parse_schema(schema)
    producer = Producer({"bootstrap.servers": BROKERS, "acks": "all", "partitioner": "murmur2_random"})
    for _ in range(int(count)):
        datum = io.BytesIO()
        fastavro.schemaless_writer(datum, parsed, ("dev.avow.v1.ConsentEvent", event(site)))
        producer.produce(TOPIC, header + datum.getvalue(), site)
    assert producer.flush(60) == 0


def topic():
    config = {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(2**63 - 1)}
    admin = AdminClient({"bootstrap.servers": BROKERS})
    admin.create_topics([NewTopic(TOPIC, 1, 1, config=config)])[TOPIC].result(60)


def months(site, count):
    schema = version("this")
    parsed, header = fastavro.parse_schema(schema), bytes.fromhex("c301" + named(schema))
    producer = Producer({"bootstrap.servers": BROKERS, "acks": "all"})
    today = datetime.now(timezone.utc)
    begin = datetime(today.year + today.month // 7, 7 if today.month < 7 else 1, 1, tzinfo=timezone.utc)
    begin = int(begin.timestamp() * 1000)
    for n in range(int(count)):
        datum = io.BytesIO()
        one = event(site) | {"seed": os.urandom(32)}
        fastavro.schemaless_writer(datum, parsed, ("dev.avow.v1.ConsentEvent", one))
        at = begin + n if 4 * n // int(count) % 2 else begin - 1000 + n
        producer.produce(TOPIC, header + datum.getvalue(), site, timestamp=at)
    assert producer.flush(60) == 0


def days(site, subject, count):
    schema = version("this")
    parsed, header = fastavro.parse_schema(schema), bytes.fromhex("c301" + named(schema))
    producer = Producer({"bootstrap.servers": BROKERS, "acks": "all"})
    day = 24 * 3600 * 1000
    begin = (int(time.time() * 1000) // day + 1) * day
    for number, events in enumerate([int(count)] * 3 + [1]):
        for n in range(events):
            datum, one = io.BytesIO(), event(site) | {"seed": os.urandom(32)}
            if n == 0 and number in (0, 2):
                one["subject"] = subject
            fastavro.schemaless_writer(datum, parsed, ("dev.avow.v1.ConsentEvent", one))
            producer.produce(TOPIC, header + datum.getvalue(), site, timestamp=begin + number * day + n)
    assert producer.flush(60) == 0


def named(schema):
    return fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")


def publish(name):
    schema, now = version(name), int(time.time() * 1000)
    value = {"kind": "schema", "fingerprint": named(schema), "schema": json.dumps(schema), "made_at": now}
    producer = Producer({"bootstrap.servers": BROKERS, "acks": "all"})
    producer.produce("consent.control", json.dumps(value), f"schema/{value['fingerprint']}")
    assert producer.flush(60) == 0


def register(name):
    try:
        print(call(f"/subjects/{TOPIC}-value/versions", {"schema": json.dumps(version(name))})["id"])
    except urllib.error.HTTPError as refusal:
        print("refused", refusal.code)


def read(wanted):
    consumer = Consumer({"bootstrap.servers": BROKERS, "group.id": str(uuid.uuid4()), "auto.offset.reset": "earliest"})
    consumer.subscribe([TOPIC])
    schemas, counts, quiet = {}, {}, 0
    while counts.get("ConsentEvent", 0) < wanted and quiet < 60:
        message = consumer.poll(1.0)
        if message is None or message.error():
            quiet += 1
            continue
        value = message.value()
        assert value[0] == 0, f"not the registry's framing: {value[:10].hex()}"
        number = int.from_bytes(value[1:5], "big")
        if number not in schemas:
            schemas[number] = fastavro.parse_schema(json.loads(call(f"/schemas/ids/{number}")["schema"]))
        kind, record = fastavro.schemaless_reader(io.BytesIO(value[5:]), schemas[number], return_record_name=True)
        assert record["site"] == message.key().decode()
        kind = kind.split(".")[-1]
        counts[kind] = counts.get(kind, 0) + 1
    consumer.close()
    print("ConsentEvent", counts.get("ConsentEvent", 0), "schemas", len(schemas))


if COMMAND in ("publish", "unpublished"):
    if COMMAND == "publish":
        publish(ARGUMENTS[0])
    append(bytes.fromhex("c301" + named(version(ARGUMENTS[0]))), version(ARGUMENTS[0]), *ARGUMENTS[1:])
elif COMMAND == "register":
    register(*ARGUMENTS)
elif COMMAND == "append":
    append(b"\0" + int(ARGUMENTS[0]).to_bytes(4, "big"), version(ARGUMENTS[1]), *ARGUMENTS[2:])
elif COMMAND == "topic":
    topic()
elif COMMAND == "months":
    months(*ARGUMENTS)
elif COMMAND == "days":
    days(*ARGUMENTS)
elif COMMAND == "read":
    read(int(ARGUMENTS[0]))
else:
    sys.exit(__doc__)
