-- The ledgers' trees. Which rows there are follows from events_data alone, so a row may be written twice and says the same
-- both times; a head says how far a tree has got, and what lies beyond the newest head does not count.

-- Entries of the logs (C2SP tlog-tiles), of which the leaf hashes are made: of a site's ledger 33 bytes, the leaf's kind and
-- the commitment; of the operator log a checkpoint's text. They outlive the events.
CREATE TABLE ledger_leaves
(
    ledger String,
    leaf   UInt64,
    entry  String CODEC(NONE)
)
ENGINE = ReplacingMergeTree
ORDER BY (ledger, leaf)
SETTINGS non_replicated_deduplication_window = 10000;

-- The roots of perfect subtrees that stand at a tile's edge: of 2^level leaves, level 8, 16, 24, ...
CREATE TABLE ledger_nodes
(
    ledger String,
    level  UInt8,
    number UInt64 COMMENT 'from the left, 0 first',
    hash   FixedString(32) CODEC(NONE)
)
ENGINE = ReplacingMergeTree
ORDER BY (ledger, level, number);

-- How far a tree has got, and with it the log's partition that it is made from. Newest row of a ledger by size.
CREATE TABLE ledger_heads
(
    log_id    UUID,
    partition UInt32,
    ledger    String,
    size      UInt64,
    root      FixedString(32),
    peaks     Array(FixedString(32)) COMMENT 'roots of the perfect subtrees, largest first',
    upto      UInt64 COMMENT 'positions below are in the partition''s trees',
    made_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(size)
ORDER BY (log_id, partition, ledger);

-- The newest signed checkpoint of each log; the operator log is one of them, and has all the others as its entries.
CREATE TABLE ledger_checkpoints
(
    ledger    String,
    size      UInt64,
    root      FixedString(32),
    note      String,
    signed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(size)
ORDER BY ledger;

-- The newest checkpoint of each log that is an entry of the operator log, and where there.
CREATE TABLE ledger_anchors
(
    ledger String,
    size   UInt64,
    leaf   UInt64 COMMENT 'of the operator log',
    note   String
)
ENGINE = ReplacingMergeTree(size)
ORDER BY ledger;

CREATE VIEW checkpoints AS
SELECT sites.site AS site, checkpoint.ledger AS ledger, checkpoint.size AS size, lower(hex(checkpoint.root)) AS root,
       checkpoint.note AS note, checkpoint.signed_at AS signed_at
FROM (SELECT * FROM ledger_checkpoints FINAL) AS checkpoint
LEFT JOIN (SELECT CAST(any(site), 'String') AS site, name FROM ledgers GROUP BY name) AS sites ON sites.name = checkpoint.ledger;
