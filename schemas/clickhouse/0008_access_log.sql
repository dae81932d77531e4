-- Who has read what (Art. 5(2) and 32 GDPR): one row per request to what concerns single persons, audits or the installation,
-- and per export of numbers. Written by the api. No row names a subject.
CREATE TABLE access_log
(
    at         DateTime64(3, 'UTC'),
    id         UUID COMMENT 'version 7',
    request_id String,
    entry      LowCardinality(String) COMMENT 'session, token, share; none: nobody who is known',
    caller     UUID COMMENT 'the person, the token (zero: that of the configuration) or the shared view',
    name       String COMMENT 'the caller''s, at that time',
    method     LowCardinality(String),
    route      LowCardinality(String) COMMENT 'as in the OpenAPI document; never the path, which may name a subject',
    site       String COMMENT 'empty: none, or several',
    subject    String COMMENT 'a digest of site and subject, hexadecimal; empty: none',
    status     UInt16,
    keep_until DateTime('UTC')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (at, id)
TTL keep_until;
