-- Alerts, each change of one as a row: the newest version is the alert. Its id is made of rule, site, what it is about and
-- since when, so that two evaluators cannot open one twice.
CREATE TABLE alerts_data
(
    id        UUID,
    version   UInt32,
    rule      LowCardinality(String),
    site      String COMMENT 'empty: the installation as a whole',
    about     String COMMENT 'the service, or the ledger; empty: the site',
    since     DateTime64(3, 'UTC') COMMENT 'when what was seen began',
    opened_at DateTime64(3, 'UTC'),
    closed_at DateTime64(3, 'UTC') COMMENT '1970: it is open',
    seen      String COMMENT 'JSON',
    expected  String COMMENT 'JSON',
    ended     String COMMENT 'JSON: what was seen when it was closed',
    told      UInt8 COMMENT 'messages of it that are written: 1 that it is open, 2 that it is closed too'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id
SETTINGS non_replicated_deduplication_window = 10000;

-- Who has seen an alert, and what they say of it. Written by the api.
CREATE TABLE alert_acknowledgements
(
    alert UUID,
    at    DateTime64(3, 'UTC'),
    by    UUID COMMENT 'the token',
    note  String
)
ENGINE = ReplacingMergeTree(at)
ORDER BY alert;

-- Messages to webhooks and what became of each: the newest version says how far it has got. One that is pending is sent by
-- whoever owns the log's first partition.
CREATE TABLE webhook_deliveries
(
    webhook  UUID,
    message  String,
    version  UInt32,
    type     LowCardinality(String),
    body     String,
    made_at  DateTime64(3, 'UTC'),
    state    LowCardinality(String) COMMENT 'pending, delivered, failed, dropped',
    attempts UInt32,
    tried_at DateTime64(3, 'UTC') COMMENT '1970: not yet',
    status   UInt16 COMMENT 'of the last answer; 0: there was none',
    said     String COMMENT 'the first 1,024 bytes of the last answer, or why there is none',
    next_at  DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (webhook, message)
TTL toDateTime(made_at) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000;
