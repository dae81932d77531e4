-- Closed days, as their control records of kind day_close say: derived from events_data with the ledgers' trees. Of a ledger
-- the closes follow one another from leaf 0; one that does not begin where the one before ended does not count.
CREATE TABLE ledger_days
(
    ledger       String COMMENT 'whose leaves are closed',
    first        UInt64,
    end          UInt64 COMMENT 'exclusive',
    day          String COMMENT '2026-11-24',
    close_ledger String COMMENT 'where the control record lies, ...',
    close_leaf   UInt64 COMMENT '... and as which leaf',
    body         String COMMENT 'of the control record'
)
ENGINE = ReplacingMergeTree
ORDER BY (ledger, first);

-- The maps of closed days: how many events each subject has, by tag. Written before the close. They outlive the events, and
-- a subject's erasure: without its pair no other could be proved.
CREATE TABLE ledger_day_pairs
(
    ledger String,
    first  UInt64,
    end    UInt64,
    tag    FixedString(32) COMMENT 'SHA-256 of domain, site and subject; zeroes: events without a subject',
    count  UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (ledger, first, end, tag);

-- Receipts name a commitment.
ALTER TABLE events_data ADD INDEX by_commitment commitment TYPE bloom_filter(0.01) GRANULARITY 1;
