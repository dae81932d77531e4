-- The newest checkpoint of the operator log that was signed and may have been shown to witnesses. It is published, in
-- ledger_checkpoints, once enough of them have cosigned; whatever is signed after it must follow from it.
CREATE TABLE ledger_candidates
(
    ledger    String,
    size      UInt64,
    root      FixedString(32),
    note      String,
    signed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(size)
ORDER BY ledger;

-- Every checkpoint that is an entry of the operator log, and where there: what is published of that log may lie behind the
-- newest in ledger_anchors.
CREATE TABLE ledger_anchor_history
(
    ledger String,
    size   UInt64,
    leaf   UInt64 COMMENT 'of the operator log',
    note   String
)
ENGINE = ReplacingMergeTree
ORDER BY (ledger, leaf)
AS SELECT ledger, size, leaf, note FROM ledger_anchors FINAL;

-- Checkpoints that a time stamping authority has stamped (RFC 3161): what was stamped, and the authority's answer.
CREATE TABLE ledger_stamps
(
    ledger     String,
    size       UInt64,
    note       String COMMENT 'the checkpoint; its text was stamped',
    response   String COMMENT 'TimeStampResp, DER',
    stamped_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(stamped_at)
ORDER BY (ledger, size);
