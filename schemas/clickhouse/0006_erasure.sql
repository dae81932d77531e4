-- Erasure (Art. 17 GDPR). The rows of an erased event leave events_data and a row of kind 'erased' takes their place: log
-- position, ledger, leaf, leaf kind and commitment as before; no subject, id, seed or field; occurred_at is logged_at.

-- What is being erased, written before anything is changed and gone once it is done, so that a kill in between is made up
-- for: the only place where a subject is named meanwhile. One partition is one batch, which is dropped as a whole.
CREATE TABLE erasing
(
    batch     UUID,
    owner_log UUID COMMENT 'of the partition whose owner works on it',
    owner     UInt32,
    site      String,
    subject   UUID,
    log_id    UUID,
    partition UInt32,
    position  UInt64
)
ENGINE = MergeTree
PARTITION BY toString(batch)
ORDER BY (batch, log_id, partition, position);

-- What erased events have given to the roll-up, summed over all of them: a rebuild cannot derive it any more. The row of
-- site '' whose category is a batch lies in the same part as what that batch gave.
CREATE TABLE erased_rates AS rates_15m_data;

-- Erasures that were applied, and where. In order: when the tombstone was read from the log. Else ahead of it, to what a
-- backup had brought back.
CREATE TABLE erasures
(
    id         UUID,
    in_order   Bool,
    log_id     UUID,
    partition  UInt32,
    position   UInt64 COMMENT 'of the tombstone; ahead of it: up to where the events stood',
    events     UInt64,
    applied_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (id, applied_at);
