-- The warehouse's tables. They are written by the processor alone; what others read are the views of 0002.
-- Names without a database: the connection's. One statement ends with a semicolon at the end of a line.

-- One row per accepted event (kind 'event'), per control record ('control') and per range of the log ('range'): a range row
-- lies in the same part as the rows of its range and so says how far the table has got. Range rows sort first (site '').
-- Texts are plain: with LowCardinality, merging this table costs more than twice as much, and every row is merged several
-- times. Parts are compact up to 64 MiB: a wide one is several files per column, and making them cost more than filling them.
CREATE TABLE events_data
(
    site                 LowCardinality(String),
    subject              UUID COMMENT 'zero: none',
    occurred_at          DateTime64(3, 'UTC') COMMENT 'corrected; of a range row: its logged_at',
    id                   UUID,
    kind                 String COMMENT 'event, control, range',
    type                 String COMMENT 'shown, decided, withdrawn, observed, loaded',

    log_id               UUID,
    partition            UInt32,
    position             UInt64,
    logged_at            DateTime64(3, 'UTC') COMMENT 'max(previous, the log''s append time): monotone within a partition',

    view                 String,
    prompt               String,
    layer                Nullable(UInt8),
    occurred_at_claimed  Nullable(DateTime64(3, 'UTC')),
    sent_at              Nullable(DateTime64(3, 'UTC')),
    received_at          DateTime64(3, 'UTC'),
    source               String,
    banner_version       String,
    language             String,
    variant              String,
    text_hash            String,
    regime               String,
    method               String,
    categories           Map(String, Bool) COMMENT 'as named by the event',
    services             Map(String, Bool) COMMENT 'as named by the event',
    purposes             Map(String, Bool),
    objected_purposes    Array(String),
    objected_services    Array(String),
    tcf                  String,
    gpp                  String,
    consent_mode         Map(String, String),
    gpc                  Nullable(Bool),
    host                 String,
    path                 String,
    effort_clicks        Nullable(UInt32),
    effort_ms            Nullable(UInt64),
    expires_at           Nullable(DateTime64(3, 'UTC')),
    previous             UUID,
    state                String,
    observed_cookies     Array(String),
    observed_domains     Array(String),
    observed_others      UInt64,
    observed_state       Map(String, Bool),
    country              LowCardinality(String) COMMENT 'unknown where not known',
    region               String,
    device               String,
    browser              String,
    os                   String,
    bot                  String COMMENT 'no, suspected, declared',
    config_version       UInt32,

    -- What docs/metrics.md makes of the event under the settings of config_version.
    decision             UInt8 COMMENT '1: a decision',
    opted_in             UInt8 COMMENT '1: a decided event that grants something beyond necessary',
    pair_service         Array(String),
    pair_category        Array(String),
    pair_state           Array(String) COMMENT 'granted, denied, undecided, not_disclosed; withdrawn on withdrawn events',
    pair_disclosure      Array(String) COMMENT 'named, unproven, proven; empty where undecided',
    category_name        Array(String),
    category_state       Array(String) COMMENT 'granted, denied, partial, undecided, not_disclosed; withdrawn on withdrawn events',
    overflow             UInt8 COMMENT 'the roll-up calls it other: 1 language, 2 banner_version, 4 variant',

    ledger               String,
    leaf                 UInt64,
    leaf_kind            UInt8 COMMENT '1 event, 2 artefact, 3 day close, 4 key change, 5 tombstone, 6 settings; 0 none',
    seed                 FixedString(32),
    commitment           FixedString(32),

    control_kind         String,
    control_version      UInt32,
    control_body         String,

    range_from           UInt64,
    range_to             UInt64 COMMENT 'exclusive',
    book_site            Array(String) COMMENT 'of a range: per site (empty: no site could be read) ...',
    book_read            Array(UInt32),
    book_stored          Array(UInt32),
    book_repeats         Array(UInt32),
    book_dead            Array(UInt32),
    book_ledger          Array(String),
    book_next_leaf       Array(UInt64) COMMENT '... and the ledger''s next leaf index after the range',

    INDEX by_position position TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(logged_at)
ORDER BY (site, subject, occurred_at, id)
SETTINGS non_replicated_deduplication_window = 10000, min_bytes_for_wide_part = 67108864;

-- Every idempotency key ever accepted, as the first 16 bytes of its SHA-256. Outlives retention. Its watermark is the
-- highest position among the rows of the zero hash.
CREATE TABLE event_ids
(
    hash      FixedString(16) CODEC(NONE),
    log_id    UUID,
    partition UInt32,
    position  UInt64,
    INDEX by_position position TYPE minmax GRANULARITY 16
)
ENGINE = MergeTree
ORDER BY (hash, partition, position)
SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 65536,
         non_replicated_deduplication_window = 10000;

-- The roll-up: counts by quarter of an hour and every dimension, at three grains. Not partitioned by time: one range is one
-- block. The row of site '' with service = partition and category = log id carries the watermark (upto).
CREATE TABLE rates_15m_data
(
    site                     LowCardinality(String),
    grain                    LowCardinality(String) COMMENT 'total, category, service',
    quarter                  DateTime('UTC'),
    service                  LowCardinality(String),
    category                 LowCardinality(String),
    country                  LowCardinality(String),
    region                   LowCardinality(String),
    device                   LowCardinality(String),
    browser                  LowCardinality(String),
    os                       LowCardinality(String),
    language                 LowCardinality(String),
    banner_version           LowCardinality(String),
    variant                  LowCardinality(String),
    method                   LowCardinality(String),
    prompt                   LowCardinality(String),
    regime                   LowCardinality(String),
    source                   LowCardinality(String),
    bot                      LowCardinality(String) COMMENT 'yes, no',
    shown                    SimpleAggregateFunction(sum, UInt64),
    decisions                SimpleAggregateFunction(sum, UInt64),
    accept_all               SimpleAggregateFunction(sum, UInt64),
    reject_all               SimpleAggregateFunction(sum, UInt64),
    custom                   SimpleAggregateFunction(sum, UInt64),
    dismissed                SimpleAggregateFunction(sum, UInt64),
    automatic                SimpleAggregateFunction(sum, UInt64),
    withdrawals              SimpleAggregateFunction(sum, UInt64),
    opted_in                 SimpleAggregateFunction(sum, UInt64),
    granted                  SimpleAggregateFunction(sum, UInt64),
    denied                   SimpleAggregateFunction(sum, UInt64),
    partial                  SimpleAggregateFunction(sum, UInt64),
    undecided                SimpleAggregateFunction(sum, UInt64),
    not_disclosed            SimpleAggregateFunction(sum, UInt64),
    observed_without_consent SimpleAggregateFunction(sum, UInt64),
    loaded                   SimpleAggregateFunction(sum, UInt64),
    loaded_with_consent      SimpleAggregateFunction(sum, UInt64),
    upto                     SimpleAggregateFunction(max, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY (site, grain, quarter, service, category, country, region, device, browser, os, language, banner_version, variant,
          method, prompt, regime, source, bot)
SETTINGS non_replicated_deduplication_window = 10000, min_bytes_for_wide_part = 67108864;

-- The logs that this warehouse was derived from.
CREATE TABLE logs
(
    log_id     UUID,
    partitions UInt32,
    opened_at  DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY opened_at;

-- Ledgers: one per site, shard and half-year. The name is drawn before the first leaf; of several rows the earliest is it.
CREATE TABLE ledgers
(
    site    LowCardinality(String),
    shard   UInt32,
    period  LowCardinality(String) COMMENT '2026H2, of logged_at',
    name    String,
    made_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (site, shard, period, made_at, name);

-- Dimensions, the newest version of each.
CREATE TABLE sites_data
(
    site       String,
    version    UInt32,
    name       String,
    timezone   String,
    settings   String COMMENT 'JSON',
    in_force_from DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(version)
ORDER BY site;

CREATE TABLE services_data
(
    slug       String,
    version    UInt64,
    name       String,
    category   LowCardinality(String),
    vendor     String,
    risk       LowCardinality(String)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY slug;
