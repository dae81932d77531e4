-- What a consent management platform says of itself, per day, to be put beside our own counts. Written by the api; the newest
-- row of a site and source is it.
CREATE TABLE aggregates
(
    site    String,
    source  LowCardinality(String) COMMENT 'didomi, usercentrics, onetrust, cookiebot, other',
    made_at DateTime64(3, 'UTC') COMMENT 'rises with each row of a site and source',
    body    String COMMENT 'JSON; empty: taken away' CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(made_at)
ORDER BY (site, source);
